"""Where the arrays of a run are."""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from tnlearn_backends.numpy_backend.native.columns import (
    ARENA,
    INPUTS,
    RESULTS,
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
