"""In which order the axes of every tensor lie in memory, so that steps run along its entries.

A step gathers runs of entries that lie next to each other many times as fast as single ones. So
the innermost axes of a tensor should be those of one kind in the step that makes it (of rows, of
columns), and of one kind in the step that reads it next (kept, summed).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from tnlearn.backend import Contract, Expand, Instruction, Instructions, Labels, Reduce
from tnlearn_backends.numpy_backend.native.dims import FAR

#: Entries of a run that the innermost axes should have together.
RUN = 64
#: Tensors of fewer entries are not worth a choice.
WORTH = 256
#: Nanoseconds that an entry costs the next step: in runs of at least so many entries, in shorter
#: ones, and where runs are of what both factors have and keep.
RUNS = ((16, 0.0), (8, 0.05), (4, 0.15), (1, 0.3))
SHARED = 0.6
#: The same of tensors of more entries than the nearer caches hold.
FAR_RUNS = ((16, 0.0), (8, 0.05), (4, 0.5), (1, 2.0))
#: Nanoseconds of a run, and of one that is summed, in a step that is no matrix product.
STARTED, SUM_STARTED = 6.0, 12.0
#: The same where the other factor has all labels, of an entry that is met out of order.
SCATTERED = (1.0, 8.0)

#: Position of the step in which each label of a slot is looked at next.
Touches = dict[int, float]
#: Entries of a tensor with some labels.
Size = Callable[[Collection[int]], int]


def next_touches(instructions: Instructions, steps: Sequence[Instruction]) -> list[Touches]:
    """For every slot, when each of its labels next meets a factor that has it too, or is summed."""
    touches: list[Touches] = [{} for _ in instructions.labels]
    labels = instructions.labels
    for position in range(len(steps) - 1, -1, -1):
        step = steps[position]
        if isinstance(step, Contract):
            for one, other in ((step.first, step.second), (step.second, step.first)):
                met = set(labels[other])
                later = touches[step.target]
                touches[one] = {
                    label: position if label in met else later.get(label, math.inf)
                    for label in labels[one]
                }
        elif isinstance(step, (Reduce, Expand)):
            later = touches[step.target]
            touches[step.source] = {
                label: later.get(label, math.inf) if label in labels[step.target] else position
                for label in labels[step.source]
            }
    return touches


def by_touch(labels: Sequence[int], touches: Touches, beside: Sequence[int] = ()) -> Labels:
    """Labels in the order in which they are looked at.

    Those of one step are in the order of the tensor `beside` that they will meet there, if it
    lies already, else by number, so that the two factors agree.
    """
    rank = {label: k for k, label in enumerate(beside)}
    return tuple(
        sorted(
            labels,
            key=lambda label: (touches.get(label, math.inf), rank.get(label, len(rank)), label),
        )
    )


class Future:
    """What happens to a tensor next.

    Parameters
    ----------
    touches : dict
        When each label is looked at.
    beside : tuple of int
        The labels of the tensor that it meets, in order as far as that is known.
    after : collection of int
        The labels of what comes of it; all where nothing is known.
    """

    def __init__(self, touches: Touches, beside: Labels, after: Collection[int]) -> None:
        self.touches, self.beside = touches, beside
        self._met, self._kept = set(beside), set(after)

    def kind(self, label: int) -> tuple[bool, bool]:
        """Whether the next step meets a label in the other factor, and whether it keeps it."""
        return label in self._met, label in self._kept

    def unreadiness(self, order: Labels, size: Size) -> float:
        """Nanoseconds, roughly, that the next step loses to this order of the axes."""
        entries = size(order)
        if entries < WORTH or not self._met:
            return 0.0
        kinds = [self.kind(label) for label in order]
        if self._met.issuperset(order):
            here = tuple(label for label in self.beside if label in order)
            return 0.0 if here == order else entries * SCATTERED[entries > FAR]
        run = 1
        for label, kind in zip(reversed(order), reversed(kinds), strict=True):
            if kind != kinds[-1]:
                break
            run *= size((label,))
        if self._met.issubset(order) or (True, False) not in kinds:
            return entries * (SUM_STARTED if kinds[-1] == (True, False) else STARTED) / run
        if kinds[-1] == (True, True):
            return entries * SHARED
        costs = RUNS if entries <= FAR else FAR_RUNS
        return entries * next(cost for length, cost in costs if run >= length)


def candidates(
    target: Labels, first: Labels, second: Labels, future: Future, size: Size
) -> list[Labels]:
    """Orders worth trying for the product of two tensors whose axes lie as given."""
    soonest = by_touch(target, future.touches, future.beside)
    if size(target) < WORTH:
        return [soonest]
    found = [soonest]
    for one, other in ((first, second), (second, first)):
        own = [label for label in one if label in target and label not in other]
        for kind in dict.fromkeys(future.kind(label) for label in reversed(own)):
            inner: list[int] = []
            for label in reversed(own):
                if future.kind(label) == kind and size(inner) < RUN:
                    inner.insert(0, label)
            rest = [label for label in target if label not in inner]
            found.append(by_touch(rest, future.touches, future.beside) + tuple(inner))
    shared = tuple(label for label in soonest if label in first and label in second)
    rows = tuple(label for label in first if label in target and label not in second)
    columns = tuple(label for label in second if label in target and label not in first)
    found.append(shared + rows + columns)
    found.append(shared + columns + rows)
    found.append(rows + columns + shared)
    return list(dict.fromkeys(found))
