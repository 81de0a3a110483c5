"""A matrix-product classifier as one writes it by hand in PyTorch, for speed."""

from __future__ import annotations

from typing import Any

from benchmarks.chains import Chain, as_chain
from benchmarks.instances import Answer, Arrays, Instance, half_mean_squared_error
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner
from benchmarks.threads import thread_count


class TorchLoop(Peer):
    """A sweep from both ends to the middle, a matrix product per site.

    Inner cores are one parameter, unbound once per pass: autograd then stacks their gradients
    once, where a core taken by its number would each time fill an array for all.
    """

    name, distribution, module = "torch loop", "torch", "torch"
    tasks = ("value", "gradient")
    planners = ()

    def objection(self, instance: Instance) -> str | None:
        """It is written for chains."""
        return None if as_chain(instance) else "not a chain"

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Find out what is where in the chain."""
        import torch

        torch.set_num_threads(thread_count())
        chain = as_chain(instance)
        assert chain is not None
        target = torch.tensor(instance.target)
        right = range(chain.sites - 1, chain.middle, -1)

        def pack(arrays: Arrays) -> tuple[list[Any], list[Any]]:
            tensors = [torch.tensor(array) for array in arrays]
            cores = [tensors[k] for k in chain.cores]
            inner = (cores[1 : chain.middle], [cores[k].permute(2, 1, 0) for k in right])
            # The right half is held transposed, so that both halves are swept alike.
            parameters = [cores[0], cores[-1].T, cores[chain.middle], *map(torch.stack, inner)]
            made = [p.clone(memory_format=torch.contiguous_format) for p in parameters]
            made = [p.requires_grad_(task == "gradient") for p in made]
            return made, [tensors[k] for k in chain.features]

        def value(packed: tuple[list[Any], list[Any]]) -> Any:
            (first, last, middle, *inner), data = packed
            left = _sweep(data[0] @ first, inner[0], data[1 : chain.middle])
            right = _sweep(data[-1] @ last, inner[1], data[-2 : chain.middle - 1 : -1])
            return torch.einsum("bl,lcr,br->bc", left, middle, right)

        def gradient(packed: tuple[list[Any], list[Any]]) -> Any:
            loss = half_mean_squared_error(value(packed), target)
            return loss, torch.autograd.grad(loss, packed[0])

        if task == "gradient":
            return Runner(gradient, pack, lambda result: _unstacked(chain, *result))
        return Runner(value, pack, lambda result: Answer(result.numpy()))


def _sweep(vectors: Any, stack: Any, data: list[Any]) -> Any:
    """Vectors (batch, left) through the cores (site, left, physical, right)."""
    for core, features in zip(stack.unbind(0), data, strict=True):
        left, physical, right = core.shape
        products = (vectors @ core.reshape(left, physical * right)).view(-1, physical, right)
        vectors = (products * features[:, :, None]).sum(1)
    return vectors


def _unstacked(chain: Chain, loss: Any, gradients: Any) -> Answer:
    """The gradient of every core, in the order and layout of the instance."""
    first, last, middle, left, right = (gradient.numpy() for gradient in gradients)
    backwards = [core.transpose(2, 1, 0) for core in right[::-1]]
    return Answer(loss.detach().numpy(), [first, *left, middle, *backwards, last.T])
