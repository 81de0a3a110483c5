"""Nests of loops around the inner loops: see `nest_forms`."""

from __future__ import annotations

from numba import njit

from tnlearn_backends.numpy_backend.native.columns import (
    PAIRED,
    SCALED,
    SINGLE,
    SUMMED,
    TURNS,
)
from tnlearn_backends.numpy_backend.native.intrinsics import (
    moved,
    peek,
    poke,
)
from tnlearn_backends.numpy_backend.native.loops import (
    BLOCK,
    FAST,
    paired_runs,
    scaled_runs,
    strided_runs,
    sum_of_runs,
)


@njit(nogil=True)
def advanced(a, b, c, dims, depth, counter, width):
    """The next position of a nest of loops, the last one fastest; whether it is over.

    Strides are in entries, of `width` numbers each.
    """
    d = depth - 1
    while d >= 0:
        dim = moved(dims, 4 * d)
        size = peek(dim, 0)
        da, db, dc = width * peek(dim, 1), width * peek(dim, 2), width * peek(dim, 3)
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
def run_loops(c, a, b, loops, counter, one, skipped):
    """A nest of loops around a table of offsets around an inner loop: see `nest_forms`.

    One turn of as many of the outermost loops as are `skipped`.
    """
    mode, depth = peek(loops, 0), peek(loops, 1) - skipped
    count, terms = peek(loops, 2), peek(loops, 3)
    run = peek(loops, 4), peek(loops, 5), peek(loops, 6), peek(loops, 7)
    dims = moved(loops, TURNS + 4 * skipped)
    table = moved(dims, 4 * depth)
    tables = table, moved(table, 3 * count), moved(table, 3 * count + terms)
    if mode == SINGLE:
        _entries(c, a, b, tables, count, terms)
        return
    zero = peek(one, 1)
    # The last loop of the nest is a plain one: the counter of the others is slow to turn.
    turns, da, db, dc = 1, 0, 0, 0
    if depth > 0:
        depth -= 1
        last = moved(dims, 4 * depth)
        turns, da, db, dc = peek(last, 0), peek(last, 1), peek(last, 2), peek(last, 3)
    over = False
    while not over:
        aw, bw, cw = a, b, c
        for _ in range(turns):
            _table(cw, aw, bw, mode, run, tables, count, terms, zero)
            aw, bw, cw = moved(aw, da), moved(bw, db), moved(cw, dc)
        a, b, c, over = advanced(a, b, c, dims, depth, counter, 1)


@njit(fastmath=FAST, nogil=True)
def _entries(c, a, b, tables, count, terms):
    """Every entry of a table by itself."""
    table, ka, kb = tables
    for j in range(count):
        aj, bj = moved(a, peek(table, j)), moved(b, peek(table, count + j))
        total = peek(aj, peek(ka, 0)) * peek(bj, peek(kb, 0))
        for k in range(1, terms):
            total += peek(aj, peek(ka, k)) * peek(bj, peek(kb, k))
        poke(c, peek(table, 2 * count + j), total)


@njit(nogil=True)
def _table(c, a, b, mode, run, tables, count, terms, zero):
    """The inner loop at every offset of a table, block by block."""
    n, sa, sb, sc = run
    table, ka, kb = tables
    width = n if mode > PAIRED or (terms <= 2 and count == 1) else BLOCK
    start = 0  # A range of steps would take a division.
    while start < n:
        length = min(width, n - start)
        for j in range(count):
            aj = moved(a, peek(table, j) + start * sa)
            bj = moved(b, peek(table, count + j) + start * sb)
            cj = moved(c, peek(table, 2 * count + j) + start * sc)
            if mode == SCALED:
                scaled_runs(cj, aj, bj, length, terms, ka, kb)
            elif mode == PAIRED:
                paired_runs(cj, aj, bj, length, terms, ka, kb)
            elif mode == SUMMED:
                poke(cj, 0, sum_of_runs(zero, aj, sa, bj, sb, length, terms, ka, kb))
            else:
                strided_runs(cj, sc, aj, sa, bj, sb, length, terms, ka, kb)
        start += length
