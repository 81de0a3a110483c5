"""How fast the samplers are: updates of one spin per second, on one core.

Run with ``python benchmarks/samplers.py`` on an otherwise idle machine; writes
``results/samplers.json`` and a page beside it. A row is the best of some runs of a quarter
of a second each, everything that `step` does included: copying the state, packing spins into words,
and the energies at the end. Seconds are those of the processor, not of the clock: what other
programs leave waiting does not count, but what they take of the caches, and of a core that two
of them share, does. The load of the machine is written down with the numbers.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from environment import write_result

import tnlearn as tnl
from tnlearn.sampling import Gibbs, Metropolis, MultiSpin, ParallelTempering, Wolff

#: Seconds that one run is meant to take, and how many there are.
SECONDS, RUNS = 0.25, 5
#: Sweeps of a step, at least.
LEAST_SWEEPS = 10
#: Near the critical point, where nothing is frozen and nothing is free.
BETA = 0.44


def torus(length: int) -> tnl.Ising:
    """A ferromagnet on the square lattice."""
    return tnl.Ising(nx.grid_2d_graph(length, length, periodic=True), beta=BETA)


def cube(length: int) -> tnl.Ising:
    """A glass of couplings -1 and +1 on the simple cubic lattice."""
    graph = nx.grid_graph([length] * 3, periodic=True)
    random = np.random.default_rng(0)
    return tnl.Ising(graph, {e: float(random.choice([-1, 1])) for e in graph.edges}, beta=1.0)


def normal(count: int) -> tnl.Ising:
    """Normal couplings on a random graph of degree 4."""
    graph = nx.random_regular_graph(4, count, seed=0)
    random = np.random.default_rng(0)
    return tnl.Ising(graph, {e: float(random.normal()) for e in graph.edges}, 0.1, beta=0.5)


class Tables:
    """An Ising model that shows only its tables."""

    def __init__(self, model: tnl.Ising) -> None:
        self.sites, self.values, self.energy = model.sites, model.values, model.energy
        self.network, self.energies, self.beta = model.network, model.energies, model.beta


# name of the model, its maker, sampler, numbers of chains
CASES: list[tuple[str, Any, Any, tuple[int, ...]]] = [
    ("square lattice 64 x 64", lambda: torus(64), Gibbs(), (1, 16, 64, 256)),
    ("square lattice 64 x 64", lambda: torus(64), Metropolis(), (1, 64, 256)),
    ("square lattice 256 x 256", lambda: torus(256), Metropolis(), (1, 256)),
    ("cubic glass 16^3", lambda: cube(16), Metropolis(), (64, 256)),
    ("normal couplings, degree 4", lambda: normal(4096), Gibbs(), (1, 64)),
    ("square lattice, as tables", lambda: Tables(torus(32)), Gibbs(), (64,)),
    ("square lattice 64 x 64", lambda: torus(64), MultiSpin(), (64, 512, 2048)),
    ("square lattice 256 x 256", lambda: torus(256), MultiSpin(), (64, 512)),
    ("cubic glass 16^3", lambda: cube(16), MultiSpin(), (64, 512)),
    ("square lattice 64 x 64", lambda: torus(64), Wolff(), (16,)),
    (
        "square lattice 64 x 64",
        lambda: torus(64),
        ParallelTempering(Metropolis(), (0.38, 0.41, BETA, 0.47), interval=10),
        (64,),
    ),
]


def measure(model: Any, sampler: Any, chains: int) -> dict[str, Any]:
    """Updates per second: the best of some runs."""
    state = sampler.step(sampler.init(model, chains, 0), 2)  # Compiled, if not loaded.
    sweeps, took = LEAST_SWEEPS, 0.0
    while took < SECONDS / 4:
        sweeps *= 1 if not took else max(2, int(SECONDS / 2 / took))
        start = time.process_time()
        sampler.step(state, sweeps)
        took = time.process_time() - start
    rates = []
    for _ in range(RUNS):
        start = time.process_time()
        after = sampler.step(state, sweeps)
        took = time.process_time() - start
        rates.append(updates(state, after, sampler) / took)
        state = after
    return {
        "sweeps a step": sweeps,
        "million updates a second": max(rates) / 1e6,
        "median of runs": float(np.median(rates)) / 1e6,
    }


def updates(before: Any, after: Any, sampler: Any) -> int:
    """Spins tried between two states; of clusters, those that were flipped."""
    if hasattr(before, "rungs"):
        pairs = zip(before.rungs, after.rungs, strict=True)
        return sum(updates(one, other, sampler.sampler) for one, other in pairs)
    if isinstance(sampler, Wolff):
        return int(after.changed - before.changed)
    return int(after.tried - before.tried)


def main() -> None:
    """Measure every case, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of the name of a sampler")
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    loads = [os.getloadavg()[0]]
    rows = []
    for name, maker, sampler, numbers in CASES:
        who = type(sampler).__name__
        if given.only.lower() in who.lower():
            model = maker()
            for chains in numbers:
                row = {"sampler": who, "model": name, "chains": chains}
                rows.append(row | measure(model, sampler, chains))
                print(rows[-1])
    loads.append(os.getloadavg()[0])
    payload = {
        "unit": "spins tried (of clusters: flipped), 10^6 per second of one core",
        "load of the machine before and after (1 is this program alone)": loads,
        "rows": rows,
    }
    folder = {} if given.folder is None else {"folder": given.folder}
    path = write_result("samplers", payload, **folder)
    print(path.with_suffix(".md").read_text())


if __name__ == "__main__":
    main()
