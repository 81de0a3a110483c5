"""A program on NumPy: the instruction list, run one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import (
    Add,
    Contract,
    Executable,
    Expand,
    Instruction,
    Instructions,
    Reduce,
    sources,
)
from tnlearn.errors import RangeError
from tnlearn.values import LogValue
from tnlearn_backends.numpy_backend import scaled
from tnlearn_backends.numpy_backend.packing import packed
from tnlearn_backends.numpy_backend.products import contracted
from tnlearn_backends.numpy_backend.reshaping import expanded, reduced
from tnlearn_backends.numpy_backend.scaled import Scaled

Slots = list[Scaled | None]


class NumpyExecutable(Executable):
    """See `tnlearn.backend.Executable`. Slots are local to a call, so calls may overlap."""

    def __init__(self, instructions: Instructions, dtype: np.dtype[Any]) -> None:
        self._instructions = instructions
        self._dtype = dtype
        self._free_forward = last_uses(instructions.forward, {instructions.value})
        self._free_whole = self._free_forward
        if instructions.backward:
            whole = (*instructions.forward, *instructions.backward)
            kept = {instructions.value, *(g for g in instructions.gradients if g is not None)}
            self._free_whole = last_uses(whole, kept)

    def pack(self, arrays: Sequence[Any], check_finite: bool) -> tuple[Scaled, ...]:
        return packed(arrays, self._instructions.inputs, self._dtype, check_finite)

    def run(self, inputs: Sequence[Scaled]) -> Scaled:
        slots = self._filled(inputs)
        _execute(self._instructions.forward, self._free_forward, slots)
        return _held(slots, self._instructions.value)

    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, list[Scaled | None]]:
        steps, slots = self._instructions, self._filled(inputs)
        forward = len(steps.forward)
        _execute(steps.forward, self._free_whole[:forward], slots)
        value = _held(slots, steps.value)
        slots[steps.seed] = cotangent(value)
        _execute(steps.backward, self._free_whole[forward:], slots)
        return value, [None if slot is None else _held(slots, slot) for slot in steps.gradients]

    def record(self, inputs: Sequence[Scaled]) -> list[Scaled]:
        slots = self._filled(inputs)
        nothing: list[tuple[int, ...]] = [()] * len(self._instructions.forward)
        _execute(self._instructions.forward, nothing, slots)
        return [slot for slot in slots if slot is not None]

    def entries(self, tensor: Scaled, where: Sequence[Any]) -> LogValue:
        exponent = tensor.exponent
        if not isinstance(exponent, int):
            exponent = np.broadcast_to(exponent, tensor.mantissa.shape)[tuple(where)]
        chosen = np.asarray(tensor.mantissa[tuple(where)])
        return scaled.log(Scaled(chosen, exponent, tensor.low, tensor.high, tensor.nonnegative))

    def scale(self, array: Any) -> Scaled:
        mantissa = np.asarray(array, dtype=self._dtype)
        low, high = -2 * scaled.limits(self._dtype).high, scaled.limits(self._dtype).high + 1
        return scaled.measured(Scaled(mantissa, 0, low, high, False))

    def divide(self, cotangent: Scaled, value: Scaled) -> Scaled:
        c, v = scaled.widened(cotangent), scaled.widened(value)
        if not np.all(v.mantissa):
            raise RangeError("the value is zero somewhere, so its logarithm has no gradient")
        return scaled.gathered(
            c.mantissa / v.mantissa,
            np.asarray(c.exponent - v.exponent),
            c.nonnegative and v.nonnegative,
            value.leading,
        )

    def take(self, tensor: Scaled, positions: Mapping[int, int]) -> Scaled:
        key = _key(positions, tensor.mantissa.ndim)
        exponent = tensor.exponent
        if not isinstance(exponent, int):
            exponent = np.broadcast_to(exponent, tensor.mantissa.shape)[key]
        return replace(tensor, mantissa=tensor.mantissa[key], exponent=exponent)

    def place(
        self, tensor: Scaled, positions: Mapping[int, int], sizes: Mapping[int, int]
    ) -> Scaled:
        key = _key(positions, tensor.mantissa.ndim)
        shape = [sizes.get(k, size) for k, size in enumerate(tensor.mantissa.shape)]
        tensor = scaled.widened(tensor)
        mantissa = np.zeros(shape, dtype=tensor.mantissa.dtype)
        exponent = np.full(shape, scaled.ZERO, dtype=np.int64)
        mantissa[key], exponent[key] = tensor.mantissa, tensor.exponent
        return scaled.gathered(mantissa, exponent, tensor.nonnegative, tensor.leading)

    def add(self, first: Scaled, second: Scaled) -> Scaled:
        return scaled.added(first, second)

    def plain(self, tensor: Scaled) -> npt.NDArray[Any]:
        return scaled.plain(tensor)

    def log(self, tensor: Scaled) -> LogValue:
        return scaled.log(tensor)

    def _filled(self, inputs: Sequence[Scaled]) -> Slots:
        return [*inputs, *[None] * (self._instructions.slots - len(inputs))]


def last_uses(instructions: Sequence[Instruction], kept: set[int]) -> list[tuple[int, ...]]:
    """For each instruction, the slots that nothing reads after it."""
    seen = set(kept)
    free: list[tuple[int, ...]] = []
    for instruction in reversed(instructions):
        dead = {instruction.target, *sources(instruction)} - seen
        seen |= dead
        free.append(tuple(sorted(dead)))
    return free[::-1]


def _execute(
    instructions: Sequence[Instruction], free: Sequence[tuple[int, ...]], slots: Slots
) -> None:
    for instruction, dead in zip(instructions, free, strict=True):
        slots[instruction.target] = _result(instruction, slots)
        for slot in dead:
            slots[slot] = None


def _result(instruction: Instruction, slots: Slots) -> Scaled:
    match instruction:
        case Contract():
            first = _held(slots, instruction.first.slot)
            return contracted(first, _held(slots, instruction.second.slot), instruction)
        case Reduce():
            return reduced(_held(slots, instruction.source), instruction)
        case Expand():
            return expanded(_held(slots, instruction.source), instruction)
        case Add():
            return _sum(instruction, slots)


def _sum(instruction: Add, slots: Slots) -> Scaled:
    terms = [
        _conjugated(_held(slots, slot)) if conj else _held(slots, slot)
        for slot, conj in zip(instruction.sources, instruction.conj, strict=True)
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


def _key(positions: Mapping[int, int], rank: int) -> tuple[slice, ...]:
    return tuple(
        slice(positions[k], positions[k] + 1) if k in positions else slice(None)
        for k in range(rank)
    )
