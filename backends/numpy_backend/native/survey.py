"""Packing: logarithms become numbers, magnitudes are bounded, all in one pass over one array."""

from __future__ import annotations

import math

import numpy as np
from numba import int64, njit

from tnlearn_backends.numpy_backend.native.columns import (
    CHECK,
    CONJ,
    COUNT,
    ENTRIES,
    EXPONENT,
    HIGH,
    LEAST_POWER,
    LOGS,
    LOW,
    NONNEGATIVE,
    SPREAD,
    STARTS,
    SURVEYED,
)
from tnlearn_backends.numpy_backend.native.intrinsics import (
    moved,
    peek,
    pointer_at,
    poke,
    power_of_two,
)
from tnlearn_backends.numpy_backend.native.loops import (
    FAST,
    exponent_of,
    extent,
    multiply,
)

#: Powers of two within which the largest entry of an input is left as it is.
SLACK = 64
LN2 = math.log(2.0)
#: ln 2 in two parts, the first with so few bits that its multiples by an exponent are exact.
LN2_HIGH = 0.693145751953125
LN2_LOW = 1.42860682030941723212e-6


@njit(nogil=True)
def survey(header, real, width):
    """Bring packed inputs into the form the engine computes with; False if that cannot be done.

    Logarithms become numbers, whose largest is taken out as a power of two. It cannot be done if
    an entry is not finite, or the entries of one input are too far apart.

    Parameters
    ----------
    header : pointer to int64
        See `columns`.
    real : numba type
        Of the real and imaginary parts of the entries.
    width : int
        Real numbers in an entry.
    """
    everything = pointer_at(peek(header, ENTRIES), real)
    starts = pointer_at(peek(header, STARTS), int64)
    logs, conj = pointer_at(peek(header, LOGS), int64), pointer_at(peek(header, CONJ), int64)
    table = pointer_at(peek(header, SURVEYED), int64)
    check, least = peek(header, CHECK) == 1, peek(header, LEAST_POWER)
    together = moved(table, 4 * peek(header, COUNT))
    poke(together, EXPONENT, 0)
    poke(together, LOW, 0)
    poke(together, HIGH, 0)
    poke(together, NONNEGATIVE, 1)
    for k in range(peek(header, COUNT)):
        x = moved(everything, width * peek(starts, k))
        size = width * (peek(starts, k + 1) - peek(starts, k))
        exponent = 0
        if peek(logs, k) == 1:
            fine, exponent = _exponentials(x, size, width, check, peek(header, SPREAD))
            if not fine:
                return False
        elif check and not _finite(x, size):
            return False
        if peek(conj, k) == 1:
            for v in range(1, size, 2):
                poke(x, v, -peek(x, v))
        row = moved(table, 4 * k)
        if not _look(x, size, exponent, least, row):
            return False
        poke(row, NONNEGATIVE, 1 if width == 1 and not _negative(x, size) else 0)
        _join(together, row)
    return True


@njit(nogil=True)
def _look(x, size, exponent, least, row):
    """The range of an input, brought near one; False if it is too wide."""
    largest, smallest, _ = extent(x, size)
    low = high = 0
    if largest > 0:
        high = exponent_of(largest)
        low = exponent_of(smallest) - 1
        if low - high < least:
            return False
        if abs(high) > SLACK:
            multiply(x, size, power_of_two(-(high // 2)), power_of_two(high // 2 - high))
            exponent += high
            low, high = low - high, 0
    poke(row, EXPONENT, exponent)
    poke(row, LOW, low)
    poke(row, HIGH, high)
    return True


@njit(nogil=True)
def _join(together, row):
    """The range of the product of all inputs, one more among them."""
    if peek(row, EXPONENT) != 0:
        poke(together, EXPONENT, 1)
    poke(together, LOW, peek(together, LOW) + min(peek(row, LOW), 0))
    poke(together, HIGH, peek(together, HIGH) + max(peek(row, HIGH), 0))
    poke(together, NONNEGATIVE, peek(together, NONNEGATIVE) & peek(row, NONNEGATIVE))


@njit(fastmath=FAST, nogil=True)
def _finite(x, size):
    total = peek(x, 0) * 0
    for v in range(size):
        total += peek(x, v) * 0
    return total == 0


@njit(fastmath=FAST, nogil=True)
def _negative(x, size):
    count = 0
    for v in range(size):
        count += 1 if peek(x, v) < 0 else 0
    return count > 0


@njit(nogil=True)
def _exponentials(x, size, width, check, spread):
    """Exponentials in place, a power of two taken out of all."""
    top, bottom = -np.inf, np.inf
    for v in range(0, size, width):
        value = float(peek(x, v))
        if check and not value < np.inf:
            return False, 0
        top = max(top, value)
        if value > -np.inf:
            bottom = min(bottom, value)
    if top - bottom > spread * LN2:
        return False, 0
    power = math.floor(top / LN2) if top > -np.inf else 0
    for v in range(0, size, width):
        value = (float(peek(x, v)) - power * LN2_HIGH) - power * LN2_LOW
        poke(x, v, math.exp(value))
    return True, power
