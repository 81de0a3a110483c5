"""Sweeps that are recorded on a device, to be started again as one.

What a sweep starts is the same in all runs of one kind: the same schedule, shapes, and powers of
two that the host knows. A recorded one reads its inputs from where they were when it was recorded,
and leaves its results where it left them first: inputs are copied in and results copied out, so
that no two runs share memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tnlearn_backends.array_backend.feeding import joined, split
from tnlearn_backends.array_backend.grouping import members, touched
from tnlearn_backends.array_backend.library import Recorder, Replay
from tnlearn_backends.array_backend.namespaces import Array
from tnlearn_backends.array_backend.operations import State, UnfitError
from tnlearn_backends.array_backend.steps import Layout
from tnlearn_backends.array_backend.sweeps import Sweep, ran

#: Operations from which on a sweep is recorded: fewer start no slower than inputs and results are
#: copied.
LEAST_OPERATIONS = 8
#: Entries of all tensors that a sweep touches, and products of entries in it, up to which it is
#: recorded. A device is done with so many in a few microseconds, before it is told of eight
#: operations; and the memory that a recording keeps is a few megabytes.
MOST_ENTRIES, MOST_TERMS = 2**18, 2**24


@dataclass(frozen=True)
class Recording:
    """A recorded sweep.

    Attributes
    ----------
    replay : callable
        Computes it for other inputs.
    left : State
        What it left; its arrays hold what was computed last.
    slots : tuple of int
        Of the results.
    results : list of arrays
        Their entries; their exponents, if there are any; whether all checks were passed, if any.
    xp : module
        The functions for the arrays.
    """

    replay: Replay
    left: State
    slots: tuple[int, ...]
    results: list[Array]
    xp: Any

    def again(self, arrays: list[Array]) -> State:
        """What the sweep leaves for other inputs: results in memory of their own."""
        self.replay(arrays)
        flat, *others = self.results
        state = copied(self.left)
        self._placed(state.arrays, flat)
        if any(state.vectors[slot] is not None for slot in self.slots):
            self._placed(state.vectors, others.pop(0))
        # These are looked at before the next run begins.
        state.checks.extend(others)
        return state

    def _placed(self, held: list[Array | None], flat: Array) -> None:
        """A copy of what was computed, to the slots that hold anything of the kind."""
        there = [(slot, held[slot]) for slot in self.slots]
        shapes = {slot: tuple(array.shape) for slot, array in there if array is not None}
        copy = self.xp.asarray(flat, copy=True)
        for slot, array in zip(shapes, split(self.xp, copy, list(shapes.values())), strict=True):
            held[slot] = array


def recorded(
    recorder: Recorder, sweep: Sweep, state: State, fed: Sequence[int], slots: Sequence[int]
) -> Recording:
    """Record a sweep.

    Parameters
    ----------
    recorder : Recorder
    sweep : Sweep
        For the recorder's library.
    state : State
        What it begins with.
    fed : sequence of int
        Slots that other runs begin with other arrays in; all else stays where it is.
    slots : sequence of int
        Of the results.
    """
    slots, xp = tuple(dict.fromkeys(slots)), recorder.library.xp
    left = state

    def run(arrays: list[Array]) -> list[Array]:
        nonlocal left
        left = copied(state)
        plant(left, fed, arrays)
        if not ran(sweep, left):
            raise UnfitError
        vectors = [v for k in slots if (v := left.vectors[k]) is not None]
        results = [joined(xp, [left.arrays[slot] for slot in slots])]
        results += [joined(xp, vectors)] if vectors else []
        results += [xp.reshape(xp.all(xp.concat(left.checks)), (1,))] if left.checks else []
        left.checks.clear()
        kept = [array for array in (*left.arrays, *left.vectors) if array is not None]
        return [*results, *kept]

    results, replay = recorder.record(run, given(state, fed))
    count = len(results) - sum(x is not None for x in (*left.arrays, *left.vectors))
    return Recording(replay, left, slots, results[:count], xp)


def copied(state: State) -> State:
    """The same tensors, of which others can take the place."""
    return State(list(state.arrays), list(state.powers), list(state.vectors), [], {})


def given(state: State, slots: Sequence[int]) -> list[Array]:
    """The arrays of some slots, and their vectors of exponents."""
    vectors = [vector for slot in slots if (vector := state.vectors[slot]) is not None]
    return [*(state.arrays[slot] for slot in slots), *vectors]


def plant(state: State, slots: Sequence[int], arrays: Sequence[Array]) -> None:
    """The inverse of `given`, in a state with vectors in the same slots."""
    left = iter(arrays)
    for held in (state.arrays, state.vectors):
        for slot in slots:
            if held[slot] is not None:
                held[slot] = next(left)


def pays(sweep: Sweep, layout: Layout, batch: int) -> bool:
    """Whether a sweep is bound by the starts of its operations, with so large a batch."""
    labels, sizes = layout.labels, list(layout.sizes)
    if layout.batch is not None:
        sizes[layout.batch] = batch

    def count(some: Iterable[int]) -> int:
        return math.prod(sizes[label] for label in some)

    steps = [touched(one) for item in sweep.items for one in members(item)]
    terms = sum(count({label for slot in slots for label in labels[slot]}) for slots in steps)
    entries = sum(count(labels[slot]) for slot in {slot for slots in steps for slot in slots})
    small = entries <= MOST_ENTRIES and terms <= MOST_TERMS
    return small and len(sweep.operations) >= LEAST_OPERATIONS
