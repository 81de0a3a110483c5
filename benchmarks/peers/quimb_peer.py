"""quimb's contraction expression, as one gets it from a `TensorNetwork`."""

from __future__ import annotations

from benchmarks.instances import Instance
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner


class Quimb(Peer):
    """Compiled once by ``contract(get="expression")``: its way to contract often."""

    name, distribution, module = "quimb", "quimb", "quimb"
    planners = ("tnlearn", "cotengra")

    def objection(self, instance: Instance) -> str | None:
        """None: hyperedges are fine."""
        return None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Build the network and its expression."""
        import quimb.tensor as qtn

        assert order is not None
        names = {index: f"i{index}" for index in instance.sizes}
        network = qtn.TensorNetwork(
            qtn.Tensor(array, [names[i] for i in term])
            for array, term in zip(instance.sets[0], instance.inputs, strict=True)
        )
        expression = network.contract(
            output_inds=[names[i] for i in instance.output], optimize=order.path, get="expression"
        )
        return Runner(lambda arrays: expression(*arrays))
