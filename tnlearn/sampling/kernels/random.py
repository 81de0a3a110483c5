"""Random numbers inside the kernels: xoshiro256++, one stream for every chain.

Source: D. Blackman and S. Vigna, ACM Trans. Math. Softw. 47, 36 (2021).
"""

from __future__ import annotations

import numpy as np

from tnlearn.compiling import kernel

#: Numbers that decide have 53 bits, so that a probability as a float is a whole threshold.
SCALE = 2.0**53

#: Numbers drawn from a stream at once, while it is in the registers.
AHEAD = 4

_11, _17, _19 = np.uint64(11), np.uint64(17), np.uint64(19)
_23, _41, _45 = np.uint64(23), np.uint64(41), np.uint64(45)


@kernel
def following(a, b, c, d):
    """The next 64 random bits of a stream, and the stream after them."""
    total = a + d
    number = ((total << _23) | (total >> _41)) + a
    shifted = b << _17
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << _45) | (d >> _19)
    return number, a, b, c, d


@kernel
def drawn(streams, column):
    """The next number of 53 bits of one stream, which moves on."""
    number, a, b, c, d = following(
        streams[0, column], streams[1, column], streams[2, column], streams[3, column]
    )
    streams[0, column], streams[1, column] = a, b
    streams[2, column], streams[3, column] = c, d
    return number >> _11


@kernel
def fill(numbers, first, second, third, fourth, dropped):
    """One number from every stream, without its last `dropped` bits; the streams move on."""
    for k in range(first.size):
        number, a, b, c, d = following(first[k], second[k], third[k], fourth[k])
        numbers[k] = number >> dropped
        first[k], second[k], third[k], fourth[k] = a, b, c, d


# While a stream is in the registers, more of its numbers cost little.


@kernel
def fill_ahead(numbers, first, second, third, fourth):
    """`AHEAD` numbers of 53 bits from every stream: all first ones, then all second ones, ..."""
    count = first.size
    for k in range(count):
        a, b, c, d = first[k], second[k], third[k], fourth[k]
        number, a, b, c, d = following(a, b, c, d)
        numbers[k] = number >> _11
        number, a, b, c, d = following(a, b, c, d)
        numbers[k + count] = number >> _11
        number, a, b, c, d = following(a, b, c, d)
        numbers[k + 2 * count] = number >> _11
        number, a, b, c, d = following(a, b, c, d)
        numbers[k + 3 * count] = number >> _11
        first[k], second[k], third[k], fourth[k] = a, b, c, d
