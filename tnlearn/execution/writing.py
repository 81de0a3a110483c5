"""Instructions written one by one, over slots whose axes carry index labels."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tnlearn.backend import (
    Add,
    Contract,
    Expand,
    Input,
    Instruction,
    Instructions,
    Labels,
    Reduce,
)
from tnlearn.planning import Structure, cut


class Writer:
    """Writes instructions over slots whose axes carry index labels."""

    def __init__(self, inputs: Sequence[Labels]) -> None:
        self.labels: list[Labels] = list(inputs)
        self.written: list[Instruction] = []

    def new(self, labels: Labels) -> int:
        """A slot that is not written yet."""
        self.labels.append(labels)
        return len(self.labels) - 1

    def reduce(self, source: int, result: Labels) -> int:
        """Diagonals, sums and another order; the slot itself where there is nothing to do."""
        if self.labels[source] == result:
            return source
        target = self.new(result)
        self.written.append(Reduce(target, source))
        return target

    def expand(self, source: int, result: Labels) -> int:
        """The adjoint of `reduce`."""
        if self.labels[source] == result:
            return source
        target = self.new(result)
        self.written.append(Expand(target, source))
        return target

    def contract(self, first: int, second: int, result: Labels) -> int:
        """The product of two slots, summed over all labels not in `result`."""
        target = self.new(result)
        self.written.append(Contract(target, first, second))
        return target

    def add(self, slots: Sequence[int]) -> int:
        """The sum of slots of the same labels."""
        if len(slots) == 1:
            return slots[0]
        target = self.new(self.labels[slots[0]])
        self.written.append(Add(target, tuple(slots), (False,) * len(slots)))
        return target

    def times(self, first: int, second: int) -> int:
        """The product entry by entry, with the diagonal of what repeats a label."""
        labels = tuple(dict.fromkeys(self.labels[second]))
        return self.contract(first, self.reduce(second, labels), labels)

    def instructions(
        self,
        structure: Structure,
        sliced: Sequence[int],
        inputs: Sequence[Input],
        batch: int | None,
        forward: Sequence[Instruction],
        value: int,
        seed: int,
        gradients: Sequence[int | None],
    ) -> Instructions:
        """All that was written, the part since `forward` being the reverse sweep."""
        return Instructions(
            inputs=tuple(inputs),
            labels=tuple(self.labels),
            sizes=cut(structure, sliced).sizes,
            # A label of size 1 is one slice as it is.
            sliced=tuple((i, structure.sizes[i]) for i in sliced if structure.sizes[i] != 1),
            batch=batch,
            forward=tuple(forward),
            value=value,
            seed=seed,
            backward=tuple(self.written),
            gradients=tuple(gradients),
        )


def finish(
    writer: Writer,
    gradients: Sequence[int | None],
    sharing: Sequence[Hashable],
    conj: Sequence[bool],
) -> tuple[int | None, ...]:
    """Gradients in the shape of the arrays that were given, summed over those that share one."""
    groups: dict[Hashable, dict[int, int]] = {}
    for number, gradient in enumerate(gradients):
        if gradient is not None:
            slot = writer.expand(gradient, writer.labels[number])
            groups.setdefault(sharing[number], {})[number] = slot
    shared: list[int | None] = [None] * len(gradients)
    for members in groups.values():
        total = _total(writer, members, [conj[k] for k in members])
        for k in members:
            shared[k] = total
    return tuple(shared)


def _total(writer: Writer, members: dict[int, int], conj: Sequence[bool]) -> int:
    """The slot of the sum of the members' gradients, conjugated where the tensor was."""
    first, *others = members.values()
    if not others and not conj[0]:
        return first
    total = writer.new(writer.labels[first])
    writer.written.append(Add(total, (first, *others), tuple(conj)))
    return total
