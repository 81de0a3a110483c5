"""All states that are as probable as the best, or nearly: down the tree that found it.

Behind every entry of an intermediate stands the best total of the part of the network below it. So
every choice of summed indices that attains an entry leads to a best state, no branch ends in
nothing, and no two give the same state; a choice that falls short of the entry falls short of the
best state by just as much. Many partial states walk down together.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn import arguments
from tnlearn.backend import Labels, algebra_of, sources
from tnlearn.errors import ModelError
from tnlearn.execution import Packed, Record, Walker, compile
from tnlearn.inference.optimum import NOTHING, planned, supported_totals, totals_of
from tnlearn.network import HasNetwork, Index, Model, TensorNetwork

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

#: Partial states that walk down together.
TOGETHER = 2**14
#: Entries of the tables of their choices that are looked at together.
CHUNK = 2**17


def optima(
    thing: TensorNetwork | HasNetwork, *, gap: float = 0.0, **options: Any
) -> Iterator[dict[Hashable, Any]]:
    """All most probable states, each once; or all states within a gap of them.

    Parameters
    ----------
    thing : TensorNetwork or model
        Judged as by `tnlearn.mode`: a model that has ``energies()`` by these, any other, and a
        bare network, by the logarithms of its weights.
    gap : float
        How far energies may be from the best, in the model's units (of a bare network: natural
        logarithms of weights). States whose energies are no sums of exact floats may tie only up
        to rounding; a gap of 1e-9, say, takes them in.
    **options
        As for `tnlearn.compile`.

    Returns
    -------
    iterator of dict
        ``{site: value}``, in no order of energy. Lazy: ``itertools.islice`` takes some.

    Raises
    ------
    ModelError
        If the gap is negative or infinite, or as for `tnlearn.mode`.

    Notes
    -----
    One contraction in max-plus algebra, another for every few thousand states, and for each state
    as many look-ups as there are steps. Memory does not grow with their number.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> ring = tnl.Ising(nx.cycle_graph(3), coupling=-1.0)
    >>> sum(1 for state in tnl.optima(ring))
    6
    >>> sum(1 for state in tnl.optima(ring, gap=4.0))
    8
    """
    if not 0 <= arguments.number("gap", gap) < math.inf:
        raise ModelError(f"the gap is {gap}: give a number from 0, in units of energy")
    network, sign = totals_of(thing)
    support = supported_totals(network, sign, options)
    if support.empty:
        raise ModelError(NOTHING)
    left = support.network
    best = algebra_of("max-plus" if sign > 0 else "min-plus")
    program = compile(left, algebra=best, **planned(left, [best], options))
    x = program.pack([tensor.data for tensor in left])
    totals = sign * np.array(program.walker.parts(x), float)
    if totals.max() == -np.inf:
        raise ModelError(NOTHING)
    names = tuple(left.sizes)
    found = (
        support.state({names[number]: at for number, at in some.items()})
        for some in _all_slices(program.walker, x, totals, float(gap))
    )
    return chain.from_iterable(_named(thing, network, some) for some in found)


def _named(
    thing: TensorNetwork | HasNetwork, network: TensorNetwork, some: Mapping[Index, Any]
) -> Iterator[dict[Hashable, Any]]:
    """States in a model's own values, from positions of every index."""
    count = max(np.size(positions) for positions in some.values()) if some else 1
    columns = {i: np.broadcast_to(positions, count).tolist() for i, positions in some.items()}
    if isinstance(thing, Model):
        values = {site: thing.values(site) for site in thing.sites}
        columns = {site: [values[site][k] for k in columns[site]] for site in values}
    rows = zip(*columns.values(), strict=True) if columns else iter([()])
    return (dict(zip(columns, row, strict=True)) for row in rows)


@dataclass(frozen=True, eq=False)
class _Some:
    """Partial states: positions of the indices that have one, and what each may still lose."""

    at: Mapping[int, Ints]
    slack: Floats

    def __getitem__(self, rows: slice) -> _Some:
        return _Some(
            {label: positions[rows] for label, positions in self.at.items()}, self.slack[rows]
        )

    def __len__(self) -> int:
        return len(self.slack)


def _all_slices(walker: Walker, x: Packed, totals: Floats, gap: float) -> Iterator[dict[int, Ints]]:
    """States of every slice whose best is good enough, some at a time."""
    for number, short in enumerate((totals.max() - totals).tolist()):
        if short <= gap:
            position = walker.position(number)
            for some in _one_slice(walker, x, number, gap - short):
                held = {k: np.full(len(some), at, np.int32) for k, at in position.items()}
                yield {**some.at, **held}


def _one_slice(walker: Walker, x: Packed, number: int, slack: float) -> Iterator[_Some]:
    """Depth first, but many states abreast: those too many wait, with the step they are at."""
    labels = [label for label, _ in walker.instructions.sliced]
    start = {label: np.zeros(1, np.int32) for label in labels}
    waiting = [(0, _Some(start, np.array([slack])))]
    while waiting:
        first, some = waiting.pop()
        _, steps = walker.back(x, number)
        for place, (step, record) in enumerate(steps):
            if place >= first:
                terms = {slot: record.instructions.labels[slot] for slot in sources(step)}
                some, rest = _expanded(record, terms, some)
                if len(rest):
                    waiting.append((place, rest))
                parts = -(-len(some) // TOGETHER)
                length = -(-len(some) // parts)
                for k in range(parts - 1, 0, -1):
                    waiting.append((place + 1, some[k * length : (k + 1) * length]))
                some = some[:length]
        yield some


def _expanded(record: Record, terms: Mapping[int, Labels], some: _Some) -> tuple[_Some, _Some]:
    """Partial states with the indices summed in a step, and those left for another time."""
    labels = dict.fromkeys(chain.from_iterable(terms.values()))
    summed = [label for label in labels if label not in some.at]
    if not summed:
        return some, some[:0]
    shape = tuple(record.instructions.sizes[label] for label in summed)
    length, done = max(1, CHUNK // math.prod(shape)), 0
    grown: list[_Some] = []
    while done < len(some) and sum(map(len, grown)) < TOGETHER:
        grown.append(_choices(record, terms, summed, shape, some[done : done + length]))
        done += length
    return _together(grown), some[done:]


def _choices(
    record: Record,
    terms: Mapping[int, Labels],
    summed: Sequence[int],
    shape: tuple[int, ...],
    some: _Some,
) -> _Some:
    """Every choice of the summed indices that loses no more than it may."""

    def along(label: int) -> npt.NDArray[Any]:
        lengths = [1] * (1 + len(shape))
        axis = 1 + summed.index(label) if label in summed else 0
        lengths[axis] = -1
        there = np.arange(shape[axis - 1]) if axis else some.at[label]
        return there.reshape(lengths)

    total = np.zeros((len(some), *shape))
    for slot, term in terms.items():
        total += record.entries(slot, [along(label) for label in term]).log
    table = total.reshape(len(some), -1)
    lost = table.max(axis=1, keepdims=True) - table
    rows, chosen = np.nonzero(lost <= some.slack[:, None])
    at = {label: positions[rows] for label, positions in some.at.items()}
    new = zip(summed, np.unravel_index(chosen, shape), strict=True)
    at |= {label: positions.astype(np.int32) for label, positions in new}
    return _Some(at, some.slack[rows] - lost[rows, chosen])


def _together(several: Sequence[_Some]) -> _Some:
    if len(several) == 1:
        return several[0]
    at = {k: np.concatenate([some.at[k] for some in several]) for k in several[0].at}
    return _Some(at, np.concatenate([some.slack for some in several]))
