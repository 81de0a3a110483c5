"""In which order a sweep sums variables, and how it lines up those at its edge.

The order is along a smooth coordinate of the graph, and the line across it: two slow eigenvectors
of the graph's Laplacian, turned until the tables at the edge reach least far (spectral orders:
Juvan, Mohar 1992, Discrete Appl. Math. 36, 153).
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

#: Ways to turn the two coordinates.
TURNS = 12
#: Variables up to which all eigenvectors are found.
DENSE = 400


@dataclass(frozen=True)
class Stop:
    """One variable summed.

    Attributes
    ----------
    variable : int
    tables : tuple of int
        Those on it that were not multiplied before.
    entering : tuple of (int, int)
        Variables new at the edge and the places where they come in, in this order.
    places : dict from int to int
        Of all variables of these tables, when those have come in.
    """

    variable: int
    tables: tuple[int, ...]
    entering: tuple[tuple[int, int], ...]
    places: dict[int, int]

    @property
    def span(self) -> int:
        """How many cores the tables reach over."""
        return max(self.places.values()) - min(self.places.values()) + 1


@dataclass(frozen=True)
class Sweep:
    """All stops of a sweep, and the variables most that are at its edge."""

    stops: tuple[Stop, ...]
    width: int

    @property
    def reach(self) -> int:
        """Cores that are multiplied, of all stops."""
        return sum(stop.span for stop in self.stops)


def best_sweep(variables: int, scopes: Sequence[tuple[int, ...]]) -> tuple[Sweep, Sweep]:
    """The sweep whose tables reach least far, and the same from the other end.

    Parameters
    ----------
    variables : int
    scopes : sequence of tuple of int
        Variables of every table.
    """
    best: tuple[int, Array, Array] | None = None
    for along, across in _coordinates(variables, scopes):
        reach = _swept(along, across, scopes).reach
        if best is None or reach < best[0]:
            best = reach, along, across
    assert best is not None
    _, along, across = best
    return _swept(along, across, scopes), _swept(-along, across, scopes)


def _coordinates(
    variables: int, scopes: Sequence[tuple[int, ...]]
) -> Iterator[tuple[Array, Array]]:
    """Pairs of coordinates to try: the order of the network, and slow ones turned."""
    slow = _slow(variables, scopes)
    given = np.arange(variables, dtype=float)
    yield given, slow[0]
    yield given, slow[1]
    for turn in range(TURNS):
        angle = math.pi * turn / TURNS
        c, s = math.cos(angle), math.sin(angle)
        yield c * slow[0] + s * slow[1], c * slow[1] - s * slow[0]


def _slow(variables: int, scopes: Sequence[tuple[int, ...]]) -> tuple[Array, Array]:
    """Two slow coordinates of every part of the graph; the parts stand one after the other."""
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components

    pairs = [(a, b) for scope in scopes for k, a in enumerate(scope) for b in scope[:k]]
    ends = np.array(pairs, np.int64).reshape(-1, 2).T
    weights = sp.coo_matrix((np.ones(len(pairs)), tuple(ends)), (variables, variables)).tocsr()
    weights = weights + weights.T
    count, parts = connected_components(weights, directed=False)
    one, two = np.zeros(variables), np.zeros(variables)
    for part in range(count):
        members = np.flatnonzero(parts == part)
        found = _eigenvectors(weights[members][:, members])
        one[members], two[members] = found[0] + 3 * part, found[1]
    return one.round(9), two.round(9)


def _eigenvectors(weights: Any) -> tuple[Array, Array]:
    """The second and third of the Laplacian, between -1 and 1."""
    size = weights.shape[0]
    if size < 3:
        return np.arange(size, dtype=float) - 0.5, np.zeros(size)
    import scipy.sparse as sp

    laplacian = sp.diags(np.asarray(weights.sum(axis=1)).ravel()) - weights
    if size <= DENSE:
        vectors = np.linalg.eigh(laplacian.toarray())[1][:, 1:3]
    else:
        from scipy.sparse.linalg import eigsh

        start = np.cos(np.arange(size))  # Any, but always the same.
        found = eigsh(laplacian.tocsc(), 3, sigma=-1e-3, which="LM", v0=start)
        vectors = found[1][:, np.argsort(found[0])[1:]]
    vectors = vectors / np.abs(vectors).max(axis=0)
    return vectors[:, 0], vectors[:, 1]


def _swept(along: Array, across: Array, scopes: Sequence[tuple[int, ...]]) -> Sweep:
    touching: list[list[int]] = [[] for _ in along]
    for number, scope in enumerate(scopes):
        for variable in scope:
            touching[variable].append(number)
    edge: list[tuple[float, int]] = []  # Ascending, so places are found by bisection.
    there, done, stops, width = set[int](), set[int](), [], 0
    keys = [(float(at), k) for k, at in enumerate(across)]
    for variable in np.lexsort((across, along.round(9))).tolist():
        tables = tuple(number for number in touching[variable] if number not in done)
        done.update(tables)
        met = dict.fromkeys([variable, *(v for number in tables for v in scopes[number])])
        entering = []
        for new in met:
            if new not in there:
                entering.append((new, bisect_left(edge, keys[new])))
                insort(edge, keys[new])
                there.add(new)
        places = {v: bisect_left(edge, keys[v]) for v in met}
        width = max(width, len(edge))
        stops.append(Stop(variable, tables, tuple(entering), places))
        del edge[places[variable]]
    return Sweep(tuple(stops), width)
