"""Products that are multiplied into a large tensor as they are made, and never stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, TypeAlias

from tnlearn.backend import Contract, Instruction, Instructions, sources

#: Entries of a tensor from which a pass over it is worth sparing.
WORTH_FUSING = 2**12


class Multiply(NamedTuple):
    """``target = into * (first . second)``, entry by entry, in the place of `into`.

    Attributes
    ----------
    target, first, second, into : int
        Slots.
    product : Contract
        What makes the product of the two by itself.
    """

    target: int
    first: int
    second: int
    into: int
    product: Contract


Step: TypeAlias = Instruction | Multiply


def fused_steps(
    program: Instructions,
    steps: Sequence[Instruction],
    fixed: Collection[int],
    constant: Collection[int],
    size: Callable[[Collection[int]], int],
) -> list[Step]:
    """The steps, with a product put off until it can be multiplied into what it meets.

    Parameters
    ----------
    program : Instructions
    steps : sequence of instructions
        Of it.
    fixed : collection of int
        Slots whose place is not free.
    constant : collection of int
        Slots that are made once for all slices.
    size : callable
        Entries of a tensor with some labels.
    """
    labels = program.labels
    uses = Counter(slot for step in steps for slot in sources(step))
    makers: dict[int, Instruction] = {step.target: step for step in steps}
    found: dict[int, Multiply] = {}
    put_off: set[int] = set()

    def spared(slot: int, other: int, target: int) -> bool:
        """Whether a slot need not be stored, as the other takes what it would hold."""
        step = makers.get(slot)
        if not isinstance(step, Contract) or other not in makers or slot in found:
            return False
        small = size(labels[step.first]) + size(labels[step.second])
        alike = (slot in constant) == (other in constant) == (target in constant)
        free = slot not in fixed and other not in fixed
        return alike and free and uses[slot] == uses[other] == 1 and 4 * small <= size(labels[slot])

    for step in steps:
        if not isinstance(step, Contract) or step.target in fixed:
            continue
        pair = (step.first, step.second)
        kinds = {frozenset(labels[slot]) for slot in (*pair, step.target)}
        if len(kinds) > 1 or size(labels[step.target]) < WORTH_FUSING:
            continue
        for slot, other in (pair, pair[::-1]):
            if other not in put_off and spared(slot, other, step.target):
                product = makers[slot]
                assert isinstance(product, Contract)
                found[step.target] = Multiply(
                    step.target, product.first, product.second, other, product
                )
                put_off.add(slot)
                break
    return [found.get(step.target, step) for step in steps if step.target not in put_off]
