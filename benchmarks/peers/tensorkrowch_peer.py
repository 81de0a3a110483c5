"""TensorKrowch's matrix-product layer, in whichever of its modes is fastest."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.chains import as_chain
from benchmarks.instances import Answer, Arrays, Instance, half_mean_squared_error
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner
from benchmarks.threads import thread_count


class TensorKrowch(Peer):
    """A traced `MPSLayer` per set of arrays; its modes say what it stacks and in which order."""

    name, distribution, module = "tensorkrowch", "tensorkrowch", "tensorkrowch"
    tasks = ("value", "gradient")
    planners = ()
    modes = ("inline", "inline, unbound", "stacked", "stacked input")

    def objection(self, instance: Instance) -> str | None:
        """Its layers are chains; of the networks here they can express no other."""
        return None if as_chain(instance) else "not a chain"

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Layers are made and traced when they get their arrays."""
        import tensorkrowch as tk
        import torch

        torch.set_num_threads(thread_count())
        chain = as_chain(instance)
        assert chain is not None
        target = torch.tensor(instance.target)
        options = {
            "inline_input": mode.startswith("inline"),
            "inline_mats": mode != "stacked",
        }

        def pack(arrays: Arrays) -> tuple[Any, Any]:
            tensors = [torch.tensor(array) for array in arrays]
            layer = tk.models.MPSLayer(
                tensors=[tensors[k] for k in chain.cores], out_position=chain.middle
            )
            layer.auto_stack = True
            layer.auto_unbind = mode.endswith("unbound")
            data = torch.stack([tensors[k] for k in chain.features], dim=1)
            layer.trace(data, **options)
            return layer, data

        def value(packed: tuple[Any, Any]) -> Any:
            layer, data = packed
            with torch.no_grad():
                return layer(data, **options)

        def gradient(packed: tuple[Any, Any]) -> Any:
            layer, data = packed
            loss = half_mean_squared_error(layer(data, **options), target)
            layer.zero_grad()
            loss.backward()
            return loss, layer

        def answer(result: Any) -> Answer:
            loss, layer = result
            return Answer(loss.detach().numpy(), _gradients(layer))

        if task == "value":
            return Runner(value, pack, lambda result: Answer(result.numpy()))
        return Runner(gradient, pack, answer)


def _gradients(layer: Any) -> list[Any]:
    """Of every core; those at the ends are padded to three axes, which is undone."""
    first, *inner, last = (np.asarray(node.grad) for node in layer.mats_env)
    return [first[0], *inner, last[..., 0]]
