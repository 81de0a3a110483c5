"""In which order the axes of every tensor lie in memory, so that hardly any is ever permuted.

The index that will be looked at next comes first, the one that is left alone longest comes last:
then the inner loops of the steps to come run along entries that lie next to each other, and what
a matrix product sums stands together. A large tensor that meets a small one keeps the order of
its innermost axes, and new axes go before them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tnlearn.backend import Contract, Expand, Instruction, Instructions, Labels, Reduce

#: Entries of a run that the innermost axes should have together.
RUN = 64
#: Tensors of fewer entries are not worth a choice.
WORTH = 256

#: Nanoseconds of an entry that is read out of order.
SCATTERED = 1.0

#: Position of the step in which each label of a slot is looked at next.
Touches = dict[int, float]


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


def candidates(
    target: Labels,
    first: Labels,
    second: Labels,
    touches: Touches,
    beside: Sequence[int],
    size: Callable[[Sequence[int]], int],
) -> list[Labels]:
    """Orders worth trying for the product of two tensors whose axes lie as given."""
    soonest = by_touch(target, touches, beside)
    if size(target) < WORTH:
        return [soonest]
    found = [soonest]
    wide, narrow = (first, second) if size(first) >= size(second) else (second, first)
    kept = [label for label in wide if label in target and label not in narrow]
    inner: list[int] = []
    while kept and size(inner) < RUN:
        inner.insert(0, kept.pop())
    rest = [label for label in target if label not in inner]
    found.append(by_touch(rest, touches, beside) + tuple(inner))
    shared = tuple(
        label for label in by_touch(target, touches) if label in first and label in second
    )
    rows = tuple(label for label in first if label in target and label not in second)
    columns = tuple(label for label in second if label in target and label not in first)
    found.append(shared + rows + columns)
    found.append(shared + columns + rows)
    return list(dict.fromkeys(found))


def unreadiness(
    order: Labels,
    touches: Touches,
    beside: Sequence[int],
    size: Callable[[Sequence[int]], int],
) -> float:
    """Nanoseconds, roughly, that the next step loses to this order of the axes."""
    elements = size(order)
    soonest = min((touches.get(label, math.inf) for label in order), default=math.inf)
    if elements < WORTH or soonest == math.inf:
        return 0.0
    met = [touches.get(label, math.inf) == soonest for label in order]
    run = 1
    for label, is_met in zip(reversed(order), reversed(met), strict=True):
        if is_met:
            break
        run *= size((label,))
    blocks = sum(1 for k, is_met in enumerate(met) if is_met and (k == 0 or not met[k - 1]))
    here = tuple(label for label, is_met in zip(order, met, strict=True) if is_met)
    if size(here) >= RUN and here != by_touch(here, touches, beside):
        # The other factor has them in another order: one of the two will be copied, or read
        # entry by entry.
        return elements * SCATTERED
    short = 3.0 / min(run, RUN) if met[-1] is False else 0.6
    return elements * (min(short, 0.6) + 0.3 * (blocks - 1))
