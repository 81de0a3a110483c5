"""NumPy's matrix product: not a competitor but the rate that a processor can reach."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.instances import Instance
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner

SIZE = 2000
#: Real operations of one product.
FLOPS = 2.0 * SIZE**3


class Gemm(Peer):
    """A product of two square matrices in the precision of the instance."""

    name, distribution, module = "numpy gemm", "numpy", "numpy"
    tasks = ("rate",)

    def objection(self, instance: Instance) -> str | None:
        """Complex products are not counted in the same operations."""
        return "complex" if instance.dtype.startswith("complex") else None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Two random matrices, whatever the arrays of the instance are."""
        random = np.random.default_rng(0)
        a, b = random.random((2, SIZE, SIZE)).astype(instance.dtype)
        out = np.empty_like(a)
        multiply = partial(np.matmul, a, b, out=out)
        return Runner(lambda arrays: multiply())
