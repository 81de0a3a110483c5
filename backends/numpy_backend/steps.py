"""Instructions as NumPy runs them one by one: permutations, reshapes, matrix products."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from tnlearn.backend import Add, Contract, Expand, Instruction, Instructions, Labels, Reduce

#: Bound on the size of the batch where the number of summed terms must be stated beforehand.
BATCH_BOUND = 2**32


class Operand(NamedTuple):
    """How one tensor of a `Product` is laid out as a batch of matrices.

    Attributes
    ----------
    slot : int
        Where the tensor is.
    permutation : tuple of int or None
        Order in which to take its axes; None leaves them as they are.
    shape : tuple of int
        The three sizes (batch, rows, columns) of the permuted tensor.
    swapped : bool
        Rows and columns are exchanged as a last step: a view, which costs nothing.
    leading : int or None
        The axis of the tensor that is the leading index, the batch, if it has it.
    """

    slot: int
    permutation: tuple[int, ...] | None
    shape: tuple[int, int, int]
    swapped: bool
    leading: int | None


class Product(NamedTuple):
    """``product[batch, i, j] = sum_k first[batch, i, k] second[batch, k, j]``, then permuted.

    Attributes
    ----------
    target : int
        Slot of the result.
    first, second : Operand
        The two factors.
    shape : tuple of int
        Shape of the product: its batch, row and column axes taken apart again; -1 is the size of
        the leading index.
    leading : int or None
        The axis of the product that is the leading index.
    sums_leading : bool
        The leading index is among those summed.
    terms : int
        Number of products added up in an entry; a bound where the leading index is summed.
    order : tuple of int or None
        Axes of the product in the order of the target's; None if it is the same.
    final : int or None
        The axis of the target that is the leading index.
    """

    target: int
    first: Operand
    second: Operand
    shape: tuple[int, ...]
    leading: int | None
    sums_leading: bool
    terms: int
    order: tuple[int, ...] | None
    final: int | None


class Sum(NamedTuple):
    """A `Reduce` with the labels of its tensors, and how many entries are added up in one."""

    target: int
    source: int
    axes: Labels
    result: Labels
    leading: int | None
    terms: int


class Spread(NamedTuple):
    """An `Expand` with the labels of its tensors, and the shape of the result."""

    target: int
    source: int
    axes: Labels
    result: Labels
    shape: tuple[int, ...]
    leading: int | None


Step: TypeAlias = Product | Sum | Spread | Add


class Layout:
    """The shapes behind the labels of a program."""

    def __init__(self, instructions: Instructions) -> None:
        self.labels = instructions.labels
        self.sizes = instructions.sizes
        self.batch = instructions.batch

    def step(self, instruction: Instruction) -> Step:
        """An instruction with all it takes to run it."""
        match instruction:
            case Contract(target, first, second):
                return self._product(target, first, second)
            case Reduce(target, source):
                axes, result = self.labels[source], self.labels[target]
                terms = self._elements(set(axes).difference(result))
                return Sum(target, source, axes, result, self.leading(result), terms)
            case Expand(target, source):
                axes, result = self.labels[source], self.labels[target]
                shape = tuple(self._size((label,)) for label in result)
                return Spread(target, source, axes, result, shape, self.leading(result))
            case Add():
                return instruction

    def leading(self, labels: Labels) -> int | None:
        """The axis of the batch."""
        return labels.index(self.batch) if self.batch is not None and self.batch in labels else None

    def _product(self, target: int, first: int, second: int) -> Product:
        a, b, result = self.labels[first], self.labels[second], self.labels[target]
        wide = a if self._elements(a) >= self._elements(b) else b
        batch = tuple(label for label in wide if label in a and label in b and label in result)
        rows = tuple(label for label in a if label not in b)
        columns = tuple(label for label in b if label not in a)
        made = batch + rows + columns
        summed = tuple(label for label in wide if label not in result)
        terms = self._elements(label for label in summed if label != self.batch)
        sums_batch = self.batch in summed
        return Product(
            target,
            self._operand(first, batch, rows, summed),
            self._operand(second, batch, summed, columns),
            tuple(self._size((label,)) for label in made),
            self.leading(made),
            sums_batch,
            terms * (BATCH_BOUND if sums_batch else 1),
            None if made == result else tuple(made.index(label) for label in result),
            self.leading(result),
        )

    def _operand(self, slot: int, batch: Labels, rows: Labels, columns: Labels) -> Operand:
        """How to lay a slot out as a batch of matrices, without a copy where that can be."""
        labels = self.labels[slot]
        swapped = labels == batch + columns + rows and labels != batch + rows + columns
        groups = (batch, columns, rows) if swapped else (batch, rows, columns)
        order = groups[0] + groups[1] + groups[2]
        permutation = None if order == labels else tuple(labels.index(label) for label in order)
        shape = (self._size(groups[0]), self._size(groups[1]), self._size(groups[2]))
        return Operand(slot, permutation, shape, swapped, self.leading(labels))

    def _elements(self, labels: Iterable[int]) -> int:
        return math.prod(self.sizes[label] for label in labels)

    def _size(self, labels: Labels) -> int:
        """What stands in a shape for these labels: their entries, -1 if the batch is one."""
        return -1 if self.batch in labels else self._elements(labels)
