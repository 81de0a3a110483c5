"""Instructions as they are run one by one: permutations, reshapes, matrix products.

A tensor that a step makes keeps its axes in the order in which it was made, so that most steps
permute nothing: only what is handed out is put in the order of its labels, which is a view.
"""

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
    given : tuple of int
        The sizes of the axes of the permuted tensor, -1 for the leading index.
    swapped : bool
        Rows and columns are exchanged as a last step: a view, which costs nothing.
    spread : tuple of int
        The shape of the permuted tensor with an axis for each of the product's, of size 1 where
        it has none: for products without a sum, which need no matrices.
    leading : int or None
        The axis of the tensor that is the leading index, the batch, if it has it.
    labels : tuple of int
        Of the axes of the tensor, as it is.
    """

    slot: int
    permutation: tuple[int, ...] | None
    shape: tuple[int, int, int]
    given: tuple[int, ...]
    swapped: bool
    spread: tuple[int, ...]
    leading: int | None
    labels: Labels


class Product(NamedTuple):
    """``product[batch, i, j] = sum_k first[batch, i, k] second[batch, k, j]``.

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
    result : tuple of int
        The labels of the product's axes.
    """

    target: int
    first: Operand
    second: Operand
    shape: tuple[int, ...]
    leading: int | None
    sums_leading: bool
    terms: int
    result: Labels


class Sum(NamedTuple):
    """A `Reduce` with the labels of its tensors, and how many entries are added up in one."""

    target: int
    source: int
    axes: Labels
    result: Labels
    leading: int | None
    sums_leading: bool
    terms: int


class Spread(NamedTuple):
    """An `Expand` with the labels of its tensors, and the shape of the result."""

    target: int
    source: int
    axes: Labels
    result: Labels
    shape: tuple[int, ...]
    leading: int | None


class Total(NamedTuple):
    """An `Add`, and the axes of each of its terms in the order of its labels."""

    target: int
    sources: tuple[int, ...]
    conj: tuple[bool, ...]
    orders: tuple[tuple[int, ...] | None, ...]
    leading: int | None


Step: TypeAlias = Product | Sum | Spread | Total


def read_by(step: Step) -> tuple[int, ...]:
    """The slots a step reads."""
    match step:
        case Product(_, first, second):
            return (first.slot, second.slot)
        case Total(_, sources):
            return sources
        case _:
            return (step.source,)


class Layout:
    """The shapes and orders of axes behind the labels of a program, as steps are laid out.

    Attributes
    ----------
    labels : list of tuple of int
        Of every slot, in the order of its axes.
    """

    def __init__(self, instructions: Instructions) -> None:
        self.labels = list(instructions.labels)
        self._wanted = instructions.labels
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
                sums_batch = self.batch in axes and self.batch not in result
                return Sum(target, source, axes, result, self.leading(result), sums_batch, terms)
            case Expand(target, source):
                axes, result = self.labels[source], self.labels[target]
                shape = tuple(self._size((label,)) for label in result)
                return Spread(target, source, axes, result, shape, self.leading(result))
            case Add(target, sources, conj):
                orders = tuple(self.restored(source) for source in sources)
                return Total(target, sources, conj, orders, self.leading(self.labels[target]))

    def restored(self, slot: int) -> tuple[int, ...] | None:
        """The axes of a slot in the order of the instructions' labels; None if they are."""
        held, wanted = self.labels[slot], self._wanted[slot]
        return None if held == wanted else tuple(held.index(label) for label in wanted)

    def elements(self, slot: int) -> int:
        """How many entries a slot has; of the batch, as many as were guessed."""
        return self._elements(set(self.labels[slot]))

    def leading(self, labels: Labels) -> int | None:
        """The axis of the batch."""
        return labels.index(self.batch) if self.batch is not None and self.batch in labels else None

    def _product(self, target: int, first: int, second: int) -> Product:
        a, b, result = self.labels[first], self.labels[second], self._wanted[target]
        wide = a if self._elements(a) >= self._elements(b) else b
        batch = tuple(label for label in wide if label in a and label in b and label in result)
        rows = tuple(label for label in a if label not in b)
        columns = tuple(label for label in b if label not in a)
        self.labels[target] = made = batch + rows + columns
        summed = tuple(label for label in wide if label not in result)
        terms = self._elements(label for label in summed if label != self.batch)
        sums_batch = self.batch in summed
        return Product(
            target,
            self._operand(first, batch, rows, summed, made),
            self._operand(second, batch, summed, columns, made),
            tuple(self._size((label,)) for label in made),
            self.leading(made),
            sums_batch,
            terms * (BATCH_BOUND if sums_batch else 1),
            made,
        )

    def _operand(
        self, slot: int, batch: Labels, rows: Labels, columns: Labels, made: Labels
    ) -> Operand:
        """How to lay a slot out as a batch of matrices, without a copy where that can be."""
        labels = self.labels[slot]
        swapped = labels == batch + columns + rows and labels != batch + rows + columns
        groups = (batch, columns, rows) if swapped else (batch, rows, columns)
        order = groups[0] + groups[1] + groups[2]
        permutation = None if order == labels else tuple(labels.index(label) for label in order)
        shape = (self._size(groups[0]), self._size(groups[1]), self._size(groups[2]))
        spread = tuple(self._size((i,)) if i in labels else 1 for i in made)
        given = tuple(self._size((label,)) for label in order)
        leading = self.leading(labels)
        return Operand(slot, permutation, shape, given, swapped, spread, leading, labels)

    def _elements(self, labels: Iterable[int]) -> int:
        return math.prod(self.sizes[label] for label in labels)

    def _size(self, labels: Labels) -> int:
        """What stands in a shape for these labels: their entries, -1 if the batch is one."""
        return -1 if self.batch in labels else self._elements(labels)
