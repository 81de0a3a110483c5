"""How often the error that an estimate of log Z states covers the truth, on models small enough.

Run with ``python benchmarks/estimates.py``; writes ``results/estimates.json`` and ``.md``, and
exits 1 if the error of a method covers the truth in fewer than 90 % of the models of 200 where it
says that it converged. Compressed contraction is exact on models this small, so it is also held to
bond dimensions that are too small.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
from environment import write_result
from tqdm import tqdm

import tnlearn as tnl
from tnlearn.inference import anneal, compress, correct_loops, propagate_beliefs

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


def compressed(bond: int | None) -> Callable[[Any, int], tuple[float, float, bool]]:
    """Compressed contraction at a largest bond dimension."""

    def found(model: Any, seed: int) -> tuple[float, float, bool]:
        value = compress(model, bond=bond)
        return value.log, value.error, value.converged

    return found


def annealed(model: Any, seed: int) -> tuple[float, float, bool]:
    """Annealed importance sampling."""
    found = anneal(model, seed=seed)
    return found.log_partition, found.error, found.converged


def looped(model: Any, seed: int) -> tuple[float, float, bool]:
    """Belief propagation and its loops."""
    found = correct_loops(model, most=300)
    return found.log_partition, found.error, found.converged


def believed(model: Any, seed: int) -> tuple[float, float, bool]:
    """Belief propagation, which states no error where there are loops."""
    found = propagate_beliefs(model)
    return found.log_partition, 0.0 if found.on_tree else math.inf, found.converged


#: Name -> what it says of a model: log Z, its error, and whether it converged.
METHODS = {
    "compressed": compressed(None),
    "compressed, bond 4": compressed(4),
    "compressed, bond 8": compressed(8),
    "loops": looped,
    "annealing": annealed,
    "belief propagation": believed,
}


def row_of(seed: int) -> dict[str, Any]:
    """A model, the truth, and how far off the estimates are."""
    kind, model = model_of(seed)
    exact = float(tnl.log_partition(model, "exact"))
    row: dict[str, Any] = {"seed": seed, "model": kind, "log Z": exact}
    for name, method in METHODS.items():
        start = time.perf_counter()
        value, error, converged = method(model, seed)
        seconds = time.perf_counter() - start
        row |= {
            f"{name}: off": value - exact,
            f"{name}: stated": error,
            f"{name}: converged": converged,
            f"{name}: seconds": seconds,
        }
    return row


def summary(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How well a method did."""
    off = np.abs([row[f"{name}: off"] for row in rows])
    stated = np.array([row[f"{name}: stated"] for row in rows])
    trusted = np.array([row[f"{name}: converged"] for row in rows])
    if not trusted.any():
        return {"method": name, "converged": 0, "share": 1.0}
    covered = (off <= stated)[trusted]
    return {
        "method": name,
        "converged": int(trusted.sum()),
        "of these truth within the stated error": int(covered.sum()),
        "share": float(covered.mean()),
        "median error": float(np.median(off[trusted])),
        "median stated": float(np.median(stated[trusted])),
        "largest error": float(off[trusted].max()),
        "seconds, median": float(np.median([row[f"{name}: seconds"] for row in rows])),
    }


def main() -> int:
    """Run all models, print and write the result."""
    rows = [row_of(seed) for seed in tqdm(range(MODELS), disable=None)]
    found = [summary(name, rows) for name in METHODS]
    payload = {"models": MODELS, "methods": found, "rows": rows}
    page = {"models": MODELS, "methods": found}
    print(write_result("estimates", payload, page=page).with_suffix(".md").read_text())
    return int(any(method["share"] < SHARE for method in found))


if __name__ == "__main__":
    raise SystemExit(main())
