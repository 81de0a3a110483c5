"""The memory promise: random networks under random limits, each in a process of its own.

Run with ``python benchmarks/memory.py``; writes ``results/memory.json`` and exits 1 if a run takes
more than its limit and 5 % (or 64 MB), is killed, or an impossible limit is not refused within a
second. What counts is the growth of the peak resident memory from just before the program is
compiled, kernels warm, to the answer: the value of the network, or its value and gradient.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from environment import write_result
from tqdm import tqdm

import tnlearn as tnl
from tnlearn.errors import MemoryLimitError

#: Bytes that the networks take whole: least and most.
LEAST, MOST = 10e6, 2e9
#: Seconds that a contraction may be predicted to take, slices included.
SECONDS = 4.0
#: What may be taken over a limit: a part of it, or so many bytes.
SHARE, BYTES = 0.05, 64e6
#: Limits are the memory that the network takes whole, times a factor between these.
FACTORS = (0.15, 1.5)
REFUSAL = 1.0
TIMEOUT = 300.0


def network_of(seed: int) -> tuple[str, tnl.TensorNetwork]:
    """A random lattice, graph or grid of some size, its arrays random too."""
    random = np.random.default_rng(seed)
    kind = ("lattice", "regular", "grid", "torus")[seed % 4]
    if kind == "lattice":
        length = int(random.integers(17, 27))
        return f"lattice {length}", tnl.Ising(nx.grid_2d_graph(length, length), beta=0.4).network()
    if kind == "regular":
        count = 2 * int(random.integers(60, 80))
        graph = nx.random_regular_graph(3, count, seed=seed)
        return f"regular {count}", tnl.Ising(graph, beta=0.4).network()
    if kind == "grid":
        length, bond = int(random.integers(4, 7)), int(random.integers(4, 17))
        return f"grid {length} bond {bond}", tnl.grid(length, length, bond, seed=seed)
    length = int(random.integers(9, 13))
    graph = nx.grid_2d_graph(length, length, periodic=True)
    return f"torus {length}", tnl.Ising(graph, beta=0.4).network()


def contract(seed: int) -> dict[str, Any]:
    """The value of a network under a limit: what is said of it beforehand, and what it takes."""
    found, program, arrays = prepare(seed)
    if program is None:
        return found
    return found | taken(program.plan, lambda: program.log(arrays))


def gradient(seed: int) -> dict[str, Any]:
    """The same with the gradient, under the limit of the value."""
    found, program, arrays = prepare(seed)
    if program is None:
        return found
    try:
        plan = program.gradient_plan
    except MemoryLimitError:
        return found | {"status": "not found"}
    if plan.cost.seconds > 4 * SECONDS:
        return found | {"status": "too long"}
    return found | taken(plan, lambda: program.log_value_and_gradient(arrays)[0])


def prepare(seed: int) -> tuple[dict[str, Any], Any, list[Any]]:
    """A network, its program under a limit, and its arrays; no program where there is no test."""
    name, network = network_of(seed)
    arrays = [tensor.data for tensor in network]
    random = np.random.default_rng([seed, 1])
    # Kernels, and all that is imported.
    tnl.log_value_and_gradient(tnl.Ising(nx.grid_2d_graph(12, 12)))
    whole = tnl.plan(network, memory_limit="1 TB").cost
    found: dict[str, Any] = {"network": name, "whole_bytes": whole.peak_bytes}
    if not LEAST <= whole.peak_bytes <= MOST:
        return found | {"status": "other size"}, None, arrays
    low, high = np.log(FACTORS)
    limit = int(whole.peak_bytes * np.exp(random.uniform(low, high)))
    found["limit_bytes"] = limit
    try:
        plan = tnl.plan(network, memory_limit=limit, cache=False)
    except MemoryLimitError:
        return found | {"status": "not found"}, None, arrays
    if plan.cost.seconds > SECONDS:
        return found | {"status": "too long"}, None, arrays
    return found, tnl.compile(network, plan=plan), arrays


def taken(plan: tnl.Plan, question: Callable[[], tnl.LogValue]) -> dict[str, Any]:
    """What a question takes, beside what its plan says."""
    before = peak_bytes()
    start = time.perf_counter()
    value = question()
    return {
        "status": "ran",
        "slices": plan.cost.slices,
        "predicted_bytes": plan.cost.peak_bytes,
        "taken_bytes": peak_bytes() - before,
        "seconds": time.perf_counter() - start,
        "log": float(value.log),
    }


def refuse(seed: int) -> dict[str, Any]:
    """An impossible limit: how long it takes to say so."""
    name, network = network_of(seed)
    tnl.plan(tnl.grid(3, 3, 2, seed=0), search="balanced")  # Imports are not what is timed.
    limit = sum(tensor.data.nbytes for tensor in network)
    start = time.perf_counter()
    try:
        tnl.plan(network, memory_limit=limit, cache=False)
    except MemoryLimitError:
        return {"network": name, "status": "refused", "seconds": time.perf_counter() - start}
    return {"network": name, "status": "not refused", "seconds": time.perf_counter() - start}


QUESTIONS = ("contract", "gradient")
TASKS = {"contract": contract, "gradient": gradient, "refuse": refuse}


def peak_bytes() -> int:
    """The most memory this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_a_process(task: str, seed: int) -> dict[str, Any]:
    """A task in a process of its own; "killed" if it does not come back."""
    command = [sys.executable, __file__, "--task", task, "--seed", str(seed)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"seed": seed, "network": network_of(seed)[0], "status": "timeout"}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        return {"seed": seed, "status": f"killed ({done.returncode}) {' '.join(last)}"}
    return {"seed": seed, **json.loads(done.stdout)}


