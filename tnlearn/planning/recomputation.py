"""Which intermediates to give up when memory is short, and when to compute them again.

The steps are gone through in order, with so much room. Where it is full, what costs least to
compute again for the room and the time that it frees is given up, and made anew, with all it is
made of, just before the next step that reads it. What must be computed again together counts
together, so that what is kept spreads over the sweep (Kirisame et al. 2021, "Dynamic tensor
rematerialization", arXiv:2006.09616; here the next use is known).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from tnlearn.planning.sweep import Load

#: Parts of the room: for the smallest tensors, which are never given up, and what is made free
#: beyond what is needed.
TOGETHER, SPARE = 1 / 64, 1 / 128


@dataclass(frozen=True)
class Schedule:
    """The steps in the order in which they run, some of them more than once.

    Attributes
    ----------
    order : tuple of int
        Numbers of the steps.
    peak : int
        Most entries held at once, inputs and results not counted.
    seconds : float
        Predicted, all steps together.
    """

    order: tuple[int, ...]
    peak: int
    seconds: float


def scheduled(load: Load, room: float, patience: float) -> Schedule | None:
    """The steps within the room; None if they do not fit, or take more than `patience` seconds.

    Parameters
    ----------
    load : Load
    room : float
        Entries that may be held at once.
    patience : float
        Seconds that computing again may take.
    """
    return _Desk(load, room, patience).schedule()


class _Desk:
    """What is held while the steps are gone through."""

    def __init__(self, load: Load, room: float, patience: float) -> None:
        self.load, self.sweep = load, load.sweep
        self.room, self.patience = room, patience
        self.elsewhere = self.sweep.given | self.sweep.results
        self.held: dict[int, int] = {}
        self.total = self.peak = 0
        self.order: list[int] = []
        self.small = _small(load.sizes, room * TOGETHER)
        self.now = -1
        self.spent = 0.0
        self.left = {slot: list(reversed(uses)) for slot, uses in self.sweep.uses.items()}

    def schedule(self) -> Schedule | None:
        """All steps, each as soon as what it reads is there."""
        for number, step in enumerate(self.sweep.steps):
            missing = self._missing(step.sources)
            if not self._again(missing, step.sources) or not self._run(number, step.sources):
                return None
            self.now = number
            for slot in (*step.sources, step.target):
                if self._next_use(slot) is None:
                    self._drop(slot)
        seconds = sum(self.load.seconds[number] for number in self.order)
        return Schedule(tuple(self.order), self.peak, seconds)

    def _missing(self, slots: Iterable[int]) -> list[int]:
        """The steps that make what is not there of some slots, and of what they are made of."""
        found: list[int] = []
        seen = {slot for slot in slots if not self._there(slot)}
        stack = list(seen)
        while stack:
            number = self.sweep.makers[stack.pop()]
            found.append(number)
            for slot in self.sweep.steps[number].sources:
                if slot not in seen and not self._there(slot):
                    seen.add(slot)
                    stack.append(slot)
        return sorted(found)

    def _there(self, slot: int) -> bool:
        return slot in self.held or slot in self.elsewhere

    def _again(self, missing: list[int], wanted: tuple[int, ...]) -> bool:
        """Compute steps again, and keep what they make for as long as there is room."""
        steps = self.sweep.steps
        waiting = Counter(slot for number in missing for slot in steps[number].sources)
        waiting.update(wanted)
        for number in missing:
            self.spent += self.load.seconds[number]
            if self.spent > self.patience or not self._run(number, waiting):
                return False
            for slot in steps[number].sources:
                waiting[slot] -= 1
                if not waiting[slot]:
                    del waiting[slot]
                    if self._next_use(slot) is None:
                        self._drop(slot)
        return True

    def _run(self, number: int, locked: Iterable[int]) -> bool:
        """Run a step; False if there is no room for what it makes beside what is `locked`."""
        target, sources = self.sweep.steps[number]
        size = 0 if target in self.elsewhere else self.load.sizes[target]
        if not self._make_room(size, {*locked, *sources}):
            return False
        self.order.append(number)
        self.peak = max(self.peak, self.total + size)
        if target not in self.elsewhere:
            self.held[target] = size
            self.total += size
        return True

    def _drop(self, slot: int) -> None:
        self.total -= self.held.pop(slot, 0)

    def _make_room(self, size: int, locked: set[int]) -> bool:
        """Give up what is worth least, but nothing that is locked."""
        if self.total + size <= self.room:
            return True
        heap = [
            (self._worth(slot), slot)
            for slot in self.held
            if slot not in locked and self._is_worth_it(slot)
        ]
        heapify(heap)
        # A little more than is needed: then it is not needed again at the next step.
        while heap and self.total + size > self.room * (1 - SPARE):
            _, slot = heappop(heap)
            worth = self._worth(slot)  # More than before, where something near was given up.
            if heap and worth > heap[0][0]:
                heappush(heap, (worth, slot))
            else:
                self._drop(slot)
        return self.total + size <= self.room

    def _is_worth_it(self, slot: int) -> bool:
        """Whether a slot may be given up: not if it is one of the many that fit together anyhow."""
        return self.load.sizes[slot] > self.small and slot not in self.load.lasting

    def _worth(self, slot: int) -> float:
        """Seconds to compute it again, for every entry and step for which it would be gone."""
        use = self._next_use(slot)
        if use is None:  # It goes by itself, as soon as what it is computed again for is made.
            return math.inf
        return self._together(slot) / (max(self.load.sizes[slot], 1) * max(use - self.now, 1))

    def _together(self, slot: int) -> float:
        """Seconds of all that would have to be computed again with a slot, itself included."""
        sweep, seen, stack = self.sweep, {slot}, [slot]
        while stack:
            one = stack.pop()
            made_of = sweep.steps[sweep.makers[one]].sources
            leads_to = [sweep.steps[use].target for use in sweep.uses.get(one, ())]
            near = [other for other in made_of if not self._there(other)]
            near += [other for other in leads_to if self._is_given_up(other)]
            for other in near:
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        return sum(self.load.seconds[sweep.makers[one]] for one in seen)

    def _is_given_up(self, slot: int) -> bool:
        """Whether it was made, is not there, and will be needed."""
        made = self.sweep.makers[slot] <= self.now
        return made and not self._there(slot) and self._next_use(slot) is not None

    def _next_use(self, slot: int) -> int | None:
        """The next step that reads a slot."""
        left = self.left.get(slot)
        while left and left[-1] <= self.now:
            left.pop()
        return left[-1] if left else None


def _small(sizes: Iterable[int], room: float) -> int:
    """The largest size of which, with all below it, everything fits together."""
    total, small = 0, 0
    for size, many in sorted(Counter(sizes).items()):
        total += size * many
        if total > room:
            break
        small = size
    return small
