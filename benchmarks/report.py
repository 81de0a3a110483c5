"""The results as JSON, as a page and as text on the screen."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.environment import describe_environment, format_table, write_result
from benchmarks.problems import Problem
from benchmarks.run import Result, Settings
from benchmarks.threads import VARIABLES

#: What the screen shows of a measurement, by the heading it has there.
SECONDS = {
    "plan": "planning_seconds",
    "compile": "compiling_seconds",
    "pack": "packing_seconds",
    "run": "running_seconds",
}
FIGURES = {
    "ratio": "ratio",
    "by value": "gradient_by_value",
    "% of gemm": "gemm_percent",
    "cpu": "processor_share",
    "error": "error",
}
#: Libraries that compute inside a peer, or that its search uses where they are there.
INSIDE = ("jaxlib", "numba", "autoray", "cotengrust", "kahypar", "optuna", "networkx")


def payload(result: Result, settings: Settings, suite: str) -> dict[str, Any]:
    """Everything about a run, as JSON values."""
    distributions = dict.fromkeys([*(peer.distribution for peer in settings.peers), *INSIDE])
    return {
        "suite": suite,
        "seed": settings.seed,
        "reference": settings.peers[0].name,
        "threads": {name: os.environ.get(name, "not set") for name in VARIABLES},
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "limits": asdict(settings.limits),
        "environment": describe_environment(*distributions),
        **asdict(result),
    }


def save(result: Result, settings: Settings, suite: str, name: str, folder: Path) -> Path:
    """Write ``name.json`` and ``name.md``, each whole or not at all."""
    whole = payload(result, settings, suite)
    page = {"measurements": [_short(row) for row in _took_part(result)], "candidates": None}
    return write_result(name, whole, folder=folder, page=page)


def tables_of(result: Result, problem: Problem) -> str:
    """The tables of one problem, for the screen."""
    shown = [_short(row) for row in _took_part(result)]
    tables = (
        [row for row in table if row["problem"] == problem.name]
        for table in (result.problems, shown, result.cold)
    )
    return "\n\n".join(format_table(table) for table in tables if table)


def _took_part(result: Result) -> list[dict[str, Any]]:
    return [row for row in result.measurements if not row["status"].startswith("not supported")]


def _short(row: dict[str, Any]) -> dict[str, Any]:
    texts = {name: row[name] for name in ("problem", "task", "peer", "order") if name in row}
    times = {head: _duration(row[name]) for head, name in SECONDS.items() if name in row}
    figures = {head: f"{row[name]:.3g}" for head, name in FIGURES.items() if name in row}
    return texts | times | figures | {"status": row["status"]}


def _duration(seconds: float) -> str:
    """Seconds with a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
