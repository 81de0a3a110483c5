"""The tape, run: every step in native code, with the range of every tensor kept in sight."""

from __future__ import annotations

from numba import int64, njit

from tnlearn_backends.numpy_backend.native.columns import (
    ARENA_AT,
    BEGIN,
    BITS,
    COUNTER,
    DONE,
    END,
    FILLS,
    FIRST,
    FIRST_AT,
    FIRST_IN,
    FIRST_SLICE,
    GREATEST,
    INPUTS_AT,
    KIND,
    LAST_SLICE,
    LEAST,
    LOOPS,
    LOOPS_AT,
    MIDDLE,
    ONE,
    PANELS,
    POOL,
    RANGES,
    RESULTS_AT,
    SECOND,
    SECOND_AT,
    SECOND_IN,
    SEEDS_AT,
    SHIFTS,
    SLICED,
    SLICED_SIZES,
    SLICED_STEPS,
    SLOTS,
    STRIDES,
    SUM,
    TAPE,
    TARGET_AT,
    TARGET_IN,
    TARGET_SIZE,
    TOTALS_AT,
    WIDTH,
    WORK_AT,
)
from tnlearn_backends.numpy_backend.native.intrinsics import (
    address_of,
    as_real,
    moved,
    peek,
    pointer_at,
    poke,
)
from tnlearn_backends.numpy_backend.native.memory import (
    Memory,
    array_of,
)
from tnlearn_backends.numpy_backend.native.nests import (
    run_loops,
)
from tnlearn_backends.numpy_backend.native.panels import (
    run_panels,
)
from tnlearn_backends.numpy_backend.native.ranges import (
    bounded,
    prepared,
)
from tnlearn_backends.numpy_backend.native.sums import (
    add,
    add_to_total,
)


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
        pointer_at(peek(header, WORK_AT), real),
        pointer_at(peek(header, STRIDES), int64),
        one,
        pointer_at(peek(header, COUNTER), int64),
    )
    limits = (peek(header, LEAST), peek(header, GREATEST), peek(header, BITS))
    width = (address_of(moved(one, 1)) - address_of(one)) // (
        address_of(moved(memory.real_arena, 1)) - address_of(memory.real_arena)
    )
    rows = pointer_at(peek(header, TAPE), int64)
    row = _rows(rows, peek(header, BEGIN), peek(header, MIDDLE), memory, limits, width)
    for number in range(peek(header, FIRST_SLICE), peek(header, LAST_SLICE)):
        if row != DONE:
            break
        if peek(header, SLICED) > 0:
            begin(number, header, shifts)
        row = _rows(rows, peek(header, MIDDLE), peek(header, END), memory, limits, width)
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
def _rows(rows, first, last, memory, limits, width):
    for row in range(first, last):
        step = moved(rows, WIDTH * row)
        if peek(step, KIND) <= PANELS:
            fine = _product(step, memory, limits, width)
        elif peek(step, KIND) == SUM:
            fine = add(step, memory, limits, width)
        else:
            fine = add_to_total(step, memory, limits, width)
        if not fine:
            return row
    return DONE


@njit(nogil=True)
def _product(step, memory, limits, width):
    """A product, or a sum of one tensor; False if an entry may have been lost."""
    fine, looked = prepared(step, memory, limits, width)
    if not fine:
        return False
    c = moved(array_of(memory, peek(step, TARGET_IN)), peek(step, TARGET_AT))
    first, second = peek(step, FIRST), peek(step, SECOND)
    a = moved(array_of(memory, peek(step, FIRST_IN)), peek(step, FIRST_AT))
    a = moved(a, peek(memory.shifts, first))
    b = memory.one
    if second >= 0:
        b = moved(array_of(memory, peek(step, SECOND_IN)), peek(step, SECOND_AT))
        b = moved(b, peek(memory.shifts, second))
    if peek(step, FILLS) == 1:
        zero = peek(memory.one, 1)
        for v in range(peek(step, TARGET_SIZE)):
            poke(c, v, zero)
    loops = moved(memory.pool, peek(step, POOL))
    if peek(step, KIND) == LOOPS:
        run_loops(c, a, b, loops, memory.counter, memory.one)
    else:
        c, a, b = as_real(c, memory.work), as_real(a, memory.work), as_real(b, memory.work)
        run_panels(c, a, b, loops, memory.counter, memory.work, memory.strides, width)
    return bounded(step, memory, limits, width, looked)
