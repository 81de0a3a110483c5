"""cotengra's contraction expression."""

from __future__ import annotations

from benchmarks.instances import Instance
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner


class Cotengra(Peer):
    """Compiled once by `array_contract_expression`, called with NumPy arrays."""

    name, distribution, module = "cotengra", "cotengra", "cotengra"
    planners = ("tnlearn", "cotengra")

    def objection(self, instance: Instance) -> str | None:
        """None: hyperedges are fine."""
        return None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Build the expression."""
        import cotengra

        assert order is not None
        expression = cotengra.array_contract_expression(
            instance.inputs, instance.output, instance.sizes, optimize=order.path, cache=False
        )
        return Runner(lambda arrays: expression(*arrays))
