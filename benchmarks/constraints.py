"""Twenty thousand random 0/1 networks, sliced and in logarithms: how many answers are nan or wrong.

Run with ``python benchmarks/constraints.py``; writes ``results/constraints.json`` and exits 1 if
there is any. The first 1,500 seeds are those of ``tests/test_constraints.py``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from environment import write_result

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from random_constraints import complaints, random_constraints

NETWORKS = 20_000


def main() -> int:
    """Ask of every network, print and write the result."""
    wrong: list[str] = []
    unsolvable = 0
    start = time.perf_counter()
    for seed in range(NETWORKS):
        wrong += complaints(seed)
        unsolvable += not random_constraints(seed).solutions().any()
    result = {
        "networks": NETWORKS,
        "without a solution": unsolvable,
        "nan": sum(line.endswith("is nan") for line in wrong),
        "wrong": sum(not line.endswith("is nan") for line in wrong),
        "seconds": time.perf_counter() - start,
    }
    print(result, *wrong[:20], sep="\n")
    write_result("constraints", result)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
