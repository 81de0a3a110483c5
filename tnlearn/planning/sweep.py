"""What a program makes from what: its steps over numbered slots, and their sizes and seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tnlearn.planning.cost import ITEM_BYTES, PRODUCT
from tnlearn.planning.scoring import Judge
from tnlearn.planning.structure import Structure


class Step(NamedTuple):
    """One step: a slot is made from others."""

    target: int
    sources: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Sweep:
    """The steps of a program, forward and backward.

    Attributes
    ----------
    steps : sequence of Step
        Every slot is made once.
    forward : int
        How many of the steps find the value.
    terms : sequence of tuple of int
        The indices on every slot.
    given : frozenset of int
        Slots that are there from the start: the inputs, and the cotangent.
    results : frozenset of int
        Slots that are handed over.
    """

    steps: Sequence[Step]
    forward: int
    terms: Sequence[tuple[int, ...]]
    given: frozenset[int]
    results: frozenset[int]

    @cached_property
    def makers(self) -> dict[int, int]:
        """The step that makes each slot."""
        return {step.target: number for number, step in enumerate(self.steps)}

    @cached_property
    def uses(self) -> dict[int, list[int]]:
        """The steps that read each slot, in order."""
        found: dict[int, list[int]] = {}
        for number, step in enumerate(self.steps):
            for slot in dict.fromkeys(step.sources):
                found.setdefault(slot, []).append(number)
        return found

    def lasting(self, sliced: Sequence[int]) -> frozenset[int]:
        """Slots that are made once for all slices, because no sliced index reaches them."""
        if not sliced:
            return frozenset()
        cut = set(sliced)
        changing = {slot for slot in self.given if cut.intersection(self.terms[slot])}
        for target, sources in self.steps[: self.forward]:
            if changing.intersection(sources):
                changing.add(target)
        changing.update(step.target for step in self.steps[self.forward :])
        return frozenset(
            step.target
            for step in self.steps[: self.forward]
            if step.target not in changing
            and any(self.steps[use].target in changing for use in self.uses.get(step.target, ()))
        )


@dataclass(frozen=True, eq=False)
class Load:
    """A sweep at the sizes of one slice.

    Attributes
    ----------
    sweep : Sweep
    sizes : list of int
        Entries of every slot.
    flops, moved : list of float
        Operations and bytes of every step.
    seconds : list of float
        Predicted for every step.
    lasting : frozenset of int
        Slots that must not be given up, since later slices need them.
    """

    sweep: Sweep
    sizes: list[int]
    flops: list[float]
    moved: list[float]
    seconds: list[float]
    lasting: frozenset[int]


def least_of(sweep: Sweep, sizes: Sequence[int]) -> int:
    """Entries that some step reads and makes, beside what is held elsewhere."""
    counted = list(sizes)
    for slot in sweep.given | sweep.results:
        counted[slot] = 0
    return max(
        (counted[step.target] + sum(counted[k] for k in set(step.sources)) for step in sweep.steps),
        default=0,
    )


def load_of(sweep: Sweep, judge: Judge, inside: Structure, sliced: Sequence[int]) -> Load:
    """The sweep in one slice, whose sizes are those of `inside`."""
    sizes = [inside.elements(term) for term in sweep.terms]
    flops, moved, seconds = [], [], []
    for step in sweep.steps:
        count, is_product = _operations(sweep, step, inside, sizes)
        count *= 8.0 if judge.dtype.startswith("complex") else 2.0
        entries = sizes[step.target] + sum(sizes[slot] for slot in step.sources)
        flops.append(count)
        moved.append(float(entries) * ITEM_BYTES[judge.dtype])
        products, others = (count, 0.0) if is_product else (0.0, count)
        seconds.append(judge.machine.seconds(products, moved[-1], 1, judge.dtype, others))
    return Load(sweep, sizes, flops, moved, seconds, sweep.lasting(sliced))


def _operations(
    sweep: Sweep, step: Step, inside: Structure, sizes: Sequence[int]
) -> tuple[float, bool]:
    """How many multiply-adds a step takes, and whether they are a matrix product."""
    if len(step.sources) != 2:
        return 0.0, False
    first, second = (set(sweep.terms[slot]) for slot in step.sources)
    summed = inside.elements(tuple((first | second).difference(sweep.terms[step.target])))
    sides = [inside.elements(tuple(some)) for some in (first - second, second - first)]
    return float(sizes[step.target] * summed), summed >= PRODUCT <= min(sides)
