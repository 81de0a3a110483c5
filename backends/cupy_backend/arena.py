"""Where the tensors of a small program lie in the memory of one thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tnlearn_backends.array_backend.grouping import ends, touched
from tnlearn_backends.array_backend.ranges import Measure, Planned


@dataclass(frozen=True)
class Arena:
    """The first entry of every slot that is made, and how many entries there are in all.

    Attributes
    ----------
    places : mapping of int to int
        Of results, and of inputs that are measured, which are read into the arena for it.
    entries : int
    """

    places: Mapping[int, int]
    entries: int


def arena_of(
    planned: Sequence[Planned], inputs: int, value: int, elements: Callable[[int], int]
) -> Arena:
    """Room for every tensor while it is read, the first that is free.

    Parameters
    ----------
    planned : sequence of Planned
    inputs : int
        How many of the first slots are given.
    value : int
        The slot that stays to the end.
    elements : callable
        Entries of a slot, in one batch element.
    """
    made = {slot for one in planned for slot in _made(one, inputs)}
    places: dict[int, int] = {}
    live: dict[int, int] = {}
    most = 0
    for one, dead in zip(planned, ends(planned, made - {value}), strict=True):
        for slot in _made(one, inputs):
            if slot not in places:
                places[slot] = live[slot] = _free(live, elements, elements(slot))
                most = max(most, places[slot] + elements(slot))
        for slot in dead:
            live.pop(slot, None)
    return Arena(places, most)


def _made(one: Planned, inputs: int) -> tuple[int, ...]:
    """The slot that a step writes; an input only if it is measured."""
    slot = touched(one)[-1]
    return (slot,) if slot >= inputs or isinstance(one.step, Measure) else ()


def _free(live: Mapping[int, int], elements: Callable[[int], int], size: int) -> int:
    """The first place with so much room."""
    at = 0
    for slot, place in sorted(live.items(), key=lambda pair: pair[1]):
        if place - at >= size:
            break
        at = max(at, place + elements(slot))
    return at
