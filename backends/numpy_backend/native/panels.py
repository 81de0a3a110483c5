"""Matrix products of tensors as they lie: rows, columns and terms at offsets that tables list.

What BLAS does within a product, but without copies of whole tensors into the order of matrices: a
block of the second factor, and a panel of the first as wide as a tile, are gathered into work
space while they are in use, and every tile of the target is written where it belongs. A panel of
entries next to each other is read where it lies.

Goto and van de Geijn (2008), doi:10.1145/1356052.1356053; Springer and Bientinesi (2018),
arXiv:1607.00145; Matthews (2018), arXiv:1607.00291. Complex products are real ones of twice as
many columns and terms: Van Zee (2020), doi:10.1137/19M1282040, method 1m.
"""

from __future__ import annotations

from numba import njit

from tnlearn_backends.numpy_backend.native.columns import (
    BLOCK_AT,
    COLUMN_RUN,
    COLUMN_TERM_RUN,
    COLUMNS,
    DEEP,
    DEPTH_OF_NEST,
    NEST,
    ROW_RUN,
    ROWS,
    STORED_RUN,
    SUMS,
    TERM_RUN,
    TERMS,
    TILE_AT,
    WIDE,
)
from tnlearn_backends.numpy_backend.native.gathering import gather_columns, gather_rows
from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, poke
from tnlearn_backends.numpy_backend.native.nests import advanced
from tnlearn_backends.numpy_backend.native.tiles import (
    copy_vector,
    multiply_tile,
    tile_columns,
    tile_lanes,
    tile_rows,
)


@njit(nogil=True)
def run_panels(c, a, b, loops, counter, work, strides, width, skipped):
    """A nest of loops around a matrix product; the innermost `SUMS` of them add to the target.

    `c`, `a` and `b` point to real numbers, `width` of them an entry; `work` to space for what is
    gathered, `strides` to the offsets of the rows of a gathered panel. It is one turn of as many of
    the outermost loops as are `skipped`.
    """
    depth, sums = peek(loops, DEPTH_OF_NEST) - skipped, peek(loops, SUMS)
    dims = moved(loops, NEST + 4 * skipped)
    tables = moved(dims, 4 * depth)
    over = False
    while not over:
        kept = 0
        for d in range(depth - sums, depth):
            if peek(counter, d) > 0:
                kept = 1
        _product(c, a, b, loops, tables, kept, work, strides, width)
        a, b, c, over = advanced(a, b, c, dims, depth, counter, width)


@njit(nogil=True)
def _product(c, a, b, loops, tables, kept, work, strides, width):
    """One product of matrices, a block of columns and of terms at a time."""
    rows, columns, terms = peek(loops, ROWS), peek(loops, COLUMNS), peek(loops, TERMS)
    run, term_run = peek(loops, COLUMN_RUN), peek(loops, COLUMN_TERM_RUN)
    columns_b = moved(tables, 2 * rows)
    terms_a = moved(columns_b, 2 * columns)
    terms_b = moved(terms_a, terms)
    block = moved(work, BLOCK_AT)
    deep, wide = DEEP // width, WIDE // width
    for term in range(0, terms, deep):
        depth, from_term = min(deep, terms - term), moved(terms_b, term)
        adds = 1 if term > 0 else kept
        for column in range(0, columns, wide):
            count, at = min(wide, columns - column), moved(columns_b, column)
            gather_columns(block, b, at, count, from_term, depth, run, term_run, width)
            at, of_rows = moved(at, columns), moved(terms_a, term)
            _rows(c, a, loops, tables, at, count, of_rows, depth, adds, work, strides, width)


@njit(nogil=True)
def _rows(c, a, loops, tables, columns_c, count, terms_a, depth, kept, work, strides, width):
    """All rows times a block of columns, tile by tile."""
    rows, run, term_run = peek(loops, ROWS), peek(loops, ROW_RUN), peek(loops, TERM_RUN)
    stored = peek(loops, STORED_RUN)
    high, wide = tile_rows(work), tile_columns(work)
    together = wide // width
    block, tile = moved(work, BLOCK_AT), moved(work, TILE_AT)
    for row in range(0, rows, high):
        number = min(high, rows - row)
        places = moved(tables, row)
        panel, at = work, strides
        # Read where they lie if that is only once or twice: lines a power of two apart, as here,
        # soon drive each other out of the cache.
        if width == 1 and number == high and run % high == 0 and count <= 2 * together:
            panel, at = moved(a, peek(places, 0)), terms_a
        else:
            gather_rows(work, a, places, number, terms_a, depth, run, term_run, width)
        places = moved(places, rows)
        part, targets = block, columns_c
        whole = width == 1 and number == high and stored % high == 0
        first = moved(c, width * peek(places, 0))
        for column in range(0, count, together):
            these = min(together, count - column)
            if whole and these == together:
                multiply_tile(first, targets, kept, panel, at, part, depth)
            else:
                multiply_tile(tile, strides, 0, panel, at, part, width * depth)
                in_runs = stored if width == 1 and number == high and kept == 0 else 1
                _store(c, places, number, in_runs, targets, these, tile, kept, width)
            part = moved(part, wide * width * depth)
            targets = moved(targets, together)


@njit(nogil=True)
def _store(c, places, number, run, columns, count, tile, kept, width):
    """A tile, entry by entry, or in vectors where rows are next to each other."""
    high, lanes = tile_rows(tile), tile_lanes(tile)
    for j in range(count):
        target = moved(c, width * peek(columns, j))
        if run % lanes == 0:
            source = moved(tile, j * high)
            copy_vector(moved(target, peek(places, 0)), source)
            copy_vector(moved(target, peek(places, lanes)), moved(source, lanes))
            continue
        for part in range(width):
            source = moved(tile, (width * j + part) * high)
            for i in range(number):
                at = width * peek(places, i) + part
                value = peek(source, i)
                if kept == 1:
                    value += peek(target, at)
                poke(target, at, value)
