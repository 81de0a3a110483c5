"""Restricted Boltzmann machines on scanned digits and MNIST, beside scikit-learn's at equal time.

Run with ``python benchmarks/rbm.py`` (and ``TNLEARN_DATA`` naming the folder that holds ``mnist/``
for MNIST); writes ``results/rbm.json`` and ``.md``. Test log-likelihoods are exact at 12 and 20
hidden units, and by annealed importance sampling, with its error, at 500. Both libraries are given
the same seconds of fitting: epochs are set by a rehearsal of one epoch each. Of scikit-learn's
learning rates the best of the first seed is taken for the others; this library's is its default.
Log Z is found apart from fitting, for both by this library.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from environment import write_result
from sklearn.datasets import load_digits
from sklearn.neural_network import BernoulliRBM

import tnlearn as tnl
from tnlearn.physics.restricted_annealing import anneal_restricted

RATES = (0.01, 0.05, 0.1, 0.2)
SEEDS = (0, 1, 2)
LIKELIHOOD = "test log-likelihood, nats"
RESULT = Path(__file__).parent / "results" / "rbm.json"


def digits() -> tuple[Any, Any]:
    """Scans of 8x8 pixels, above half their range: 1,500 to learn from, 297 to test."""
    data = (load_digits().data > 8).astype(float)
    order = np.random.default_rng(0).permutation(len(data))
    return data[order[:1500]], data[order[1500:]]


def mnist() -> tuple[Any, Any]:
    """Images of 28x28 pixels, above half their range."""
    folder = Path(os.environ["TNLEARN_DATA"]) / "mnist"
    both = []
    for name in ("train", "t10k"):
        with gzip.open(folder / f"{name}-images-idx3-ubyte.gz") as file:
            pixels = np.frombuffer(file.read(), np.uint8, offset=16)
        both.append((pixels.reshape(-1, 784) > 127).astype(float))
    return both[0], both[1]


def seconds_of(fit: Any) -> float:
    """Processor time of a call, which other programs disturb little."""
    start = time.process_time()
    fit()
    return time.process_time() - start


def ours(train: Any, hidden: int, epochs: int, seed: int) -> Any:
    """Fitted by this library."""
    machine = tnl.RBM(n_hidden=hidden, learning="persistent", epochs=epochs, random_state=seed)
    return machine.fit(train).model_


def theirs(train: Any, hidden: int, epochs: int, seed: int, rate: float) -> Any:
    """Fitted by scikit-learn, as a machine of this library."""
    found = BernoulliRBM(
        hidden, learning_rate=rate, batch_size=100, n_iter=epochs, random_state=seed
    ).fit(train)
    return tnl.RestrictedBoltzmann(
        found.components_.T, found.intercept_visible_, found.intercept_hidden_
    )


def compared(name: str, data: tuple[Any, Any], hidden: int, budget: float) -> list[dict[str, Any]]:
    """Test log-likelihoods of both, for every seed."""
    train, test = data
    fits_of_one_epoch = {
        "tnlearn": lambda: ours(train, hidden, 1, 0),
        "scikit-learn": lambda: theirs(train, hidden, 1, 0, 0.05),
    }
    # The second call: the first is of imports and empty caches.
    once = {
        library: [seconds_of(fit) for _ in range(2)][1]
        for library, fit in fits_of_one_epoch.items()
    }
    rows: list[dict[str, Any]] = []
    rates: tuple[float, ...] = RATES
    for seed in SEEDS:
        fits: list[tuple[str, float | None, Any]] = [("tnlearn", None, ours)]
        fits += [("scikit-learn", rate, theirs) for rate in rates]
        for library, rate, fit in fits:
            epochs = max(1, int(budget / once[library]))
            extra = () if rate is None else (rate,)
            start = time.process_time()
            machine = fit(train, hidden, epochs, seed, *extra)
            seconds = time.process_time() - start
            found = {"epochs": epochs, "seconds": seconds, **judged(machine, test)}
            rows.append(
                {
                    "data": name,
                    "hidden": hidden,
                    "library": library,
                    "learning rate": rate,
                    "seed": seed,
                    **found,
                }
            )
            print(rows[-1], flush=True)
        theirs_now = [row for row in rows if row["library"] == "scikit-learn"]
        rates = (max(theirs_now, key=lambda row: row[LIKELIHOOD])["learning rate"],)
    return rows


def judged(machine: Any, test: Any) -> dict[str, Any]:
    """The mean log-likelihood of test data, and how good its log Z is."""
    exact = min(machine.weights.shape) <= 20
    log_z = machine.log_partition if exact else anneal_restricted(machine.two_layers(), attempts=2)
    value = float(log_z) if exact else log_z.log_partition
    return {
        LIKELIHOOD: float(-machine.free_energy(test).mean()) - value,
        "log Z by": "exact" if exact else "annealing",
        "its error": log_z.error,
        "converged": log_z.converged,
    }


def main() -> int:
    """Run, print and write; 1 if scikit-learn's best seed beats the worst of this library."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=1.0, help="times the seconds of fitting")
    parser.add_argument("--only", help="one task, such as mnist-500; the rows of others stay")
    given = parser.parse_args()
    tasks = [("digits", digits, hidden, 4.0) for hidden in (12, 20)]
    if "TNLEARN_DATA" in os.environ:
        tasks += [("mnist", mnist, 20, 30.0), ("mnist", mnist, 500, 120.0)]
    if given.only:
        tasks = [task for task in tasks if f"{task[0]}-{task[2]}" == given.only]
        if not tasks:
            parser.error(f"there is no task {given.only} (those of MNIST need TNLEARN_DATA)")
    rows = json.loads(RESULT.read_text())["rows"] if given.only else []
    for name, data, hidden, seconds in tasks:
        rows = [row for row in rows if (row["data"], row["hidden"]) != (name, hidden)]
        rows += compared(name, data(), hidden, seconds * given.budget)
        # After every task: what is done stays if a later one is cut short.
        write_result("rbm", {"seeds": summary(rows), "rows": rows})
    print(RESULT.with_suffix(".md").read_text())
    return int(any(row["tnlearn, worst"] < row["scikit-learn, best"] for row in summary(rows)))


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best and worst seed of both, for every task; of scikit-learn at its best rate."""
    found = []
    for name, hidden in dict.fromkeys((row["data"], row["hidden"]) for row in rows):
        line: dict[str, Any] = {"data": name, "hidden": hidden}
        for library in ("tnlearn", "scikit-learn"):
            own = [
                r for r in rows if (r["data"], r["hidden"], r["library"]) == (name, hidden, library)
            ]
            rate = max(own, key=lambda row: row[LIKELIHOOD])["learning rate"]
            at_best = [row[LIKELIHOOD] for row in own if row["learning rate"] == rate]
            line |= {f"{library}, best": max(at_best), f"{library}, worst": min(at_best)}
        found.append(line)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
