"""Steps as nests of loops around an inner loop along one index."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tnlearn_backends.numpy_backend.native.columns import (
    LOOPS,
    PAIRED,
    SCALED,
    SINGLE,
    STRIDED,
    SUMMED,
)
from tnlearn_backends.numpy_backend.native.dims import PARTS, Dim, Dims, count, offsets, swap

#: Longest table of offsets of summed terms, and of the loops around them.
MOST_TERMS, MOST_TABLE = 4096, 64
#: Nanoseconds: of a position of the outer loops, of starting an inner loop and a term of it, and
#: of a product where strides are one and where they are not.
OUTER, START, TERM, UNIT, STRIDE = 3.0, 4.0, 1.8, 0.06, 0.55
#: Nanoseconds of a single loop that several threads may share.
LARGE = 1e5
#: The same of entries by themselves: of the first, of each, and of a product.
FIRST_ENTRY, ENTRY, PRODUCT = 4.0, 0.8, 0.7
#: The last for each factor of a target of more entries than the nearer caches hold.
FAR, NEAR = 0.7, 2**15


@dataclass(frozen=True)
class Nest:
    """Loops around tables of offsets around an inner loop.

    Attributes
    ----------
    cost : float
        Nanoseconds, roughly.
    swapped : bool
        The factors change places.
    mode : int
        Which inner loop.
    inner : Dim
        The index along which it runs.
    outer, table, sums : tuple of Dim
        The loops around it, those that a table lists, and those over summed terms.
    """

    cost: float
    swapped: bool
    mode: int
    inner: Dim
    outer: Dims
    table: Dims
    sums: Dims
    kind = LOOPS

    def pool(self) -> list[int]:
        """The loops as the engine reads them."""
        size, a, b, c = self.inner
        numbers = [self.mode, len(self.outer), count(self.table), count(self.sums), size, a, b, c]
        for dim in self.outer:
            numbers.extend(dim)
        numbers += offsets(self.table).ravel().tolist()
        return numbers + offsets(self.sums)[:2].ravel().tolist()


def nests(dims: Dims) -> Iterator[Nest]:
    """Forms worth comparing: each index innermost whose entries lie well for it."""
    for inner, swapped in _inner_loops(dims):
        yield _around(dims, inner, swapped)


def single_entries(dims: Dims) -> Iterator[Nest]:
    """Every entry of a small target by itself: no loop is set up."""
    table = tuple(dim for dim in dims if dim.c)
    sums = tuple(dim for dim in dims if not dim.c)
    if count(table) <= MOST_TABLE and count(sums) <= MOST_TABLE:
        cost = FIRST_ENTRY + count(table) * (ENTRY + PRODUCT * count(sums))
        yield Nest(cost, False, SINGLE, Dim(1, 0, 0, 0), (), table, sums)


def _inner_loops(dims: Dims) -> list[tuple[Dim | None, bool]]:
    """Which loop may be innermost, and whether the factors change places for it."""
    terms = count(dim for dim in dims if dim.c == 0)
    found: list[tuple[Dim | None, bool]] = [
        (dim, (dim.a != 1 and dim.b == 1) or (dim.a == 0 and dim.b > 0))
        for dim in dims
        if (dim.c == 1 or dim.a == 1 or dim.b == 1) and (dim.c > 0 or terms > 1)
    ]
    # Strided, but long: where the loops with unit strides are short.
    longest = sorted((dim for dim in dims if dim.c > 0), reverse=True)[:2]
    found += [(dim, False) for dim in longest if (dim, False) not in found]
    if terms > MOST_TERMS:
        found = [(dim, swapped) for dim, swapped in found if dim and dim.c == 0]
        found += [(max(d for d in dims if d.c == 0), False)]
    return found or [(max(dims, default=None), False)]


def _around(dims: Dims, inner: Dim | None, swapped: bool) -> Nest:
    """The loops around an inner one: the rest of the sums in a table, some others in another."""
    rest = list(dims)
    if inner is not None:
        rest.remove(inner)
    if swapped:
        rest = list(swap(rest))
        (inner,) = swap([inner]) if inner else (None,)
    one = inner or Dim(1, 1, 1, 1)
    if inner is None or (one.a, one.b, one.c) == (1, 0, 1):
        mode = SCALED
    elif (one.a, one.b, one.c) == (1, 1, 1):
        mode = PAIRED
    else:
        mode = SUMMED if one.c == 0 else STRIDED
    sums = tuple(dim for dim in rest if dim.c == 0)
    # Innermost go loops that reuse a run of the first factor, then those with a short stride in
    # either tensor, so that lines of the cache are used up once they are there.
    others = sorted((d for d in rest if d.c), key=lambda d: (d.a == 0, -min(d.a or d.c, d.c)))
    table: list[Dim] = []
    while others and count(table) * others[-1].size <= MOST_TABLE:
        table.insert(0, others.pop())
    terms = count(sums)
    if mode == SCALED:
        far = math.prod(d.size for d in dims if d.c) > NEAR
        one_run = START + (TERM + UNIT * (2 if far else 1) * one.size) * terms
    elif mode == STRIDED or (mode == SUMMED and (one.a, one.b) not in ((1, 1), (1, 0))):
        reach = math.prod(d.size for d in dims if d.c)
        both = sum(any(d[side] > 0 for d in dims) for side in (1, 2))
        one_run = START + (FAR * both**2 if reach > NEAR else STRIDE) * one.size * terms
    else:
        one_run = (START + 1.5 * UNIT * one.size) * terms
    cost = count(others) * (OUTER + count(table) * one_run)
    if not others and cost >= LARGE and one.c and one.size % PARTS == 0:
        size, a, b, c = one
        part = size // PARTS
        one, others = Dim(part, a, b, c), [Dim(PARTS, part * a, part * b, part * c)]
    return Nest(cost, swapped, mode, one, tuple(others), tuple(table), sums)
