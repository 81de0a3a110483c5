"""A picture of a network: tensors are discs, indices the lines between them."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import networkx as nx
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from scipy.spatial import cKDTree

from tnlearn.errors import NetworkError
from tnlearn.network.tensor_network import TensorNetwork

_Array: TypeAlias = npt.NDArray[np.float64]
_Graph: TypeAlias = "nx.MultiGraph[Any]"
_Node: TypeAlias = tuple[str, Hashable]  # a kind of _MARKS, and the tensor's name or the index
_Points: TypeAlias = dict[_Node, _Array]
_Lines: TypeAlias = dict[tuple[_Node, _Node, int], _Array]

# Okabe and Ito's colours differ for any colour vision; the shapes differ as well.
_INK, _OUTPUT = "#333333", "#D55E00"
#: Marker, face, edge, size relative to a tensor, what the legend says.
_MARKS = {
    "tensor": ("o", "#A6D5F2", _INK, 1.0, "tensor"),
    "hyperedge": ("o", "black", "black", 0.3, "hyperedge (one index)"),
    "summed": ("s", "white", "black", 0.25, "summed index of one tensor"),
    "output": ("D", _OUTPUT, _OUTPUT, 0.22, "output index"),
    "loop": ("", "none", _INK, 0.0, ""),
}
_LEG = 0.5  # in units of a typical bond, as all lengths here
_ANGLES = np.pi / 8 * np.array(sorted(range(-7, 9), key=abs)) - np.pi / 2
_WAYS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)  # downwards first
_SAMPLES = np.linspace(0, 1, 25)[:, None]


def draw(
    network: TensorNetwork,
    ax: Axes | None = None,
    *,
    layout: Mapping[str, Sequence[float]] | None = None,
    labels: Literal["all", "names", "none"] | None = None,
    seed: int = 0,
    title: str | None = None,
) -> Axes:
    """Draw a network: tensors as discs, indices as lines that widen with log2 of their size.

    An index with two ends is a bond; twice on one tensor, a loop; open on one tensor, a leg that
    ends in an orange diamond. Any other index is a point joined to its tensors: a black dot for
    a hyperedge (open too, if it has a leg), a white square for an index summed on one axis.
    Bonds of size 1 are thin and dashed.

    Parameters
    ----------
    network : TensorNetwork
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure of 1920 x 1080 that pyplot does not know of:
        ``draw(network).figure.savefig("network.png")``.
    layout : mapping from tensor name to (x, y), optional
        Places of all tensors, up to scale. By default, a lattice if all tensors are called
        "(row, column)", or if all hyperedges are such pairs and the tensors lie between them.
        Otherwise parts that are not joined stand side by side, each a line (folded if long), a
        tree below its centre (if not too wide), or as Kamada and Kawai's springs place up to
        100 nodes, and plain springs more.
    labels : {"all", "names", "none"}, optional
        "all" writes every name and index, "names" the tensors' names. By default "all" for up
        to 40 tensors, "names" for up to 120 and "none" beyond, and a label that would cover
        another, or a tensor, is left out.
    seed : int
        Of the plain springs. Nothing else is random.
    title : str, optional
        Written above.

    Raises
    ------
    NetworkError
        If `layout` has no place for a tensor, or `labels` is none of the above.
    """
    if labels not in (None, "all", "names", "none"):
        raise NetworkError(f"labels is {labels!r}: give 'all', 'names', 'none' or None")
    graph = _picture(network)
    points = _places(graph, layout, seed)
    lines = _lines(graph, points)
    if ax is None:
        figure = Figure(figsize=(19.2, 10.8), dpi=100)
        FigureCanvasAgg(figure)
        ax = figure.add_axes((0.01, 0.01, 0.98, 0.98 if title is None else 0.94))
    if title is not None:
        ax.set_title(title, parse_math=False)
    unit = _frame(ax, np.concatenate([[*points.values()], *lines.values()]), _legend(graph))
    solid = [point for node, point in points.items() if node[0] in ("tensor", "hyperedge")]
    diameter = float(np.clip(0.45 * unit * _gap(solid), 3, 42))
    _paint(ax, graph, points, lines, diameter)
    full = "all" if len(network) <= 40 else "names" if len(network) <= 120 else "none"
    if (labels or full) != "none":
        pen = _Pen(ax, points, lines, diameter, keep=labels is not None)
        _write(pen, graph, points, lines, indices=(labels or full) == "all")
    return ax


def _picture(network: TensorNetwork) -> _Graph:
    """Nodes for all that has a place, tensors first, and an edge for every line."""
    graph: _Graph = nx.MultiGraph()
    graph.add_nodes_from(("tensor", name) for name in network.names)
    ends: dict[Hashable, list[_Node]] = {index: [] for index in network.sizes}
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


def _places(graph: _Graph, layout: Mapping[str, Any] | None, seed: int) -> _Points:
    """First what holds the network together finds its place, then what hangs from it."""
    tensors = [node for node in graph if node[0] == "tensor"]
    joints = [
        node
        for node in graph
        if node[0] == "hyperedge" and sum(n[0] == "tensor" for n in graph[node]) > 1
    ]
    core = nx.Graph(graph.subgraph([*tensors, *joints]))
    if layout is None:
        points = _on_lattice(graph, tensors, joints)
    elif missing := [name for _, name in tensors if name not in layout]:
        raise NetworkError(f"layout has no place for tensor {missing[0]!r}: give one for each")
    else:
        points = _scaled(core, {node: np.array(layout[node[1]], float) for node in tensors})
    if points is None:
        parts = [core.subgraph(part) for part in nx.connected_components(core)]
        points = _side_by_side([_arranged(part, seed) for part in parts])
    for node in joints:
        if node not in points:
            points[node] = _between([points[n] for n in core[node]], points)
    _hang(graph, points)
    return points


def _on_lattice(graph: _Graph, tensors: list[_Node], joints: list[_Node]) -> _Points | None:
    named = {n: site for n in tensors if (site := _site(n[1])) is not None}
    if len(named) == len(tensors):
        return named
    points = {n: site for n in joints if (site := _site(n[1])) is not None}
    if len(points) < max(len(joints), 1):
        return None
    for node in tensors:
        sites = [_site(index) for *_, index in graph.edges(node, data="index")]
        ends = [site for site in sites if site is not None]
        if len(ends) < len(sites):
            return None
        if len(ends) > 1:
            points[node] = _between(ends, points)
    return points if all(n in points or points.keys() & graph[n] for n in tensors) else None


def _site(label: Hashable) -> _Array | None:
    pair = re.fullmatch(r"\((-?\d+), ?(-?\d+)\)", str(label))
    return np.array([float(pair[2]), -float(pair[1])]) if pair else None


def _between(ends: list[_Array], points: _Points) -> _Array:
    """The middle of `ends`, or a spot at its side if one of `points` is there."""
    step = ends[-1] - ends[0]
    side = np.array([step[1], -step[0]]) / max(np.hypot(*step), 1e-9)
    spots = [np.mean(ends, axis=0) + shift * side for shift in (0, 0.4, -0.4, 0.6, -0.6)]
    free = cKDTree([*points.values()]).query(spots)[0]
    return spots[int(np.argmax(np.minimum(free, 0.35)))]


def _arranged(part: nx.Graph[Any], seed: int) -> _Points:
    """Places for a connected part."""
    if nx.is_tree(part):
        leaves = [node for node in part if part.degree[node] < 2]
        if len(leaves) < 3:
            return _line(part, leaves[0])
        if len(leaves) <= 32:
            return _tree(part, nx.center(part)[0])
    if len(part) <= 100:
        return _scaled(part, nx.kamada_kawai_layout(part))
    return _scaled(part, nx.spring_layout(part, seed=seed))


def _scaled(graph: nx.Graph[Any], points: _Points) -> _Points:
    """`points` with typical edges of length one, or longer where nodes would touch."""
    edges = [(points[u], points[v]) for u, v in graph.edges if u in points and v in points]
    length = np.median([np.linalg.norm(p - q) for p, q in edges] or [1.0])
    gap = _gap([*points.values()])
    scale = max((1 / d for d in (length, 2 * gap) if d > 0), default=1.0)
    return {node: point * scale for node, point in points.items()}


def _gap(points: list[_Array]) -> float:
    """The distance to the next point that nearly all points have; one for a single point."""
    if len(points) == 1:
        return 1.0
    return float(np.quantile(cKDTree(points).query(points, k=2)[0][:, 1], 0.05))


def _line(part: nx.Graph[Any], start: _Node) -> _Points:
    row = max(20, math.isqrt(3 * len(part)))
    points = {}
    for k, node in enumerate(nx.dfs_preorder_nodes(part, start)):
        y, x = divmod(k, row)
        points[node] = np.array([row - 1 - x if y % 2 else x, -y], dtype=float)
    return points


def _tree(part: nx.Graph[Any], root: _Node) -> _Points:
    """Layers: leaves next to each other, and parents amid their children."""
    parents = dict(nx.bfs_predecessors(part, root))
    order = list(nx.dfs_preorder_nodes(part, root))
    leaves = [node for node in order if part.degree[node] == 1]
    below: dict[_Node, list[float]] = {node: [] for node in order}
    below |= {leaf: [float(k)] for k, leaf in enumerate(leaves)}
    for node in order[:0:-1]:
        below[parents[node]].append(float(np.mean(below[node])))
    depth = nx.single_source_shortest_path_length(part, root)
    gap = np.clip(len(leaves) / (2.2 * max(depth.values())), 1, 3)
    return {node: np.array([np.mean(below[node]), -gap * depth[node]]) for node in order}


def _side_by_side(parts: list[_Points]) -> _Points:
    """The parts in rows, as words are, on a page of the shape of a screen."""
    arrays = [np.array([*part.values()]) for part in parts]
    sizes = [np.ptp(array, axis=0) + 1.5 for array in arrays]
    page = max([math.sqrt(16 / 9 * sum(w * h for w, h in sizes)), *(w for w, _ in sizes)])
    points: _Points = {}
    x = y = row = 0.0
    for part, array, (width, height) in zip(parts, arrays, sizes, strict=True):
        if x > 0 and x + width > page:
            x, y, row = 0.0, y - row, 0.0
        corner = np.array([x - array[:, 0].min(), y - array[:, 1].max()])
        points |= {node: point + corner for node, point in part.items()}
        x, row = x + width, max(row, height)
    return points


def _hang(graph: _Graph, points: _Points) -> None:
    """Place what hangs from a single node: all the same way if that is free, else each apart."""
    while waiting := [node for node in graph if node not in points]:
        turn: dict[_Node, _Node] = {}
        for node in waiting:
            for parent in points.keys() & graph[node]:
                turn.setdefault(parent, node)
        at = [points[parent] for parent in turn]
        free = _clearance(at, points, _lines(graph.subgraph(points), points))
        common = free.min(axis=0)
        for node, start, ways in zip(turn.values(), at, free, strict=True):
            best = np.argmax(ways if common.max() < 0.3 else common)
            points[node] = start + _LEG * _WAYS[best]


def _clearance(at: list[_Array], points: _Points, lines: _Lines) -> _Array:
    """How free each of the `_WAYS` is from each of the places `at`."""
    inner = [line[6:-1:6] for line in lines.values()]
    tips = np.array(at)[:, None] + _LEG * _WAYS
    near = cKDTree(np.concatenate([[*points.values()], *inner])).query(tips, k=2)[0]
    # Where the nearest thing is the place itself, the next one says how free the way is.
    return np.round(np.where(near[..., 0] < _LEG - 1e-6, near[..., 0], near[..., 1]), 3)


def _lines(graph: _Graph, points: _Points) -> _Lines:
    """Sampled curves: parallel bonds bend apart, and a bond bends around what stands on it."""
    others = np.array([*points.values()])
    t, lines = _SAMPLES, {}
    for u, v, key in graph.edges(keys=True):
        p, step = points[u], points[v] - points[u]
        across = np.array([-step[1], step[0]]) / max(np.hypot(*step), 1e-9)
        if v[0] == "loop":
            wide = 4 * step + 3 * _LEG / 2 * (1 - 2 * t) * across
            lines[u, v, key] = p + t * (1 - t) * wide
            continue
        count = graph.number_of_edges(u, v)
        bend = (key - (count - 1) / 2) * min(0.25, 0.8 / count)
        along = np.clip((others - p) @ step / max(step @ step, 1e-9), 0, 1)
        if (np.linalg.norm(others - p - along[:, None] * step, axis=1) < 0.12).sum() > 2:
            bend += 0.4
        lines[u, v, key] = p + t * step + 4 * bend * t * (1 - t) * across
    return lines


def _width(size: int) -> float:
    return min(1.0 + 0.7 * math.log2(max(size, 1)), 10.0)


def _legend(graph: _Graph) -> list[Line2D]:
    kinds = {kind for kind, _ in graph}
    widths = sorted({size for *_, size in graph.edges(data="size")})
    shown = dict.fromkeys(widths[k] for k in (0, len(widths) // 2, -1)) if widths else {}
    return [
        Line2D([], [], ls="", marker=marker, mfc=face, mec=edge, ms=5 + 7 * scale, label=label)
        for kind, (marker, face, edge, scale, label) in _MARKS.items()
        if kind in kinds and label
    ] + [
        Line2D([], [], color=_INK, lw=_width(d), ls="-" if d > 1 else "--", label=f"size {d}")
        for d in shown
    ]


def _frame(ax: Axes, array: _Array, entries: list[Line2D]) -> float:
    """Make all of `array` visible above a legend; returns the length of a unit in points."""
    width, height = np.array([ax.bbox.width, ax.bbox.height]) * 72 / ax.figure.dpi
    columns = int(np.clip(width // 170, 1, len(entries)))
    legend = min(22 * math.ceil(len(entries) / columns) + 10, height / 2)
    low, high = array.min(axis=0) - 0.4, array.max(axis=0) + 0.4
    span = np.maximum(high - low, (7, 4))  # or a few tensors would be blown up to fill the page
    unit = float(min(width / span[0], (height - legend) / span[1]))
    x, y = (low + high) / 2
    ax.set_xlim(x - width / unit / 2, x + width / unit / 2)
    ax.set_ylim(y - (height + legend) / unit / 2, y + (height - legend) / unit / 2)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.legend(handles=entries, loc="lower center", ncols=columns, frameon=False, fontsize=11)
    return unit


def _paint(ax: Axes, graph: _Graph, points: _Points, lines: _Lines, diameter: float) -> None:
    sizes = [graph.edges[edge]["size"] for edge in lines]
    bonds = LineCollection(
        list(lines.values()),
        linewidths=[_width(size) for size in sizes],
        linestyles=["-" if size > 1 else "--" for size in sizes],
        colors=[_OUTPUT if "output" in (u[0], v[0]) else _INK for u, v, _ in lines],
        zorder=1,
        gid="bond",
    )
    ax.add_collection(bonds, autolim=False)
    for kind, (marker, face, edge, scale, _) in _MARKS.items():
        at = [points[node] for node in graph if node[0] == kind]
        if at and marker:
            ax.scatter(
                *np.transpose(at),
                s=max(scale * diameter, 2.5) ** 2,
                c=face,
                marker=marker,
                edgecolors=edge,
                zorder=2,
                gid=kind,
            )


class _Pen:
    """Writes labels where no other label, tensor or mark is yet."""

    def __init__(
        self, ax: Axes, points: _Points, lines: _Lines, diameter: float, keep: bool
    ) -> None:
        self.ax, self.diameter, self.keep = ax, diameter, keep
        self.pixel = ax.figure.dpi / 72
        self.ink = ax.transData.transform(np.concatenate([np.empty((0, 2)), *lines.values()]))
        self.centres = [*ax.transData.transform([*points.values()])]
        self.halves = [np.full(2, diameter * self.pixel * _MARKS[kind][3] / 2) for kind, _ in points]

    def put(self, label: Hashable, at: _Array, ways: _Array, gap: float, kind: str) -> None:
        """Write `label` beside one of the spots `at`, or a tensor's name inside it if it fits.

        A spot (in data) is left in the direction of `ways` (unit vectors), by `gap` points.
        """
        name = kind == "tensor"
        note = self.ax.annotate(
            _text(label),
            at[0],
            (0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            color=_MARKS[kind][2],
            fontsize=float(np.clip((0.4 if name else 0.33) * self.diameter, 8, 14)),
            parse_math=False,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            zorder=3,
            gid="name" if name else "index",
        )
        box = note.get_window_extent()
        half = np.array([box.width, box.height]) / 2
        if name and half.max() < 0.45 * self.diameter * self.pixel:
            note.set_path_effects([])
            return
        start = self.ax.transData.transform(at)
        shift = ways * (gap * self.pixel + np.abs(ways) @ half)[:, None]
        covered = self._within(start + shift, half, np.array(self.centres), np.array(self.halves))
        crossed = self._within(start + shift, half, self.ink, np.zeros(2))
        best = np.lexsort((crossed, covered))[0]
        if covered[best] and not self.keep:
            note.remove()
            return
        note.xy = at[best]
        note.set_position(shift[best] / self.pixel)
        self.centres.append(start[best] + shift[best])
        self.halves.append(half)

    @staticmethod
    def _within(spots: _Array, half: _Array, centres: _Array, halves: _Array) -> _Array:
        """How many of the boxes at `centres` a box at each of `spots` meets."""
        apart = np.abs(spots[:, None] - centres) - half - halves
        return (apart < 0).all(axis=-1).sum(axis=-1)


def _write(pen: _Pen, graph: _Graph, points: _Points, lines: _Lines, indices: bool) -> None:
    """Names at their tensors, then indices at their marks or along their bonds."""
    clear = _clearance([*points.values()], points, lines)
    order = dict(zip(points, np.argsort(-clear, axis=1, kind="stable"), strict=True))
    for kind, label in graph:
        # A hyperedge that is open is labelled at the end of its leg.
        if kind == "tensor" or (indices and (kind == "output" or ("output", label) not in points)):
            at = np.tile(points[kind, label], (len(_WAYS), 1))
            gap = _MARKS[kind][3] * pen.diameter / 2 + 2
            pen.put(label, at, _WAYS[order[kind, label]], gap, kind)
    for (u, v, key), line in lines.items():
        if indices and u[0] == v[0] == "tensor":
            middle = np.array([12, 12, 8, 8, 16, 16])
            along = line[middle + 1] - line[middle - 1]
            across = np.stack([-along[:, 1], along[:, 0]], axis=1) * np.tile([[1], [-1]], (3, 1))
            across /= np.linalg.norm(along, axis=1, keepdims=True)
            pen.put(graph.edges[u, v, key]["index"], line[middle], across, 4, "loop")


def _text(label: Hashable) -> str:
    """`label`, short, and without characters that the font cannot draw."""
    families = FontProperties().get_family()
    fonts = [get_font(findfont(FontProperties(family=[family]))) for family in families]
    known = "".join(
        c
        if c.isprintable() and any(font.get_char_index(ord(c)) for font in fonts)
        else c.encode("unicode_escape").decode()
        for c in str(label).replace(", ", ",")
    )
    return known if len(known) <= 20 else f"{known[:9]}...{known[-8:]}"
