"""Parts of the factors of a matrix product, gathered in the order in which tiles read them.

`x` points to the real numbers of a tensor, `places` and `terms` to the offsets, in entries, of the
rows or columns that are gathered and of the terms; `run` and `term_run` say how many of them are
next to each other. Where there are fewer rows or columns than a tile has, zeros stand for the rest.
"""

from __future__ import annotations

from numba import njit

from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, poke
from tnlearn_backends.numpy_backend.native.tiles import (
    copy_columns,
    copy_rows,
    copy_vector,
    square_side,
    tile_columns,
    tile_lanes,
    tile_rows,
    transpose_square,
)


@njit(nogil=True)
def gather_rows(panel, x, places, count, terms, depth, run, term_run, width):
    """One panel: for each term the entries of up to `count` rows next to each other.

    Of complex entries the real parts, and then the imaginary ones.
    """
    rows = tile_rows(panel)
    if count < rows:
        _clear(panel, rows * width * depth)
    if width == 2:
        _parts_of_rows(panel, rows, x, places, count, terms, depth)
    elif run % tile_lanes(panel) == 0 and count == rows:
        _runs_of_rows(panel, x, places, terms, depth, run)
    elif term_run > 1:
        _turned(panel, rows, x, places, count, terms, depth, term_run)
    else:
        _single(panel, rows, x, places, count, terms, depth)


@njit(nogil=True)
def gather_columns(block, x, places, count, terms, depth, run, term_run, width):
    """Columns by tiles: for each term the entries of the columns of one tile.

    A complex column is two real ones, of what the real and the imaginary parts of a row add to
    the real part of the target, and to the imaginary one.
    """
    columns = tile_columns(block)
    together = columns // width
    for first in range(0, count, together):
        number, at = min(together, count - first), moved(places, first)
        if number < together:
            _clear(block, columns * width * depth)
        if width == 2:
            _parts_of_columns(block, columns, x, at, number, terms, depth)
        elif run % columns == 0 and number == columns:
            source = moved(x, peek(at, 0))
            for k in range(depth):
                copy_columns(moved(block, k * columns), moved(source, peek(terms, k)))
        elif term_run > 1:
            _turned(block, columns, x, at, number, terms, depth, term_run)
        else:
            _single(block, columns, x, at, number, terms, depth)
        block = moved(block, columns * width * depth)


@njit(nogil=True)
def _clear(x, count):
    zero = peek(x, 0) * 0
    for v in range(count):
        poke(x, v, zero)


@njit(nogil=True)
def _single(target, stride, x, places, count, terms, depth):
    """One by one."""
    for k in range(depth):
        source, to = moved(x, peek(terms, k)), moved(target, k * stride)
        for i in range(count):
            poke(to, i, peek(source, peek(places, i)))


@njit(nogil=True)
def _runs_of_rows(panel, x, places, terms, depth, run):
    """All rows of a tile, which are next to each other, or those of each of its vectors."""
    rows, lanes = tile_rows(panel), tile_lanes(panel)
    first, second = moved(x, peek(places, 0)), moved(x, peek(places, lanes))
    for k in range(depth):
        target, at = moved(panel, k * rows), peek(terms, k)
        if run % rows == 0:
            copy_rows(target, moved(first, at))
        else:
            copy_vector(target, moved(first, at))
            copy_vector(moved(target, lanes), moved(second, at))


@njit(nogil=True)
def _turned(target, stride, x, places, count, terms, depth, run):
    """Terms that are next to each other in the tensor, in squares where those fit."""
    side = square_side(target)
    squares = depth - depth % side if run % side == 0 else 0
    whole = count - count % side
    for i in range(0, whole, side):
        for k in range(0, squares, side):
            to, source = moved(target, k * stride + i), moved(x, peek(terms, k))
            transpose_square(to, stride, source, moved(places, i))
    for i in range(count):
        source, to = moved(x, peek(places, i)), moved(target, i)
        for k in range(squares if i < whole else 0, depth):
            poke(to, k * stride, peek(source, peek(terms, k)))


@njit(nogil=True)
def _parts_of_rows(panel, rows, x, places, count, terms, depth):
    for k in range(depth):
        real, imaginary = moved(panel, 2 * k * rows), moved(panel, (2 * k + 1) * rows)
        for i in range(count):
            at = 2 * (peek(places, i) + peek(terms, k))
            poke(real, i, peek(x, at))
            poke(imaginary, i, peek(x, at + 1))


@njit(nogil=True)
def _parts_of_columns(block, columns, x, places, count, terms, depth):
    for k in range(depth):
        of_real, of_imaginary = moved(block, 2 * k * columns), moved(block, (2 * k + 1) * columns)
        for j in range(count):
            at = 2 * (peek(places, j) + peek(terms, k))
            real, imaginary = peek(x, at), peek(x, at + 1)
            poke(of_real, 2 * j, real)
            poke(of_real, 2 * j + 1, imaginary)
            poke(of_imaginary, 2 * j, -imaginary)
            poke(of_imaginary, 2 * j + 1, real)
