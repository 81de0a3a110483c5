"""When each step runs: the same steps, in the order that holds the least memory at once."""

from __future__ import annotations

from collections.abc import Sequence

from tnlearn.planning.structure import Structure
from tnlearn.planning.walk import Pair


def least_memory(structure: Structure, pairs: Sequence[Pair]) -> list[Pair]:
    """The steps depth first, of two branches the one first that needs it.

    A branch raises what is held to its peak and leaves its result instead of its inputs; which
    of two comes first is decided by the higher of the two peaks then (Liu 1987, for trees in
    postorder). What each step multiplies, keeps and sums stays the same. Linear time.
    """
    count = len(structure.inputs)
    sizes = [structure.elements(term) for term in structure.reduced]
    peaks = [0] * count  # Over what is held before; the inputs are held all the time.
    gains = [0] * count  # What is held after a branch more than before it.
    swapped: list[bool] = []
    for pair in pairs:
        a, b = pair.first, pair.second
        operands = sizes[a] + sizes[b]
        made = structure.elements(pair.result)
        first = max(peaks[a], gains[a] + peaks[b])
        second = max(peaks[b], gains[b] + peaks[a])
        swapped.append(second < first)
        gain = gains[a] + gains[b]
        sizes.append(made)
        # As in `cost.peak_elements`: the result, and copies of the operands.
        peaks.append(max(min(first, second), gain + made + operands))
        gains.append(gain + made - operands)
    return _renumbered(pairs, swapped, count)


def _renumbered(pairs: Sequence[Pair], swapped: list[bool], count: int) -> list[Pair]:
    """The steps in postorder from the last, the first operand's branch first unless swapped."""
    order: list[int] = []
    stack = [count + len(pairs) - 1] if pairs else []
    while stack:
        step = stack.pop() - count
        order.append(step)
        a, b, *_ = pairs[step]
        # The order is read backwards, so the branch that runs last is visited first.
        branches = (b, a) if swapped[step] else (a, b)
        stack.extend(branch for branch in branches if branch >= count)
    order.reverse()
    number = list(range(count)) + [0] * len(pairs)
    for place, step in enumerate(order):
        number[count + step] = count + place
    return [Pair(number[a], number[b], *groups) for a, b, *groups in (pairs[k] for k in order)]
