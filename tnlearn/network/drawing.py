"""A picture of a network: tensors are discs, indices the lines between them."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
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

_Array: TypeAlias = npt.NDArray[Any]
_Graph: TypeAlias = "nx.Graph[Any]"
_Node: TypeAlias = tuple[str, Hashable]  # a kind of _MARKS, and the tensor's name or the index
_Points: TypeAlias = dict[_Node, complex]  # x + iy, in units of a typical bond
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
_LEG = 0.5
_WAYS = np.exp(1j * (np.pi / 8 * np.array(sorted(range(-7, 9), key=abs)) - np.pi / 2))
_SAMPLES = (1 - np.cos(np.linspace(0, np.pi, 25))) / 2


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
        What to draw.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure of 1920 x 1080 that pyplot does not know of:
        ``draw(network).figure.savefig("network.png")``.
    layout : mapping from tensor name to (x, y), optional
        Places of all tensors, up to scale. By default, a lattice if all tensors are called
        "(row, column)", or if all hyperedges are such pairs and the tensors lie between them.
        Otherwise parts that are not joined stand side by side, each a line (folded if long), a
        tree below its centre (around it if wide), or as Kamada and Kawai's springs place up to
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
    unit = _frame(ax, _xy([*points.values(), *np.ravel([*lines.values()])]), _legend(graph))
    diameter = float(np.clip(0.45 * unit * _gap(points), 6, 42))
    _paint(ax, graph, points, lines, diameter)
    full = "all" if len(network) <= 40 else "names" if len(network) <= 120 else "none"
    if (labels or full) != "none":
        pen = _Pen(ax, points, lines, diameter, keep=labels is not None)
        _write(pen, graph, points, lines, indices=(labels or full) == "all")
    return ax


def _xy(points: Iterable[complex]) -> _Array:
    return np.array([*points], dtype=complex).view(float).reshape(-1, 2)


def _picture(network: TensorNetwork) -> _Graph:
    """Nodes for all that has a place, tensors first, and an edge for every line."""
    graph: nx.MultiGraph[Any] = nx.MultiGraph()
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


def _subgraph(graph: _Graph, nodes: set[_Node]) -> _Graph:
    """As networkx's, but in the order of `graph`, not in that of a set of strings."""
    part: _Graph = nx.Graph()
    part.add_nodes_from(node for node in graph if node in nodes)
    part.add_edges_from((u, v) for u, v in graph.edges() if u in nodes and v in nodes)
    return part


def _on_lattice(graph: _Graph, tensors: list[_Node], joints: list[_Node]) -> _Points | None:
    named = {n: site for n in tensors if (site := _site(n[1])) is not None}
    if len(named) == len(tensors):
        return named
    points = {n: site for n in joints if (site := _site(n[1])) is not None}
    if len(points) < max(len(joints), 1):
        return None
    ends: dict[_Node, list[complex]] = {}
    for node in tensors:
        indices = dict.fromkeys(index for *_, index in graph.edges(node, data="index"))
        ends[node] = [site for index in indices if (site := _site(index)) is not None]
    # What spans the most comes last, so that bonds around a torus give way to the others.
    for node in sorted(tensors, key=lambda n: max(np.ptp(_xy(ends[n] or [0]), axis=0))):
        if len(ends[node]) > 1:
            points[node] = _between(ends[node], points)
    return points if all(n in points or points.keys() & graph[n] for n in tensors) else None


def _site(label: Hashable) -> complex | None:
    pair = re.fullmatch(r"\((-?\d+), ?(-?\d+)\)", str(label))
    return complex(int(pair[2]), -int(pair[1])) if pair else None


def _between(ends: list[complex], points: _Points) -> complex:
    """The middle of `ends`, or a spot at its side if one of `points` is there."""
    spots = np.mean(ends) + _side(ends[-1] - ends[0]) * np.array([0, 0.4, -0.4, 0.6, -0.6])
    free = cKDTree(_xy(points.values())).query(_xy(spots))[0]
    return complex(spots[np.argmax(np.minimum(free, 0.35))])


def _side(step: complex) -> complex:
    """The unit vector at right angles to `step` that points down, or else left."""
    side = 1j * step / max(abs(step), 1e-9)
    return -side if side.real + 2 * side.imag > 0 else side


def _arranged(part: _Graph, seed: int) -> _Points:
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


