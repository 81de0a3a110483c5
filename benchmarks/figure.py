"""The picture of a run: how many times tnlearn's seconds everyone takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Marker and colour of each peer, the same in every picture.
STYLES = {
    "tnlearn lists": ("|", "#222222"),
    "cotengra": ("o", "#1f77b4"),
    "quimb": ("s", "#17becf"),
    "opt_einsum": ("^", "#2ca02c"),
    "tensornetwork": ("v", "#8c564b"),
    "jax.jit": ("D", "#d62728"),
    "torch": ("P", "#ff7f0e"),
    "torch loop": ("X", "#e377c2"),
    "tensorkrowch": ("*", "#9467bd"),
}
OTHERS = ("o", "#7f7f7f")


def draw(path: Path) -> Path:
    """Draw a result file; the picture lies beside it.

    Returns
    -------
    Path
        Of the PNG file.
    """
    result = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        row | {"line": f"{row['problem']}, {row['task']}"}
        for row in result["measurements"]
        if "ratio" in row
        and row["peer"] != result["reference"]
        and row["task"] != "rate"
        and not row["problem"].startswith("order")
    ]
    lines = list(dict.fromkeys(row["line"] for row in rows))
    figure = Figure(figsize=(8, 1.6 + 0.3 * len(lines)), layout="constrained")
    axes = figure.subplots()
    _points(axes, rows, lines)
    _dress(axes, result, lines)
    target = path.with_suffix(".png")
    figure.savefig(target, dpi=150)
    return target


def _points(axes: Axes, rows: list[dict[str, Any]], lines: list[str]) -> None:
    peers = [peer for peer in STYLES if any(row["peer"] == peer for row in rows)]
    peers += sorted({row["peer"] for row in rows} - set(STYLES))
    for peer in peers:
        marker, colour = STYLES.get(peer, OTHERS)
        mine = [row for row in rows if row["peer"] == peer]
        axes.scatter(
            [row["ratio"] for row in mine],
            [lines.index(row["line"]) for row in mine],
            s=70 if marker in "|*" else 36,
            marker=marker,
            color=colour,
            alpha=0.9,
            linewidths=2 if marker == "|" else 0.5,
            label=peer,
            zorder=3,
        )


def _dress(axes: Axes, result: dict[str, Any], lines: list[str]) -> None:
    axes.axvline(1.0, color="black", linewidth=1.2, zorder=2)
    axes.axvspan(1e-9, 1.0, color="#d62728", alpha=0.06, zorder=0)
    low, high = axes.dataLim.intervalx
    axes.set(
        xscale="log",
        xlim=(min(0.5, low / 1.5), max(2.0, high * 1.5)),
        ylim=(len(lines) - 0.5, -0.5),
        xlabel="seconds by those of tnlearn (packed); right of the line tnlearn is faster",
    )
    axes.set_yticks(range(len(lines)), lines)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="x", which="both", color="0.9", linewidth=0.6)
    axes.grid(axis="y", color="0.94", linewidth=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    machine = result["environment"]["machine"]["cpu"]
    threads = result["threads"]["OMP_NUM_THREADS"]
    axes.set_title(
        f"Suite {result['suite']}: medians in turns, {threads} thread, {machine}", fontsize=9
    )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
