"""Cutting a contraction into slices that fit a memory limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Machine
from tnlearn.errors import MemoryLimitError
from tnlearn.planning.cost import Cost, cost_of
from tnlearn.planning.plan import readable_bytes, readable_seconds
from tnlearn.planning.structure import Structure
from tnlearn.planning.walk import Pair

Array = npt.NDArray[Any]

#: More slices than this are refused: no one waits for them.
MOST_SLICES = 2**20
#: Order of the norm over steps by which memory is judged.
NORM = 8


def slice_to_fit(
    structure: Structure,
    pairs: Sequence[Pair],
    dtype: str,
    machine: Machine,
    memory_limit: int,
    batch: int | None,
) -> tuple[tuple[int, ...], Cost]:
    """Indices to slice so that the predicted peak fits, and the cost then.

    One index after another is taken, each time the one that adds the least work for what it
    saves of memory, until the plan fits. The batch index is never sliced.

    Raises
    ------
    MemoryLimitError
        If no slicing fits, or it would take more than 2**20 slices.
    """
    sliced: list[int] = []
    whole = cost = cost_of(structure, pairs, sliced, dtype, machine)
    if cost.peak_bytes <= memory_limit:
        return (), cost
    steps = _Steps(structure, pairs)
    while cost.peak_bytes > memory_limit:
        best = steps.best(batch)
        if best is None or cost.slices > MOST_SLICES:
            raise MemoryLimitError(
                f"this contraction needs {readable_bytes(whole.peak_bytes)} and "
                f"{whole.flops:.2e} flops ({readable_seconds(whole.seconds)} predicted); the "
                f"memory limit is {readable_bytes(memory_limit)} and {cost.slices:,} slices "
                f"still take {readable_bytes(cost.peak_bytes)}: raise memory_limit, search "
                "longer (search='thorough'), or make the network smaller"
            )
        steps.cut(best)
        sliced.append(best)
        cost = cost_of(structure, pairs, sliced, dtype, machine)
    return tuple(sliced), cost


class _Steps:
    """Log2 of the entries of every tensor, to try indices on all steps at once."""

    def __init__(self, structure: Structure, pairs: Sequence[Pair]) -> None:
        terms = [*structure.reduced, *(pair.result for pair in pairs)]
        self.bits = [math.log2(max(size, 1)) for size in structure.sizes]
        self.carriers: dict[int, list[int]] = {}
        for number, term in enumerate(terms):
            for index in term:
                self.carriers.setdefault(index, []).append(number)
        self.logs = np.array([sum(self.bits[i] for i in term) for term in terms])
        self.tensors = np.array(
            [(p.first, p.second, k) for k, p in enumerate(pairs, len(structure.inputs))]
        ).reshape(-1, 3)
        summed = [sum(self.bits[i] for i in pair.summed) for pair in pairs]
        self.work = self.logs[self.tensors[:, 2]] + summed

    def best(self, batch: int | None) -> int | None:
        """The index that adds the fewest bits of work for each bit of memory it saves."""
        work, memory = _log_sum(self.work), self._memory(self.logs)
        scores = []
        for index in self.carriers:
            if self.bits[index] > 0 and index != batch:
                logs, steps = self._without(index)
                added = _log_sum(steps) + self.bits[index] - work
                saved = memory - self._memory(logs)
                if saved > 0:
                    scores.append(((added + 0.01) / saved, index))
        return min(scores)[1] if scores else None

    def cut(self, index: int) -> None:
        """Slice an index."""
        self.logs, self.work = self._without(index)
        self.bits[index] = 0.0

    def _without(self, index: int) -> tuple[Array, Array]:
        logs = self.logs.copy()
        carried = np.zeros(len(logs), dtype=bool)
        carried[self.carriers[index]] = True
        logs[carried] -= self.bits[index]
        touched = carried[self.tensors[:, :2]].any(axis=1)
        return logs, self.work - self.bits[index] * touched

    def _memory(self, logs: Array) -> float:
        """Log2 of the memory of the larger steps: a high norm, since the peak alone is blind."""
        return _log_sum(NORM * np.logaddexp2.reduce(logs[self.tensors], axis=1)) / NORM


def _log_sum(logs: Array) -> float:
    return float(np.logaddexp2.reduce(logs, initial=-np.inf))
