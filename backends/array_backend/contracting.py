"""Products whose tensors would be copied into another order first, as one contraction of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from tnlearn.backend import Labels
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import Array
from tnlearn_backends.array_backend.steps import Operand, Product

#: Entries to be copied from which on it is worth looking for another way. To read and write fewer
#: takes a device about as long as to start a kernel.
COPIED_ENTRIES = 2**20

Multiply = Callable[[Array, Array], Array]


def in_place(step: Product, library: Library, multiply: Multiply) -> Multiply:
    """A product of matrices; where that copies much, a contraction if the library has one."""
    contract, operands = library.contract, (step.first, step.second)
    copied = [copies(operand, step.result) for operand in operands]
    if contract is None or step.terms == 1 or not any(copied):
        return multiply
    # Counted from 0, so that alike products have the same labels.
    names = {i: k for k, i in enumerate(dict.fromkeys(step.first.labels + step.second.labels))}
    first, second, result = (
        tuple(names[i] for i in labels)
        for labels in (step.first.labels, step.second.labels, step.result)
    )

    def run(a: Array, b: Array) -> Array:
        moved = sum(math.prod(x.shape) for x, moves in zip((a, b), copied, strict=True) if moves)
        found = contract(a, first, b, second, result) if moved >= COPIED_ENTRIES else None
        return multiply(a, b) if found is None else found

    return run


def copies(operand: Operand, result: Labels) -> bool:
    """Whether a tensor as it was made must be copied to be a matrix, or a stack of them.

    A matrix may lie in memory in any order, if only its rows and its columns are each one axis;
    stacks are copied by libraries unless they are in order.
    """
    if operand.shape[0] != 1:
        return operand.permutation is not None or operand.swapped
    if operand.permutation is None:
        return False
    pairs = zip(operand.permutation, operand.given, strict=True)
    axes = [axis for axis, size in pairs if size != 1]
    place = {axis: k for k, axis in enumerate(sorted(axes))}
    kept = [label in result for label in operand.labels]
    return any(kept[p] is kept[q] and place[q] != place[p] + 1 for p, q in pairwise(axes))
