"""A plan becomes instructions: the forward sweep, and the reverse sweep of the same tree."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tnlearn.backend import Add, Contract, Expand, Input, Instruction, Instructions, Labels, Reduce
from tnlearn.planning import Pair, Structure, cut


def lower(
    structure: Structure,
    sliced: Sequence[int],
    pairs: Sequence[Pair],
    inputs: Sequence[Input],
    batch: int | None,
    sharing: Sequence[Hashable] | None = None,
    constants: frozenset[int] = frozenset(),
) -> Instructions:
    """The instructions of a plan; the reverse sweep only if `sharing` is given.

    Parameters
    ----------
    structure : Structure
    sliced : sequence of int
        Indices held at one position at a time.
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
    writer = _Writer(structure.inputs)
    tensors = [writer.reduce(k, structure.reduced[k]) for k in range(len(inputs))]
    for number, pair in enumerate(pairs, start=1):
        # The last step leaves its axes in the order of the output.
        result = structure.output if number == len(pairs) else pair.result
        tensors.append(writer.contract(tensors[pair.first], tensors[pair.second], result))
    value = writer.reduce(tensors[-1], structure.output)
    forward, writer.written = tuple(writer.written), []
    seed = writer.new(structure.output)
    gradients: tuple[int | None, ...] = (None,) * len(inputs)
    if sharing is not None:
        reduced = _Reverse(writer, tensors, pairs, constants).sweep(seed)
        gradients = _finish(writer, inputs, reduced, sharing)
    return Instructions(
        inputs=tuple(inputs),
        labels=tuple(writer.labels),
        sizes=cut(structure, sliced).sizes,
        # A label of size 1 is one slice as it is.
        sliced=tuple((i, structure.sizes[i]) for i in sliced if structure.sizes[i] != 1),
        batch=batch,
        forward=forward,
        value=value,
        seed=seed,
        backward=tuple(writer.written),
        gradients=gradients,
    )


class _Writer:
    """Writes instructions over slots whose axes carry index labels."""

    def __init__(self, inputs: Sequence[Labels]) -> None:
        self.labels: list[Labels] = list(inputs)
        self.written: list[Instruction] = []

    def new(self, labels: Labels) -> int:
        self.labels.append(labels)
        return len(self.labels) - 1

    def reduce(self, source: int, result: Labels) -> int:
        if self.labels[source] == result:
            return source
        target = self.new(result)
        self.written.append(Reduce(target, source))
        return target

    def expand(self, source: int, result: Labels) -> int:
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
            if inputs[number].log:
                gradient = _by_logarithm(writer, gradient, number)
            slot = writer.expand(gradient, writer.labels[number])
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
    total = writer.new(writer.labels[first])
    writer.written.append(Add(total, (first, *others), tuple(conj)))
    return total


def _by_logarithm(writer: _Writer, gradient: int, number: int) -> int:
    """``dV/d(log W) = W dV/dW`` for every entry of W, or of its diagonal."""
    labels = tuple(dict.fromkeys(writer.labels[number]))
    return writer.contract(gradient, writer.reduce(number, labels), labels)
