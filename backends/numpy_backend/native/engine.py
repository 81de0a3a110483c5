"""The tape, run: every step in native code, with the range of every tensor kept in sight."""

from __future__ import annotations

from typing import NamedTuple

from numba import int32, int64, njit

from tnlearn_backends.numpy_backend.native.columns import (
    ARENA,
    ARENA_AT,
    BEGIN,
    BITS,
    CANCELS,
    COUNTER,
    DONE,
    END,
    EXPONENT,
    FILLS,
    FIRST,
    FIRST_AT,
    FIRST_IN,
    FIRST_SIZE,
    FIRST_SLICE,
    GEMM,
    GREATEST,
    GROWTH,
    HIGH,
    INPUTS,
    INPUTS_AT,
    KIND,
    LAST_SLICE,
    LEAST,
    LOOPS,
    LOOPS_AT,
    LOW,
    MATRICES,
    MIDDLE,
    NONNEGATIVE,
    NOTHING,
    ONE,
    PAIRED,
    POOL,
    RANGES,
    RESULTS,
    RESULTS_AT,
    SCALED,
    SECOND,
    SECOND_AT,
    SECOND_IN,
    SEEDS_AT,
    SHAPE,
    SHAPES_AT,
    SHIFTS,
    SLICED,
    SLICED_SIZES,
    SLICED_STEPS,
    SLOTS,
    SUM,
    SUMMED,
    TAPE,
    TARGET,
    TARGET_AT,
    TARGET_IN,
    TARGET_SIZE,
    TOTALS_AT,
    WIDTH,
)
from tnlearn_backends.numpy_backend.native.intrinsics import (
    address_of,
    moved,
    peek,
    pointer_at,
    poke,
    power_of_two,
)
from tnlearn_backends.numpy_backend.native.loops import (
    BLOCK,
    exponent_of,
    extent,
    matrix_product,
    multiply,
    paired_runs,
    scaled_runs,
    strided_runs,
    sum_of_runs,
)


class Memory(NamedTuple):
    """Pointers to the arrays in which things are."""

    arena: int
    results: int
    inputs: int
    seeds: int
    totals: int
    real_arena: int
    real_results: int
    real_totals: int
    ranges: int
    shifts: int
    pool: int
    shapes: int
    one: int
    counter: int


@njit(nogil=True)
def run(header, kind, real):
    """Run rows of the tape, some of them once for every slice; `DONE`, or the row that gave up.

    Parameters
    ----------
    header : pointer to int64
        See `columns`.
    kind, real : numba types
        Of the entries, and of their real and imaginary parts.
    """
    shifts = pointer_at(peek(header, SHIFTS), int64)
    one = pointer_at(peek(header, ONE), kind)
    memory = Memory(
        pointer_at(peek(header, ARENA_AT), kind),
        pointer_at(peek(header, RESULTS_AT), kind),
        pointer_at(peek(header, INPUTS_AT), kind),
        pointer_at(peek(header, SEEDS_AT), kind),
        pointer_at(peek(header, TOTALS_AT), kind),
        pointer_at(peek(header, ARENA_AT), real),
        pointer_at(peek(header, RESULTS_AT), real),
        pointer_at(peek(header, TOTALS_AT), real),
        pointer_at(peek(header, RANGES), int64),
        shifts,
        pointer_at(peek(header, LOOPS_AT), int64),
        pointer_at(peek(header, SHAPES_AT), int32),
        one,
        pointer_at(peek(header, COUNTER), int64),
    )
    limits = (peek(header, LEAST), peek(header, GREATEST), peek(header, BITS))
    width = (address_of(moved(one, 1)) - address_of(one)) // (
        address_of(moved(memory.real_arena, 1)) - address_of(memory.real_arena)
    )
    rows, gemm = pointer_at(peek(header, TAPE), int64), peek(header, GEMM)
    row = _rows(rows, peek(header, BEGIN), peek(header, MIDDLE), memory, limits, gemm, width)
    for number in range(peek(header, FIRST_SLICE), peek(header, LAST_SLICE)):
        if row != DONE:
            break
        if peek(header, SLICED) > 0:
            begin(number, header, shifts)
        row = _rows(rows, peek(header, MIDDLE), peek(header, END), memory, limits, gemm, width)
    return row


