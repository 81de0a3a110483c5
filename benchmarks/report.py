"""The results as JSON, as a page and as text on the screen."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from benchmarks.environment import describe_environment, format_table, write_result
from benchmarks.families import crossovers
from benchmarks.problems import Problem
from benchmarks.rows import Row
from benchmarks.run import Result, Settings
from benchmarks.threads import VARIABLES
from tnlearn.planning.plan import readable_bytes

#: What is shown of a measurement, by the heading it has in tables.
SECONDS = {
    "plan": "planning_seconds",
    "compile": "compiling_seconds",
    "pack": "packing_seconds",
    "run": "running_seconds",
}
FIGURES = {"ratio": "ratio", "by value": "gradient_by_value"}
COLUMNS = (
    "run: median seconds. ratio: to the run of the reference. by value: a gradient's run to that "
    "of the value. bound: the time for the plan's flops at the rate of NumPy's own 2000x2000 "
    "product, or for its bytes at that of a large copy, whichever is longer (without a plan: those "
    "of the best); more than 100 % of it is reached where bytes stay in the cache. memory: most "
    "held up to the answers, library aside, all sets of arrays packed."
)
#: Libraries that compute inside a peer, or that its search uses where they are there.
INSIDE = ("jaxlib", "numba", "autoray", "cotengrust", "kahypar", "optuna", "networkx")


def payload(result: Result, settings: Settings, suite: str) -> dict[str, Any]:
    """Everything about a run, as JSON values."""
    distributions = dict.fromkeys([*(peer.distribution for peer in settings.peers), *INSIDE])
    return {
        "suite": suite,
        "seed": settings.seed,
        "reference": settings.peers[0].name,
        "peers": [peer.name for peer in settings.peers],
        "threads": {name: os.environ.get(name, "not set") for name in VARIABLES},
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "limits": asdict(settings.limits),
        "environment": describe_environment(*distributions),
        "devices": {peer.name: peer.device() or "processor" for peer in settings.peers},
        **asdict(result),
    }


def save(result: Result, settings: Settings, suite: str, name: str, folder: Path) -> Path:
    """Write ``name.json`` and ``name.md``, each whole or not at all."""
    whole = payload(result, settings, suite)
    return write_result(name, whole, folder=folder, page=_page(whole, result))


def resume(settings: Settings, suite: str, path: Path) -> Result:
    """The rows of a run that was cut, to be gone on with under the same conditions.

    Raises
    ------
    ValueError
        If it ran under others, which it names.
    """
    before = json.loads(path.read_text(encoding="utf-8"))
    tables = {table.name for table in fields(Result)}
    now = json.loads(json.dumps(payload(Result(), settings, suite)))
    now["environment"]["date"] = before["environment"]["date"]
    changed = [name for name in now if name not in tables and now[name] != before.get(name)]
    if changed:
        raise ValueError(f"{path.name} is of a run with other {', '.join(changed)}")
    return Result(**{name: before.get(name, []) for name in tables})


def tables_of(result: Result, problem: Problem) -> str:
    """The tables of one problem, for the screen."""
    networks = [_network(row) for row in result.problems]
    shown = (networks, _measured(result), _left_out(result), result.cold, result.one_slice)
    tables = ([row for row in table if row["problem"] == problem.name] for table in shown)
    return "\n\n".join(format_table(table) for table in tables if table)


def _page(whole: dict[str, Any], result: Result) -> dict[str, Any]:
    """What a person reads of it, in that order; what there is none of is left out."""
    limits = dict(whole["limits"])
    limits["memory"] = readable_bytes(limits["memory"])
    threads = set(whole["threads"].values())
    page = {
        **{name: whole[name] for name in ("suite", "seed", "reference", "environment", "devices")},
        "threads": threads.pop() if len(threads) == 1 else whole["threads"],
        "limits": limits,
        **_ranges(result),
        "columns": COLUMNS if result.measurements else None,
        "measurements": _measured(result),
        "left out": _left_out(result),
        "cold": result.cold,
        "crossovers": crossovers(result.measurements),
        "one slice": result.one_slice,
        "problems": [_network(row) for row in result.problems],
        "orders": result.orders,
    }
    return {name: value for name, value in page.items() if value not in (None, [])}


def _ranges(result: Result) -> Row:
    """Columns that are nearly the same in all rows, as one line each."""
    timed = [row for row in result.measurements if row["status"] == "ok"]
    if not timed:
        return {}
    shares = [row["processor_share"] for row in timed]
    return {
        "largest relative error": max(row["error"] for row in timed),
        "processor time by time": f"{min(shares):.2g} to {max(shares):.2g}",
    }


def _measured(result: Result) -> list[Row]:
    return [_short(row) for row in result.measurements if row["status"] == "ok"]


def _left_out(result: Result) -> list[Row]:
    """Who was not timed although it could have been, and the orders that could not be run."""
    names = ("problem", "task", "peer", "order", "status")
    candidates = [row for row in result.candidates if row["status"] != "ok"]
    tried = {(row["problem"], row["task"], row["peer"]) for row in candidates}
    contenders = [
        row
        for row in result.measurements
        if not row["status"].startswith(("ok", "not supported"))
        and (row["problem"], row["task"], row["peer"]) not in tried
    ]
    return [{name: row.get(name, "") for name in names} for row in (*contenders, *candidates)]


def _network(row: Row) -> Row:
    """A problem, and the rates of the machine at its precision."""
    shown = dict(row)
    if row["status"] == "ok":
        shown["product"] = f"{shown.pop('flops_per_second') / 1e9:.3g} Gflop/s"
        shown["copy"] = f"{shown.pop('bytes_per_second') / 1e9:.3g} GB/s"
    return shown


def _short(row: Row) -> Row:
    texts = {name: row[name] for name in ("problem", "task", "peer", "order")}
    times = {head: _duration(row[name]) if name in row else "" for head, name in SECONDS.items()}
    figures = {head: f"{row[name]:.3g}" for head, name in FIGURES.items() if name in row}
    bound = f"{_duration(row['bound_seconds'])} ({row['bound_by']})"
    reached = f"{row['bound_percent']:.3g} %"
    memory = row["memory_bytes"]
    memory = readable_bytes(memory) if memory >= 2**20 else "< 1 MiB"
    return texts | times | figures | {"bound": bound, "reached": reached, "memory": memory}


def _duration(seconds: float) -> str:
    """Seconds with a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
