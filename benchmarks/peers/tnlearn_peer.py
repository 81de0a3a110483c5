"""tnlearn itself, with arrays packed once, and with a list of arrays at every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tnlearn as tnl
from benchmarks.instances import Answer, Arrays, Instance, half_mean_squared_error
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner


class TnlearnPacked(Peer):
    """Arrays packed once: what ratios refer to."""

    name = "tnlearn"
    distribution, module = "tnlearn-engine", "tnlearn"
    tasks = ("value", "gradient")
    slices = True

    def objection(self, instance: Instance) -> str | None:
        """None: every instance is a network of tnlearn."""
        return None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Compile; packing is `Program.pack`."""
        program = compiled(instance, order)
        return runner(instance, program, task, program.pack)


class TnlearnArrays(Peer):
    """A list of arrays at every call: checked and copied each time."""

    name = "tnlearn lists"
    distribution, module = "tnlearn-engine", "tnlearn"
    tasks = ("value", "gradient")
    slices = True

    def objection(self, instance: Instance) -> str | None:
        """None: every instance is a network of tnlearn."""
        return None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        """Compile; there is nothing to pack."""
        return runner(instance, compiled(instance, order), task, list)


def compiled(instance: Instance, order: Order | None) -> tnl.Program:
    """The program of an instance."""
    assert order is not None
    return tnl.compile(
        instance.network,
        plan=order.plan,
        batch=instance.batch,
        constants=instance.constant_names,
    )


def runner(
    instance: Instance, program: tnl.Program, task: str, pack: Callable[[Arrays], Any]
) -> Runner:
    """The program's answer to a task."""
    if task == "value":
        return Runner(program, pack)
    target = instance.target

    def error(value: Any) -> Any:
        return (value - target) / len(value)  # the derivative of `half_mean_squared_error`

    def run(packed: Any) -> Any:
        if target is None:
            return program.value_and_gradient(packed)
        value, gradient = program.value_and_gradient(packed, error)
        return half_mean_squared_error(value, target), gradient

    def answer(result: Any) -> Answer:
        value, gradient = result
        arrays = program.unpack(gradient)
        return Answer(np.asarray(value), [np.asarray(arrays[k]) for k in instance.free])

    return Runner(run, pack, answer)
