"""A program run step by step in NumPy, with whatever exponents it takes to lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tnlearn.backend import Add, Instruction, Instructions, sources
from tnlearn_backends.numpy_backend import scaled
from tnlearn_backends.numpy_backend.products import contracted
from tnlearn_backends.numpy_backend.reshaping import expanded, reduced, transposed
from tnlearn_backends.numpy_backend.scaled import Scaled
from tnlearn_backends.numpy_backend.steps import Layout, Product, Spread, Step, Sum

Slots = list[Scaled | None]


class Careful:
    """The instructions, run one by one. Slots are local to a call, so calls may overlap."""

    def __init__(self, instructions: Instructions) -> None:
        layout = Layout(instructions)
        self._instructions = instructions
        self._forward = [layout.step(step) for step in instructions.forward]
        self._backward = [layout.step(step) for step in instructions.backward]
        whole = (*instructions.forward, *instructions.backward)
        kept = {instructions.value, *(g for g in instructions.gradients if g is not None)}
        self._free_forward = last_uses(instructions.forward, {instructions.value})
        self._free_whole = last_uses(whole, kept)

    def run(self, inputs: Sequence[Scaled]) -> Scaled:
        """The value."""
        slots = self._filled(inputs)
        _execute(self._forward, self._free_forward, slots)
        return _held(slots, self._instructions.value)

    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, list[Scaled | None]]:
        """The value, and the gradient with respect to each input."""
        program, slots, count = self._instructions, self._filled(inputs), len(self._forward)
        _execute(self._forward, self._free_whole[:count], slots)
        value = _held(slots, program.value)
        slots[program.seed] = cotangent(value)
        _execute(self._backward, self._free_whole[count:], slots)
        return value, [None if slot is None else _held(slots, slot) for slot in program.gradients]

    def record(self, inputs: Sequence[Scaled]) -> list[Scaled]:
        """What every slot holds after the forward instructions, inputs included."""
        slots = self._filled(inputs)
        nothing: list[tuple[int, ...]] = [()] * len(self._forward)
        _execute(self._forward, nothing, slots)
        return [slot for slot in slots if slot is not None]

    def _filled(self, inputs: Sequence[Scaled]) -> Slots:
        return [*inputs, *[None] * (len(self._instructions.labels) - len(inputs))]


def last_uses(instructions: Sequence[Instruction], kept: set[int]) -> list[tuple[int, ...]]:
    """For each instruction, the slots that nothing reads after it."""
    seen = set(kept)
    free: list[tuple[int, ...]] = []
    for instruction in reversed(instructions):
        dead = {instruction.target, *sources(instruction)} - seen
        seen |= dead
        free.append(tuple(sorted(dead)))
    return free[::-1]


def _execute(steps: Sequence[Step], free: Sequence[tuple[int, ...]], slots: Slots) -> None:
    for step, dead in zip(steps, free, strict=True):
        slots[step.target] = _result(step, slots)
        for slot in dead:
            slots[slot] = None


def _result(step: Step, slots: Slots) -> Scaled:
    match step:
        case Product():
            first = _held(slots, step.first.slot)
            product = contracted(first, _held(slots, step.second.slot), step)
            return product if step.order is None else transposed(product, step.order, step.final)
        case Sum():
            return reduced(_held(slots, step.source), step)
        case Spread():
            return expanded(_held(slots, step.source), step)
        case Add():
            return _sum(step, slots)


def _sum(step: Add, slots: Slots) -> Scaled:
    terms = [
        _conjugated(_held(slots, slot)) if conj else _held(slots, slot)
        for slot, conj in zip(step.sources, step.conj, strict=True)
    ]
    total = terms[0]
    for term in terms[1:]:
        total = scaled.added(total, term)
    return total


def _conjugated(tensor: Scaled) -> Scaled:
    return replace(tensor, mantissa=np.asarray(tensor.mantissa.conj()))


def _held(slots: Slots, slot: int) -> Scaled:
    tensor = slots[slot]
    assert tensor is not None, f"slot {slot} is read before it is written or after it is freed"
    return tensor