def ran_all(
    task: str, seed: int, count: int, passed_over: Counter[str]
) -> Iterator[dict[str, Any]]:
    """One network after another, until so many were of the right size."""
    found = 0  # A bar that is not drawn does not count.
    with tqdm(total=count, desc=task, disable=None) as bar:
        while found < count:
            row = in_a_process(task, seed)
            seed += 1
            if row["status"] in ("other size", "not found", "too long"):
                passed_over[row["status"]] += 1
                continue
            found += 1
            bar.update()
            yield row


def ratios(rows: Sequence[dict[str, Any]], question: str) -> dict[str, float]:
    """Predicted over taken memory: the median, and the range of most."""
    found = [
        row["predicted_bytes"] / max(row["taken_bytes"], 1)
        for row in rows
        if row["question"] == question
    ]
    if not found:
        return {}
    low, median, high = np.percentile(found, [5, 50, 95]).tolist()
    return {"median": median, "5 %": low, "95 %": high}


def broken(row: dict[str, Any]) -> bool:
    """Whether a row breaks the promise."""
    if row["status"] == "ran":
        limit = row["limit_bytes"]
        return bool(row["taken_bytes"] > limit + max(SHARE * limit, BYTES))
    return row["status"] != "refused" or row["seconds"] > REFUSAL


def main() -> int:
    """Run networks until enough fitted, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--task", choices=list(TASKS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    if given.task:
        print(json.dumps(TASKS[given.task](given.seed)))
        return 0
    passed_over: Counter[str] = Counter()
    rows = [
        row | {"question": question}
        for question in QUESTIONS
        for row in ran_all(question, given.seed, given.count, passed_over)
    ]
    refusals = [in_a_process("refuse", k) for k in range(max(1, given.count // 10))]
    ran = [row for row in rows if row["status"] == "ran"]
    over = [row for row in [*rows, *refusals] if broken(row)]
    payload = {
        "networks": given.count,
        "ran": len(ran),
        "sliced": sum(row["slices"] > 1 for row in ran),
        "broken promises": len(over),
        **{f"predicted over taken, {q}": ratios(ran, q) for q in QUESTIONS},
        "slowest refusal, seconds": max(row.get("seconds", TIMEOUT) for row in refusals),
        "passed over": dict(passed_over),
        "rows": rows,
        "refusals": refusals,
    }
    folder = {} if given.folder is None else {"folder": given.folder}
    path = write_result("memory", payload, **folder)
    print(path.with_suffix(".md").read_text())
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main())