def _scaled(graph: _Graph, points: _Points) -> _Points:
    """`points` with typical edges of length one, or longer where nodes would touch."""
    lengths = [abs(points[u] - points[v]) for u, v in graph.edges if {u, v} <= points.keys()]
    units = [float(np.median(lengths or [1])), 1.5 * _gap(points)]
    scale = max((1 / unit for unit in units if unit > 0), default=1.0)
    return {node: point * scale for node, point in points.items()}


def _solid(points: _Points) -> _Array:
    return np.array([at for (kind, _), at in points.items() if kind in ("tensor", "hyperedge")])


def _gap(points: _Points) -> float:
    """The distance to the next that nearly all tensors and hyperedges have; one for a single."""
    solid = _xy(_solid(points))
    near = cKDTree(solid).query(solid, k=2)[0][:, 1]
    return float(np.quantile(near, 0.05)) if len(solid) > 1 else 1.0


def _line(part: _Graph, start: _Node) -> _Points:
    row = max(20, math.isqrt(3 * len(part)))
    places = [divmod(k, row) for k in range(len(part))]
    points = [complex(row - 1 - x if y % 2 else x, -1.4 * y) for y, x in places]
    return dict(zip(nx.dfs_preorder_nodes(part, start), points, strict=True))


def _tree(part: _Graph, root: _Node) -> _Points:
    """Layers, or rings if they would be wide: leaves in a row, parents amid their children."""
    parents = dict(nx.bfs_predecessors(part, root))
    order = list(nx.dfs_preorder_nodes(part, root))
    leaves = [node for node in order if part.degree[node] == 1]
    below: dict[_Node, list[float]] = {node: [] for node in order}
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


def _side_by_side(parts: list[_Points]) -> _Points:
    """The parts in rows, as words are, on a page of the shape of a screen."""
    arrays = [_xy(part.values()) for part in parts]
    sizes = [np.ptp(array, axis=0) + 1.5 for array in arrays]
    page = max([math.sqrt(16 / 9 * sum(w * h for w, h in sizes)), *(w for w, _ in sizes)])
    points: _Points = {}
    x = y = row = 0.0
    for part, array, (width, height) in zip(parts, arrays, sizes, strict=True):
        if x > 0 and x + width > page:
            x, y, row = 0.0, y - row, 0.0
        shift = complex(x - array[:, 0].min(), y - array[:, 1].max())
        points |= {node: point + shift for node, point in part.items()}
        x, row = x + width, max(row, height)
    return points


def _hang(graph: _Graph, points: _Points) -> None:
    """Place what hangs from a single node: in one direction wherever most have it free."""
    while waiting := [node for node in graph if node not in points]:
        turn: dict[_Node, _Node] = {}
        for node in waiting:
            for parent in graph[node]:
                if parent in points:
                    turn.setdefault(parent, node)
        at = [points[parent] for parent in turn]
        free = _clearance(at, points, _lines(graph, points))
        share = (free > 0.3).mean(axis=0)
        worth = np.median(free, axis=0) * (share > 0.9 * share.max())
        common = np.argmax(worth > 0.9 * worth.max())
        for node, start, ways in zip(turn.values(), at, free, strict=True):
            best = common if share[common] > 0.85 and ways[common] > 0.3 else np.argmax(ways)
            points[node] = start + _LEG * complex(_WAYS[best])


def _clearance(at: list[complex], points: _Points, lines: _Lines) -> _Array:
    """How free each of the `_WAYS` is from each of the places `at`."""
    tips = np.array(at)[:, None] + _LEG * _WAYS
    things = [*points.values(), *np.ravel([line[6:-1:6] for line in lines.values()])]
    near = cKDTree(_xy(things)).query(_xy(tips.ravel()), k=2)[0]
    # Where the nearest thing is the place itself, the next one says how free the way is.
    free: _Array = np.where(near[:, 0] < _LEG - 1e-6, near[:, 0], near[:, 1])
    return free.round(3).reshape(tips.shape)


def _lines(graph: _Graph, points: _Points) -> _Lines:
    """Sampled curves: parallel bonds bend apart, and a bond bends around what stands on it."""
    others, disc = _solid(points), 0.25 * _gap(points)
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
    span = np.maximum(high - low, (5, 3))  # or a few tensors would be blown up to fill the page
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
        [_xy(line) for line in lines.values()],
        linewidths=[_width(size) for size in sizes],
        linestyles=["-" if size > 1 else "--" for size in sizes],
        colors=[_OUTPUT if "output" in (u[0], v[0]) else _INK for u, v, _ in lines],
        zorder=1,
        gid="bond",
    )
    ax.add_collection(bonds, autolim=False)
    for kind, (marker, face, edge, scale, _) in _MARKS.items():
        at = _xy(points[node] for node in graph if node[0] == kind)
        if len(at) and marker:
            size = max(scale * diameter, 2.5) ** 2
            ax.scatter(
                at[:, 0], at[:, 1], size, face, marker=marker, edgecolors=edge, zorder=2, gid=kind
            )