@njit(nogil=True, error_model="numpy")
def begin(number, header, shifts):
    """Where the parts of whole tensors begin in a slice; the last label runs fastest."""
    labels, slots = peek(header, SLICED), peek(header, SLOTS)
    sizes = pointer_at(peek(header, SLICED_SIZES), int64)
    steps = pointer_at(peek(header, SLICED_STEPS), int64)
    for slot in range(slots):
        poke(shifts, slot, 0)
    for k in range(labels - 1, -1, -1):
        position = number % peek(sizes, k)
        number //= peek(sizes, k)
        for slot in range(slots):
            poke(shifts, slot, peek(shifts, slot) + position * peek(steps, slot * labels + k))


@njit(nogil=True)
def _rows(rows, first, last, memory, limits, gemm, width):
    for row in range(first, last):
        step = moved(rows, WIDTH * row)
        if peek(step, KIND) <= MATRICES:
            fine = _product(step, memory, limits, gemm, width)
        elif peek(step, KIND) == SUM:
            fine = _add(step, memory, limits, width)
        else:
            fine = _total(step, memory, limits, width)
        if not fine:
            return row
    return DONE


@njit(nogil=True)
def _product(step, memory, limits, gemm, width):
    """A product, or a sum of one tensor; False if an entry may have been lost."""
    fine, looked = _prepared(step, memory, limits, width)
    if not fine:
        return False
    c = moved(_array(memory, peek(step, TARGET_IN)), peek(step, TARGET_AT))
    first, second = peek(step, FIRST), peek(step, SECOND)
    a = moved(_array(memory, peek(step, FIRST_IN)), peek(step, FIRST_AT))
    a = moved(a, peek(memory.shifts, first))
    b = memory.one
    if second >= 0:
        b = moved(_array(memory, peek(step, SECOND_IN)), peek(step, SECOND_AT))
        b = moved(b, peek(memory.shifts, second))
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
    return _bounded(step, memory, limits, width, looked)


