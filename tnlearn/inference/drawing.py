"""Down the contraction tree that summed the states: what each step summed is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Instruction, sources
from tnlearn.errors import ModelError
from tnlearn.execution import Packed, Record, Walker

States = npt.NDArray[np.int64]
#: States of indices, by number: one for every sample.
Drawn = dict[int, States]

#: Entries of the conditional tables drawn from at once, all samples together.
CHUNK = 2**19


def drawn_back(
    walker: Walker, x: Packed, size: int, generator: np.random.Generator, nothing: str
) -> Drawn:
    """States of every index, by number; ModelError with the text `nothing` if there are none."""
    if walker.count == 1:
        return _draw_within(*walker.back(x, 0), size, generator, nothing)
    logs = np.array([part.log for part in walker.log_parts(x)], dtype=float)
    if logs.max() == -np.inf:
        raise ModelError(nothing)
    weights = np.exp(logs - logs.max())
    slices = generator.choice(len(weights), size, p=weights / weights.sum())
    columns: Drawn = {}
    for number in np.unique(slices).tolist():
        rows = np.flatnonzero(slices == number)
        drawn = _draw_within(*walker.back(x, number), len(rows), generator, nothing)
        drawn |= {k: np.full(len(rows), at) for k, at in walker.position(number).items()}
        for index, states in drawn.items():
            columns.setdefault(index, np.empty(size, np.int64))[rows] = states
    return columns


def _draw_within(
    record: Record,
    steps: Iterable[tuple[Instruction, Record]],
    size: int,
    generator: np.random.Generator,
    nothing: str,
) -> Drawn:
    """States of every index in one slice, where sliced indices have size 1."""
    instructions = record.instructions
    if record.entries(instructions.value, ()).log == -np.inf:
        raise ModelError(nothing)
    drawn: Drawn = {label: np.zeros(size, np.int64) for label, _ in instructions.sliced}
    for step, here in steps:
        terms = {slot: instructions.labels[slot] for slot in sources(step)}
        summed = tuple(i for i in dict.fromkeys(chain(*terms.values())) if i not in drawn)
        if summed:
            shape = tuple(instructions.sizes[i] for i in summed)
            conditional = _Conditional(here, terms, summed, shape, drawn)
            chosen = conditional.draw(generator.random(size))
            for index, states in zip(summed, np.unravel_index(chosen, shape), strict=True):
                drawn[index] = states
    return drawn


@dataclass(frozen=True)
class _Conditional:
    """The distribution of the indices summed in one step, given those drawn before.

    Attributes
    ----------
    record : Record
        What the tensors are.
    terms : dict from slot to tuple of int
        The tensors multiplied in the step, and their indices.
    summed, shape : tuple of int
        The indices to be drawn, and their sizes.
    drawn : dict from index to array, shape (n,)
        States of the indices drawn before.
    """

    record: Record
    terms: dict[int, tuple[int, ...]]
    summed: tuple[int, ...]
    shape: tuple[int, ...]
    drawn: Drawn

    def draw(self, uniform: npt.NDArray[np.float64]) -> States:
        """A joint state, as a flat position, for every uniform number."""
        if not any(index in self.drawn for term in self.terms.values() for index in term):
            heights = self.heights(slice(0, 1))[0]
            return np.asarray(np.searchsorted(heights, uniform * heights[-1], side="right"))
        chosen = np.empty(len(uniform), dtype=np.int64)
        rows = max(1, CHUNK // math.prod(self.shape))
        for start in range(0, len(uniform), rows):
            part = slice(start, start + rows)
            heights = self.heights(part)
            # A weight of zero is never chosen: its height equals the one before.
            chosen[part] = (heights <= (uniform[part] * heights[:, -1])[:, None]).sum(axis=1)
        return chosen

    def heights(self, part: slice) -> npt.NDArray[np.float64]:
        """Cumulative weights of the joint states, a row for every sample of `part`."""
        logs = np.zeros((1, *self.shape))
        for slot, term in self.terms.items():
            where = [self._positions(index, part) for index in term]
            logs = logs + self.record.entries(slot, where).log
        table = logs.reshape(len(logs), -1)
        weights = np.exp(table - table.max(axis=1, keepdims=True))
        return np.asarray(weights.cumsum(axis=1))

    def _positions(self, index: int, part: slice) -> States:
        """Where to look along an index: drawn states down axis 0, or all along its own axis."""
        along = [1] * (1 + len(self.shape))
        if index in self.drawn:
            along[0] = -1
            return self.drawn[index][part].reshape(along)
        axis = self.summed.index(index)
        along[1 + axis] = -1
        return np.arange(self.shape[axis]).reshape(along)
