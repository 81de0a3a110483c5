"""Exact orders in linear time: seconds to plan chains, rings and trees of many tensors.

Run with ``python benchmarks/linear_orders.py``; writes ``results/linear_orders.json`` and exits 1
if 100,000 tensors take more than two seconds.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
from environment import write_result

import tnlearn as tnl

TENSORS, RUNS, SECONDS = 100_000, 5, 2.0
MATRIX, VECTOR = np.ones((2, 2)), np.ones(2)


def chain(count: int) -> tnl.TensorNetwork:
    """An open chain of matrices, closed by the sums at its ends."""
    return tnl.TensorNetwork(tnl.Tensor(MATRIX, (k, k + 1)) for k in range(count))


def ring(count: int) -> tnl.TensorNetwork:
    """A closed chain of matrices."""
    return tnl.TensorNetwork(tnl.Tensor(MATRIX, (k, (k + 1) % count)) for k in range(count))


def tree(count: int) -> tnl.TensorNetwork:
    """A binary tree of sites (hyperedges): a matrix between each site and its parent."""
    return tnl.TensorNetwork(tnl.Tensor(MATRIX, (k, (k - 1) // 2)) for k in range(1, count + 1))


def chain_with_fields(count: int) -> tnl.TensorNetwork:
    """An Ising chain: bonds and fields meet on sites, three tensors on each."""
    bonds = [tnl.Tensor(MATRIX, (k, k + 1)) for k in range(count // 2)]
    return tnl.TensorNetwork([*bonds, *(tnl.Tensor(VECTOR, (k,)) for k in range(count // 2))])


def main() -> int:
    """Time every shape, print and write the result."""
    rows = []
    for build in (chain, ring, tree, chain_with_fields):
        network = build(TENSORS)
        times = []
        for _ in range(RUNS):
            start = time.perf_counter()
            plan = tnl.plan(network)
            times.append(time.perf_counter() - start)
        rows.append(
            {
                "network": build.__name__,
                "tensors": len(network),
                "seconds": statistics.median(times),
                "fastest": min(times),
                "slowest": max(times),
                "width": plan.cost.width,
            }
        )
        print(rows[-1])
    write_result("linear_orders", {"limit_seconds": SECONDS, "median of": RUNS, "orders": rows})
    return 0 if max(row["seconds"] for row in rows) <= SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
