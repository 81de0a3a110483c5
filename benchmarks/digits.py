"""Accuracy of `MPSClassifier` on scikit-learn's handwritten digits, and how long training takes.

Run ``python benchmarks/digits.py``. A quarter of the 1,797 images is held out, stratified; the
seed is that of both the split and the model, and nothing else is given but the bond dimension.
Losses and feature maps other than the default are run with the first seed. Exit status 1 if an
accuracy is below its limit.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import Any

from environment import describe_environment, format_table, write_result
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from tnlearn import MPSClassifier

BOND_DIMENSION = 20
SEEDS = (0, 1, 2)
VARIANTS: tuple[dict[str, Any], ...] = (
    {"loss": "squared"},
    {"feature_map": "trigonometric"},
    {"feature_map": "trigonometric", "loss": "squared"},
    {"feature_map": "polynomial", "degree": 2},
    {"feature_map": "polynomial", "degree": 3},
)
#: Least mean accuracy with the default parameters, and least accuracy of a variant.
LIMIT, VARIANT_LIMIT = 0.975, 0.97


def measure(seed: int, **parameters: Any) -> dict[str, Any]:
    """Accuracy on the images held out, that of a support vector machine, and seconds."""
    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.25, stratify=labels, random_state=seed
    )
    model = MPSClassifier(BOND_DIMENSION, random_state=seed, **parameters)
    start = time.perf_counter()
    model.fit(train_x, train_y)
    fitted = time.perf_counter()
    accuracy = float(model.score(test_x, test_y))
    return {
        "seed": seed,
        "parameters": ", ".join(f"{k}={v}" for k, v in parameters.items()) or "default",
        "accuracy": accuracy,
        "svc_accuracy": float(SVC().fit(train_x, train_y).score(test_x, test_y)),
        "epochs": model.n_iter_,
        "fit_seconds": fitted - start,
        "score_seconds": time.perf_counter() - fitted,
    }


def main() -> int:
    """Measure, print, write down; 1 if below a limit."""
    rows = [measure(seed) for seed in SEEDS]
    variants = [measure(SEEDS[0], **parameters) for parameters in VARIANTS]
    mean = statistics.mean(row["accuracy"] for row in rows)
    result = {
        "bond_dimension": BOND_DIMENSION,
        "mean_accuracy": mean,
        "limit": LIMIT,
        "threads": os.environ.get("OMP_NUM_THREADS", "not set"),
        "default": rows,
        "variants": variants,
        "environment": describe_environment("scikit-learn"),
    }
    print(format_table([*rows, *variants]))
    print(f"mean accuracy of seeds {SEEDS}: {mean:.4f} (limit {LIMIT})")
    print(f"written to {write_result('digits', result)}")
    worst = min(row["accuracy"] for row in variants)
    return int(mean < LIMIT or worst < VARIANT_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
