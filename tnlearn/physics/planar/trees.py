"""Walks along trees: every vertex after the one it hangs on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from scipy.sparse import csgraph

from tnlearn.physics.planar.surface import Floats, Ints

Steps = list[tuple[int, int, float]]


def links(starts: Ints, ends: Ints, values: npt.NDArray[Any], n: int) -> Any:
    """A symmetric sparse matrix with a value per edge; no value 0, no edge twice."""
    one_way = scipy.sparse.coo_matrix((values, (starts, ends)), shape=(n, n)).tocsr()
    return (one_way + one_way.T).tocsr()


def walk(matrix: Any, root: int) -> Steps:
    """The part of a graph that hangs on a root, nearest vertices first.

    Parameters
    ----------
    matrix : sparse matrix
        As `links` makes it.
    root : int

    Returns
    -------
    list of (int, int, float)
        Vertex, the one it hangs on, and the value of the edge between; without the root.
    """
    order, parents = csgraph.breadth_first_order(matrix, root, directed=False)
    vertices, above = order[1:], parents[order[1:]]
    if not len(vertices):
        return []
    values = np.asarray(matrix[vertices, above]).ravel()
    return list(zip(vertices.tolist(), above.tolist(), values.tolist(), strict=True))


def shortest_forest(starts: Ints, ends: Ints, lengths: Floats, n: int) -> Ints:
    """The edges of a shortest spanning forest, parallel edges and loops allowed; ties in order."""
    order = np.argsort(lengths, kind="stable")
    order = order[starts[order] != ends[order]]
    low, high = np.minimum(starts, ends)[order], np.maximum(starts, ends)[order]
    _, first = np.unique(low * n + high, return_index=True)
    first = np.sort(first)
    ranks = np.arange(1.0, len(first) + 1.0)
    matrix = scipy.sparse.coo_matrix((ranks, (low[first], high[first])), shape=(n, n)).tocsr()
    tree = csgraph.minimum_spanning_tree(matrix)
    return np.asarray(order[first[tree.data.astype(np.int64) - 1]])
