"""A picture of a network: tensors are discs, indices the lines between them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from tnlearn.errors import NetworkError
from tnlearn.network.layout import (
    WAYS,
    Array,
    Graph,
    Lines,
    Points,
    clearance,
    find_lines,
    find_places,
    picture,
    typical_gap,
    xy,
)
from tnlearn.network.tensor_network import TensorNetwork

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
    graph = picture(network)
    points = find_places(graph, layout, seed)
    lines = find_lines(graph, points)
    if ax is None:
        figure = Figure(figsize=(19.2, 10.8), dpi=100)
        FigureCanvasAgg(figure)
        ax = figure.add_axes((0.01, 0.01, 0.98, 0.98 if title is None else 0.94))
    if title is not None:
        ax.set_title(title, parse_math=False)
    unit = _frame(ax, xy([*points.values(), *np.ravel([*lines.values()])]), _legend(graph))
    diameter = float(np.clip(0.45 * unit * typical_gap(points), 6, 42))
    _paint(ax, graph, points, lines, diameter)
    full = "all" if len(network) <= 40 else "names" if len(network) <= 120 else "none"
    if (labels or full) != "none":
        pen = _Pen(ax, points, lines, diameter, keep=labels is not None)
        _write(pen, graph, points, lines, indices=(labels or full) == "all")
    return ax


def _width(size: int) -> float:
    return min(1.0 + 0.7 * math.log2(max(size, 1)), 10.0)


def _legend(graph: Graph) -> list[Line2D]:
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


def _frame(ax: Axes, array: Array, entries: list[Line2D]) -> float:
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


def _paint(ax: Axes, graph: Graph, points: Points, lines: Lines, diameter: float) -> None:
    sizes = [graph.edges[edge]["size"] for edge in lines]
    bonds = LineCollection(
        [xy(line) for line in lines.values()],
        linewidths=[_width(size) for size in sizes],
        linestyles=["-" if size > 1 else "--" for size in sizes],
        colors=[_OUTPUT if "output" in (u[0], v[0]) else _INK for u, v, _ in lines],
        zorder=1,
        gid="bond",
    )
    ax.add_collection(bonds, autolim=False)
    for kind, (marker, face, edge, scale, _) in _MARKS.items():
        at = xy(points[node] for node in graph if node[0] == kind)
        if len(at) and marker:
            size = max(scale * diameter, 2.5) ** 2
            ax.scatter(
                at[:, 0], at[:, 1], size, face, marker=marker, edgecolors=edge, zorder=2, gid=kind
            )


class _Pen:
    """Writes labels where no other label, tensor or mark is yet."""

    def __init__(
        self, ax: Axes, points: Points, lines: Lines, diameter: float, *, keep: bool
    ) -> None:
        self.ax, self.diameter, self.keep = ax, diameter, keep
        self.pixel = ax.figure.dpi / 72
        self.ink = ax.transData.transform(xy(np.ravel([*lines.values()])))
        self.centres = [*ax.transData.transform(xy(points.values()))]
        radius = diameter * self.pixel / 2
        self.halves = [np.full(2, radius * _MARKS[kind][3]) for kind, _ in points]

    def put(self, label: Hashable, kind: str, at: Array, ways: Array, gap: float) -> None:
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


def _meet(spots: Array, half: Array, centres: Array, halves: Array) -> Array:
    """How many of the boxes at `centres` a box at each of `spots` meets."""
    apart = abs(spots[:, None] - centres) - half - halves
    return np.asarray((apart < 0).all(axis=-1).sum(axis=-1))


def _write(pen: _Pen, graph: Graph, points: Points, lines: Lines, *, indices: bool) -> None:
    """Names at their tensors, then indices at their marks or along their bonds."""
    clear = clearance([*points.values()], points, lines)
    order = dict(zip(points, np.argsort(-clear, axis=1, kind="stable"), strict=True))
    for kind, label in graph:
        # A hyperedge that is open is labelled at the end of its leg.
        if kind == "tensor" or (indices and (kind == "output" or ("output", label) not in points)):
            at = np.full(len(WAYS), points[kind, label])
            gap = _MARKS[kind][3] * pen.diameter / 2 + 2
            pen.put(label, kind, xy(at), xy(WAYS[order[kind, label]]), gap)
    for (u, v, key), line in lines.items():
        if indices and u[0] == v[0] == "tensor":
            middle = np.array([24, 24, 18, 18, 30, 30, 14, 14, 34, 34])
            across = (line[middle + 1] - line[middle - 1]) * np.tile([1j, -1j], 5)
            ways = xy(across / np.maximum(abs(across), 1e-9))
            pen.put(graph.edges[u, v, key]["index"], "loop", xy(line[middle]), ways, 4)


def _text(label: Hashable) -> str:
    """`label`, short, and without characters that the font cannot draw."""
    families = FontProperties().get_family()
    fonts = [get_font(findfont(FontProperties(family=[family]))) for family in families]
    known = "".join(
        c if any(font.get_char_index(ord(c)) for font in fonts) else ascii(c)[1:-1]
        for c in str(label).replace(", ", ",")
    )
    return known if len(known) <= 20 else f"{known[:9]}...{known[-8:]}"