class _Pen:
    """Writes labels where no other label, tensor or mark is yet."""

    def __init__(
        self, ax: Axes, points: _Points, lines: _Lines, diameter: float, *, keep: bool
    ) -> None:
        self.ax, self.diameter, self.keep = ax, diameter, keep
        self.pixel = ax.figure.dpi / 72
        self.ink = ax.transData.transform(_xy(np.ravel([*lines.values()])))
        self.centres = [*ax.transData.transform(_xy(points.values()))]
        radius = diameter * self.pixel / 2
        self.halves = [np.full(2, radius * _MARKS[kind][3]) for kind, _ in points]

    def put(self, label: Hashable, kind: str, at: _Array, ways: _Array, gap: float) -> None:
        """Write `label` at one of the spots `at`, as far off in its one of `ways` as needed.

        Spots that cross fewer lines come first, and `gap` is in points. A tensor's name is
        written on the tensor where it fits.
        """
        name = kind == "tensor"
        fontsize = float(np.clip((0.4 if name else 0.33) * self.diameter, 8, 14))
        note = self.ax.annotate(
            _text(label),
            at[0],
            (0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            color=_MARKS[kind][2],
            fontsize=fontsize,
            parse_math=False,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            zorder=3,
            gid="name" if name else "index",
        )
        box = note.get_window_extent()
        half = np.array([box.width, box.height]) / 2
        fitting = fontsize * 0.42 * self.diameter * self.pixel / half.max()
        if name and fitting > 7:
            note.set(fontsize=min(fitting, fontsize), path_effects=[])
            return
        start = self.ax.transData.transform(at)
        shift = ways * (gap * self.pixel + abs(ways) @ half)[:, None]
        covered = _meet(start + shift, half, np.array(self.centres), np.array(self.halves))
        crossed = _meet(start + shift, half, self.ink, np.zeros(2))
        best = np.lexsort((crossed, covered))[0]
        if covered[best] and not self.keep:
            note.remove()
            return
        note.xy = at[best]
        note.set_position(shift[best] / self.pixel)
        self.centres.append(start[best] + shift[best])
        self.halves.append(half)


def _meet(spots: _Array, half: _Array, centres: _Array, halves: _Array) -> _Array:
    """How many of the boxes at `centres` a box at each of `spots` meets."""
    apart = abs(spots[:, None] - centres) - half - halves
    return np.asarray((apart < 0).all(axis=-1).sum(axis=-1))


def _write(pen: _Pen, graph: _Graph, points: _Points, lines: _Lines, *, indices: bool) -> None:
    """Names at their tensors, then indices at their marks or along their bonds."""
    clear = _clearance([*points.values()], points, lines)
    order = dict(zip(points, np.argsort(-clear, axis=1, kind="stable"), strict=True))
    for kind, label in graph:
        # A hyperedge that is open is labelled at the end of its leg.
        if kind == "tensor" or (indices and (kind == "output" or ("output", label) not in points)):
            at = np.full(len(_WAYS), points[kind, label])
            gap = _MARKS[kind][3] * pen.diameter / 2 + 2
            pen.put(label, kind, _xy(at), _xy(_WAYS[order[kind, label]]), gap)
    for (u, v, key), line in lines.items():
        if indices and u[0] == v[0] == "tensor":
            middle = np.array([12, 12, 8, 8, 16, 16])
            across = (line[middle + 1] - line[middle - 1]) * np.tile([1j, -1j], 3)
            ways = _xy(across / np.maximum(abs(across), 1e-9))
            pen.put(graph.edges[u, v, key]["index"], "loop", _xy(line[middle]), ways, 4)


def _text(label: Hashable) -> str:
    """`label`, short, and without characters that the font cannot draw."""
    families = FontProperties().get_family()
    fonts = [get_font(findfont(FontProperties(family=[family]))) for family in families]
    known = "".join(
        c if any(font.get_char_index(ord(c)) for font in fonts) else ascii(c)[1:-1]
        for c in str(label).replace(", ", ",")
    )
    return known if len(known) <= 20 else f"{known[:9]}...{known[-8:]}"
