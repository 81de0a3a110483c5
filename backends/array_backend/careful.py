"""A program run step by step, with whatever exponents it takes to lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tnlearn.backend import Instruction, Instructions, sources
from tnlearn_backends.array_backend.arithmetic import added, conjugated
from tnlearn_backends.array_backend.products import contracted
from tnlearn_backends.array_backend.reshaping import expanded, reduced, transposed
from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.array_backend.steps import Layout, Product, Spread, Step, Sum, Total

Slots = list[Scaled | None]


class Careful:
    """The instructions, run one by one. Slots are local to a call, so calls may overlap."""

    def __init__(self, instructions: Instructions) -> None:
        layout = Layout(instructions)
        self._instructions, self._layout = instructions, layout
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
        return self._given(slots, self._instructions.value)

    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, list[Scaled | None]]:
        """The value, and the gradient with respect to each input."""
        program, slots, count = self._instructions, self._filled(inputs), len(self._forward)
        _execute(self._forward, self._free_whole[:count], slots)
        value = self._given(slots, program.value)
        slots[program.seed] = cotangent(value)
        _execute(self._backward, self._free_whole[count:], slots)
        return value, [
            None if slot is None else self._given(slots, slot) for slot in program.gradients
        ]

    def record(self, inputs: Sequence[Scaled]) -> list[Scaled]:
        """What every slot holds after the forward instructions, inputs included."""
        slots = self._filled(inputs)
        nothing: list[tuple[int, ...]] = [()] * len(self._forward)
        _execute(self._forward, nothing, slots)
        there = [k for k, tensor in enumerate(slots) if tensor is not None]
        return [self._given(slots, slot) for slot in there]

    def _given(self, slots: Slots, slot: int) -> Scaled:
        """What a slot holds, its axes in the order of its labels."""
        tensor, order = _held(slots, slot), self._layout.restored(slot)
        if order is None:
            return tensor
        return transposed(tensor, order, self._layout.leading(self._instructions.labels[slot]))

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
            return contracted(_held(slots, step.first.slot), _held(slots, step.second.slot), step)
        case Sum():
            return reduced(_held(slots, step.source), step)
        case Spread():
            return expanded(_held(slots, step.source), step)
        case Total():
            return _sum(step, slots)


def _sum(step: Total, slots: Slots) -> Scaled:
    total: Scaled | None = None
    for slot, conj, order in zip(step.sources, step.conj, step.orders, strict=True):
        term = _held(slots, slot)
        term = term if order is None else transposed(term, order, step.leading)
        term = conjugated(term) if conj else term
        total = term if total is None else added(total, term)
    assert total is not None, "a sum has at least one term"
    return total


def _held(slots: Slots, slot: int) -> Scaled:
    tensor = slots[slot]
    assert tensor is not None, f"slot {slot} is read before it is written or after it is freed"
    return tensor