@njit(nogil=True)
def _prepared(step, memory, limits, width):
    """Factors whose products are in range; whether that can be done, and if not for sure."""
    least, greatest, _ = limits
    growth = peek(step, GROWTH)
    x = moved(memory.ranges, 4 * peek(step, FIRST))
    if peek(step, SECOND) < 0:
        if peek(x, HIGH) + growth <= greatest:
            return True, False
        return _measured(step, FIRST, greatest // 4, memory, least, width), False
    y = moved(memory.ranges, 4 * peek(step, SECOND))
    fine = True
    if peek(x, HIGH) + peek(y, HIGH) + growth > greatest:
        slack = greatest // 4
        fine = _measured(step, FIRST, slack, memory, least, width) and fine
        fine = _measured(step, SECOND, slack, memory, least, width) and fine
    if peek(x, LOW) + peek(y, LOW) < least:
        fine = _measured(step, FIRST, 0, memory, least, width) and fine
        fine = _measured(step, SECOND, 0, memory, least, width) and fine
    return fine, peek(x, LOW) + peek(y, LOW) < least


@njit(nogil=True)
def _bounded(step, memory, limits, width, looked):
    """The range of a result; False if terms of it were flushed to zero and may matter."""
    least, _, bits = limits
    growth = peek(step, GROWTH)
    x = moved(memory.ranges, 4 * peek(step, FIRST))
    z = moved(memory.ranges, 4 * peek(step, TARGET))
    low, high, exponent = peek(x, LOW), peek(x, HIGH), peek(x, EXPONENT)
    nonnegative = peek(x, NONNEGATIVE)
    loss = bits
    if peek(step, SECOND) >= 0:
        y = moved(memory.ranges, 4 * peek(step, SECOND))
        low += peek(y, LOW)
        high += peek(y, HIGH)
        exponent += peek(y, EXPONENT)
        nonnegative &= peek(y, NONNEGATIVE)
        loss = 2 * bits
    if nonnegative == 0 and peek(step, CANCELS) == 1:
        # Terms may cancel, but sums of multiples of some 2**p are themselves multiples of it.
        low -= loss
    if looked:
        real = _real(memory, peek(step, TARGET_IN))
        at = moved(real, width * peek(step, TARGET_AT))
        _, smallest, zero = extent(at, width * peek(step, TARGET_SIZE))
        # No harm if every entry is far above the terms that may be missing.
        if zero or not smallest >= power_of_two(least + bits + growth):
            return False
        low = exponent_of(smallest) - 1
    poke(z, EXPONENT, exponent)
    poke(z, LOW, low)
    poke(z, HIGH, high + growth)
    poke(z, NONNEGATIVE, nonnegative)
    return True


@njit(nogil=True)
def _array(memory, space):
    if space <= RESULTS:
        return memory.arena if space == ARENA else memory.results
    return memory.inputs if space == INPUTS else memory.seeds


@njit(nogil=True)
def _real(memory, space):
    return memory.real_arena if space == ARENA else memory.real_results


@njit(nogil=True)
def _measured(step, which, slack, memory, least, width):
    """Exact bounds, and the largest entry near one; tensors that are only read are so already."""
    space = peek(step, which + FIRST_IN - FIRST)
    at = peek(step, which + FIRST_AT - FIRST)
    size = peek(step, which + FIRST_SIZE - FIRST)
    return _measure(peek(step, which), space, at, size, slack, memory, least, width)


@njit(nogil=True)
def _measure(slot, space, at, size, slack, memory, least, width):
    """The same for a slot that lies there."""
    if space > RESULTS:
        return True
    size *= width
    real = moved(_real(memory, space), width * at)
    ranges = moved(memory.ranges, 4 * slot)
    largest, smallest, _ = extent(real, size)
    if largest == 0:
        poke(ranges, LOW, 0)
        poke(ranges, HIGH, 0)
        return True
    top = exponent_of(largest)
    bottom = exponent_of(smallest) - 1
    if bottom - top < least:
        return False
    if abs(top) <= slack:
        poke(ranges, LOW, bottom)
        poke(ranges, HIGH, top)
        return True
    multiply(real, size, power_of_two(-(top // 2)), power_of_two(top // 2 - top))
    poke(ranges, EXPONENT, peek(ranges, EXPONENT) + top)
    poke(ranges, LOW, bottom - top)
    poke(ranges, HIGH, 0)
    return True


@njit(nogil=True)
def _advanced(a, b, c, dims, depth, counter):
    """The next position of a nest of loops, the last one fastest; whether it is over."""
    d = depth - 1
    while d >= 0:
        dim = moved(dims, 4 * d)
        size, da, db, dc = peek(dim, 0), peek(dim, 1), peek(dim, 2), peek(dim, 3)
        position = peek(counter, d) + 1
        if position < size:
            poke(counter, d, position)
            return moved(a, da), moved(b, db), moved(c, dc), False
        poke(counter, d, 0)
        back = size - 1
        a, b, c = moved(a, -back * da), moved(b, -back * db), moved(c, -back * dc)
        d -= 1
    return a, b, c, True


@njit(nogil=True)
def _loops(c, a, b, loops, counter, one):
    """A nest of loops around a table of offsets around an inner loop: see `forms`."""
    depth, count, terms = peek(loops, 1), peek(loops, 2), peek(loops, 3)
    dims = moved(loops, 8)
    table = moved(dims, 4 * depth)
    # The last loop of the nest is a plain one: the counter of the others is slow to turn.
    turns = da = db = dc = 0
    if depth > 0:
        depth -= 1
        last = moved(dims, 4 * depth)
        turns, da, db, dc = peek(last, 0), peek(last, 1), peek(last, 2), peek(last, 3)
    over = False
    while not over:
        aw, bw, cw = a, b, c
        for _ in range(max(turns, 1)):
            _table(cw, aw, bw, loops, table, count, terms, one)
            aw, bw, cw = moved(aw, da), moved(bw, db), moved(cw, dc)
        a, b, c, over = _advanced(a, b, c, dims, depth, counter)


@njit(nogil=True)
def _table(c, a, b, loops, table, count, terms, one):
    """The inner loop at every offset of a table, block by block."""
    mode, n, sa, sb, sc = (
        peek(loops, 0),
        peek(loops, 4),
        peek(loops, 5),
        peek(loops, 6),
        peek(loops, 7),
    )
    ka = moved(table, 3 * count)
    kb = moved(ka, terms)
    width = n if mode > PAIRED or (terms <= 2 and count == 1) else BLOCK
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


@njit(nogil=True)
def _matrices(c, a, b, loops, counter, shape, gemm, one):
    """A nest of loops around a matrix product; the innermost `sums` of them add to the target."""
    depth, sums = peek(loops, 0), peek(loops, 1)
    dims = moved(loops, 2)
    over = False
    while not over:
        kept = 0
        for d in range(depth - sums, depth):
            if peek(counter, d) > 0:
                kept = 1
        matrix_product(gemm, c, a, b, shape, kept, one)
        a, b, c, over = _advanced(a, b, c, dims, depth, counter)


@njit(nogil=True)
def _add(step, memory, limits, width):
    """The sum of tensors that lie alike, brought to the largest of their exponents."""
    least, greatest, bits = limits
    parts = moved(memory.pool, peek(step, POOL) + 1)
    count, growth, size = peek(parts, -1), peek(step, GROWTH), peek(step, TARGET_SIZE)
    top, low, high, nonnegative = _together(parts, count, memory)
    if low < least or high + growth > greatest:
        for k in range(count):
            slot, space, at = peek(parts, 4 * k), peek(parts, 4 * k + 1), peek(parts, 4 * k + 2)
            if not _measure(slot, space, at, size, 0, memory, least, width):
                return False
        top, low, high, nonnegative = _together(parts, count, memory)
        if low < least:
            return False
    c = moved(_array(memory, peek(step, TARGET_IN)), peek(step, TARGET_AT))
    for k in range(count):
        part = moved(parts, 4 * k)
        a = moved(_array(memory, peek(part, 1)), peek(part, 2))
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
def _total(step, memory, limits, width):
    """Add what a slice found to its part of a total, in place."""
    least, greatest, bits = limits
    x = moved(memory.ranges, 4 * peek(step, FIRST))
    z = moved(memory.ranges, 4 * peek(step, TARGET))
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
    a = moved(_array(memory, peek(step, FIRST_IN)), peek(step, FIRST_AT))
    if peek(x, EXPONENT) - top < least:
        return False
    factor = power_of_two(peek(x, EXPONENT) - top)
    loops = moved(memory.pool, peek(step, POOL))
    depth, n, sa, sc = peek(loops, 0), peek(loops, 1), peek(loops, 2), peek(loops, 3)
    over, b = False, memory.one
    while not over:
        for v in range(n):
            poke(c, v * sc, peek(c, v * sc) + peek(a, v * sa) * factor)
        a, b, c, over = _advanced(a, b, c, moved(loops, 4), depth, memory.counter)
    poke(z, EXPONENT, top)
    poke(z, LOW, low)
    poke(z, HIGH, high)
    poke(z, NONNEGATIVE, nonnegative)
    return True
