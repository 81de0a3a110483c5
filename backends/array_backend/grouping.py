"""Small steps that are alike, and of which none waits for another, put together to be run as one.

On a device the start of a step costs more than the arithmetic of a small one. Small steps that
wait for no large one are run first, level by level of the tree, and in a reverse sweep those that
no large one waits for are run last; what is large keeps its order, and with it what is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tnlearn.backend import STACKED_ENTRIES, STACKED_STEPS
from tnlearn_backends.array_backend.ranges import Measure, Planned
from tnlearn_backends.array_backend.steps import Layout, Operand, Product, read_by

#: Entries that may be held at once for the sake of groups, where the order itself holds less.
ROOM = 2**20


@dataclass(frozen=True)
class Group:
    """Steps to be run as one, all of them products or all of them measurements."""

    members: tuple[Planned, ...]


Item: TypeAlias = Planned | Group


def grouped(planned: Sequence[Planned], layout: Layout, freed: Iterable[int]) -> list[Item]:
    """The steps in an order that can be run, alike ones in groups where that saves starts.

    Parameters
    ----------
    planned : sequence of Planned
    layout : Layout
        For the shapes.
    freed : iterable of int
        Slots that nothing reads afterwards.
    """
    found = _Levels(planned, layout).items()
    if all(isinstance(item, Planned) for item in found):
        return list(planned)
    freed = set(freed)
    before, after = (_held(items, layout, freed) for items in (planned, found))
    return found if after <= max(before, ROOM) else list(planned)


def members(item: Item) -> tuple[Planned, ...]:
    """The steps of an item."""
    return item.members if isinstance(item, Group) else (item,)


def touched(one: Planned) -> tuple[int, ...]:
    """The slots that a step reads or writes."""
    step = one.step
    return (step.slot,) if isinstance(step, Measure) else (*read_by(step), step.target)


def ends(items: Sequence[Item], freed: Iterable[int]) -> list[tuple[int, ...]]:
    """For every item the slots among `freed` that no later one touches."""
    left, found = set(freed), []
    for item in reversed(items):
        dead = {slot for one in members(item) for slot in touched(one)} & left
        left -= dead
        found.append(tuple(sorted(dead)))
    return found[::-1]


def _held(items: Sequence[Item], layout: Layout, freed: set[int]) -> int:
    """Most entries held at once of what the items make; a stack is held until all of it is."""
    made: dict[int, int] = {}  # Slot -> the item whose stack it is in.
    alive: dict[int, list[int]] = {}  # Item -> entries, and slots that are left of it.
    held = peak = 0
    for number, (item, dead) in enumerate(zip(items, ends(items, freed), strict=True)):
        targets = [one.step.target for one in members(item) if not isinstance(one.step, Measure)]
        size = sum(map(layout.elements, targets))
        alive[number] = [size, len(targets)]
        made |= dict.fromkeys(targets, number)
        held += size
        peak = max(peak, held)
        for slot in dead:
            if slot in made:
                stack = alive[made[slot]]
                stack[1] -= 1
                held -= stack[0] if stack[1] == 0 else 0
    return peak


class _Levels:
    """Which steps are small, which come first and last, and at what level."""

    def __init__(self, planned: Sequence[Planned], layout: Layout) -> None:
        self.planned, self.layout = planned, layout
        self.before = _dependencies(planned)
        self.keys = [self._key(one) for one in planned]

    def items(self) -> list[Item]:
        """Early levels, then what is large as it was, then late levels."""
        count = len(self.planned)
        early = [False] * count
        for k in range(count):
            early[k] = self.keys[k] is not None and all(early[b] for b in self.before[k])
        waited = [False] * count  # Whether a large step waits for this one.
        for k in reversed(range(count)):
            waited[k] = waited[k] or self.keys[k] is None
            if waited[k]:
                for b in self.before[k]:
                    waited[b] = True
        late = [not early[k] and not waited[k] for k in range(count)]
        middle = [self.planned[k] for k in range(count) if not early[k] and not late[k]]
        return [*self._level_by_level(early), *middle, *self._level_by_level(late)]

    def _level_by_level(self, chosen: Sequence[bool]) -> list[Item]:
        levels: dict[int, int] = {}
        found: dict[tuple[int, object], list[Planned]] = {}
        for k, one in enumerate(self.planned):
            if chosen[k]:
                level = 1 + max((levels.get(b, 0) for b in self.before[k]), default=0)
                levels[k] = level
                found.setdefault((level, self.keys[k]), []).append(one)
        items: list[Item] = []
        for _, alike in sorted(found.items(), key=lambda pair: pair[0][0]):
            items += [Group(tuple(alike))] if len(alike) >= STACKED_STEPS else alike
        return items

    def _key(self, one: Planned) -> object:
        """What alike steps have in common; None of one that is run alone."""
        step, layout = one.step, self.layout
        if max(map(layout.elements, touched(one))) > STACKED_ENTRIES:
            return None
        match step:
            case Measure(slot, None):
                return tuple(layout.sizes[label] for label in layout.labels[slot])
            case Product() if not step.sums_leading and step.leading is None:
                operands = (step.first, step.second)
                if all(operand.leading is None for operand in operands):
                    return tuple(map(matrices, operands))
        return None


def matrices(operand: Operand) -> tuple[int, int, int]:
    """An operand's batch, rows and columns as the product takes them."""
    batch, rows, columns = operand.shape
    return (batch, columns, rows) if operand.swapped else operand.shape


def _dependencies(planned: Sequence[Planned]) -> list[set[int]]:
    """For every step those it waits for: who wrote what it reads, and who read what it scales."""
    wrote: dict[int, int] = {}
    readers: dict[int, list[int]] = {}
    found: list[set[int]] = []
    for k, one in enumerate(planned):
        step = one.step
        reads = (step.slot,) if isinstance(step, Measure) else read_by(step)
        waits = {wrote[slot] for slot in reads if slot in wrote}
        if isinstance(step, Measure):
            waits.update(readers.pop(step.slot, ()))
            wrote[step.slot] = k
        else:
            for slot in reads:
                readers.setdefault(slot, []).append(k)
            wrote[step.target] = k
        found.append(waits)
    return found
