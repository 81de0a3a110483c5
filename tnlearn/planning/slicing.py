"""Cutting a contraction into slices that fit a memory limit."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tnlearn.backend import Machine
from tnlearn.errors import MemoryLimitError
from tnlearn.planning.cost import Cost, cost_of, cut, step_elements, tensor_sizes
from tnlearn.planning.plan import readable_bytes, readable_seconds
from tnlearn.planning.structure import Structure
from tnlearn.planning.walk import Pair

#: More slices than this are refused: no one waits for them.
MOST_SLICES = 2**20


def slice_to_fit(
    structure: Structure,
    pairs: Sequence[Pair],
    dtype: str,
    machine: Machine,
    memory_limit: int,
    batch: int | None,
) -> tuple[tuple[int, ...], Cost]:
    """Indices to slice so that the predicted peak fits, and the cost then.

    Of the indices on the step that holds most, the one that adds the least work is taken, until the
    plan fits. The batch index is never sliced.

    Raises
    ------
    MemoryLimitError
        If no slicing fits, or it would take more than 2**20 slices.
    """
    sliced: list[int] = []
    whole = cost = cost_of(structure, pairs, sliced, dtype, machine)
    while cost.peak_bytes > memory_limit:
        inside = cut(structure, sliced)
        candidates = _on_peak(inside, pairs, batch)
        if not candidates or cost.slices > MOST_SLICES:
            raise MemoryLimitError(
                f"this contraction needs {readable_bytes(whole.peak_bytes)} and "
                f"{whole.flops:.2e} flops ({readable_seconds(whole.seconds)} predicted); the "
                f"memory limit is {readable_bytes(memory_limit)} and {cost.slices:,} slices "
                f"still take {readable_bytes(cost.peak_bytes)}: raise memory_limit, search "
                "longer (search='thorough'), or make the network smaller"
            )
        sliced.append(min(candidates, key=lambda index: (_work(inside, pairs, index), index)))
        cost = cost_of(structure, pairs, sliced, dtype, machine)
    return tuple(sliced), cost


def _on_peak(inside: Structure, pairs: Sequence[Pair], batch: int | None) -> list[int]:
    """Indices of more than one position on the tensors of the step that holds most."""
    held = list(step_elements(inside, pairs, tensor_sizes(inside, pairs)))
    if not held:
        return []
    pair = pairs[held.index(max(held))]
    return [i for i in pair.result + pair.summed if inside.sizes[i] > 1 and i != batch]


def _work(inside: Structure, pairs: Sequence[Pair], index: int) -> float:
    """Log of the work of all slices if `index` is sliced as well."""
    work = 0
    for pair in pairs:
        size = inside.elements(pair.result) * inside.elements(pair.summed)
        carries = index in pair.result or index in pair.summed
        work += size if carries else size * inside.sizes[index]
    return math.log(max(work, 1))
