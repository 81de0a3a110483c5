"""A plan becomes instructions: the forward sweep, and the reverse sweep of the same tree."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from tnlearn.backend import Add, Contract, Expand, Input, Instruction, Instructions, Operand, Reduce
from tnlearn.planning import Pair, Structure

Labels = tuple[int, ...]

#: Bound on the size of the batch where the number of summed terms must be stated beforehand.
BATCH_BOUND = 2**32


@dataclass(frozen=True)
class Lowered:
    """Instructions, and the indices on the axes of every slot of the forward sweep."""

    instructions: Instructions
    labels: tuple[Labels, ...]


def lower(
    structure: Structure,
    pairs: Sequence[Pair],
    inputs: Sequence[Input],
    batch: int | None,
    sharing: Sequence[Hashable] | None = None,
    constants: frozenset[int] = frozenset(),
) -> Lowered:
    """The instructions of a plan; the reverse sweep only if `sharing` is given.

    Parameters
    ----------
    structure : Structure
        Of one slice.
    pairs : sequence of Pair
        The order.
    inputs : sequence of Input
        What the backend must know of each input.
    batch : int, optional
        The index whose size is free.
    sharing : sequence of hashable, optional
        One key per input: the gradients of equal keys are summed.
    constants : frozenset of int
        Inputs whose gradient is not wanted.
    """
    writer = _Writer(structure, batch)
    tensors = [writer.reduce(k, structure.reduced[k]) for k in range(len(inputs))]
    for pair in pairs:
        tensors.append(writer.contract(tensors[pair.first], tensors[pair.second], pair.result))
    value = writer.reduce(tensors[-1], structure.output)
    forward, labels = tuple(writer.written), tuple(writer.labels)
    writer.written = []
    seed = writer.new(structure.output)
    gradients: tuple[int | None, ...] = (None,) * len(inputs)
    if sharing is not None:
        reduced = _Reverse(writer, tensors, pairs, constants).sweep(seed)
        gradients = _finish(writer, inputs, reduced, sharing)
    backward, slots = tuple(writer.written), len(writer.labels)
    instructions = Instructions(tuple(inputs), forward, value, seed, backward, gradients, slots)
    return Lowered(instructions, labels)


class _Writer:
    """Writes instructions over slots whose axes carry index labels."""

    def __init__(self, structure: Structure, batch: int | None) -> None:
        self.sizes = structure.sizes
        self.batch = batch
        self.labels: list[Labels] = list(structure.inputs)
        self.written: list[Instruction] = []

    def new(self, labels: Labels) -> int:
        self.labels.append(labels)
        return len(self.labels) - 1

    def elements(self, labels: Iterable[int]) -> int:
        """Entries of a tensor with these labels."""
        total = 1
        for label in labels:
            total *= self.sizes[label]
        return total

    def size(self, labels: Labels) -> int:
        """What stands in a shape for these labels: their entries, -1 if the batch is one."""
        return -1 if self.batch in labels else self.elements(labels)

    def leading(self, labels: Labels) -> int | None:
        return labels.index(self.batch) if self.batch is not None and self.batch in labels else None

    def reduce(self, source: int, result: Labels) -> int:
        axes = self.labels[source]
        if axes == result:
            return source
        terms = self.elements(set(axes).difference(result))
        target = self.new(result)
        self.written.append(Reduce(target, source, axes, result, self.leading(result), terms))
        return target

    def expand(self, source: int, result: Labels) -> int:
        axes = self.labels[source]
        if axes == result:
            return source
        shape = tuple(self.size((label,)) for label in result)
        target = self.new(result)
        self.written.append(Expand(target, source, axes, result, shape, self.leading(result)))
        return target

    def contract(self, first: int, second: int, kept: Labels) -> int:
        """The product of two slots, summed over all labels not in `kept`."""
        a, b = self.labels[first], self.labels[second]
        wide, narrow = (a, b) if self.elements(a) >= self.elements(b) else (b, a)
        common = [label for label in wide if label in narrow]
        batch = tuple(label for label in common if label in kept)
        summed = tuple(label for label in common if label not in kept)
        rows = tuple(label for label in a if label not in b)
        columns = tuple(label for label in b if label not in a)
        result = batch + rows + columns
        target = self.new(result)
        terms = self.elements(label for label in summed if label != self.batch)
        sums_batch = self.batch in summed
        self.written.append(
            Contract(
                target,
                self.operand(first, batch, rows, summed),
                self.operand(second, batch, summed, columns),
                tuple(self.size((label,)) for label in result),
                self.leading(result),
                sums_batch,
                terms * (BATCH_BOUND if sums_batch else 1),
            )
        )
        return target

    def operand(self, slot: int, batch: Labels, rows: Labels, columns: Labels) -> Operand:
        """How to lay a slot out as a batch of matrices, without a copy where that can be."""
        labels = self.labels[slot]
        swapped = labels == batch + columns + rows and labels != batch + rows + columns
        groups = (batch, columns, rows) if swapped else (batch, rows, columns)
        order = groups[0] + groups[1] + groups[2]
        permutation = None if order == labels else tuple(labels.index(label) for label in order)
        shape = (self.size(groups[0]), self.size(groups[1]), self.size(groups[2]))
        return Operand(slot, permutation, shape, swapped, self.leading(labels))


class _Reverse:
    """The reverse sweep: for every step ``C = A B``, ``dA = dC B`` and ``dB = dC A``.

    Both are pair steps like those of the forward sweep: every index of A that is not on B is on
    C, since what stands on one tensor alone was summed when that tensor was made.
    """

    def __init__(
        self, writer: _Writer, tensors: list[int], pairs: Sequence[Pair], constants: frozenset[int]
    ) -> None:
        self.writer = writer
        self.tensors = tensors
        self.pairs = pairs
        self.inputs = len(tensors) - len(pairs)
        self.wanted = [k not in constants for k in range(self.inputs)]
        for pair in pairs:
            self.wanted.append(self.wanted[pair.first] or self.wanted[pair.second])

    def sweep(self, seed: int) -> list[int | None]:
        """Slots of the gradients with respect to the reduced inputs; None where not wanted."""
        gradients: list[int | None] = [None] * len(self.tensors)
        gradients[-1] = seed if self.wanted[-1] else None
        for number in range(len(self.tensors) - 1, self.inputs - 1, -1):
            pair, gradient = self.pairs[number - self.inputs], gradients[number]
            if gradient is None:
                continue
            for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
                if self.wanted[one]:
                    kept = self.writer.labels[self.tensors[one]]
                    gradients[one] = self.writer.contract(gradient, self.tensors[other], kept)
        return gradients[: self.inputs]


def _finish(
    writer: _Writer,
    inputs: Sequence[Input],
    gradients: list[int | None],
    sharing: Sequence[Hashable],
) -> tuple[int | None, ...]:
    """Gradients in the shape of the arrays that were given, summed over those that share one."""
    groups: dict[Hashable, dict[int, int]] = {}
    for number, gradient in enumerate(gradients):
        if gradient is not None:
            slot = writer.expand(gradient, writer.labels[number])
            if inputs[number].log:
                slot = _by_logarithm(writer, slot, number)
            groups.setdefault(sharing[number], {})[number] = slot
    shared: list[int | None] = [None] * len(inputs)
    for members in groups.values():
        total = _total(writer, members, [inputs[k].conj for k in members])
        for k in members:
            shared[k] = total
    return tuple(shared)


def _total(writer: _Writer, members: dict[int, int], conj: Sequence[bool]) -> int:
    """The slot of the sum of the members' gradients, conjugated where the tensor was."""
    first, *others = members.values()
    if not others and not conj[0]:
        return first
    labels = writer.labels[first]
    total = writer.new(labels)
    writer.written.append(Add(total, (first, *others), tuple(conj), writer.leading(labels)))
    return total


def _by_logarithm(writer: _Writer, gradient: int, number: int) -> int:
    """``dV/d(log W) = W dV/dW``: an elementwise product, each axis a label of its own."""
    labels = writer.labels[number]
    shape = tuple(writer.size((label,)) for label in labels)
    leading = writer.leading(labels)
    batch = -1 if leading is not None else writer.size(labels)
    first, second = (
        Operand(slot, None, (batch, 1, 1), False, leading) for slot in (gradient, number)
    )
    target = writer.new(labels)
    writer.written.append(Contract(target, first, second, shape, leading, False, 1))
    return target
