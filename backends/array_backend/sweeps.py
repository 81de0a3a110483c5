"""Scheduled steps as functions, in the order in which they are run, and the run itself."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from tnlearn_backends.array_backend.grouping import Group, Item, ends, grouped, touched
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.operations import Operation, State, UnfitError, operation
from tnlearn_backends.array_backend.ranges import Bounds, Schedule
from tnlearn_backends.array_backend.stacking import Stacker
from tnlearn_backends.array_backend.steps import Layout

Operations: TypeAlias = tuple[tuple[Operation, tuple[int, ...], tuple[int, ...]], ...]


class Sweep(NamedTuple):
    """Steps ready to run, each with slots and stacks that are done with after it.

    Attributes
    ----------
    operations : tuple
    items : tuple of Item
        The steps themselves, in their groups.
    freed : frozenset of int
        Slots that nothing reads afterwards.
    bounds : tuple of (Bounds or None)
        Of every slot after them.
    """

    operations: Operations
    items: tuple[Item, ...]
    freed: frozenset[int]
    bounds: tuple[Bounds | None, ...]


def sweep_of(
    schedule: Schedule,
    freed: frozenset[int],
    layout: Layout,
    library: Library,
    dtype: str,
    loose: bool,
) -> Sweep:
    """A schedule as a sweep; `freed` are slots that nothing reads afterwards."""
    items = tuple(grouped(schedule.planned, layout, freed))
    return made_for(library, Sweep((), items, freed, schedule.bounds), layout, dtype, loose)


def made_for(library: Library, sweep: Sweep, layout: Layout, dtype: str, loose: bool) -> Sweep:
    """A sweep with the functions of a library."""
    stacker = Stacker(library, layout, dtype, loose)
    found: list[tuple[Operation, tuple[int, ...], tuple[int, ...]]] = []
    for item, gone in zip(sweep.items, ends(sweep.items, sweep.freed), strict=True):
        if isinstance(item, Group):
            run = stacker.operation(item)
        else:
            stacker.forget(touched(item)[-1:])
            run = operation(item, library, dtype, loose)
        stacker.forget(gone)
        found.append((run, gone, stacker.spent()))
    return sweep._replace(operations=tuple(found))


def ran(sweep: Sweep, state: State) -> bool:
    """Run all steps; False if one needs more care."""
    arrays = state.arrays
    try:
        for run, dead, spent in sweep.operations:
            run(state)
            for slot in dead:
                arrays[slot] = None
            for group in spent:
                del state.stacks[group]
    except UnfitError:
        return False
    state.stacks.clear()  # The reverse sweep has stacks of its own.
    return True
