"""Exact, independent samples: down the contraction tree that summed the states."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Instruction, sources
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.execution import Packed, Record, Walker, compile
from tnlearn.inference.distribution import check_weights, closed
from tnlearn.inference.support import planned_for
from tnlearn.network import HasNetwork, Model, TensorNetwork

States = npt.NDArray[np.int64]
#: States of indices, by number: one for every sample.
Drawn = dict[int, States]

#: Entries of the conditional tables drawn from at once, all samples together.
CHUNK = 2**19
NOTHING = "every state has probability zero: there is nothing to sample"


def sample(
    thing: TensorNetwork | HasNetwork,
    size: int,
    *,
    seed: int | np.random.Generator | None = None,
    **options: Any,
) -> npt.NDArray[Any]:
    """Exact, independent samples of the distribution a network or model stands for.

    The network is contracted, and then the tree is walked from the root back: the indices summed
    in a step are drawn, for all samples at once, from their distribution given those already
    drawn. Intermediates that the memory limit has no room for are computed again on the way; of a
    plan in slices the slice is drawn first.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries.
    size : int
        Number of samples.
    seed : int or numpy.random.Generator, optional
    **options
        As for `tnlearn.compile`.

    Returns
    -------
    array, shape (size, n_sites)
        In the model's own values, columns in the order of ``model.sites``; of a bare network,
        positions (int64), columns in the order of ``network.sizes``.

    Raises
    ------
    ModelError
        If the network is no distribution: open, negative, complex, or zero everywhere.
    """
    network = closed(thing)
    try:
        size = operator.index(size)
    except TypeError:
        raise DataTypeError(f"cannot draw {size!r} samples: give a whole number") from None
    if size < 0:
        raise ModelError(f"cannot draw {size} samples")
    if 0 in network.sizes.values():
        raise ModelError("an index of the network has size 0: there are no states to sample")
    for name, tensor in zip(network.names, network, strict=True):
        check_weights(name, tensor)
    found = planned_for(network, options)
    if found.empty:
        raise ModelError(NOTHING)
    program = compile(found.network, **options)
    x = program.pack([tensor.data for tensor in found.network])
    drawn = _draw(program.walker, x, size, np.random.default_rng(seed))
    left = {name: drawn[k] for k, name in enumerate(found.network.sizes)}
    fixed = np.zeros(size, np.int64)
    columns = found.state({name: left.get(name, fixed) for name in network.sizes})
    if not isinstance(thing, Model):
        given = list(columns.values())
        return np.stack(given, axis=1) if given else np.empty((size, 0), dtype=np.int64)
    values = [np.asarray(thing.values(site)) for site in thing.sites]
    if len({value.dtype.kind == "U" for value in values}) > 1:
        values = [value.astype(object) for value in values]  # Stacked, numbers would be texts.
    return np.stack([v[columns[site]] for site, v in zip(thing.sites, values, strict=True)], axis=1)


def _draw(walker: Walker, x: Packed, size: int, generator: np.random.Generator) -> Drawn:
    """States of every index, by number."""
    if walker.count == 1:
        return _draw_within(*walker.back(x, 0), size, generator)
    logs = np.array([part.log for part in walker.log_parts(x)], dtype=float)
    if logs.max() == -np.inf:
        raise ModelError(NOTHING)
    weights = np.exp(logs - logs.max())
    slices = generator.choice(len(weights), size, p=weights / weights.sum())
    columns: Drawn = {}
    for number in np.unique(slices).tolist():
        rows = np.flatnonzero(slices == number)
        drawn = _draw_within(*walker.back(x, number), len(rows), generator)
        drawn |= {k: np.full(len(rows), at) for k, at in walker.position(number).items()}
        for index, states in drawn.items():
            columns.setdefault(index, np.empty(size, np.int64))[rows] = states
    return columns


def _draw_within(
    record: Record,
    steps: Iterable[tuple[Instruction, Record]],
    size: int,
    generator: np.random.Generator,
) -> Drawn:
    """States of every index in one slice, where sliced indices have size 1."""
    instructions = record.instructions
    if record.entries(instructions.value, ()).log == -np.inf:
        raise ModelError(NOTHING)
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
