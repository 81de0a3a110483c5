"""The results as JSON, as a page and as text on the screen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.environment import describe_environment, format_table, write_result
from benchmarks.problems import Problem
from benchmarks.run import Result, Settings
from benchmarks.threads import VARIABLES

#: Columns of the page and the screen; the JSON file has all.
COLUMNS = (
    "problem",
    "task",
    "peer",
    "order",
    "planning_seconds",
    "compiling_seconds",
    "packing_seconds",
    "running_seconds",
    "ratio",
    "gradient_by_value",
    "gemm_percent",
    "error",
    "status",
)
#: Libraries that compute inside a peer.
INSIDE = ("jaxlib", "numba", "autoray", "cotengrust", "networkx")


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
    return write_result(name, payload(result, settings, suite), folder=folder)


def rows_of(result: Result, problem: Problem) -> str:
    """The tables of one problem, for the screen."""
    about = [row for row in result.problems if row["problem"] == problem.name]
    measured = [row for row in result.measurements if row["problem"] == problem.name]
    cold = [row for row in result.cold if row["problem"] == problem.name]
    tables: list[Sequence[dict[str, Any]]] = [about, [_short(row) for row in measured], cold]
    return "\n\n".join(format_table(table) for table in tables if table)


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {column: row[column] for column in COLUMNS if column in row and column != "problem"}
