"""Shortest T-joins: the least weight of edges that end, oddly often, at marked vertices only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from scipy.optimize import linprog
from scipy.sparse import csgraph

from tnlearn.errors import ModelError
from tnlearn.physics.planar.surface import Bools, Floats, Ints
from tnlearn.physics.planar.trees import links, shortest_forest, walk

#: Least violation of a cut that is worth adding, and capacities in units of it.
VIOLATION = 1e-6
#: What the linear programs leave open, as a part of the sum of all weights.
TOLERANCE = 1e-9
ROUNDS = 1000


@dataclass(frozen=True)
class Weighted:
    """A graph with weights, and some of its vertices marked.

    Attributes
    ----------
    starts, ends : arrays of int, shape (n_edges,)
        Parallel edges are allowed; an edge from a vertex to itself is in no join.
    weights : array, shape (n_edges,)
        Not negative.
    marked : array of bool, shape (n_vertices,)
        An even number in every connected part.
    """

    starts: Ints
    ends: Ints
    weights: Floats
    marked: Bools


@dataclass(frozen=True)
class Join:
    """A set of edges, and the proof that none weighs less.

    Attributes
    ----------
    edges : array of bool, shape (n_edges,)
    weight : float
        Sum of their weights.
    bound : float
        No join weighs less than this; equal to `weight` up to rounding where the join is shortest.
    """

    edges: Bools
    weight: float
    bound: float


def shortest_join(graph: Weighted, rounds: int = ROUNDS) -> Join:
    """The edges of least weight that every marked vertex has oddly many of, others evenly many.

    A linear program over ``0 <= x``, ``x(cut) >= 1`` for the cuts that separate oddly many marked
    vertices from the rest; those are exponentially many, and only the ones that a solution
    violates are added, round by round. All corners of what they describe are joins.

    Parameters
    ----------
    graph : Weighted
    rounds : int
        Stop after so many linear programs, with a bound that may be below the weight.

    Returns
    -------
    Join

    Notes
    -----
    Polynomial; in practice some tens of sparse linear programs. Source: J. Edmonds and E. L.
    Johnson, Math. Program. 5, 88 (1973), for the program; M. W. Padberg and M. R. Rao, Math.
    Oper. Res. 7, 67 (1982), for finding what is violated; F. Barahona, R. Maynard, R. Rammal and
    J. P. Uhry, J. Phys. A 15, 673 (1982), for the use on spin glasses.
    """
    total = float(graph.weights.sum())
    x = np.zeros(len(graph.weights))
    best = Join(forest_join(graph, graph.weights), 0.0, 0.0)
    best = Join(best.edges, float(graph.weights[best.edges].sum()), 0.0)
    if not graph.marked.any():
        return best
    rows = [np.nonzero(inside ^ other)[0] for inside, other in _stars(graph)]
    known = {row.tobytes() for row in rows}
    for _ in range(rounds):
        x, bound = _solved(graph.weights, rows)
        edges = forest_join(graph, graph.weights * np.clip(1.0 - x, 1e-3, 1.0))
        weight = float(graph.weights[edges].sum())
        if weight < best.weight:
            best = Join(edges, weight, bound)
        best = Join(best.edges, best.weight, max(best.bound, bound))
        if best.weight - best.bound <= TOLERANCE * total:
            break
        new = [row for row in _violated(graph, x) if row.tobytes() not in known]
        known |= {row.tobytes() for row in new}
        if not new:
            break
        rows += new
    return best


def forest_join(graph: Weighted, lengths: Floats) -> Bools:
    """The only join inside a shortest spanning forest: a join, if not the shortest.

    Raises
    ------
    ModelError
        If some part has an odd number of marked vertices: it has no join.
    """
    n = len(graph.marked)
    tree = shortest_forest(graph.starts, graph.ends, lengths, n)
    number = links(graph.starts[tree], graph.ends[tree], tree + 1.0, n)
    _, part = csgraph.connected_components(number, directed=False)
    edges = np.zeros(len(lengths), dtype=bool)
    odd = graph.marked.tolist()
    for root in np.unique(part, return_index=True)[1].tolist():
        for vertex, parent, edge in reversed(walk(number, root)):
            if odd[vertex]:
                odd[parent] ^= True
                edges[int(edge) - 1] = True
        if odd[root]:
            raise ModelError("a connected part has an odd number of marked vertices: no join")
    return edges


def _stars(graph: Weighted) -> Iterator[tuple[Bools, Bools]]:
    for vertex in np.nonzero(graph.marked)[0]:
        yield graph.starts == vertex, graph.ends == vertex


def _solved(weights: Floats, rows: list[Ints]) -> tuple[Floats, float]:
    """The linear program with these cuts: its solution, and a lower bound on all joins."""
    lengths = [len(row) for row in rows]
    where = (np.repeat(np.arange(len(rows)), lengths), np.concatenate(rows))
    cuts = scipy.sparse.csr_matrix((np.ones(sum(lengths)), where), (len(rows), len(weights)))
    found = linprog(
        weights, A_ub=-cuts, b_ub=-np.ones(len(rows)), bounds=(0.0, None), method="highs-ds"
    )
    # The bound is the dual's: multipliers of the cuts, shrunk until no edge is overcharged.
    multipliers = np.maximum(-found.ineqlin.marginals, 0.0)
    charged = cuts.T @ multipliers
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink = np.min(np.where(charged > weights, weights / charged, 1.0), initial=1.0)
    return found.x, float(multipliers.sum() * shrink)


def _violated(graph: Weighted, x: Floats) -> list[Ints]:
    """Cuts between oddly many marked vertices and the rest that `x` crosses less than once."""
    found: dict[bytes, Ints] = {}
    for level in [*np.unique(np.round(x[x > VIOLATION], 6)).tolist()[::-1], 0.0]:
        for inside in _parts(graph, x > level + 0.5 * VIOLATION if level else x > VIOLATION):
            cut = np.nonzero(inside[graph.starts] != inside[graph.ends])[0]
            if x[cut].sum() < 1.0 - VIOLATION:
                found[cut.tobytes()] = cut
    return list(found.values()) or list(_odd_cuts(graph, x))


def _parts(graph: Weighted, edges: Bools) -> Iterator[Bools]:
    """The connected parts with oddly many marked vertices."""
    n = len(graph.marked)
    ends = (graph.starts[edges], graph.ends[edges])
    links = scipy.sparse.coo_matrix((np.ones(len(ends[0])), ends), shape=(n, n)).tocsr()
    count, part = csgraph.connected_components(links, directed=False)
    odd = np.bincount(part[graph.marked], minlength=count) % 2 == 1
    for number in np.nonzero(odd)[0]:
        yield part == number


def _odd_cuts(graph: Weighted, x: Floats) -> Iterator[Ints]:
    """The same from a tree of minimum cuts between the marked vertices: none is overlooked.

    Source: D. Gusfield, SIAM J. Comput. 19, 143 (1990).
    """
    n = len(graph.marked)
    size = np.round(x / VIOLATION).astype(np.int32)
    ends = (np.append(graph.starts, graph.ends), np.append(graph.ends, graph.starts))
    capacity = scipy.sparse.coo_matrix((np.append(size, size), ends), shape=(n, n)).tocsr()
    capacity = capacity.astype(np.int32)
    terminals = np.nonzero(graph.marked)[0]
    above = dict.fromkeys(terminals.tolist(), int(terminals[0]))
    for k, terminal in enumerate(terminals.tolist()[1:], 1):
        flow = csgraph.maximum_flow(capacity, terminal, above[terminal])
        left = capacity - flow.flow
        left.data = np.maximum(left.data, 0)
        left.eliminate_zeros()
        reached = csgraph.breadth_first_order(left, terminal, return_predecessors=False)
        inside = np.zeros(n, dtype=bool)
        inside[reached] = True
        for other in terminals.tolist()[k + 1 :]:
            if inside[other] and above[other] == above[terminal]:
                above[other] = terminal
        if np.count_nonzero(inside & graph.marked) % 2:
            cut = np.nonzero(inside[graph.starts] != inside[graph.ends])[0]
            if x[cut].sum() < 1.0 - VIOLATION:
                yield cut
