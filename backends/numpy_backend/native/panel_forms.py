"""Steps as products of matrices, whose rows, columns and terms are groups of indices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tnlearn_backends.numpy_backend.native.columns import DEEP, PANELS, WIDE
from tnlearn_backends.numpy_backend.native.dims import FAR, PARTS, Dim, Dims, count, offsets, swap
from tnlearn_backends.numpy_backend.native.vectors import tile

#: Products below which loops always win.
SMALL = 256
#: Longest tables of offsets: of rows, of columns, and of terms.
MOST_ROWS, MOST_COLUMNS, MOST_TERMS = 4096, 1024, 2048
#: Products of a step that several threads may share, and rows that a part has at least.
LARGE, LEAST_ROWS = 2**24, 256
#: Nanoseconds of a product, and of a tile, besides their arithmetic.
START, TILE = 25.0, 4.0
#: Operations in a nanosecond, for each lane of a vector.
RATE = 14.0
#: Nanoseconds of an entry that is gathered: from a run, one by one, and where its neighbours in
#: memory are not gathered with it.
FROM_RUN, ONE_BY_ONE, LONELY = 0.1, 0.3, 1.0
#: Entries in a line of the cache, and nanoseconds to fetch one from afar.
IN_LINE, LINE = 8, 3.0
#: Nanoseconds of an entry that is stored: in a run as long as a tile, as a vector, by itself, and
#: by itself in a large tensor.
IN_RUN, IN_VECTOR, BY_ITSELF, FAR_BY_ITSELF = 0.05, 0.1, 0.4, 2.0


@dataclass(frozen=True)
class Panels:
    """Loops around a product of matrices.

    Attributes
    ----------
    cost : float
        Nanoseconds, roughly.
    swapped : bool
        The factors change places.
    outer, sums : tuple of Dim
        The loops around it: those that move on in the target, and those that add to it.
    rows, columns, terms : tuple of Dim
        The loops of the matrices: rows are in the first factor, columns in the second.
    """

    cost: float
    swapped: bool
    outer: Dims
    sums: Dims
    rows: Dims
    columns: Dims
    terms: Dims
    kind = PANELS

    def pool(self) -> list[int]:
        """The loops as the engine reads them."""
        rows, columns, terms = self.rows, self.columns, self.terms
        nest = [*self.outer, *self.sums]
        numbers = [len(nest), len(self.sums), count(rows), count(columns), count(terms)]
        numbers += [_run(rows, 1), _run(rows, 3), _run(columns, 2)]
        numbers += [_run(terms, 1), _run(terms, 2)]
        for dim in nest:
            numbers.extend(dim)
        in_a, _, in_c = offsets(rows)
        _, columns_b, columns_c = offsets(columns)
        terms_a, terms_b, _ = offsets(terms)
        tables = [in_a, in_c, columns_b, columns_c, terms_a, terms_b]
        listed: list[int] = np.concatenate(tables).tolist()
        return numbers + listed


def panels(dims: Dims) -> Iterator[Panels]:
    """Forms worth comparing: either factor gives the rows."""
    if count(dims) >= SMALL:
        for swapped in (False, True):
            form = _product(swap(dims) if swapped else dims, swapped)
            if form is not None:
                yield form


def _product(dims: Dims, swapped: bool) -> Panels | None:
    rows = [d for d in dims if d.a and not d.b and d.c]
    columns = [d for d in dims if d.b and not d.a and d.c]
    terms = [d for d in dims if d.a and d.b and not d.c]
    if not rows or not terms:
        return None
    around = [d for d in dims if d not in rows and d not in columns and d not in terms]
    rows = _nearest_last(rows, 1)
    columns = _nearest_last(columns, 2)
    # Those next to each other in either factor last.
    terms.sort(key=lambda d: min(d.a, d.b), reverse=True)
    most_rows, most_columns = _most(rows, columns, count(dims))
    many_rows, few_rows = _split(rows, most_rows)
    many_columns, few_columns = _split(columns, most_columns)
    many_terms, few_terms = _split(terms, MOST_TERMS)
    outer = [d for d in (*around, *many_columns) if d.c]
    outer.sort(key=lambda d: d.c, reverse=True)
    outer += many_rows
    sums = (*(d for d in around if not d.c), *many_terms)
    once = _cost(few_rows, few_columns, few_terms, bool(sums))
    far = _far(dims, few_rows, few_columns, few_terms)
    cost = count(outer) * count(sums) * once + far
    return Panels(cost, swapped, tuple(outer), sums, few_rows, few_columns, few_terms)


def _most(rows: Sequence[Dim], columns: Sequence[Dim], products: int) -> tuple[int, int]:
    """Rows and columns of one product: of a large one there are parts for several threads.

    Blocks of columns are gathered once each; rows share them, so that there have to be many.
    """
    if products < LARGE:
        return MOST_ROWS, MOST_COLUMNS
    parts = count(columns) // WIDE
    fewer = count(rows) * max(parts, 1) // PARTS
    return min(MOST_ROWS, max(fewer, LEAST_ROWS)), WIDE if parts > 1 else MOST_COLUMNS


def _nearest_last(dims: Sequence[Dim], side: int) -> list[Dim]:
    """Loops with a short stride in either tensor last, so that lines of the cache are used up.

    The very last is the longest that runs along entries next to each other.
    """
    order = sorted(dims, key=lambda d: min(d[side], d.c), reverse=True)
    runs = [dim for dim in order if 1 in (dim[side], dim.c)]
    if runs:
        longest = max(runs, key=lambda d: (d.size, d.c == 1))
        order.remove(longest)
        order.append(longest)
    return order


def _split(dims: Sequence[Dim], most: int) -> tuple[Dims, Dims]:
    """The loops that have to be around, and those whose offsets a table lists."""
    inside: list[Dim] = []
    rest = list(dims)
    while rest and count(inside) * rest[-1].size <= most:
        inside.insert(0, rest.pop())
    if rest:
        # A part of a long loop still fits.
        size, a, b, c = rest.pop()
        most //= count(inside)
        part = next(part for part in range(most, 0, -1) if size % part == 0)
        if not inside and part < 16:
            part = size
        inside.insert(0, Dim(part, a, b, c))
        rest.append(Dim(size // part, a * part, b * part, c * part))
    return tuple(d for d in rest if d.size > 1), tuple(d for d in inside if d.size > 1)


def _cost(rows: Dims, columns: Dims, terms: Dims, adds: bool) -> float:
    shape = tile(8)
    m, n, k = count(rows), count(columns), count(terms)
    tiles = -(-m // shape.rows) * -(-n // shape.columns)
    passes = -(-k // DEEP)
    cost = START + tiles * (
        TILE * passes + 2 * shape.rows * shape.columns * k / (RATE * shape.lanes)
    )
    if _run(rows, 1) % shape.rows:
        cost += m * k * -(-n // WIDE) * _gathering(rows, terms, 1)
    cost += n * k * _gathering(columns, terms, 2)
    run = _run(rows, 3)
    each = IN_RUN if run % shape.rows == 0 else IN_VECTOR if run % shape.lanes == 0 else BY_ITSELF
    return cost + m * n * each * (passes + adds)


def _far(dims: Dims, rows: Dims, columns: Dims, terms: Dims) -> float:
    """Nanoseconds for lines of the cache: of large tensors each is fetched for every panel."""
    high, wide = _last(rows, tile(8).rows), _last(columns, tile(8).columns)
    total = 0.0
    for side, near, times in (
        (1, (*high, *terms), -(-count(columns) // WIDE)),
        (2, (*wide, *terms), 1),
        (3, (*high, *wide), 2 * -(-count(terms) // DEEP)),
    ):
        entries = count(dim for dim in dims if dim[side])
        if entries > FAR:
            together = count(dim for dim in near if 0 < dim[side] < IN_LINE)
            total += times * entries / min(together, IN_LINE) * LINE
            if side == 3 and _run(rows, 3) % tile(8).lanes:
                total += entries * FAR_BY_ITSELF
    return total


def _last(dims: Dims, most: int) -> Dims:
    """The last loops, as many as have so many turns together."""
    for start in range(len(dims) - 1, -1, -1):
        if count(dims[start:]) >= most:
            return dims[start:]
    return dims


def _run(dims: Dims, side: int) -> int:
    """How many turns of some loops are next to each other in a tensor; 0 if all are."""
    if not dims or dims[-1][side] != 1:
        return 1
    return dims[-1].size if len(dims) > 1 else 0


def _gathering(places: Dims, terms: Dims, side: int) -> float:
    if _run(places, side) % 4 == 0 or _run(terms, side) % 8 == 0:
        return FROM_RUN
    nearest = min(dim[side] for dim in (*places, *terms))
    return ONE_BY_ONE if nearest < 8 else LONELY
