"""Sums of tensors that lie alike, and of slices, at the largest of their exponents."""

from __future__ import annotations

from numba import njit

from tnlearn_backends.numpy_backend.native.columns import (
    EXPONENT,
    FIRST,
    FIRST_AT,
    FIRST_IN,
    FIRST_SIZE,
    GROWTH,
    HIGH,
    LOW,
    NONNEGATIVE,
    NOTHING,
    POOL,
    TARGET,
    TARGET_AT,
    TARGET_IN,
    TARGET_SIZE,
)
from tnlearn_backends.numpy_backend.native.intrinsics import (
    moved,
    peek,
    poke,
    power_of_two,
)
from tnlearn_backends.numpy_backend.native.loops import (
    exponent_of,
    extent,
    multiply,
)
from tnlearn_backends.numpy_backend.native.memory import (
    array_of,
)
from tnlearn_backends.numpy_backend.native.nests import (
    advanced,
)
from tnlearn_backends.numpy_backend.native.ranges import (
    measure,
)


@njit(nogil=True)
def add(step, memory, limits, width):
    """The sum of tensors that lie alike, brought to the largest of their exponents."""
    least, greatest, bits = limits
    parts = moved(memory.pool, peek(step, POOL) + 1)
    count, growth, size = peek(parts, -1), peek(step, GROWTH), peek(step, TARGET_SIZE)
    top, low, high, nonnegative = _together(parts, count, memory)
    if low < least or high + growth > greatest:
        for k in range(count):
            slot, space, at = peek(parts, 4 * k), peek(parts, 4 * k + 1), peek(parts, 4 * k + 2)
            if not measure(slot, space, at, size, 0, memory, least, width):
                return False
        top, low, high, nonnegative = _together(parts, count, memory)
        if low < least:
            return False
    c = moved(array_of(memory, peek(step, TARGET_IN)), peek(step, TARGET_AT))
    for k in range(count):
        part = moved(parts, 4 * k)
        a = moved(array_of(memory, peek(part, 1)), peek(part, 2))
        down = peek(memory.ranges, 4 * peek(part, 0) + EXPONENT) - top
        if down < least:
            return False
        _accumulate(c, a, size, power_of_two(down), k == 0, peek(part, 3) == 1)
    z = moved(memory.ranges, 4 * peek(step, TARGET))
    poke(z, EXPONENT, top)
    poke(z, LOW, low if nonnegative else low - bits)
    poke(z, HIGH, high + growth)
    poke(z, NONNEGATIVE, nonnegative)
    return True


@njit(nogil=True)
def add_calmly(step, memory):
    """The same of tensors whose exponents are all 0."""
    parts = moved(memory.pool, peek(step, POOL) + 1)
    c = moved(array_of(memory, peek(step, TARGET_IN)), peek(step, TARGET_AT))
    for k in range(peek(parts, -1)):
        part = moved(parts, 4 * k)
        a = moved(array_of(memory, peek(part, 1)), peek(part, 2))
        _accumulate(c, a, peek(step, TARGET_SIZE), 1.0, k == 0, peek(part, 3) == 1)


@njit(nogil=True)
def _together(parts, count, memory):
    """The largest exponent of some tensors, and the range of all of them at that exponent."""
    top = peek(memory.ranges, 4 * peek(parts, 0) + EXPONENT)
    for k in range(1, count):
        top = max(top, peek(memory.ranges, 4 * peek(parts, 4 * k) + EXPONENT))
    x = moved(memory.ranges, 4 * peek(parts, 0))
    low, high, nonnegative = peek(x, LOW) + peek(x, EXPONENT) - top, peek(x, HIGH), 1
    for k in range(count):
        x = moved(memory.ranges, 4 * peek(parts, 4 * k))
        low = min(low, peek(x, LOW) + peek(x, EXPONENT) - top)
        high = max(high, peek(x, HIGH))
        nonnegative &= peek(x, NONNEGATIVE)
    return top, low, high, nonnegative


@njit(nogil=True)
def _accumulate(c, a, size, factor, fresh, conj):
    for v in range(size):
        x = peek(a, v) * factor
        if conj:
            x = x.conjugate()
        if not fresh:
            x += peek(c, v)
        poke(c, v, x)


@njit(nogil=True)
def add_to_total(step, memory, limits, width):
    """Add what a slice found to its part of a total, in place."""
    least, greatest, bits = limits
    x = moved(memory.ranges, 4 * peek(step, FIRST))
    z = moved(memory.ranges, 4 * peek(step, TARGET))
    top = max(peek(x, EXPONENT), peek(z, EXPONENT))
    if peek(x, LOW) + peek(x, EXPONENT) - top - bits < least:
        # Bounds are known to be far too wide after many products of numbers of both signs.
        slot, space, at = peek(step, FIRST), peek(step, FIRST_IN), peek(step, FIRST_AT)
        if not measure(slot, space, at, peek(step, FIRST_SIZE), 0, memory, least, width):
            return False
        top = max(peek(x, EXPONENT), peek(z, EXPONENT))
    low, high = peek(x, LOW) + peek(x, EXPONENT) - top, peek(x, HIGH)
    nonnegative = peek(x, NONNEGATIVE)
    # Sums of multiples of some 2**p are themselves multiples of it.
    low -= 0 if nonnegative else bits
    whole = moved(memory.real_totals, width * peek(step, TARGET_AT))
    size = width * peek(step, TARGET_SIZE)
    if peek(z, EXPONENT) > NOTHING:
        down = peek(z, EXPONENT) - top
        both = nonnegative & peek(z, NONNEGATIVE)
        low = min(low, peek(z, LOW) + down - (bits if both < peek(z, NONNEGATIVE) else 0))
        high, nonnegative = max(high, peek(z, HIGH)) + 1, both
        if high > greatest:
            largest, _, _ = extent(whole, size)
            high = max(peek(x, HIGH), exponent_of(largest)) + 1
        if low < least or high > greatest or down < least:
            return False
        if down < 0:
            multiply(whole, size, power_of_two(down), 1.0)
    c = moved(memory.totals, peek(step, TARGET_AT) + peek(memory.shifts, peek(step, TARGET)))
    a = moved(array_of(memory, peek(step, FIRST_IN)), peek(step, FIRST_AT))
    if peek(x, EXPONENT) - top < least:
        return False
    factor = power_of_two(peek(x, EXPONENT) - top)
    loops = moved(memory.pool, peek(step, POOL))
    depth, n, sa, sc = peek(loops, 0), peek(loops, 1), peek(loops, 2), peek(loops, 3)
    over, b = False, memory.one
    while not over:
        for v in range(n):
            poke(c, v * sc, peek(c, v * sc) + peek(a, v * sa) * factor)
        a, b, c, over = advanced(a, b, c, moved(loops, 4), depth, memory.counter, 1)
    poke(z, EXPONENT, top)
    poke(z, LOW, low)
    poke(z, HIGH, high)
    poke(z, NONNEGATIVE, nonnegative)
    return True
