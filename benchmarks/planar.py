"""Planar Ising models at sizes that nothing else reaches: Z, tori and ground states, with errors.

Run with ``python benchmarks/planar.py``; writes ``results/planar.json`` and exits 1 if a true
error is larger than the one that was stated, or a torus is further than 1e-6 from Kaufman's
formula. Every row runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from environment import write_result

import tnlearn as tnl
from tnlearn.physics.exact import CRITICAL_COUPLING, torus_log_partition
from tnlearn.physics.planar import (
    planar_ground_state,
    planar_log_partition,
    toroidal_grid_log_partition,
)

#: Relative error a torus may have.
WANTED = 1e-6
TIMEOUT = 1200.0


def square(length: int, kind: str, beta: float, seed: int = 0) -> tnl.Ising:
    """An open square lattice with couplings of random sign, or normal ones."""
    graph = nx.grid_2d_graph(length, length)
    random = np.random.default_rng(seed)
    many = graph.number_of_edges()
    values = random.normal(size=many) if kind == "normal" else random.choice([-1.0, 1.0], many)
    return tnl.Ising(graph, dict(zip(graph.edges, values.tolist(), strict=True)), beta=beta)


def planar(length: int, kind: str, beta: float) -> dict[str, Any]:
    """``ln Z`` of random bonds; up to 12 x 12 against contraction."""
    model = square(length, kind, beta)
    row = timed(lambda: planar_log_partition(model))
    return row | ({"true_error": row["log_z"] - tnl.log_partition(model)} if length <= 12 else {})


def torus(length: int, coupling: float) -> dict[str, Any]:
    """``ln Z`` of a uniform torus against Kaufman's formula."""
    grid = np.full((length, length), coupling)
    row = timed(lambda: toroidal_grid_log_partition(grid, grid))
    return row | {"true_error": row["log_z"] - torus_log_partition(length, length, coupling)}


def random_torus(length: int, kind: str, beta: float) -> dict[str, Any]:
    """``ln Z`` of a torus with random bonds: no two blocks are equal."""
    random = np.random.default_rng(0)
    shape = (2, length, length)
    grids = random.normal(size=shape) if kind == "normal" else random.choice([-1.0, 1.0], shape)
    return timed(lambda: toroidal_grid_log_partition(*(beta * grids)))


def ground(length: int, kind: str, seed: int) -> dict[str, Any]:
    """A ground state; up to 10 x 10 against contraction."""
    model = square(length, kind, 1.0, seed)
    start = time.perf_counter()
    _, energy = planar_ground_state(model)
    row = {"seconds": time.perf_counter() - start, "energy": energy}
    return row | ({"true_error": energy - tnl.mode(model).energy} if length <= 10 else {})


def timed(question: Callable[[], Any]) -> dict[str, Any]:
    """The answer, its stated error and the time it takes."""
    start = time.perf_counter()
    found = question()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "log_z": float(found), "stated_error": found.error}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "planar": planar,
    "torus": torus,
    "random_torus": random_torus,
    "ground": ground,
}
#: Task and its arguments.
ROWS: list[tuple[str, list[Any]]] = [
    *(("planar", [12, kind, beta]) for kind in ("signs", "normal") for beta in (1.0, 5.0, 50.0)),
    ("planar", [200, "signs", 1.0]),
    ("planar", [200, "normal", 1.0]),
    *(("ground", [10, "signs", seed]) for seed in range(3)),
    *(("ground", [16, kind, seed]) for kind in ("signs", "normal") for seed in range(3)),
    *(("ground", [30, kind, 0]) for kind in ("signs", "normal")),
    ("random_torus", [200, "signs", 1.0]),
    *(("torus", [1000, coupling]) for coupling in (0.3, CRITICAL_COUPLING, 0.6)),
]


def in_a_process(task: str, arguments: list[Any]) -> dict[str, Any]:
    """A row from a process of its own."""
    command = [sys.executable, __file__, "--task", json.dumps([task, arguments])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=True)
    names = " ".join(f"{x:.6g}" if isinstance(x, float) else str(x) for x in arguments)
    return {"what": f"{task} {names}", **json.loads(done.stdout)}


def broken(row: dict[str, Any]) -> bool:
    """Whether a true error is larger than the stated one, or than is wanted."""
    if "true_error" not in row:
        return False
    if "energy" in row:
        return bool(abs(row["true_error"]) > 1e-9)
    far = row["what"].startswith("torus") and abs(row["true_error"]) > WANTED * row["log_z"]
    return bool(far or abs(row["true_error"]) > row["stated_error"])


def main() -> int:
    """Run all rows, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default=None)
    parser.add_argument("--only", default="", help="rows whose task has this in its name")
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    if given.task:
        task, arguments = json.loads(given.task)
        row = TASKS[task](*arguments)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(row | {"peak_gb": peak / 1e9}))
        return 0
    rows = []
    for task, arguments in ROWS:
        if given.only in task:
            rows.append(in_a_process(task, arguments))
            print(rows[-1], flush=True)
    wrong = [row for row in rows if broken(row)]
    payload = {
        "rows": rows,
        "errors larger than stated or wanted": len(wrong),
    }
    folder = {} if given.folder is None else {"folder": given.folder}
    path = write_result("planar", payload, **folder)
    print(path.with_suffix(".md").read_text())
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
