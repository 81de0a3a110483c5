"""How often a machine is started: steps that are alike, and wait for none of each other, at once.

On a device the start of a step costs more than the arithmetic of a small one. So small steps that
wait for no large one are run first, level by level, and those that no large one waits for are run
last; alike ones of a level are stacked and run as one. This is the count of what
`tnlearn_backends.array_backend.grouping` does. A machine with kernels for whole programs starts a
large batch of small ones only once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from tnlearn.backend import (
    LEAST_BATCH,
    STACKED_ENTRIES,
    STACKED_STEPS,
    WHOLE_STEPS,
    WHOLE_TERMS,
    Machine,
)
from tnlearn.planning.structure import Structure
from tnlearn.planning.walk import Pair


def starts_of(
    inside: Structure, pairs: Sequence[Pair], machine: Machine, batch: int | None = None
) -> int:
    """How many starts the pair steps of a slice take on a machine. Linear time."""
    if not machine.grouped:
        return len(pairs)
    count = len(inside.inputs)
    before = [[k - count for k in (p.first, p.second) if k >= count] for p in pairs]
    return round(sum(shares(before, [_key(inside, pair, batch) for pair in pairs])))


def _key(inside: Structure, pair: Pair, batch: int | None) -> Hashable:
    if batch in pair.batch or batch in pair.left or batch in pair.right:
        return None
    return key_of(*map(inside.elements, pair[2:]))


def key_of(batch: int, left: int, right: int, summed: int) -> Hashable:
    """What small products that are alike have in common; None of a large one."""
    most = batch * max(left * summed, summed * right, left * right)
    return (batch, left, right, summed) if most <= STACKED_ENTRIES else None


def shares(before: Sequence[Sequence[int]], keys: Sequence[Hashable]) -> list[float]:
    """The part of a start that each step takes.

    Parameters
    ----------
    before : sequence of sequences of int
        The steps that each step waits for, all of them earlier ones.
    keys : sequence of hashable
        Of each step; None of those that are run alone.
    """
    groups = _groups(before, keys)
    alike = Counter(groups)
    return [
        1 / alike[group] if group is not None and alike[group] >= STACKED_STEPS else 1.0
        for group in groups
    ]


def _groups(before: Sequence[Sequence[int]], keys: Sequence[Hashable]) -> list[Hashable]:
    """Early or late, level and key of each step; None of those in between."""
    steps = range(len(keys))
    early, waited = [False] * len(keys), [False] * len(keys)
    for k in steps:
        early[k] = keys[k] is not None and all(early[b] for b in before[k])
    for k in reversed(steps):
        if waited[k] or keys[k] is None:
            for b in before[k]:
                waited[b] = True
    levels = [0] * len(keys)
    groups: list[Hashable] = []
    for k in steps:
        if not early[k] and (waited[k] or keys[k] is None):
            groups.append(None)
            continue
        levels[k] = 1 + max((levels[b] for b in before[k] if early[b] is early[k]), default=0)
        groups.append((early[k], levels[k], keys[k]))
    return groups


def is_whole(
    machine: Machine, inside: Structure, batch: int | None, terms: float, steps: int
) -> bool:
    """Whether a machine runs all steps for all of a batch in one start.

    Parameters
    ----------
    machine : Machine
    inside : Structure
        At the sizes of a slice.
    batch : int, optional
        The index of the batch.
    terms : float
        Multiply-adds of all steps.
    steps : int
    """
    if not machine.whole or batch is None or inside.sizes[batch] < LEAST_BATCH:
        return False
    return terms <= WHOLE_TERMS * inside.sizes[batch] and 0 < steps <= WHOLE_STEPS
