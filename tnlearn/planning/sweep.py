"""What a program makes from what: its steps over numbered slots, and their sizes and seconds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from tnlearn.planning.cost import ITEM_BYTES, PRODUCT
from tnlearn.planning.launches import key_of, shares
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

    def sums(self, index: int | None) -> bool:
        """Whether some step sums over an index."""
        return any(
            index in self.terms[slot] and index not in self.terms[step.target]
            for step in self.steps
            for slot in step.sources
        )

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
    starts, seconds : list of float
        Of every step, as predicted: a step that is run together with others is part of a start.
    lasting : frozenset of int
        Slots that must not be given up, since later slices need them.
    """

    sweep: Sweep
    sizes: list[int]
    flops: list[float]
    moved: list[float]
    starts: list[float]
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
    starts = _starts(sweep, inside, judge)
    for step, start in zip(sweep.steps, starts, strict=True):
        count, is_product = _operations(sweep, step, inside, sizes)
        count *= 8.0 if judge.dtype.startswith("complex") else 2.0
        entries = sizes[step.target] + sum(sizes[slot] for slot in step.sources)
        flops.append(count)
        moved.append(float(entries) * ITEM_BYTES[judge.dtype])
        products, others = (count, 0.0) if is_product else (0.0, count)
        seconds.append(judge.machine.seconds(products, moved[-1], start, judge.dtype, others))
    return Load(sweep, sizes, flops, moved, starts, seconds, sweep.lasting(sliced))


def _starts(sweep: Sweep, inside: Structure, judge: Judge) -> list[float]:
    """The part of a start that each step takes."""
    if not judge.machine.grouped:
        return [1.0] * len(sweep.steps)
    found: list[float] = []
    for steps in (sweep.steps[: sweep.forward], sweep.steps[sweep.forward :]):
        makers = {step.target: number for number, step in enumerate(steps)}
        before = [[makers[k] for k in step.sources if k in makers] for step in steps]
        found += shares(before, [_key(sweep, step, inside, judge.batch) for step in steps])
    return found


def _key(sweep: Sweep, step: Step, inside: Structure, batch: int | None) -> Hashable:
    """What a product has in common with those that are run together with it, if any is."""
    terms = [set(sweep.terms[slot]) for slot in (*step.sources, step.target)]
    if len(terms) != 3 or any(batch in term for term in terms):
        return None
    first, second, made = terms
    groups = (first & second & made, first - second, second - first, (first & second) - made)
    return key_of(*(inside.elements(tuple(group)) for group in groups))


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
