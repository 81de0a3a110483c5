"""How often a machine is started: steps that are alike, and wait for none of each other, at once.

On a device the start of a step costs more than the arithmetic of a small one, so the small steps
of one level of the tree, below all larger ones, are stacked and run as one. This is the count of
what `tnlearn_backends.array_backend.grouping` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tnlearn.backend import STACKED_ENTRIES, STACKED_STEPS, Machine
from tnlearn.planning.structure import Structure
from tnlearn.planning.walk import Pair


def starts_of(inside: Structure, pairs: Sequence[Pair], machine: Machine) -> int:
    """How many starts the pair steps of a slice take on a machine. Linear time."""
    if not machine.grouped:
        return len(pairs)
    levels = [0] * len(inside.inputs)
    small = [True] * len(inside.inputs)
    alike: Counter[tuple[int, ...]] = Counter()
    alone = 0
    for first, second, *groups in pairs:
        level = max(levels[first], levels[second]) + 1
        levels.append(level)
        batch, left, right, summed = map(inside.elements, groups)
        most = batch * max(left * summed, summed * right, left * right)
        small.append(small[first] and small[second] and most <= STACKED_ENTRIES)
        if small[-1]:
            alike[level, batch, left, right, summed] += 1
        else:
            alone += 1
    return alone + sum(1 if n >= STACKED_STEPS else n for n in alike.values())
