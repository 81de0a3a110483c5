"""Google's TensorNetwork, pair by pair along the order."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.instances import Answer, Arrays, Instance
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner


class TensorNetwork(Peer):
    """Nodes are used up by contracting them, so every call builds them anew."""

    name, distribution, module = "tensornetwork", "tensornetwork", "tensornetwork"
    planners = ("tnlearn", "opt_einsum")

    def objection(self, instance: Instance) -> str | None:
        """Its contractors take bonds between two nodes only."""
        return "hyperedges" if instance.has_hyperedges else None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Nothing but the order is prepared."""
        import tensornetwork as tn

        assert order is not None
        pairs = order.plan.path

        def run(arrays: Arrays) -> Any:
            nodes = [tn.Node(array, backend="numpy") for array in arrays]
            ends: dict[int, Any] = {}
            for node, term in zip(nodes, instance.inputs, strict=True):
                for edge, index in zip(node.edges, term, strict=True):
                    ends[index] = edge ^ ends[index] if index in ends else edge
            for first, second in pairs:
                nodes.append(
                    tn.contract_between(nodes[first], nodes[second], allow_outer_product=True)
                )
            return nodes[-1].reorder_edges([ends[i] for i in instance.output]).tensor

        return Runner(run, answer=lambda result: Answer(np.asarray(result)))
