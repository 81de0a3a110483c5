"""PyTorch on the CPU, one einsum per pair of the order."""

from __future__ import annotations

from typing import Any

from benchmarks import pairwise
from benchmarks.instances import Answer, Arrays, Instance, half_mean_squared_error
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner
from benchmarks.threads import thread_count


class Torch(Peer):
    """Eager, tensors made beforehand, gradients by autograd."""

    name, distribution, module = "torch", "torch", "torch"
    tasks = ("value", "gradient")
    planners = ("tnlearn", "opt_einsum")

    def objection(self, instance: Instance) -> str | None:
        """None: hyperedges are fine."""
        return None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """The equations of all steps."""
        import torch

        torch.set_num_threads(thread_count())
        assert order is not None
        steps = pairwise.steps(instance, order)
        target = None if instance.target is None else torch.tensor(instance.target)
        free = instance.free

        def value(packed: list[Any]) -> Any:
            with torch.inference_mode():
                return pairwise.contract(torch.einsum, steps, packed)

        def pack(arrays: Arrays) -> list[Any]:
            wanted = set(free) if task == "gradient" else set()
            return [
                torch.tensor(array).requires_grad_(k in wanted) for k, array in enumerate(arrays)
            ]

        def gradient(packed: list[Any]) -> Any:
            result = pairwise.contract(torch.einsum, steps, packed)
            loss = result if target is None else half_mean_squared_error(result, target)
            return loss, torch.autograd.grad(loss, [packed[k] for k in free])

        if task == "value":
            return Runner(value, pack, lambda result: Answer(result.numpy()))
        return Runner(gradient, pack, to_answer)


def to_answer(result: Any) -> Answer:
    """A loss and its gradients, as NumPy arrays."""
    loss, gradients = result
    return Answer(loss.detach().numpy(), [gradient.numpy() for gradient in gradients])
