"""The form in which one step runs: which loop is innermost, what is a table, what goes to BLAS.

A step is a set of loops, one per index, each with a stride in both factors and in the target. The
forms are compared by a rough model of nanoseconds; only their order matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple, TypeAlias

from tnlearn_backends.numpy_backend.native.columns import (
    LOOPS,
    MATRICES,
    PAIRED,
    SCALED,
    STRIDED,
    SUMMED,
)

#: Longest table of offsets of summed terms, and of the loops around them.
MOST_TERMS, MOST_TABLE = 4096, 64
#: Nanoseconds: of a position of the outer loops, of starting an inner loop and a term of it, and
#: of a product where strides are one and where they are not.
OUTER, START, TERM, UNIT, STRIDE = 3.0, 4.0, 1.8, 0.06, 0.55
#: The last for each factor of a target of more entries than the nearer caches hold.
FAR, NEAR = 0.7, 2**15
#: Nanoseconds of a call of BLAS, and operations in one there at best.
CALL, RATE = 50.0, 56.0
#: Products below which BLAS is not asked.
SMALL = 512


class Dim(NamedTuple):
    """A loop: how often, and its strides in the two factors and the target; 0 where it is not."""

    size: int
    a: int
    b: int
    c: int


Dims: TypeAlias = tuple[Dim, ...]


class Form(NamedTuple):
    """How a step runs.

    Attributes
    ----------
    cost : float
        Nanoseconds, roughly.
    kind : int
        `LOOPS` or `MATRICES`.
    swapped : bool
        The factors change places.
    pool : tuple of int
        The loops as the engine reads them.
    shape : tuple of int
        For `MATRICES`: m, n, k, three leading strides, two characters.
    """

    cost: float
    kind: int
    swapped: bool
    pool: tuple[int, ...]
    shape: tuple[int, ...] = ()


def fused(dims: Iterable[Dim]) -> Dims:
    """Loops of size one left out, and two made one where the strides allow it."""
    groups: dict[tuple[bool, bool, bool], list[Dim]] = {}
    for dim in dims:
        if dim.size != 1:
            groups.setdefault((dim.a > 0, dim.b > 0, dim.c > 0), []).append(dim)
    result: list[Dim] = []
    for group in groups.values():
        group.sort(key=lambda d: (d.c, d.a, d.b), reverse=True)
        last = group[0]
        for dim in group[1:]:
            size, a, b, c = dim
            if (last.a, last.b, last.c) == (a * size, b * size, c * size):
                last = Dim(last.size * size, a, b, c)
            else:
                result.append(last)
                last = dim
        result.append(last)
    return tuple(result)


@lru_cache(maxsize=65536)
def best(dims: Dims, matrices: bool = True) -> Form:
    """The cheapest form of a step, its `dims` fused; with matrix products if they are allowed."""
    forms = [_around(dims, inner, swapped) for inner, swapped in _inner_loops(dims)]
    if matrices and math.prod(dim.size for dim in dims) >= SMALL:
        forms.extend(_matrix_forms(dims))
    return min(forms, key=lambda form: form.cost)


def _swap(dims: Iterable[Dim]) -> Dims:
    return tuple(Dim(size, b, a, c) for size, a, b, c in dims)


def _inner_loops(dims: Dims) -> list[tuple[Dim | None, bool]]:
    """Which loop may be innermost, and whether the factors change places for it."""
    terms = math.prod(dim.size for dim in dims if dim.c == 0)
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


def _around(dims: Dims, inner: Dim | None, swapped: bool) -> Form:
    """The loops around an inner one: the rest of the sums in a table, some others in another."""
    rest = list(dims)
    if inner is not None:
        rest.remove(inner)
    if swapped:
        rest = list(_swap(rest))
        (inner,) = _swap([inner]) if inner else (None,)
    one = inner or Dim(1, 1, 1, 1)
    if inner is None or (one.a, one.b, one.c) == (1, 0, 1):
        mode = SCALED
    elif (one.a, one.b, one.c) == (1, 1, 1):
        mode = PAIRED
    else:
        mode = SUMMED if one.c == 0 else STRIDED
    sums = [dim for dim in rest if dim.c == 0]
    # Innermost go loops that reuse a run of the first factor, then those with a short stride in
    # either tensor, so that lines of the cache are used up once they are there.
    others = sorted((d for d in rest if d.c), key=lambda d: (d.a == 0, -min(d.a or d.c, d.c)))
    table: list[Dim] = []
    while others and math.prod(d.size for d in table) * others[-1].size <= MOST_TABLE:
        table.insert(0, others.pop())
    terms, count = math.prod(d.size for d in sums), math.prod(d.size for d in table)
    depth = math.prod(d.size for d in others)
    if mode == SCALED:
        one_run = START + (TERM + UNIT * one.size) * terms
    elif mode == STRIDED or (mode == SUMMED and (one.a, one.b) not in ((1, 1), (1, 0))):
        reach = math.prod(d.size for d in dims if d.c)
        both = sum(any(d[side] > 0 for d in dims) for side in (1, 2))
        one_run = START + (FAR * both**2 if reach > NEAR else STRIDE) * one.size * terms
    else:
        one_run = (START + 1.5 * UNIT * one.size) * terms
    pool = [mode, len(others), count, terms, one.size, one.a, one.b, one.c]
    for dim in others:
        pool.extend(dim)
    at = _offsets(table)
    pool += [x[0] for x in at] + [x[1] for x in at] + [x[2] for x in at]
    at = _offsets(sums)
    pool += [x[0] for x in at] + [x[1] for x in at]
    cost = depth * (OUTER + count * one_run)
    return Form(cost, LOOPS, swapped, tuple(pool))


def _offsets(dims: Sequence[Dim]) -> list[tuple[int, int, int]]:
    """Offsets in the three tensors at every position of some loops, the last one fastest."""
    found = []
    for at in product(*(range(dim.size) for dim in dims)):
        pairs = list(zip(at, dims, strict=True))
        found.append(
            (
                sum(k * dim.a for k, dim in pairs),
                sum(k * dim.b for k, dim in pairs),
                sum(k * dim.c for k, dim in pairs),
            )
        )
    return found


def _matrix_forms(dims: Dims) -> list[Form]:
    """Loops around a product of matrices, rows of one factor by columns of the other."""
    rows = [d for d in dims if d.a and not d.b and d.c]
    columns = [d for d in dims if d.b and not d.a and d.c]
    sums = [d for d in dims if d.a and d.b and not d.c]
    forms = []
    for m, n, k in product(_largest(rows), _largest(columns), _largest(sums)):
        if 1 in (m.a, k.a) and 1 in (n.b, k.b):
            around = [d for d in dims if d not in (m, n, k)]
            if n.c == 1:
                forms.append(_matrices(around, m, n, k, False))
            elif m.c == 1:
                n, m, k = _swap((m, n, k))
                forms.append(_matrices(_swap(around), m, n, k, True))
    return forms


def _largest(dims: Sequence[Dim]) -> list[Dim]:
    return sorted(dims, reverse=True)[:3]


def _matrices(around: Sequence[Dim], m: Dim, n: Dim, k: Dim, swapped: bool) -> Form:
    """``c[m, n] = a[m, k] b[k, n]`` with the columns of the target next to each other.

    BLAS counts columns first, so it is told ``c.T = b.T @ a.T``.
    """
    outer = sorted((d for d in around if d.c), key=lambda d: d.c, reverse=True)
    inner = [d for d in around if not d.c]
    stride_b, transpose_b = (k.b, "N") if n.b == 1 else (n.b, "T")
    stride_a, transpose_a = (m.a, "N") if k.a == 1 else (k.a, "T")
    shape = (n.size, m.size, k.size, max(stride_b, 1), max(stride_a, 1), m.c)
    pool = [len(outer) + len(inner), len(inner)]
    for dim in [*outer, *inner]:
        pool.extend(dim)
    calls = math.prod(d.size for d in around)
    # Edges cost the more the smaller a matrix is, most of all where entries are in one line.
    edges = 1 + 6 / n.size + 3 / m.size + 3 / k.size
    cost = calls * (CALL + 2 * m.size * n.size * k.size * edges / RATE)
    return Form(cost, MATRICES, swapped, tuple(pool), (*shape, ord(transpose_b), ord(transpose_a)))
