"""Nests of loops around the inner loops: see `nest_forms`."""

from __future__ import annotations

from numba import njit

from tnlearn_backends.numpy_backend.native.columns import (
    PAIRED,
    SCALED,
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
    depth, count, terms = peek(loops, 1) - skipped, peek(loops, 2), peek(loops, 3)
    dims = moved(loops, TURNS + 4 * skipped)
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
        a, b, c, over = advanced(a, b, c, dims, depth, counter, 1)


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
