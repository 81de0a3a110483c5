"""The picture of a run: how many times tnlearn's seconds everyone takes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import blended_transform_factory

from benchmarks.size_figure import by_size
from tnlearn.planning.plan import readable_seconds

Row: TypeAlias = dict[str, Any]
Line: TypeAlias = tuple[str, str]

#: Marker, its size and its colour for each peer, the same in every picture.
STYLES = {
    "tnlearn lists": ("o", 32, "#999999"),
    "cotengra": ("h", 44, "#1f77b4"),
    "quimb": ("s", 30, "#17becf"),
    "opt_einsum": ("^", 40, "#2ca02c"),
    "tensornetwork": ("v", 40, "#8c564b"),
    "jax.jit": ("D", 30, "#d62728"),
    "torch": ("P", 44, "#ff7f0e"),
    "torch loop": ("X", 44, "#e377c2"),
    "tensorkrowch": ("*", 70, "#9467bd"),
}
OTHERS = ("d", 40, "#bcbd22")
GREY = "#666666"
#: Markers of a line that are nearer than this factor stand at different heights, in lines.
NEAR = 1.12
HEIGHTS = (0.0, -0.24, 0.24, -0.12, 0.12, -0.36, 0.36)
#: What is said of names that do not explain themselves, where they are in the picture.
NOTES = {
    "tnlearn lists": "tnlearn lists: arrays are not packed beforehand but given as lists each time",
    "(one order)": "(one order): all contract in tnlearn's order, not in the fastest they have",
}
#: Where the columns beside the picture begin, in widths of it.
TIMES, LEFT_OUT = 1.01, 1.15


def draw(path: Path) -> Path:
    """Draw a result file; the picture lies beside it.

    Returns
    -------
    Path
        Of the PNG file.
    """
    result = json.loads(path.read_text(encoding="utf-8"))
    if result["suite"] == "gpu":
        return _written(by_size(result), path)
    times = _times(result)
    rows = [row for row in result["measurements"] if "ratio" in row and _line(row) in times]
    rows = [row for row in rows if row["peer"] != result["reference"]]
    lines = list(dict.fromkeys(_line(row) for row in rows))
    figure = Figure(figsize=(11, 2.0 + 0.36 * len(lines)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(1.0, color="#111111", linewidth=1.5, label=result["reference"], zorder=2)
    _points(axes, rows, lines)
    _scales(axes, rows, lines)
    _columns(axes, result, lines)
    _words(figure, axes, result, " ".join([*(row["peer"] for row in rows), *map(str, lines)]))
    return _written(figure, path)


def _written(figure: Figure, path: Path) -> Path:
    """The picture beside the result, whole or not at all."""
    target = path.with_suffix(".png")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    figure.savefig(part, dpi=150, format="png")
    part.replace(target)
    return target


def _line(row: Row) -> Line:
    return row["problem"], row["task"]


def _times(result: dict[str, Any]) -> dict[Line, float]:
    """The seconds of the reference; comparisons of orders have none."""
    rows = [row for row in result["measurements"] if row["peer"] == result["reference"]]
    return {_line(row): row["running_seconds"] for row in rows if row["status"] == "ok"}


def _points(axes: Axes, rows: list[Row], lines: list[Line]) -> None:
    places = {
        (row["peer"], number): number + height
        for number, line in enumerate(lines)
        for row, height in _apart([r for r in rows if _line(r) == line])
    }
    peers = [peer for peer in STYLES if any(row["peer"] == peer for row in rows)]
    peers += sorted({row["peer"] for row in rows} - set(STYLES))
    for peer in peers:
        marker, size, colour = STYLES.get(peer, OTHERS)
        mine = [row for row in rows if row["peer"] == peer]
        axes.scatter(
            [row["ratio"] for row in mine],
            [places[peer, lines.index(_line(row))] for row in mine],
            s=size,
            marker=marker,
            color=colour,
            edgecolors="white",
            linewidths=0.5,
            label=peer,
            zorder=3,
        )


def _apart(rows: list[Row]) -> Iterator[tuple[Row, float]]:
    """Every marker of a line at the first height where no other is near."""
    taken: list[tuple[float, float]] = []
    for row in sorted(rows, key=lambda row: float(row["ratio"])):
        place = math.log(row["ratio"])
        near = [height for other, height in taken if place - other < math.log(NEAR)]
        height = next((h for h in HEIGHTS if h not in near), HEIGHTS[0])
        taken.append((place, height))
        yield row, height


def _scales(axes: Axes, rows: list[Row], lines: list[Line]) -> None:
    ratios = [row["ratio"] for row in rows]
    low, high = min([0.5, *ratios]) / 1.4, max([2.0, *ratios]) * 1.4
    axes.set(xscale="log", xlim=(low, high), ylim=(len(lines) - 0.5, -0.5))
    axes.axvspan(low, 1.0, color="#d62728", alpha=0.05, zorder=0)
    for number in range(1, len(lines), 2):
        axes.axhspan(number - 0.5, number + 0.5, color="black", alpha=0.03, zorder=0, linewidth=0)
    axes.set_yticks(range(len(lines)), [f"{problem}, {task}" for problem, task in lines])
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}x")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x", color="0.88", linewidth=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _columns(axes: Axes, result: dict[str, Any], lines: list[Line]) -> None:
    """Beside each line: the seconds that its ratios are of, and who has no marker."""
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    style: dict[str, Any] = {"transform": beside, "va": "center", "fontsize": 9}
    left_out = {line: _left_out(result, line) for line in lines}
    times = _times(result)
    axes.text(TIMES, -0.75, f"{result['reference']} takes", weight="bold", **style)
    if any(left_out.values()):
        axes.text(LEFT_OUT, -0.75, "left out", weight="bold", **style)
    for number, line in enumerate(lines):
        axes.text(TIMES, number, readable_seconds(times[line]), **style)
        axes.text(LEFT_OUT, number, left_out[line], color=GREY, **style)


def _left_out(result: dict[str, Any], line: Line) -> str:
    """The statuses up to their details, each with those who have it."""
    who: dict[str, list[str]] = {}
    for row in result["measurements"]:
        status = row["status"].split(":")[0]
        if _line(row) == line and status not in ("ok", "not supported"):
            who.setdefault(status, []).append(row["peer"])
    return "; ".join(f"{status}: {', '.join(peers)}" for status, peers in who.items())


def _words(figure: Figure, axes: Axes, result: dict[str, Any], names: str) -> None:
    reference, machine = result["reference"], result["environment"]["machine"]["cpu"]
    threads = int(result["threads"]["OMP_NUM_THREADS"])
    figure.suptitle(
        f"How many times as long as {reference} others take\n"
        f"suite {result['suite']}, {threads} thread{'s' * (threads > 1)}, {machine}, "
        f"{result['environment']['date']}",
        fontsize=10,
        x=0.01,
        ha="left",
    )
    scale = f"times the seconds of {reference}, log scale; shaded: {reference} is slower"
    axes.set_xlabel("\n".join([scale, *(note for name, note in NOTES.items() if name in names)]))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.02), ncols=5, frameon=False, fontsize=9)
