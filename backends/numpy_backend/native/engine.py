"""The tape, run: every step in native code, with the range of every tensor kept in sight."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from tnlearn_backends.numpy_backend.native.columns import (
    CANCELS,
    DONE,
    EXPONENT,
    FILLS,
    FIRST,
    FIRST_AT,
    FIRST_IN,
    FIRST_SIZE,
    GROWTH,
    HIGH,
    INPUTS,
    KIND,
    LOOPS,
    LOW,
    NONNEGATIVE,
    PAIRED,
    POOL,
    SCALED,
    SECOND,
    SECOND_AT,
    SECOND_IN,
    SHAPE,
    SUM,
    SUMMED,
    TARGET,
    TARGET_AT,
    TARGET_IN,
    TARGET_SIZE,
    WIDTH,
)
from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, pointer_to, poke
from tnlearn_backends.numpy_backend.native.loops import (
    BLOCK,
    extent,
    matrix_product,
    multiply,
    paired_runs,
    scaled_runs,
    strided_runs,
    sum_of_runs,
)

#: Dimensions of a nest of loops; a tensor cannot have more axes that fit in memory.
DEPTH = 128


class Memory(NamedTuple):
    """Pointers to the three arrays in which tensors are, and to them as real numbers."""

    arena: int
    inputs: int
    results: int
    real_arena: int
    real_results: int
    ranges: int
    pool: int
    shapes: int
    one: int
    counter: int


@njit(nogil=True, cache=True)
def run(  # type: ignore[no-untyped-def]
    tape, pool, shapes, first, last, arena, inputs, results, reals, ranges, limits, gemm, one
):
    """Run the rows from `first` to `last`; `DONE`, or the row that needs more care.

    Parameters
    ----------
    tape : array of int64, shape (steps, WIDTH)
    pool : array of int64
        Loops: strides, sizes and offsets.
    shapes : array of int32, shape (products, 8)
        For BLAS.
    first, last : int
    arena, inputs, results : arrays of the program's dtype
        Where tensors are.
    reals : tuple of arrays
        The arena and the results as real numbers.
    ranges : array of int64, shape (slots, 4)
        Exponents and bounds, filled for the inputs and the seed.
    limits : tuple of int
        Least and greatest power of two of a normal number, and bits of a mantissa.
    gemm : int
        The address of BLAS's matrix product.
    one : array
        The numbers 1 and 0.
    """
    counter = np.zeros(DEPTH, np.int64)
    memory = Memory(
        pointer_to(arena),
        pointer_to(inputs),
        pointer_to(results),
        pointer_to(reals[0]),
        pointer_to(reals[1]),
        pointer_to(ranges),
        pointer_to(pool),
        pointer_to(shapes),
        pointer_to(one),
        pointer_to(counter),
    )
    width = arena.itemsize // reals[0].itemsize
    rows = pointer_to(tape)
    for row in range(first, last):
        step = moved(rows, WIDTH * row)
        if peek(step, KIND) == SUM:
            fine = _add(step, memory, limits)
        else:
            fine = _product(step, memory, limits, gemm, width)
        if not fine:
            return row
    return DONE


@njit(nogil=True, cache=True)
def _product(step, memory, limits, gemm, width):  # type: ignore[no-untyped-def]
    least, greatest, bits = limits
    growth = peek(step, GROWTH)
    x = moved(memory.ranges, 4 * peek(step, FIRST))
    two = peek(step, SECOND) >= 0
    y = moved(memory.ranges, 4 * max(peek(step, SECOND), 0))
    looked = False
    if two:
        if peek(x, HIGH) + peek(y, HIGH) + growth > greatest:
            slack = greatest // 4
            if not _measured(step, FIRST, slack, memory, least, width):
                return False
            if not _measured(step, SECOND, slack, memory, least, width):
                return False
        if peek(x, LOW) + peek(y, LOW) < least:
            if not _measured(step, FIRST, 0, memory, least, width):
                return False
            if not _measured(step, SECOND, 0, memory, least, width):
                return False
            looked = peek(x, LOW) + peek(y, LOW) < least
    elif peek(x, HIGH) + growth > greatest:
        if not _measured(step, FIRST, greatest // 4, memory, least, width):
            return False

    c = moved(_array(memory, peek(step, TARGET_IN)), peek(step, TARGET_AT))
    a = moved(_array(memory, peek(step, FIRST_IN)), peek(step, FIRST_AT))
    b = memory.one
    if two:
        b = moved(_array(memory, peek(step, SECOND_IN)), peek(step, SECOND_AT))
    if peek(step, FILLS) == 1:
        zero = peek(memory.one, 1)
        for v in range(peek(step, TARGET_SIZE)):
            poke(c, v, zero)
    loops = moved(memory.pool, peek(step, POOL))
    if peek(step, KIND) == LOOPS:
        _loops(c, a, b, loops, memory.counter, memory.one)
    else:
        shape = moved(memory.shapes, 8 * peek(step, SHAPE))
        _matrices(c, a, b, loops, memory.counter, shape, gemm, memory.one)

    z = moved(memory.ranges, 4 * peek(step, TARGET))
    low, high, exponent = peek(x, LOW), peek(x, HIGH), peek(x, EXPONENT)
    nonnegative = peek(x, NONNEGATIVE)
    loss = bits
    if two:
        low += peek(y, LOW)
        high += peek(y, HIGH)
        exponent += peek(y, EXPONENT)
        nonnegative &= peek(y, NONNEGATIVE)
        loss = 2 * bits
    if nonnegative == 0 and peek(step, CANCELS) == 1:
        # Terms may cancel, but sums of multiples of some 2**p are themselves multiples of it.
        low -= loss
    if looked:
        # Terms may have been flushed to zero: no harm, if every entry is far above them.
        real = _real(memory, peek(step, TARGET_IN))
        at = moved(real, width * peek(step, TARGET_AT))
        _, smallest, zero = extent(at, width * peek(step, TARGET_SIZE))
        if zero or not smallest >= math.ldexp(1.0, least + bits + growth):
            return False
        low = math.frexp(smallest)[1] - 1
    poke(z, EXPONENT, exponent)
    poke(z, LOW, low)
    poke(z, HIGH, high + growth)
    poke(z, NONNEGATIVE, nonnegative)
    return True


@njit(nogil=True, cache=True)
def _array(memory, space):  # type: ignore[no-untyped-def]
    if space == INPUTS:
        return memory.inputs
    return memory.arena if space < INPUTS else memory.results


@njit(nogil=True, cache=True)
def _real(memory, space):  # type: ignore[no-untyped-def]
    return memory.real_arena if space < INPUTS else memory.real_results


@njit(nogil=True, cache=True)
def _measured(step, which, slack, memory, least, width):  # type: ignore[no-untyped-def]
    """Exact bounds, and the largest entry within ``2**slack`` of one; inputs are so already."""
    space = peek(step, which + FIRST_IN - FIRST)
    if space == INPUTS:
        return True
    at = peek(step, which + FIRST_AT - FIRST)
    size = width * peek(step, which + FIRST_SIZE - FIRST)
    real = moved(_real(memory, space), width * at)
    ranges = moved(memory.ranges, 4 * peek(step, which))
    largest, smallest, _ = extent(real, size)
    if largest == 0:
        poke(ranges, LOW, 0)
        poke(ranges, HIGH, 0)
        return True
    top = math.frexp(largest)[1]
    bottom = math.frexp(smallest)[1] - 1
    if bottom - top < least:
        return False
    if abs(top) <= slack:
        poke(ranges, LOW, bottom)
        poke(ranges, HIGH, top)
        return True
    multiply(real, size, math.ldexp(1.0, -(top // 2)), math.ldexp(1.0, top // 2 - top))
    poke(ranges, EXPONENT, peek(ranges, EXPONENT) + top)
    poke(ranges, LOW, bottom - top)
    poke(ranges, HIGH, 0)
    return True


@njit(nogil=True, cache=True)
def _loops(c, a, b, loops, counter, one):  # type: ignore[no-untyped-def]
    """A nest of loops around a table of offsets around an inner loop: see `forms`."""
    mode, depth, count = peek(loops, 0), peek(loops, 1), peek(loops, 2)
    terms, n = peek(loops, 3), peek(loops, 4)
    sa, sb, sc = peek(loops, 5), peek(loops, 6), peek(loops, 7)
    dims = moved(loops, 8)
    table = moved(dims, 4 * depth)
    ka = moved(table, 3 * count)
    kb = moved(ka, terms)
    width = n if mode > PAIRED or (terms <= 2 and count == 1) else BLOCK
    for d in range(depth):
        poke(counter, d, 0)
    while True:
        start = 0
        while start < n:
            run = min(width, n - start)
            for j in range(count):
                aj = moved(a, peek(table, j) + start * sa)
                bj = moved(b, peek(table, count + j) + start * sb)
                cj = moved(c, peek(table, 2 * count + j) + start * sc)
                if mode == SCALED:
                    scaled_runs(cj, aj, bj, run, terms, ka, kb)
                elif mode == PAIRED:
                    paired_runs(cj, aj, bj, run, terms, ka, kb)
                elif mode == SUMMED:
                    poke(cj, 0, sum_of_runs(peek(one, 1), aj, sa, bj, sb, run, terms, ka, kb))
                else:
                    strided_runs(cj, sc, aj, sa, bj, sb, run, terms, ka, kb)
            start += run
        d = depth - 1
        while d >= 0:
            dim = moved(dims, 4 * d)
            size, da, db, dc = peek(dim, 0), peek(dim, 1), peek(dim, 2), peek(dim, 3)
            position = peek(counter, d) + 1
            if position < size:
                poke(counter, d, position)
                a, b, c = moved(a, da), moved(b, db), moved(c, dc)
                break
            poke(counter, d, 0)
            size -= 1
            a, b, c = moved(a, -size * da), moved(b, -size * db), moved(c, -size * dc)
            d -= 1
        if d < 0:
            return


@njit(nogil=True, cache=True)
def _matrices(c, a, b, loops, counter, shape, gemm, one):  # type: ignore[no-untyped-def]
    """A nest of loops around a matrix product; the innermost `sums` of them add to the target."""
    depth, sums = peek(loops, 0), peek(loops, 1)
    dims = moved(loops, 2)
    for d in range(depth):
        poke(counter, d, 0)
    while True:
        kept = 0
        for d in range(depth - sums, depth):
            if peek(counter, d) > 0:
                kept = 1
        matrix_product(gemm, c, a, b, shape, kept, one)
        d = depth - 1
        while d >= 0:
            dim = moved(dims, 4 * d)
            size, da, db, dc = peek(dim, 0), peek(dim, 1), peek(dim, 2), peek(dim, 3)
            position = peek(counter, d) + 1
            if position < size:
                poke(counter, d, position)
                a, b, c = moved(a, da), moved(b, db), moved(c, dc)
                break
            poke(counter, d, 0)
            size -= 1
            a, b, c = moved(a, -size * da), moved(b, -size * db), moved(c, -size * dc)
            d -= 1
        if d < 0:
            return


@njit(nogil=True, cache=True)
def _add(step, memory, limits):  # type: ignore[no-untyped-def]
    """The sum of tensors that lie alike, brought to the largest of their exponents."""
    least, greatest, bits = limits
    parts = moved(memory.pool, peek(step, POOL) + 1)
    count = peek(parts, -1)
    top = peek(memory.ranges, 4 * peek(parts, 0) + EXPONENT)
    for k in range(1, count):
        top = max(top, peek(memory.ranges, 4 * peek(parts, 4 * k) + EXPONENT))
    low, high, nonnegative = greatest, least, 1
    for k in range(count):
        x = moved(memory.ranges, 4 * peek(parts, 4 * k))
        low = min(low, peek(x, LOW) + peek(x, EXPONENT) - top)
        high = max(high, peek(x, HIGH))
        nonnegative &= peek(x, NONNEGATIVE)
    growth = peek(step, GROWTH)
    if low < least or high + growth > greatest:
        return False
    c = moved(_array(memory, peek(step, TARGET_IN)), peek(step, TARGET_AT))
    size = peek(step, TARGET_SIZE)
    for k in range(count):
        part = moved(parts, 4 * k)
        a = moved(_array(memory, peek(part, 1)), peek(part, 2))
        down = peek(memory.ranges, 4 * peek(part, 0) + EXPONENT) - top
        _accumulate(c, a, size, math.ldexp(1.0, down), k == 0, peek(part, 3) == 1)
    z = moved(memory.ranges, 4 * peek(step, TARGET))
    poke(z, EXPONENT, top)
    poke(z, LOW, low if nonnegative else low - bits)
    poke(z, HIGH, high + growth)
    poke(z, NONNEGATIVE, nonnegative)
    return True


@njit(nogil=True, cache=True)
def _accumulate(c, a, size, factor, fresh, conj):  # type: ignore[no-untyped-def]
    for v in range(size):
        x = peek(a, v) * factor
        if conj:
            x = x.conjugate()
        if not fresh:
            x += peek(c, v)
        poke(c, v, x)
