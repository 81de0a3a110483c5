"""The tape, run: every step in native code, with the range of every tensor kept in sight."""

from __future__ import annotations

from numba import int64, njit

from tnlearn_backends.numpy_backend.native.columns import (
    BEGIN,
    BITS,
    DONE,
    END,
    FILLS,
    FIRST_SLICE,
    GREATEST,
    KIND,
    LAST_SLICE,
    LEAST,
    MIDDLE,
    PANELS,
    PARTS,
    SLICED,
    SLICED_SIZES,
    SLICED_STEPS,
    SLOTS,
    SUM,
    TAPE,
    TARGET_AT,
    TARGET_IN,
    TARGET_SIZE,
    THREADS,
    WIDTH,
)
from tnlearn_backends.numpy_backend.native.crew import share
from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, pointer_at, poke
from tnlearn_backends.numpy_backend.native.memory import array_of, memory_of, width_of
from tnlearn_backends.numpy_backend.native.products import run_part
from tnlearn_backends.numpy_backend.native.ranges import bounded, prepared
from tnlearn_backends.numpy_backend.native.sums import add, add_to_total


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
    memory = memory_of(header, kind, real)
    width = width_of(memory)
    limits = (peek(header, LEAST), peek(header, GREATEST), peek(header, BITS))
    rows, threads = pointer_at(peek(header, TAPE), int64), peek(header, THREADS)
    row = _rows(rows, peek(header, BEGIN), peek(header, MIDDLE), memory, limits, width, threads)
    for number in range(peek(header, FIRST_SLICE), peek(header, LAST_SLICE)):
        if row != DONE:
            break
        if peek(header, SLICED) > 0:
            begin(number, header, memory.shifts)
        row = _rows(rows, peek(header, MIDDLE), peek(header, END), memory, limits, width, threads)
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
def _rows(rows, first, last, memory, limits, width, threads):
    for row in range(first, last):
        step = moved(rows, WIDTH * row)
        if peek(step, KIND) <= PANELS:
            fine = _product(row, step, memory, limits, width, threads)
        elif peek(step, KIND) == SUM:
            fine = add(step, memory, limits, width)
        else:
            fine = add_to_total(step, memory, limits, width)
        if not fine:
            return row
    return DONE


@njit(nogil=True)
def _product(row, step, memory, limits, width, threads):
    """A product, or a sum of one tensor; False if an entry may have been lost."""
    fine, looked = prepared(step, memory, limits, width)
    if not fine:
        return False
    if peek(step, FILLS) == 1:
        c = moved(array_of(memory, peek(step, TARGET_IN)), peek(step, TARGET_AT))
        zero = peek(memory.one, 1)
        for v in range(peek(step, TARGET_SIZE)):
            poke(c, v, zero)
    if threads > 1 and peek(step, PARTS) > 1:
        share(row, step, memory, width)
    else:
        run_part(step, memory, width, -1)
    return bounded(step, memory, limits, width, looked)
