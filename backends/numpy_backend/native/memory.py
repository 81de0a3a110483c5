"""Where the arrays of a run are."""

from __future__ import annotations

from typing import NamedTuple

from numba import int64, njit

from tnlearn_backends.numpy_backend.native.columns import (
    ARENA,
    ARENA_AT,
    COUNTER,
    CREW_AT,
    INPUTS,
    INPUTS_AT,
    LOOPS_AT,
    ONE,
    RANGES,
    RESULTS,
    RESULTS_AT,
    SEEDS_AT,
    SHIFTS,
    STRIDES,
    TOTALS_AT,
    WORK_AT,
)
from tnlearn_backends.numpy_backend.native.intrinsics import (
    address_of,
    moved,
    peek,
    pointer_at,
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
    work: int
    strides: int
    one: int
    counter: int
    crew: int


@njit(nogil=True)
def memory_of(header, kind, real):
    """Where a header says that things are; `kind` and `real` as in `engine.run`."""
    return Memory(
        pointer_at(peek(header, ARENA_AT), kind),
        pointer_at(peek(header, RESULTS_AT), kind),
        pointer_at(peek(header, INPUTS_AT), kind),
        pointer_at(peek(header, SEEDS_AT), kind),
        pointer_at(peek(header, TOTALS_AT), kind),
        pointer_at(peek(header, ARENA_AT), real),
        pointer_at(peek(header, RESULTS_AT), real),
        pointer_at(peek(header, TOTALS_AT), real),
        pointer_at(peek(header, RANGES), int64),
        pointer_at(peek(header, SHIFTS), int64),
        pointer_at(peek(header, LOOPS_AT), int64),
        pointer_at(peek(header, WORK_AT), real),
        pointer_at(peek(header, STRIDES), int64),
        pointer_at(peek(header, ONE), kind),
        pointer_at(peek(header, COUNTER), int64),
        pointer_at(peek(header, CREW_AT), int64),
    )


@njit(nogil=True)
def width_of(memory):
    """Real numbers in an entry."""
    entry = address_of(moved(memory.one, 1)) - address_of(memory.one)
    return entry // (address_of(moved(memory.work, 1)) - address_of(memory.work))


@njit(nogil=True)
def array_of(memory, space):
    """The array in which a tensor is."""
    if space <= RESULTS:
        return memory.arena if space == ARENA else memory.results
    return memory.inputs if space == INPUTS else memory.seeds


@njit(nogil=True)
def real_of(memory, space):
    """The same as real numbers; only of those that are written."""
    return memory.real_arena if space == ARENA else memory.real_results
