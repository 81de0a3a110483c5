"""How the tensors of a program lie: the order of their axes, and the stride of every label."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tnlearn.backend import Add, Contract, Instruction, Instructions, Labels
from tnlearn_backends.numpy_backend.native.dims import Dim, Dims, fused
from tnlearn_backends.numpy_backend.native.orders import Future, by_touch, next_touches

#: Entries of an input from which its axes are put in order when it is packed.
LARGE = 64


class Place(NamedTuple):
    """How a tensor lies in memory: the axes in order, and the stride of every label."""

    axes: tuple[int, ...]
    strides: Mapping[int, int]
    size: int


class Places:
    """The places of all slots, as they come to be known.

    Parameters
    ----------
    program : Instructions
    batch : int, optional
        Its size.
    in_order : bool
        Inputs lie as they are given, however large.

    Attributes
    ----------
    steps : tuple of instructions
        Forward and backward.
    sizes, whole : lists of int
        Of every label, in a slice and in all.
    fixed : set of int
        Slots whose axes lie as their labels say.
    places : list of Place
        Of every slot; None where it is not known yet.
    """

    def __init__(self, program: Instructions, batch: int | None, in_order: bool) -> None:
        self.program = program
        self.sizes, self.whole = list(program.sizes), list(program.whole)
        if program.batch is not None and batch is not None:
            self.sizes[program.batch] = self.whole[program.batch] = batch
        self.steps: tuple[Instruction, ...] = (*program.forward, *program.backward)
        self.fixed = _fixed(program, self.steps)
        self.places: list[Place | None] = [None] * len(program.labels)
        self._touches = next_touches(program, self.steps)
        self._uses = _first_uses(self.steps)
        for slot in range(len(program.inputs)):
            self.places[slot] = self._input(slot, in_order)
        self.places[program.seed] = self.in_order(program.seed, self.whole)

    def size(self, labels: Iterable[int]) -> int:
        """Entries of a tensor with these labels."""
        return math.prod(self.sizes[label] for label in labels)

    def held(self, slot: int) -> Place:
        """The place of a slot that is known."""
        place = self.places[slot]
        assert place is not None, f"slot {slot} is read before it is written"
        return place

    def order(self, slot: int) -> Labels:
        """Labels of a slot as they lie."""
        labels = self.program.labels[slot]
        return tuple(labels[axis] for axis in self.held(slot).axes)

    def in_order(self, slot: int, sizes: Sequence[int]) -> Place:
        """A slot with its axes as its labels say."""
        return self.laid(slot, self.program.labels[slot], sizes)

    def laid(self, slot: int, order: Labels, sizes: Sequence[int] | None = None) -> Place:
        """A slot with its axes in this order, the last one fastest."""
        sizes = sizes or self.sizes
        strides: dict[int, int] = {}
        stride = 1
        for label in reversed(order):
            # The diagonal of a repeated index steps along all its axes at once.
            strides[label] = strides.get(label, 0) + stride
            stride *= sizes[label]
        return Place(self.axes(slot, order), strides, stride)

    def axes(self, slot: int, order: Labels) -> tuple[int, ...]:
        """The axes of a slot in the order of these labels."""
        labels = self.program.labels[slot]
        axes = range(len(labels)) if order == labels else (labels.index(i) for i in order)
        return tuple(axes)

    def soonest(self, slot: int) -> Labels:
        """The labels of a slot in the order in which they are looked at."""
        return by_touch(self.program.labels[slot], self._touches[slot])

    def future(self, slot: int) -> Future:
        """What happens to a slot next, as far as that is known."""
        use, labels = self._uses.get(slot), self.program.labels
        if use is None:
            return Future(self._touches[slot], (), labels[slot])
        other = use.second if use.first == slot else use.first
        beside = self.soonest(other) if self.places[other] is None else self.order(other)
        return Future(self._touches[slot], beside, labels[use.target])

    def dims(self, a: Place, b: Place | None, c: Place) -> Dims:
        """The loops of a step on tensors that lie so."""
        labels = dict.fromkeys([*a.strides, *(b.strides if b else ()), *c.strides])
        get_b: Mapping[int, int] = b.strides if b else {}
        return fused(
            Dim(self.sizes[i], a.strides.get(i, 0), get_b.get(i, 0), c.strides.get(i, 0))
            for i in labels
        )

    def _input(self, slot: int, in_order: bool) -> Place:
        labels = self.program.labels[slot]
        # Whole sizes: the value and the gradient read the same inputs, maybe in other slices.
        small = slot in self.fixed or math.prod(self.whole[label] for label in labels) < LARGE
        if len(set(labels)) < len(labels) or small or in_order:
            return self.in_order(slot, self.whole)
        return self.laid(slot, self.soonest(slot), self.whole)


def _fixed(instructions: Instructions, steps: Iterable[Instruction]) -> set[int]:
    """Slots whose axes lie as their labels say: results, and what is added up."""
    fixed = {instructions.value, instructions.seed}
    fixed.update(slot for slot in instructions.gradients if slot is not None)
    for step in steps:
        if isinstance(step, Add):
            fixed.update(step.sources)
    return fixed


def _first_uses(steps: Sequence[Instruction]) -> dict[int, Contract]:
    """For each slot, the product in which it is first."""
    found: dict[int, Contract] = {}
    for step in steps:
        if isinstance(step, Contract):
            found.setdefault(step.first, step)
            found.setdefault(step.second, step)
    return found
