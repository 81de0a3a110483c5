"""Which indices to hold at one position at a time, so that an order fits a memory limit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.planning.cost import Cost
from tnlearn.planning.scoring import Judge
from tnlearn.planning.structure import Structure
from tnlearn.planning.walk import Pair

Array = npt.NDArray[Any]

#: More slices than this are refused: no one waits for them.
MOST_SLICES = 2**20
#: Order of the norm over steps by which memory is judged.
NORM = 8
#: How often the indices are chosen anew, with some chance in it; fewer times for many tensors.
REPEATS = 6
REPEATED = 2000


def slice_to_fit(
    judge: Judge, pairs: Sequence[Pair], limit: int, seed: int
) -> tuple[tuple[int, ...], Cost]:
    """Indices to slice so that the predicted peak fits, and the cost then.

    One index after another is taken, each time the one that adds the least work for what it
    saves of memory, until the order fits; then those that turn out not to be needed are given
    back. Of several such choices the one of fewest predicted seconds is kept. The batch index
    is never sliced.

    Returns
    -------
    sliced, cost
        The cost's peak is above the limit if no choice of at most 2**20 slices fits.
    """
    choices = []
    for repeat in range(max(1, min(REPEATS, REPEATED // len(judge.structure.inputs)))):
        random = Random(f"{seed} {repeat}") if repeat else None
        sliced, cost = slice_once(judge, pairs, limit, MOST_SLICES, random)
        choices.append((cost.peak_bytes > limit, cost.seconds, cost.slices, sliced, cost))
        if cost.peak_bytes > limit or not sliced:
            break
    *_, sliced, cost = min(choices)
    return sliced, cost


def slice_once(
    judge: Judge,
    pairs: Sequence[Pair],
    limit: int,
    most: int,
    random: Random | None = None,
) -> tuple[tuple[int, ...], Cost]:
    """One choice of indices, given up above `most` slices, and the cost then."""
    sliced: list[int] = []
    cost = judge.cost(pairs)
    steps = _Steps(judge.structure, pairs)
    while cost.peak_bytes > limit and cost.slices <= most:
        best = steps.best(judge.batch, random)
        if best is None:
            break
        steps.cut(best)
        sliced.append(best)
        cost = judge.cost(pairs, sliced)
    if cost.peak_bytes > limit:
        return tuple(sliced), cost
    return given_back(judge, pairs, sliced, limit, cost)


def next_index(
    structure: Structure, pairs: Sequence[Pair], sliced: Sequence[int], batch: int | None
) -> int | None:
    """The index to slice next, or None if none saves memory."""
    steps = _Steps(structure, pairs)
    for index in sliced:
        steps.cut(index)
    return steps.best(batch, None)


def ever_more(
    structure: Structure, pairs: Sequence[Pair], sliced: Sequence[int], batch: int | None
) -> Iterator[tuple[int, ...]]:
    """The sliced indices, and then with one more each time, up to 2**20 slices."""
    yield tuple(sliced)
    steps, chosen = _Steps(structure, pairs), list(sliced)
    for index in sliced:
        steps.cut(index)
    while (best := steps.best(batch, None)) is not None:
        steps.cut(best)
        chosen.append(best)
        if structure.elements(chosen) > MOST_SLICES:
            return
        yield tuple(chosen)


def given_back(
    judge: Judge, pairs: Sequence[Pair], sliced: Sequence[int], limit: int, cost: Cost
) -> tuple[tuple[int, ...], Cost]:
    """The sliced indices without those that the limit does not need, and the cost then."""
    kept = list(sliced)
    for index in sliced:
        fewer = [other for other in kept if other != index]
        found = judge.cost(pairs, fewer)
        if found.peak_bytes <= limit:
            kept, cost = fewer, found
    return tuple(kept), cost


class _Steps:
    """Log2 of the entries of every tensor, to try indices on all steps at once."""

    def __init__(self, structure: Structure, pairs: Sequence[Pair]) -> None:
        self.terms = [*structure.reduced, *(pair.result for pair in pairs)]
        self.bits = [math.log2(max(size, 1)) for size in structure.sizes]
        self.carriers: dict[int, list[int]] = {}
        for number, term in enumerate(self.terms):
            for index in term:
                self.carriers.setdefault(index, []).append(number)
        self.logs = np.array([sum(self.bits[i] for i in term) for term in self.terms])
        self.tensors = np.array(
            [(p.first, p.second, k) for k, p in enumerate(pairs, len(structure.inputs))], np.intp
        ).reshape(-1, 3)
        summed = [sum(self.bits[i] for i in pair.summed) for pair in pairs]
        self.work = self.logs[self.tensors[:, 2]] + summed

    def best(self, batch: int | None, random: Random | None) -> int | None:
        """The index that adds the fewest bits of work for each bit of memory it saves.

        Only what the steps near the peak carry can lower it. `random` scales each score by a
        factor between 1 and 1.5.
        """
        if not len(self.tensors):
            return None
        held = np.logaddexp2.reduce(self.logs[self.tensors], axis=1)
        work, memory = _log_sum(self.work), self._memory(self.logs)
        scores = []
        for index in self._carried(self.tensors[held >= held.max() - 1].ravel()):
            if self.bits[index] > 0 and index != batch:
                logs, steps = self._without(index)
                added = _log_sum(steps) + self.bits[index] - work
                saved = memory - self._memory(logs)
                if saved > 0:
                    noise = 1 + random.random() / 2 if random else 1.0
                    scores.append(((added + 0.01) / saved * noise, index))
        return min(scores)[1] if scores else None

    def cut(self, index: int) -> None:
        """Slice an index."""
        self.logs, self.work = self._without(index)
        self.bits[index] = 0.0

    def _carried(self, numbers: Array) -> list[int]:
        return sorted({index for number in numbers for index in self.terms[number]})

    def _without(self, index: int) -> tuple[Array, Array]:
        logs = self.logs.copy()
        carried = np.zeros(len(logs), dtype=bool)
        carried[self.carriers.get(index, [])] = True
        logs[carried] -= self.bits[index]
        touched = carried[self.tensors[:, :2]].any(axis=1)
        return logs, self.work - self.bits[index] * touched

    def _memory(self, logs: Array) -> float:
        """Log2 of the memory of the larger steps: a high norm, since the peak alone is blind."""
        return _log_sum(NORM * np.logaddexp2.reduce(logs[self.tensors], axis=1)) / NORM


def _log_sum(logs: Array) -> float:
    return float(np.logaddexp2.reduce(logs, initial=-np.inf))
