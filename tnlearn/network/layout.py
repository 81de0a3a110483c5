"""Where the tensors and indices of a drawn network go."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from tnlearn.errors import NetworkError
from tnlearn.network.tensor_network import TensorNetwork

Array: TypeAlias = npt.NDArray[Any]
Graph: TypeAlias = "nx.Graph[Any]"
Node: TypeAlias = tuple[str, Hashable]  # a kind of mark, and the tensor's name or the index
Points: TypeAlias = dict[Node, complex]  # x + iy, in units of a typical bond
Lines: TypeAlias = dict[tuple[Node, Node, int], Array]

_LEG = 0.5
WAYS = np.exp(1j * (np.pi / 8 * np.array(sorted(range(-7, 9), key=abs)) - np.pi / 2))
_SAMPLES = (1 - np.cos(np.linspace(0, np.pi, 49))) / 2


def xy(points: Iterable[complex]) -> Array:
    """Complex places as rows of x and y."""
    return np.array([*points], dtype=complex).view(float).reshape(-1, 2)


def picture(network: TensorNetwork) -> Graph:
    """Nodes for all that has a place, tensors first, and an edge for every line."""
    graph: nx.MultiGraph[Any] = nx.MultiGraph()
    graph.add_nodes_from(("tensor", name) for name in network.names)
    ends: dict[Hashable, list[Node]] = {index: [] for index in network.sizes}
    for name, tensor in zip(network.names, network.tensors, strict=True):
        for index in tensor.indices:
            ends[index].append(("tensor", name))
    for index in network.output:
        ends[index].append(("output", index))
    for index, nodes in ends.items():
        attributes = {"index": index, "size": network.sizes[index]}
        if len(nodes) == 2 and nodes[0] != nodes[1]:
            graph.add_edge(*nodes, **attributes)
        elif len(nodes) == 2:
            graph.add_edge(nodes[0], ("loop", index), **attributes)
        else:
            kind = "summed" if len(nodes) == 1 else "hyperedge"
            graph.add_edges_from((node, (kind, index), attributes) for node in nodes)
    return graph


def find_places(graph: Graph, layout: Mapping[str, Any] | None, seed: int) -> Points:
    """First what holds the network together finds its place, then what hangs from it."""
    tensors = [node for node in graph if node[0] == "tensor"]
    joints = [
        node
        for node in graph
        if node[0] == "hyperedge" and sum(n[0] == "tensor" for n in graph[node]) > 1
    ]
    core = _subgraph(graph, {*tensors, *joints})
    if layout is None:
        points = _on_lattice(graph, tensors, joints)
    elif missing := [name for _, name in tensors if name not in layout]:
        raise NetworkError(f"layout has no place for tensor {missing[0]!r}: give one for each")
    else:
        points = _scaled(core, {node: complex(*layout[node[1]]) for node in tensors})
    if points is None:
        parts = [_subgraph(core, part) for part in nx.connected_components(core)]
        points = _side_by_side([_arranged(part, seed) for part in parts])
    for node in joints:
        if node not in points:
            points[node] = _between([points[n] for n in core[node]], points)
    _hang(graph, points)
    return points


def _subgraph(graph: Graph, nodes: set[Node]) -> Graph:
    """As networkx's, but in the order of `graph`, not in that of a set of strings."""
    part: Graph = nx.Graph()
    part.add_nodes_from(node for node in graph if node in nodes)
    part.add_edges_from((u, v) for u, v in graph.edges() if u in nodes and v in nodes)
    return part


def _on_lattice(graph: Graph, tensors: list[Node], joints: list[Node]) -> Points | None:
    named = {n: site for n in tensors if (site := _site(n[1])) is not None}
    if len(named) == len(tensors):
        return named
    points = {n: site for n in joints if (site := _site(n[1])) is not None}
    if len(points) < max(len(joints), 1):
        return None
    ends: dict[Node, list[complex]] = {}
    for node in tensors:
        indices = dict.fromkeys(index for *_, index in graph.edges(node, data="index"))
        ends[node] = [site for index in indices if (site := _site(index)) is not None]
    # What spans the most comes last, so that bonds around a torus give way to the others.
    for node in sorted(tensors, key=lambda n: max(np.ptp(xy(ends[n] or [0]), axis=0))):
        if len(ends[node]) > 1:
            points[node] = _between(ends[node], points)
    return points if all(n in points or points.keys() & graph[n] for n in tensors) else None


