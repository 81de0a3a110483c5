"""One step that multiplies: where its tensors are, and which part of its loops is run."""

from __future__ import annotations

from numba import njit

from tnlearn_backends.numpy_backend.native.columns import (
    FIRST,
    FIRST_AT,
    FIRST_IN,
    KIND,
    LOOPS,
    NEST,
    POOL,
    SECOND,
    SECOND_AT,
    SECOND_IN,
    SHARED_LOOPS,
    TARGET_AT,
    TARGET_IN,
    TURNS,
)
from tnlearn_backends.numpy_backend.native.intrinsics import as_real, moved, peek
from tnlearn_backends.numpy_backend.native.memory import array_of
from tnlearn_backends.numpy_backend.native.nests import run_loops
from tnlearn_backends.numpy_backend.native.panels import run_panels


@njit(nogil=True, error_model="numpy")
def run_part(step, memory, width, part):
    """A part of a product, or of a sum of one tensor: one turn of its outermost loops.

    If `part` is negative, all of it.
    """
    c = moved(array_of(memory, peek(step, TARGET_IN)), peek(step, TARGET_AT))
    a = moved(array_of(memory, peek(step, FIRST_IN)), peek(step, FIRST_AT))
    a = moved(a, peek(memory.shifts, peek(step, FIRST)))
    b, second = memory.one, peek(step, SECOND)
    if second >= 0:
        b = moved(array_of(memory, peek(step, SECOND_IN)), peek(step, SECOND_AT))
        b = moved(b, peek(memory.shifts, second))
    loops = moved(memory.pool, peek(step, POOL))
    skipped = 0
    if part >= 0:
        skipped = peek(step, SHARED_LOOPS)
        for d in range(skipped - 1, -1, -1):
            dim = moved(loops, (TURNS if peek(step, KIND) == LOOPS else NEST) + 4 * d)
            at, part = part % peek(dim, 0), part // peek(dim, 0)
            a, b = moved(a, at * peek(dim, 1)), moved(b, at * peek(dim, 2))
            c = moved(c, at * peek(dim, 3))
    if peek(step, KIND) == LOOPS:
        run_loops(c, a, b, loops, memory.counter, memory.one, skipped)
    else:
        c, a, b = as_real(c, memory.work), as_real(a, memory.work), as_real(b, memory.work)
        run_panels(c, a, b, loops, memory.counter, memory.work, memory.strides, width, skipped)
