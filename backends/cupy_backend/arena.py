"""Where the tensors of a small program lie in the memory of one batch element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tnlearn_backends.array_backend.ranges import Measure
from tnlearn_backends.cupy_backend.task import Task


@dataclass(frozen=True)
class Arena:
    """The first entry of every slot that is there, and how many entries there are in all.

    Attributes
    ----------
    places : mapping of int to int
        Of what the steps make, and of the arrays that are brought in beforehand.
    entries : int
    """

    places: Mapping[int, int]
    entries: int


def staged(task: Task) -> list[int]:
    """The arrays that every batch element has its own of, and those that are measured."""
    scaled = {step.slot for step, _ in task.planned if isinstance(step, Measure)}
    labels = task.instructions.labels
    return [slot for slot in task.given if task.batch in labels[slot] or slot in scaled]


def arena_of(task: Task) -> Arena:
    """Room for every tensor while it is read, the first that is free."""
    places: dict[int, int] = {}
    live: dict[int, int] = {}
    most = 0

    def put(slot: int) -> None:
        nonlocal most
        places[slot] = live[slot] = _free(live, task.entries, task.entries(slot))
        most = max(most, places[slot] + task.entries(slot))

    for slot in staged(task):
        put(slot)
    targets = [step.target for step, _ in task.planned if not isinstance(step, Measure)]
    for (step, _), dead in zip(task.planned, task.dead([*places, *targets]), strict=True):
        if not isinstance(step, Measure):
            put(step.target)
        for slot in dead:
            live.pop(slot, None)
    return Arena(places, most)


def _free(live: Mapping[int, int], elements: Callable[[int], int], size: int) -> int:
    """The first place with so much room."""
    at = 0
    for slot, place in sorted(live.items(), key=lambda pair: pair[1]):
        if place - at >= size:
            break
        at = max(at, place + elements(slot))
    return at
