"""Networks and networkx graphs, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np

from tnlearn.errors import NetworkError
from tnlearn.network.tensor import Index, Tensor
from tnlearn.network.tensor_network import TensorNetwork


def from_graph(
    graph: nx.Graph[Any],
    tensors: Mapping[Any, Any] | str = "tensor",
    edge_tensors: Mapping[Any, Any] | str = "tensor",
) -> TensorNetwork:
    """A network with a tensor on every node of a graph and, where given, on its edges.

    Every edge is an index, called as networkx calls the edge: ``(u, v)``, or ``(u, v, key)`` in
    a multigraph. The axes of a node's array follow ``graph.edges(node)``, a self-loop taking
    two; axes beyond those are open, called ``node`` if there is one and ``(node, "open", k)``
    if there are more. A matrix on an edge stands between its two ends, its axes in the order
    (u, v) in which the graph lists the edge; the indices are then ``(edge, 0)`` and
    ``(edge, 1)``.

    Parameters
    ----------
    graph : networkx.Graph or networkx.MultiGraph
        Undirected.
    tensors : mapping from node to array_like, or str
        The arrays, or the node attribute that holds them.
    edge_tensors : mapping from edge to array_like, or str
        Matrices by edge (either orientation), or the edge attribute that holds them. Edges
        without one are plain indices.

    Raises
    ------
    NetworkError
        If the graph is directed, a node has no tensor or too few axes, an open axis would be
        called as an edge is, or an edge tensor is no matrix or is on no edge of the graph.
    """
    if graph.is_directed():
        raise NetworkError("from_graph takes an undirected graph: call graph.to_undirected() first")
    edges = _edges(graph)
    on_nodes = graph.nodes(data=tensors) if isinstance(tensors, str) else tensors.items()
    arrays = {node: array for node, array in on_nodes if array is not None}
    matrices = _matrices(graph, edges, edge_tensors)
    listed = {edge: edge for edge in edges} | {_backwards(edge): edge for edge in edges}
    network: list[Tensor] = []
    output: list[Index] = []
    for node in graph:
        incident = [listed[edge] for edge in _edges(graph, node)]
        legs = [leg for edge in incident for leg in _ends(edge, node, edge in matrices)]
        data, opened = _node(node, arrays, legs)
        for index in opened:
            if index in listed:
                raise NetworkError(
                    f"node {node!r} has an open axis, but its name is also that of an edge: "
                    "relabel the nodes, say with networkx.convert_node_labels_to_integers"
                )
        network.append(Tensor(data, (*legs, *opened), name=str(node)))
        output += opened
    for edge, matrix in matrices.items():
        network.append(Tensor(matrix, ((edge, 0), (edge, 1)), name=str(edge)))
    return TensorNetwork(network, output)


def to_networkx(network: TensorNetwork) -> nx.MultiGraph[Any]:
    """The bipartite factor graph: hyperedges, diagonals and open indices survive.

    Nodes are ``("tensor", name)``, with attribute ``tensor``, and ``("index", index)``, with
    ``size`` and ``open`` (position in the output, or None); an edge for every axis, with
    attribute ``axis``.
    """
    graph: nx.MultiGraph[Any] = nx.MultiGraph()
    opened = {index: k for k, index in enumerate(network.output)}
    for name, tensor in zip(network.names, network.tensors, strict=True):
        graph.add_node(("tensor", name), bipartite=0, tensor=tensor)
    for index, size in network.sizes.items():
        graph.add_node(("index", index), bipartite=1, size=size, open=opened.get(index))
    for name, tensor in zip(network.names, network.tensors, strict=True):
        for axis, index in enumerate(tensor.indices):
            graph.add_edge(("tensor", name), ("index", index), axis=axis)
    return graph


def from_networkx(graph: nx.MultiGraph[Any]) -> TensorNetwork:
    """The network whose factor graph this is: the inverse of `to_networkx`.

    Raises
    ------
    NetworkError
        If a node is neither a tensor nor an index, or the axes of a tensor are not all there.
    """
    tensors: list[Tensor] = []
    opened: dict[int, Index] = {}
    for node, attributes in graph.nodes(data=True):
        if "tensor" in attributes:
            tensors.append(_tensor_node(graph, node, attributes["tensor"]))
        elif "size" not in attributes:
            raise NetworkError(f"node {node!r} has neither a 'tensor' nor a 'size' attribute")
        elif attributes.get("open") is not None:
            opened[attributes["open"]] = node[1]
    return TensorNetwork(tensors, [opened[k] for k in sorted(opened)])


def _edges(graph: nx.Graph[Any], node: Any = None) -> list[tuple[Any, ...]]:
    """All edges, or those of one node, with their keys in a multigraph."""
    options = {"keys": True} if isinstance(graph, nx.MultiGraph) else {}
    return list(graph.edges(None if node is None else [node], **options))


def _backwards(edge: tuple[Any, ...]) -> tuple[Any, ...]:
    return (edge[1], edge[0], *edge[2:])


def _ends(edge: tuple[Any, ...], node: Any, has_matrix: bool) -> list[Index]:
    """The indices by which `node` meets `edge`: two for a self-loop."""
    return [(edge, k) if has_matrix else edge for k in (0, 1) if edge[k] == node]


def _matrices(
    graph: nx.Graph[Any], edges: list[tuple[Any, ...]], given: Mapping[Any, Any] | str
) -> dict[tuple[Any, ...], Any]:
    if isinstance(given, str):
        return {e: graph.edges[e][given] for e in edges if given in graph.edges[e]}
    names = set(edges)
    matrices: dict[tuple[Any, ...], Any] = {}
    for edge, matrix in given.items():
        if edge in names:
            matrices[edge] = matrix
        elif _backwards(edge) in names:
            matrices[_backwards(edge)] = np.transpose(matrix)
        else:
            raise NetworkError(f"edge {edge!r} has a tensor but is not in the graph")
    return matrices


def _node(node: Any, arrays: Mapping[Any, Any], legs: list[Index]) -> tuple[Any, list[Index]]:
    if node not in arrays:
        raise NetworkError(f"node {node!r} has no tensor: give one for every node of the graph")
    data = arrays[node]
    extra = np.ndim(data) - len(legs)
    if extra < 0:
        raise NetworkError(
            f"node {node!r} has {len(legs)} edge ends but its tensor has {np.ndim(data)} axes, "
            f"shape {np.shape(data)}: one axis per edge end, in the order of graph.edges"
        )
    return data, [node] if extra == 1 else [(node, "open", k) for k in range(extra)]


def _tensor_node(graph: nx.MultiGraph[Any], node: Any, tensor: Tensor) -> Tensor:
    by_axis = {axis: other[1] for _, other, axis in graph.edges(node, data="axis")}
    if sorted(by_axis) != list(range(len(tensor.shape))):
        raise NetworkError(
            f"{node!r} has {len(tensor.shape)} axes but edges for axes {sorted(by_axis)}"
        )
    indices = tuple(by_axis[axis] for axis in range(len(tensor.shape)))
    if indices == tensor.indices:
        return tensor
    return replace(tensor, indices=indices)
