"""The inner loops: products of a run of entries with few terms, and long sums.

Arguments are pointers to the first entry of the target and of each factor. The terms of a sum
are at offsets that tables in the pool list: `ka` and `kb`, as many as `terms`.
"""

from __future__ import annotations

from numba import njit

from tnlearn_backends.numpy_backend.native.intrinsics import (
    as_entry,
    exponent_bits,
    larger,
    magnitude_bits,
    magnitude_of,
    moved,
    peek,
    plus,
    poke,
    smaller,
)

#: Sums may be reordered; nan and inf keep their meaning. Products are rounded before they are
#: added, so that those that cancel leave exactly nothing.
FAST = {"reassoc", "nsz"}
#: Entries of the result that are worked on before going on to the next: they stay in cache.
BLOCK = 1024


@njit(fastmath=FAST, nogil=True)
def scaled_runs(c, a, b, n, terms, ka, kb):
    """``c[v] = sum_k a[ka[k] + v] b[kb[k]]``: runs of one factor times numbers of the other."""
    k = 2 - terms % 2
    b0 = peek(b, peek(kb, 0))
    a0 = moved(a, peek(ka, 0))
    if k == 1:
        for v in range(n):
            poke(c, v, peek(a0, v) * b0)
    else:
        b1 = peek(b, peek(kb, 1))
        a1 = moved(a, peek(ka, 1))
        for v in range(n):
            poke(c, v, peek(a0, v) * b0 + peek(a1, v) * b1)
    if (terms - k) % 4 == 2:
        b0 = peek(b, peek(kb, k))
        b1 = peek(b, peek(kb, k + 1))
        a0 = moved(a, peek(ka, k))
        a1 = moved(a, peek(ka, k + 1))
        for v in range(n):
            poke(c, v, peek(c, v) + (peek(a0, v) * b0 + peek(a1, v) * b1))
        k += 2
    # Four terms at a time: the target is read and written half as often.
    while k < terms:
        b0 = peek(b, peek(kb, k))
        b1 = peek(b, peek(kb, k + 1))
        b2 = peek(b, peek(kb, k + 2))
        b3 = peek(b, peek(kb, k + 3))
        a0 = moved(a, peek(ka, k))
        a1 = moved(a, peek(ka, k + 1))
        a2 = moved(a, peek(ka, k + 2))
        a3 = moved(a, peek(ka, k + 3))
        for v in range(n):
            x = peek(a0, v) * b0 + peek(a1, v) * b1
            y = peek(a2, v) * b2 + peek(a3, v) * b3
            poke(c, v, peek(c, v) + (x + y))
        k += 4


@njit(fastmath=FAST, nogil=True)
def paired_runs(c, a, b, n, terms, ka, kb):
    """``c[v] = sum_k a[ka[k] + v] b[kb[k] + v]``: runs of both, entry by entry."""
    a0 = moved(a, peek(ka, 0))
    b0 = moved(b, peek(kb, 0))
    for v in range(n):
        poke(c, v, peek(a0, v) * peek(b0, v))
    for k in range(1, terms):
        a0 = moved(a, peek(ka, k))
        b0 = moved(b, peek(kb, k))
        for v in range(n):
            poke(c, v, peek(c, v) + peek(a0, v) * peek(b0, v))


@njit(fastmath=FAST, nogil=True)
def strided_runs(c, sc, a, sa, b, sb, n, terms, ka, kb):
    """``c[v sc] = sum_k a[ka[k] + v sa] b[kb[k] + v sb]``, whatever the strides."""
    for v in range(n):
        av = moved(a, v * sa)
        bv = moved(b, v * sb)
        total = peek(av, peek(ka, 0)) * peek(bv, peek(kb, 0))
        for k in range(1, terms):
            total += peek(av, peek(ka, k)) * peek(bv, peek(kb, k))
        poke(c, v * sc, total)


@njit(fastmath=FAST, nogil=True)
def sum_of_runs(zero, a, sa, b, sb, n, terms, ka, kb):
    """``sum_k sum_v a[ka[k] + v sa] b[kb[k] + v sb]``: one entry of the target."""
    total = zero
    for k in range(terms):
        ak = moved(a, peek(ka, k))
        bk = moved(b, peek(kb, k))
        if sa == 1 and sb == 1:
            for v in range(n):
                total += peek(ak, v) * peek(bk, v)
        elif sa == 1 and sb == 0:
            part = zero
            for v in range(n):
                part += peek(ak, v)
            total += part * peek(bk, 0)
        else:
            for v in range(n):
                total += peek(ak, v * sa) * peek(bk, v * sb)
    return total


@njit(nogil=True)
def extent(x, size):
    """Largest and smallest nonzero magnitude of some real entries, and whether one is zero.

    By their bits: the order of floats without sign is that of integers, and minima and maxima of
    integers vectorise. One less than the bits of a zero is the largest integer there is, so zeros
    stand back by themselves.
    """
    largest = least = magnitude_bits(x, 0)
    smallest = plus(largest, -1)
    for v in range(size):
        bits = magnitude_bits(x, v)
        largest = larger(largest, bits)
        least = smaller(least, bits)
        smallest = smaller(smallest, plus(bits, -1))
    zero = magnitude_of(x, least) == 0
    return magnitude_of(x, largest), magnitude_of(x, plus(smallest, 1)), zero


@njit(nogil=True)
def exponent_of(value):
    """The least power of two above a positive number."""
    bits = exponent_bits(value)
    if bits == 0:
        return exponent_bits(value * 2.0**64) - 1022 - 64
    return bits - 1022


@njit(nogil=True)
def multiply(x, size, first, second):
    """Real entries times two factors: one alone may be beyond the range."""
    one, other = as_entry(x, first), as_entry(x, second)
    for v in range(size):
        poke(x, v, peek(x, v) * one * other)
