"""Packing a list of small arrays: their headers are read and their entries copied in one call."""

from __future__ import annotations

from numba import int64, njit

from tnlearn_backends.numpy_backend.native.columns import (
    ARRAY_TYPE,
    COUNT,
    DTYPE_OF,
    ENTRIES,
    LIST,
    RANKS,
    SHAPES,
    STARTS,
    SURVEYED,
)
from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, pointer_at, poke
from tnlearn_backends.numpy_backend.native.objects import (
    DATA,
    DTYPE,
    ITEMS,
    LOWER_HALF,
    RANK,
    SIZES,
    STEPS,
    TYPE,
)


@njit(nogil=True)
def collect(header, kind, size):
    """Copy the entries of all arrays side by side; False if one is not just as expected.

    Parameters
    ----------
    header : pointer to int64
        See `columns`. The list has two more arrays at its end: the one to copy to, and one for
        the ranges that `survey` finds.
    kind : numba type
        Of the entries.
    size : int
        Bytes of an entry.
    """
    count = peek(header, COUNT)
    items = pointer_at(peek(pointer_at(peek(header, LIST), int64), ITEMS), int64)
    poke(header, ENTRIES, _entries(items, count))
    poke(header, SURVEYED, _entries(items, count + 1))
    target = pointer_at(peek(header, ENTRIES), kind)
    starts, ranks = pointer_at(peek(header, STARTS), int64), pointer_at(peek(header, RANKS), int64)
    shape = pointer_at(peek(header, SHAPES), int64)
    for k in range(count):
        given = pointer_at(peek(items, k), int64)
        if peek(given, TYPE) != peek(header, ARRAY_TYPE):
            return False
        if peek(given, DTYPE) != peek(header, DTYPE_OF):
            return False
        rank = peek(ranks, k)
        if peek(given, RANK) & LOWER_HALF != rank or not _lies_in_order(given, shape, rank, size):
            return False
        shape = moved(shape, rank)
        begin = peek(starts, k)
        entries, place = pointer_at(_entries(items, k), kind), moved(target, begin)
        for v in range(peek(starts, k + 1) - begin):
            poke(place, v, peek(entries, v))
    return True


@njit(nogil=True)
def _entries(items, k):
    """The address of the entries of an array in a list."""
    return peek(pointer_at(peek(items, k), int64), DATA)


@njit(nogil=True)
def _lies_in_order(given, shape, rank, step):
    """Whether an array has a shape, and its entries are next to each other, row by row."""
    sizes = pointer_at(peek(given, SIZES), int64)
    steps = pointer_at(peek(given, STEPS), int64)
    for axis in range(rank - 1, -1, -1):
        if peek(sizes, axis) != peek(shape, axis) or peek(steps, axis) != step:
            return False
        step *= peek(shape, axis)
    return True
