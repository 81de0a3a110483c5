"""Scheduled steps as functions, in the order in which they are run, and the run itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from tnlearn_backends.array_backend.grouping import Group, ends, grouped, touched
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.operations import Operation, State, UnfitError, operation
from tnlearn_backends.array_backend.ranges import Bounds, Planned, Schedule
from tnlearn_backends.array_backend.stacking import Stacker
from tnlearn_backends.array_backend.steps import Layout

Operations: TypeAlias = tuple[tuple[Operation, tuple[int, ...], tuple[int, ...]], ...]


class Sweep(NamedTuple):
    """Steps ready to run, each with slots and stacks that are done with after it.

    Attributes
    ----------
    operations : tuple
    planned : tuple of Planned
        The steps themselves.
    bounds : tuple of (Bounds or None)
        Of every slot after them.
    """

    operations: Operations
    planned: tuple[Planned, ...]
    bounds: tuple[Bounds | None, ...]


def sweep_of(
    schedule: Schedule,
    dead: Sequence[tuple[int, ...]],
    layout: Layout,
    library: Library,
    dtype: str,
    loose: bool,
) -> Sweep:
    """A schedule as a sweep; `dead` are slots that nothing reads after each instruction."""
    freed = {slot for slots in dead for slot in slots}
    items = grouped(schedule.planned, layout, freed)
    stacker = Stacker(library, layout, dtype, loose)
    found: list[tuple[Operation, tuple[int, ...], tuple[int, ...]]] = []
    for item, gone in zip(items, ends(items, freed), strict=True):
        if isinstance(item, Group):
            run = stacker.operation(item)
        else:
            stacker.forget(touched(item)[-1:])
            run = operation(item, library, dtype, loose)
        stacker.forget(gone)
        found.append((run, gone, stacker.spent()))
    return Sweep(tuple(found), schedule.planned, schedule.bounds)


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
