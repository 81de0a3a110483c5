"""Restricted Boltzmann machines on scanned digits and MNIST, beside scikit-learn's at equal time.

Run with ``python benchmarks/rbm.py`` (and ``TNLEARN_DATA`` naming the folder that holds ``mnist/``
for MNIST); writes ``results/rbm.json`` and ``.md``. Test log-likelihoods are exact at 12 and 20
hidden units, and by annealed importance sampling, with its error, at 500. Both libraries are given
the same seconds of fitting: epochs are set by a rehearsal of one epoch each; of scikit-learn's
learning rates the best counts. Log Z is found apart from fitting, for both by this library.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from environment import write_result
from sklearn.datasets import load_digits
from sklearn.neural_network import BernoulliRBM

import tnlearn as tnl

RATES = (0.01, 0.05, 0.1)
SEEDS = (0, 1, 2)


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
    rows = []
    for seed in SEEDS:
        fits: list[tuple[str, float | None, Any]] = [("tnlearn", None, ours)]
        fits += [("scikit-learn", rate, theirs) for rate in RATES]
        for library, rate, fit in fits:
            epochs = max(1, int(budget / once[library]))
            extra = () if rate is None else (rate,)
            start = time.process_time()
            machine = fit(train, hidden, epochs, seed, *extra)
            seconds = time.process_time() - start
            log_z = machine.log_partition
            rows.append(
                {
                    "data": name,
                    "hidden": hidden,
                    "library": library,
                    "learning rate": rate,
                    "seed": seed,
                    "epochs": epochs,
                    "seconds": seconds,
                    "test log-likelihood, nats": float(machine.log_probability(test).mean()),
                    "log Z by": log_z.method,
                    "its error": log_z.error,
                    "converged": log_z.converged,
                }
            )
            print(rows[-1], flush=True)
    return rows


def main() -> int:
    """Run, print and write the result; 1 if scikit-learn is better anywhere."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=1.0, help="times the seconds of fitting")
    parser.add_argument("--most", type=int, default=500, help="hidden units of the largest machine")
    given = parser.parse_args()
    rows = [
        row for hidden in (12, 20) for row in compared("digits", digits(), hidden, 4 * given.budget)
    ]
    if "TNLEARN_DATA" in os.environ:
        images = mnist()
        rows += compared("mnist", images, 20, 30 * given.budget)
        if given.most >= 500:
            rows += compared("mnist", images, 500, 120 * given.budget)
    best: dict[tuple[str, int, str], float] = {}
    for row in rows:
        key = row["data"], row["hidden"], row["library"]
        best.setdefault(key, -np.inf)
        best[key] = max(best[key], row["test log-likelihood, nats"])
    summary = [
        {
            "data": data,
            "hidden": hidden,
            "tnlearn": found,
            "scikit-learn, best rate and seed": best[data, hidden, "scikit-learn"],
        }
        for (data, hidden, library), found in best.items()
        if library == "tnlearn"
    ]
    print(write_result("rbm", {"best": summary, "rows": rows}).with_suffix(".md").read_text())
    return int(any(row["tnlearn"] < row["scikit-learn, best rate and seed"] for row in summary))


if __name__ == "__main__":
    raise SystemExit(main())
