"""The picture of a run: how many times tnlearn's seconds everyone takes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

#: Marker and colour of each peer, the same in every picture.
STYLES = {
    "tnlearn lists": ("o", "#777777"),
    "cotengra": ("h", "#1f77b4"),
    "quimb": ("s", "#17becf"),
    "opt_einsum": ("^", "#2ca02c"),
    "tensornetwork": ("v", "#8c564b"),
    "jax.jit": ("D", "#d62728"),
    "torch": ("P", "#ff7f0e"),
    "torch loop": ("X", "#e377c2"),
    "tensorkrowch": ("*", "#9467bd"),
}
OTHERS = ("d", "#bcbd22")


#: How far apart the markers of a line stand, in lines, so that equal ratios stay apart.
STEP = 0.08


def draw(path: Path) -> Path:
    """Draw a result file; the picture lies beside it.

    Returns
    -------
    Path
        Of the PNG file.
    """
    result = json.loads(path.read_text(encoding="utf-8"))
    rows = [row for row in result["measurements"] if _is_shown(row, result["reference"])]
    lines = list(dict.fromkeys((row["problem"], row["task"]) for row in rows))
    figure = Figure(figsize=(9, 1.8 + 0.36 * len(lines)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(1.0, color="#111111", linewidth=1.5, label=result["reference"], zorder=2)
    _points(axes, rows, lines)
    _scales(axes, rows, lines)
    _words(axes, result)
    target = path.with_suffix(".png")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    figure.savefig(part, dpi=150, format="png")
    part.replace(target)
    return target


def _is_shown(row: dict[str, Any], reference: str) -> bool:
    """The others at the value and the gradient; comparisons of orders have no others."""
    name = row["peer"].split(" by ")[0]
    return "ratio" in row and row["task"] != "rate" and name != reference


def _points(axes: Axes, rows: list[dict[str, Any]], lines: list[tuple[str, str]]) -> None:
    peers = [peer for peer in STYLES if any(row["peer"] == peer for row in rows)]
    peers += sorted({row["peer"] for row in rows} - set(STYLES))
    for number, peer in enumerate(peers):
        marker, colour = STYLES.get(peer, OTHERS)
        mine = [row for row in rows if row["peer"] == peer]
        shift = STEP * (number - (len(peers) - 1) / 2)
        axes.scatter(
            [row["ratio"] for row in mine],
            [lines.index((row["problem"], row["task"])) + shift for row in mine],
            s=60 if marker == "*" else 30,
            marker=marker,
            color=colour,
            edgecolors="white",
            linewidths=0.4,
            label=peer,
            zorder=3,
        )


def _scales(axes: Axes, rows: list[dict[str, Any]], lines: list[tuple[str, str]]) -> None:
    ratios = [row["ratio"] for row in rows]
    low, high = min([0.5, *ratios]) / 1.4, max([2.0, *ratios]) * 1.4
    axes.set(xscale="log", xlim=(low, high), ylim=(len(lines) - 0.5, -0.5))
    axes.axvspan(low, 1.0, color="#d62728", alpha=0.05, zorder=0)
    for number in range(1, len(lines), 2):
        axes.axhspan(number - 0.5, number + 0.5, color="black", alpha=0.03, zorder=0, linewidth=0)
    axes.set_yticks(range(len(lines)), [f"{problem}, {task}" for problem, task in lines])
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x", color="0.88", linewidth=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _words(axes: Axes, result: dict[str, Any]) -> None:
    machine = result["environment"]["machine"]["cpu"]
    threads = int(result["threads"]["OMP_NUM_THREADS"])
    axes.set_title(
        f"Seconds of others by those of {result['reference']}\n"
        f"suite {result['suite']}, {threads} thread{'s' * (threads > 1)}, {machine}",
        fontsize=10,
        loc="left",
    )
    axes.set_xlabel(f"ratio, log scale; right of the line {result['reference']} is faster")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
