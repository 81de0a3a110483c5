"""The best few states: the slices they are in, and down the contraction tree that found them.

The tree leaves behind, for every entry of every intermediate, a list of the best few totals of the
part below it. A list is the sorted list of all sums of one choice of the summed indices and one
rank in the list of each factor; so the state of rank r of a result is found from the choice that
stands at place r, and the ranks there lead on to the factors. Choices that tie keep their order,
hence different ranks lead to different states (Nilsson 1998, Stat. Comput. 8, 159, has the same
by conditioning).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Algebra, Instruction, Instructions, Labels, best_few, sources
from tnlearn.execution import Program, Record
from tnlearn.network import TensorNetwork

Array = npt.NDArray[Any]

#: Positions of indices, by number.
Positions = dict[int, int]


def best_states(network: TensorNetwork, program: Program, sign: int, count: int) -> list[Positions]:
    """The states of the best totals of a closed network, best first; fewer if there are fewer.

    Parameters
    ----------
    network : TensorNetwork
        Its entries are added up.
    program : Program
        Of the network, in the algebra of its `count` best totals.
    sign : int
        1 where the largest total is the best, -1 where the smallest is.
    count : int
        How many.
    """
    walker = program.walker
    x = program.pack([tensor.data for tensor in network])
    value = walker.instructions.value
    if walker.count == 1:
        record, steps = walker.back(x, 0)
        places = _best([sign * record.entries(value, ()).log], sign, count)
        return _walk(walker.instructions, steps, [rank for _, rank in places])
    places = _best(walker.parts(x), sign, count)
    found: dict[tuple[int, int], Positions] = {}
    for number in dict.fromkeys(number for number, _ in places):
        ranks = [rank for other, rank in places if other == number]
        states = _walk(walker.instructions, walker.back(x, number)[1], ranks)
        for rank, state in zip(ranks, states, strict=True):
            found[number, rank] = state | walker.position(number)
    return [found[place] for place in places]


def algebra_of(sign: int, count: int) -> Algebra:
    """The algebra of the `count` best totals."""
    return best_few(sign, count) if count > 1 else Algebra("best", sign)


def _best(totals: Sequence[Any], sign: int, count: int) -> list[tuple[int, int]]:
    """Slice and rank there of the best totals that there are, best first."""
    flat = -sign * np.concatenate([np.atleast_1d(total) for total in totals])
    order = np.argsort(flat, kind="stable")[:count].tolist()
    return [divmod(place, count) for place in order if flat[place] < np.inf]


def _walk(
    instructions: Instructions,
    steps: Iterable[tuple[Instruction, Record]],
    wanted: Sequence[int],
) -> list[Positions]:
    """The states of some ranks within one slice, where sliced indices have size 1."""
    states: list[Positions] = [
        dict.fromkeys((label for label, _ in instructions.sliced), 0) for _ in wanted
    ]
    ranks = [{instructions.value: rank} for rank in wanted]
    for step, record in steps:
        terms = {slot: instructions.labels[slot] for slot in sources(step)}
        for at, rank in zip(states, ranks, strict=True):
            summed = tuple(i for i in dict.fromkeys(chain(*terms.values())) if i not in at)
            sizes = tuple(instructions.sizes[i] for i in summed)
            place = _choice(record, terms, summed, sizes, at, rank.pop(step.target))
            at.update(zip(summed, place, strict=False))
            rank.update(zip(terms, place[len(summed) :], strict=True))
    return states


def _choice(
    record: Record,
    terms: dict[int, Labels],
    summed: Labels,
    sizes: Sequence[int],
    at: Positions,
    rank: int,
) -> tuple[int, ...]:
    """Where the choice of some rank stands: positions of the summed indices, ranks of the terms."""
    total: Array = np.zeros([1] * (len(summed) + len(terms)))
    for k, (slot, labels) in enumerate(terms.items()):
        where = [_along(label, summed, sizes, at) for label in labels]
        values = np.asarray(record.entries(slot, where).log)
        lengths = values.shape[: len(summed)] if labels else [1] * len(summed)
        # Ranks of this term on an axis of their own.
        ranks = [-1 if other == k else 1 for other in range(len(terms))]
        total = total + values.reshape(*lengths, *ranks)
    chosen = np.argsort(-total, axis=None, kind="stable")[rank]
    return tuple(int(i) for i in np.unravel_index(chosen, total.shape))


def _along(label: int, summed: Labels, sizes: Sequence[int], at: Positions) -> Array:
    """Where to look along an index: at its position, or all along its own axis."""
    shape = [1] * len(summed)
    if label in at:
        return np.full(shape, at[label])
    axis = summed.index(label)
    shape[axis] = -1
    return np.arange(sizes[axis]).reshape(shape)
