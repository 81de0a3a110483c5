"""Common shapes of network: chain, tree and grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import networkx as nx
import numpy as np

from tnlearn.errors import NetworkError
from tnlearn.network.graphs import from_graph
from tnlearn.network.tensor_network import TensorNetwork
from tnlearn.seeds import generator_of

#: How a builder fills a node: called with the node and the shape, returns the array.
Fill: TypeAlias = Callable[[Any, tuple[int, ...]], Any]


def chain(
    length: int,
    bond_dimension: int,
    physical_dimension: int | None = None,
    *,
    periodic: bool = False,
    fill: Fill | None = None,
    seed: int | np.random.Generator | None = None,
) -> TensorNetwork:
    """A chain of tensors: a matrix product state, or a product of matrices.

    Nodes are 0, 1, ...; a node's axes are its bonds in the order of the graph's edges, then its
    open physical index, called as the node.

    Parameters
    ----------
    length : int
        Number of tensors; at least 1, and at least 3 if periodic.
    bond_dimension : int
        Size of every bond.
    physical_dimension : int, optional
        Size of the open index of every tensor; by default there is none.
    periodic : bool
        Close the chain into a ring.
    fill : callable, optional
        ``fill(node, shape)`` gives the array of a node; by default normal entries of variance
        one over the bond dimension.
    seed : int or numpy.random.Generator, optional
        For the default fill.
    """
    if length < (3 if periodic else 1):
        raise NetworkError(f"a {'ring' if periodic else 'chain'} cannot have length {length}")
    graph = nx.cycle_graph(length) if periodic else nx.path_graph(length)
    return on_graph(graph, bond_dimension, physical_dimension, fill=fill, seed=seed)


def tree(
    depth: int,
    bond_dimension: int,
    physical_dimension: int | None = None,
    *,
    branching: int = 2,
    fill: Fill | None = None,
    seed: int | np.random.Generator | None = None,
) -> TensorNetwork:
    """A balanced tree: node 0 is the root, and the physical indices are on the leaves.

    Parameters are those of `chain`; `depth` counts the edges from root to leaf, `branching` the
    children of a node.
    """
    if depth < 0 or branching < 1:
        raise NetworkError(f"a tree cannot have depth {depth} and branching {branching}")
    graph = nx.balanced_tree(branching, depth)
    first_leaf = len(graph) - branching**depth
    physical = {node: physical_dimension for node in graph if node >= first_leaf}
    return on_graph(graph, bond_dimension, physical, fill=fill, seed=seed)


def grid(
    rows: int,
    columns: int,
    bond_dimension: int,
    physical_dimension: int | None = None,
    *,
    periodic: bool = False,
    fill: Fill | None = None,
    seed: int | np.random.Generator | None = None,
) -> TensorNetwork:
    """A square lattice (PEPS, or a classical partition function): nodes are (row, column).

    Parameters are those of `chain`.
    """
    if min(rows, columns) < (3 if periodic else 1):
        raise NetworkError(f"a {'torus' if periodic else 'grid'} cannot be {rows} x {columns}")
    graph = nx.grid_2d_graph(rows, columns, periodic=periodic)
    return on_graph(graph, bond_dimension, physical_dimension, fill=fill, seed=seed)


def on_graph(
    graph: nx.Graph[Any],
    bond_dimension: int,
    physical_dimension: int | dict[Any, int | None] | None = None,
    *,
    fill: Fill | None = None,
    seed: int | np.random.Generator | None = None,
) -> TensorNetwork:
    """A network with one tensor on every node of any graph, filled as `chain` says.

    Parameters
    ----------
    graph : networkx.Graph or networkx.MultiGraph
        Every edge is a bond.
    physical_dimension : int or dict, optional
        Size of the open index of every node, or by node; None for no such index.
    """
    fill = fill or _normal(bond_dimension, generator_of(seed))
    arrays = {}
    for node in graph:
        physical = (
            physical_dimension.get(node)
            if isinstance(physical_dimension, dict)
            else physical_dimension
        )
        shape = (bond_dimension,) * graph.degree[node] + (() if physical is None else (physical,))
        arrays[node] = fill(node, shape)
    return from_graph(graph, arrays, {})


def _normal(bond_dimension: int, generator: np.random.Generator) -> Fill:
    scale = max(bond_dimension, 1) ** -0.5

    def fill(node: Any, shape: tuple[int, ...]) -> Any:
        return generator.normal(scale=scale, size=shape)

    return fill