def _site(label: Hashable) -> complex | None:
    pair = re.fullmatch(r"\((-?\d+), ?(-?\d+)\)", str(label))
    return complex(int(pair[2]), -int(pair[1])) if pair else None


def _between(ends: list[complex], points: Points) -> complex:
    """The middle of `ends`, or a spot at its side if one of `points` is there."""
    spots = np.mean(ends) + _side(ends[-1] - ends[0]) * np.array([0, 0.4, -0.4, 0.6, -0.6])
    free = cKDTree(xy(points.values())).query(xy(spots))[0]
    return complex(spots[np.argmax(np.minimum(free, 0.35))])


def _side(step: complex) -> complex:
    """The unit vector at right angles to `step` that points down, or else left."""
    side = 1j * step / max(abs(step), 1e-9)
    return -side if side.real + 2 * side.imag > 0 else side


def _arranged(part: Graph, seed: int) -> Points:
    """Places for a connected part."""
    if nx.is_tree(part):
        ends = [node for node in part if part.degree[node] < 2]
        return _line(part, ends[0]) if len(ends) < 3 else _tree(part, nx.center(part)[0])
    small = len(part) <= 100
    found = nx.kamada_kawai_layout(part) if small else nx.spring_layout(part, seed=seed)
    steps = np.array([complex(*(found[u] - found[v])) for u, v in part.edges])
    array = np.array([complex(*found[node]) for node in part])
    # Bonds that are mostly at right angles are turned upright, and the first tensor on top.
    square = np.sum(steps**4)
    if abs(square) > 0.1 * np.sum(abs(steps) ** 4):
        array = array * np.exp(-0.25j * np.angle(square))
    array -= array.mean()
    if np.ptp(array.imag) > np.ptp(array.real):
        array = array * 1j
    left, top = array[0].real <= 0, array[0].imag >= 0
    array = array.real * (1 if left else -1) + 1j * array.imag * (1 if top else -1)
    return _scaled(part, dict(zip(part, array.tolist(), strict=True)))


def _scaled(graph: Graph, points: Points) -> Points:
    """`points` with typical edges of length one, or longer where nodes would touch."""
    lengths = [abs(points[u] - points[v]) for u, v in graph.edges if {u, v} <= points.keys()]
    units = [float(np.median(lengths or [1])), 1.5 * typical_gap(points)]
    scale = max((1 / unit for unit in units if unit > 0), default=1.0)
    return {node: point * scale for node, point in points.items()}


def _solid(points: Points) -> Array:
    return np.array([at for (kind, _), at in points.items() if kind in ("tensor", "hyperedge")])


def typical_gap(points: Points) -> float:
    """The distance to the next that nearly all tensors and hyperedges have; one for a single."""
    solid = xy(_solid(points))
    near = cKDTree(solid).query(solid, k=2)[0][:, 1]
    return float(np.quantile(near, 0.05)) if len(solid) > 1 else 1.0


def _line(part: Graph, start: Node) -> Points:
    row = max(20, math.isqrt(3 * len(part)))
    places = [divmod(k, row) for k in range(len(part))]
    points = [complex(row - 1 - x if y % 2 else x, -1.4 * y) for y, x in places]
    return dict(zip(nx.dfs_preorder_nodes(part, start), points, strict=True))


