"""The picture of a run over sizes: seconds, and what is reached of the machine's rates."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.families import crossovers, families

#: Dashed where the processor computes, drawn through where a device does.
STYLES = {False: "--", True: "-"}


def by_size(result: dict[str, Any]) -> Figure:
    """A column for every family: seconds above, below the percentage of the machine's bound."""
    found = families(result["measurements"])
    columns = max(len(found), 1)
    figure = Figure(figsize=(1.5 + 3.6 * columns, 6.4), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False, sharex="col")
    peers = list(result["devices"])
    colours = {peer: f"C{k % 10}" for k, peer in enumerate(peers)}
    known = crossovers(result["measurements"])
    crossed = {row["family"]: row["device is quicker from"] for row in known}
    for column, (name, sizes) in enumerate(found.items()):
        above, below = axes[0][column], axes[1][column]
        for peer in peers:
            timed = [(size, row) for size, rows in sizes.items() for row in rows]
            line = [(size, row) for size, row in timed if row["peer"] == peer]
            if line:
                _draw(above, below, line, peer, colours[peer])
        _dress(above, below, name, crossed.get(name))
    drawn = [line for above in axes[0] for line in above.get_lines()]
    shown = {line.get_label(): line for line in drawn if line.get_label() in colours}
    figure.legend(shown.values(), shown, loc="outside lower center", ncols=5, frameon=False)
    figure.suptitle(_words(result), fontsize=10)
    return figure


def _draw(above: Axes, below: Axes, line: list[Any], peer: str, colour: str) -> None:
    sizes = [size for size, _ in line]
    style = {"color": colour, "marker": "o", "markersize": 3.5, "linewidth": 1.2}
    dashes = STYLES["device" in line[0][1]]
    seconds = [row["running_seconds"] for _, row in line]
    above.plot(sizes, seconds, dashes, label=peer, **style)
    below.plot(sizes, [row["bound_percent"] for _, row in line], dashes, **style)


def _dress(above: Axes, below: Axes, name: str, crossed: Any) -> None:
    title, _, size = name.rpartition(" by ")
    above.set(title=title, xscale="log", yscale="log", ylabel="seconds of a run")
    below.set(xscale="log", yscale="log", xlabel=size, ylabel="% of the bound by flops and bytes")
    below.axhline(100, color="0.6", linewidth=0.8)
    for axes in (above, below):
        axes.grid(color="0.9", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    if crossed is not None:
        said = "the processor wins" if crossed == "nowhere" else f"device wins from {crossed}"
        above.annotate(said, (0.03, 0.94), xycoords="axes fraction", fontsize=8)
        if crossed != "nowhere":
            above.axvline(crossed, color="0.4", linewidth=0.8, linestyle=":")


def _words(result: dict[str, Any]) -> str:
    machine = result["environment"]["machine"]
    there = sorted({name for name in result["devices"].values() if name != "processor"})
    device = " and ".join(there) or "no device"
    threads = result["threads"]["OMP_NUM_THREADS"]
    return (
        f"time against size: {device}; {machine['cpu']}, {threads} threads, "
        f"{result['environment']['date']} (dashed: the processor)"
    )
