"""How often the error that an estimate of log Z states covers the truth, on models small enough.

Run with ``python benchmarks/estimates.py``; writes ``results/estimates.json`` and ``.md``, and
exits 1 if annealing covers fewer than 90 % of 200 models.
"""

from __future__ import annotations

import math
import time
from typing import Any

import networkx as nx
import numpy as np
from environment import write_result
from tqdm import tqdm

import tnlearn as tnl
from tnlearn.inference import anneal, propagate_beliefs

MODELS, SHARE = 200, 0.9


def model_of(seed: int) -> tuple[str, Any]:
    """A spin glass, a factor graph or a restricted machine, from weak to strong couplings."""
    random = np.random.default_rng(seed)
    strength = float(random.uniform(0.3, 2.5))
    if seed % 3 == 0:
        graph = nx.gnp_random_graph(int(random.integers(6, 17)), 0.4, seed=seed)
        couplings = {edge: float(random.normal()) for edge in graph.edges}
        fields = {site: float(random.normal(scale=0.3)) for site in graph}
        return "spin glass", tnl.Ising(graph, couplings, fields, beta=strength)
    if seed % 3 == 1:
        sizes = {k: int(random.integers(2, 5)) for k in range(int(random.integers(4, 10)))}
        factors = []
        for _ in range(2 * len(sizes)):
            scope = random.permutation(len(sizes))[: int(random.integers(1, 4))].tolist()
            factors.append((scope, strength * random.normal(size=[sizes[k] for k in scope])))
        return "factor graph", tnl.FactorGraph(factors, sizes, log=True)
    shape = int(random.integers(3, 9)), int(random.integers(3, 9))
    biases = [random.normal(size=n) for n in shape]
    return "restricted", tnl.RestrictedBoltzmann(strength * random.normal(size=shape), *biases)


def row_of(seed: int) -> dict[str, Any]:
    """A model, the truth, and how far off the estimates are."""
    kind, model = model_of(seed)
    exact = float(tnl.log_partition(model, "exact"))
    start = time.perf_counter()
    found = anneal(model, seed=seed)
    seconds = time.perf_counter() - start
    beliefs = propagate_beliefs(model.network())
    return {
        "seed": seed,
        "model": kind,
        "log Z": exact,
        "annealing, off": found.log_partition - exact,
        "stated": found.error,
        "covered": abs(found.log_partition - exact) <= found.error,
        "converged": found.converged,
        "steps": found.steps,
        "seconds": seconds,
        "beliefs, off": beliefs.log_partition - exact,
        "beliefs settled": beliefs.converged,
    }


def main() -> int:
    """Run all models, print and write the result."""
    rows = [row_of(seed) for seed in tqdm(range(MODELS), disable=None)]
    covered = sum(row["covered"] for row in rows)
    off = [abs(row["beliefs, off"]) for row in rows if row["beliefs settled"]]
    payload = {
        "models": MODELS,
        "annealing: truth within the stated error": covered,
        "annealing: converged": sum(row["converged"] for row in rows),
        "annealing: median stated error": float(np.median([row["stated"] for row in rows])),
        "annealing: largest stated error": max(row["stated"] for row in rows),
        "annealing: seconds, median": float(np.median([row["seconds"] for row in rows])),
        "belief propagation: settled": len(off),
        "belief propagation: median error": float(np.median(off)) if off else math.nan,
        "rows": rows,
    }
    print(write_result("estimates", payload).with_suffix(".md").read_text()[:1200])
    return int(covered < SHARE * MODELS)


if __name__ == "__main__":
    raise SystemExit(main())