def _tree(part: Graph, root: Node) -> Points:
    """Layers, or rings if they would be wide: leaves in a row, parents amid their children."""
    parents = dict(nx.bfs_predecessors(part, root))
    order = list(nx.dfs_preorder_nodes(part, root))
    leaves = [node for node in order if part.degree[node] == 1]
    below: dict[Node, list[float]] = {node: [] for node in order}
    below |= {leaf: [float(k)] for k, leaf in enumerate(leaves)}
    for node in order[:0:-1]:
        below[parents[node]].append(float(np.mean(below[node])))
    depths = nx.single_source_shortest_path_length(part, root)
    x = np.array([np.mean(below[node]) for node in order])
    y = np.array([depths[node] for node in order])
    if len(leaves) <= 32:
        array = x - 1j * y * np.clip(len(leaves) / (2.2 * y.max()), 1, 4)
    else:
        array = y * max(1, 0.1 * len(leaves) / y.max()) * np.exp(2j * np.pi * x / len(leaves))
    return dict(zip(order, array.tolist(), strict=True))


def _side_by_side(parts: list[Points]) -> Points:
    """The parts in rows, as words are, on a page of the shape of a screen."""
    arrays = [xy(part.values()) for part in parts]
    sizes = [np.ptp(array, axis=0) + 1.5 for array in arrays]
    page = max([math.sqrt(16 / 9 * sum(w * h for w, h in sizes)), *(w for w, _ in sizes)])
    points: Points = {}
    x = y = row = 0.0
    for part, array, (width, height) in zip(parts, arrays, sizes, strict=True):
        if x > 0 and x + width > page:
            x, y, row = 0.0, y - row, 0.0
        shift = complex(x - array[:, 0].min(), y - array[:, 1].max())
        points |= {node: point + shift for node, point in part.items()}
        x, row = x + width, max(row, height)
    return points


def _hang(graph: Graph, points: Points) -> None:
    """Place what hangs from a single node: in one direction wherever most have it free."""
    while waiting := [node for node in graph if node not in points]:
        turn: dict[Node, Node] = {}
        for node in waiting:
            for parent in graph[node]:
                if parent in points:
                    turn.setdefault(parent, node)
        at = [points[parent] for parent in turn]
        free = clearance(at, points, find_lines(graph, points))
        share = (free > 0.3).mean(axis=0)
        worth = np.median(free, axis=0) * (share > 0.9 * share.max())
        common = np.argmax(worth > 0.9 * worth.max())
        for node, start, ways in zip(turn.values(), at, free, strict=True):
            best = common if share[common] > 0.85 and ways[common] > 0.3 else np.argmax(ways)
            points[node] = start + _LEG * complex(WAYS[best])


def clearance(at: list[complex], points: Points, lines: Lines) -> Array:
    """How free each of the `WAYS` is from each of the places `at`."""
    tips = np.array(at)[:, None] + _LEG * WAYS
    things = [*points.values(), *np.ravel([line[12:-1:12] for line in lines.values()])]
    near = cKDTree(xy(things)).query(xy(tips.ravel()), k=2)[0]
    # Where the nearest thing is the place itself, the next one says how free the way is.
    free: Array = np.where(near[:, 0] < _LEG - 1e-6, near[:, 0], near[:, 1])
    return free.round(3).reshape(tips.shape)


def find_lines(graph: Graph, points: Points) -> Lines:
    """Sampled curves: parallel bonds bend apart, and a bond bends around what stands on it."""
    others, disc = _solid(points), 0.25 * typical_gap(points)
    t, lines = _SAMPLES, {}
    arch = 4 * t * (1 - t)
    for u, v, key in graph.edges(keys=True):
        if u not in points or v not in points:
            continue
        start, step = points[u], points[v] - points[u]
        if v[0] == "loop":
            lines[u, v, key] = start + arch * (step + 0.4 * _LEG * (1 - 2 * t) * _side(step))
            continue
        count = graph.number_of_edges(u, v)
        bend = (key - (count - 1) / 2) * min(0.25, 0.8 / count) * arch
        along = ((others - start) * np.conj(step)).real / max(abs(step) ** 2, 1e-9)
        if (abs(others - start - along.clip(0, 1) * step) < disc).sum() > 2:
            bend += 0.35 * np.sqrt(arch)
        lines[u, v, key] = start + t * step + bend * _side(step)
    return lines
