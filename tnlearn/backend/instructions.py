"""The vocabulary between the engine and a backend: four instructions over numbered slots.

A program is a list of these. A slot holds a tensor, whose axes carry index labels; every slot is
written once. What an instruction does follows from the labels of the slots it names, so how
tensors lie in memory, and in which order their axes, is the backend's own choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

Labels: TypeAlias = tuple[int, ...]


class Contract(NamedTuple):
    """The product of two tensors, summed over every label that the target lacks.

    Labels of one tensor are all different, and a label that is summed is on both.
    """

    target: int
    first: int
    second: int


class Reduce(NamedTuple):
    """Diagonals (labels the source repeats), sums (labels the target lacks), another order."""

    target: int
    source: int


class Expand(NamedTuple):
    """The adjoint of `Reduce`: repeat along new labels, place on diagonals, zero elsewhere."""

    target: int
    source: int


class Add(NamedTuple):
    """The sum of tensors of the same labels, each conjugated where `conj` says so."""

    target: int
    sources: tuple[int, ...]
    conj: tuple[bool, ...]


Instruction: TypeAlias = Contract | Reduce | Expand | Add


class Input(NamedTuple):
    """What a backend must know of one input tensor, besides its labels.

    Attributes
    ----------
    name : str
        For messages.
    log : bool
        The array given holds natural logarithms of the entries.
    conj : bool
        The tensor is the conjugate of the array given.
    """

    name: str
    log: bool
    conj: bool


@dataclass(frozen=True)
class Instructions:
    """A network's value, and its reverse sweep, as one flat list over slots.

    Attributes
    ----------
    inputs : tuple of Input
        Slots 0, 1, ... in order.
    labels : tuple of tuple of int
        The labels on the axes of every slot.
    sizes : tuple of int
        The size of every label, within one slice: 1 for the sliced ones.
    sliced : tuple of (label, size)
        Labels that are held at one position at a time, with their whole sizes. Inputs are given
        whole; the value and the gradients are the sums over all positions.
    batch : int or None
        The label whose size is free at every call; the one in `sizes` is a guess.
    forward : tuple of Instruction
        Leave the value in slot `value`, its axes in the order of the output.
    value, seed : int
        Slots of the value and of its cotangent.
    backward : tuple of Instruction
        To be run after `forward`, with the cotangent in slot `seed`.
    gradients : tuple of (int or None)
        Slot of the gradient with respect to each input; None for constants. Inputs that share
        a parameter share the slot.
    """

    inputs: tuple[Input, ...]
    labels: tuple[Labels, ...]
    sizes: tuple[int, ...]
    sliced: tuple[tuple[int, int], ...]
    batch: int | None
    forward: tuple[Instruction, ...]
    value: int
    seed: int
    backward: tuple[Instruction, ...]
    gradients: tuple[int | None, ...]

    @cached_property
    def whole(self) -> tuple[int, ...]:
        """The size of every label, whole."""
        sizes = dict(self.sliced)
        return tuple(sizes.get(label, size) for label, size in enumerate(self.sizes))

    @property
    def slices(self) -> int:
        """How many slices there are."""
        return math.prod(size for _, size in self.sliced)


def needed(steps: Sequence[Instruction], results: Iterable[int]) -> list[Instruction]:
    """The steps without those of which nothing is read, as the value is not for a gradient."""
    wanted, found = set(results), []
    for step in reversed(steps):
        if step.target in wanted:
            wanted.update(sources(step))
            found.append(step)
    return found[::-1]


def sources(instruction: Instruction) -> tuple[int, ...]:
    """The slots an instruction reads."""
    if isinstance(instruction, Contract):
        return (instruction.first, instruction.second)
    if isinstance(instruction, Add):
        return instruction.sources
    return (instruction.source,)
