"""Fresh processes up to their first result, with all caches on disk warm."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import pairwise
from benchmarks.instances import Instance
from benchmarks.measure import ratio
from benchmarks.orders import search
from benchmarks.problems import Problem

#: tnlearn plans for itself, the others are given its order. "numpy" contracts nothing: it is
#: what starting and reading the arrays take.
LIBRARIES = ("tnlearn", "numpy", "cotengra", "jax")
ROUNDS = 5
SECONDS = 300.0
CHILD = Path(__file__).with_name("first_result.py")


def measure(problem: Problem, seed: int, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """A row per library: seconds from spawning a process to its end, medians of several.

    The processes alternate. A first round, which fills caches, is not counted.
    """
    instance = problem.build(seed)
    present = [library for library in LIBRARIES if find_spec(library)]
    seconds: dict[str, list[float]] = {library: [] for library in present}
    values: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(instance, seed, folder)
        for number in range(rounds + 1):
            for library in present:
                taken, values[library] = _first_result(library, folder)
                if number:
                    seconds[library].append(taken)
    return [
        _row(problem, library, seconds[library], values[library], seconds["tnlearn"])
        for library in present
    ]


def _write(instance: Instance, seed: int, folder: Path) -> None:
    order = search(instance, "tnlearn", seed, None, limit=0.0)
    network = {
        "inputs": instance.inputs,
        "path": order.path,
        "steps": pairwise.steps(instance, order),
    }
    (folder / "network.json").write_text(json.dumps(network), encoding="utf-8")
    np.savez(folder / "arrays.npz", *instance.sets[0])


def _first_result(library: str, folder: Path) -> tuple[float, str]:
    """Seconds, and what was printed: a value, or why there is none."""
    environment = os.environ | {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    start = time.perf_counter()
    try:
        finished = subprocess.run(
            [sys.executable, "-P", str(CHILD), library, str(folder)],  # -P: not our modules
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return SECONDS, f"skipped: over {SECONDS:g} s"
    seconds = time.perf_counter() - start
    if finished.returncode:
        return seconds, f"failed: {(finished.stderr.splitlines() or [''])[-1][:120]}"
    return seconds, finished.stdout.strip()


def _row(
    problem: Problem, library: str, seconds: list[float], value: str, reference: list[float]
) -> dict[str, Any]:
    failed = value.startswith(("failed", "skipped"))
    return {
        "problem": problem.name,
        "peer": library,
        "status": value if failed else "ok",
        "seconds": statistics.median(seconds),
        "fastest": min(seconds),
        "ratio": ratio(seconds, reference),
        "value": None if failed else value,
    }
