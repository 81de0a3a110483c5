"""opt_einsum's contraction expression."""

from __future__ import annotations

from benchmarks.instances import Instance
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner


class OptEinsum(Peer):
    """Compiled once by `contract_expression`, called with NumPy arrays."""

    name, distribution, module = "opt_einsum", "opt_einsum", "opt_einsum"
    planners = ("tnlearn", "opt_einsum")

    def objection(self, instance: Instance) -> str | None:
        """None: hyperedges are fine."""
        return None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Build the expression; its symbols have no limit of 52."""
        import opt_einsum

        assert order is not None
        terms = ["".join(map(opt_einsum.get_symbol, term)) for term in instance.inputs]
        output = "".join(map(opt_einsum.get_symbol, instance.output))
        shapes = [array.shape for array in instance.sets[0]]
        expression = opt_einsum.contract_expression(
            f"{','.join(terms)}->{output}", *shapes, optimize=order.path
        )
        return Runner(lambda arrays: expression(*arrays))
