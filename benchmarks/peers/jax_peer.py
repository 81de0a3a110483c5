"""JAX: the whole contraction under `jax.jit`, arrays on the device beforehand."""

# mypy: allow-untyped-calls

from __future__ import annotations

import os
from typing import Any

import numpy as np

from benchmarks import pairwise
from benchmarks.devices import device_name
from benchmarks.instances import Answer, Arrays, Instance, half_mean_squared_error
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner


class Jax(Peer):
    """One einsum per pair of the order, compiled together; results are waited for."""

    name, distribution, module = "jax.jit", "jax", "jax"
    tasks = ("value", "gradient")
    planners = ("tnlearn", "opt_einsum")

    def device(self) -> str:
        """Of its default device."""
        return "" if os.environ.get("JAX_PLATFORMS") == "cpu" else device_name("jax")

    def objection(self, instance: Instance) -> str | None:
        """None: hyperedges are fine."""
        return None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Make the function; the first call compiles it."""
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        assert order is not None
        steps = pairwise.steps(instance, order)
        target = instance.target

        def value(arrays: list[Any]) -> Any:
            return pairwise.contract(jnp.einsum, steps, arrays)

        def loss(free: dict[int, Any], held: dict[int, Any]) -> Any:
            result = value([array for _, array in sorted((free | held).items())])
            return result if target is None else half_mean_squared_error(result, target)

        def pack(arrays: Arrays) -> list[Any]:
            return [jax.block_until_ready(jax.device_put(array)) for array in arrays]

        if task == "value":
            compiled = jax.jit(value)
            return Runner(lambda packed: compiled(packed).block_until_ready(), pack)

        differentiated = jax.jit(jax.value_and_grad(loss))
        return Runner(
            lambda packed: jax.block_until_ready(differentiated(*packed)),
            lambda arrays: _split(instance, pack(arrays)),
            lambda result: Answer(
                np.asarray(result[0]), [np.asarray(result[1][k]) for k in instance.free]
            ),
        )


def _split(instance: Instance, arrays: list[Any]) -> tuple[dict[int, Any], dict[int, Any]]:
    """The arrays by which JAX differentiates, and the others, by position."""
    free = {k: arrays[k] for k in instance.free}
    return free, {k: array for k, array in enumerate(arrays) if k not in free}
