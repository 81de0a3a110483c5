"""A plan becomes instructions: the forward sweep, and the reverse sweep of the same tree."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tnlearn.backend import Input, Instructions
from tnlearn.execution.writing import Writer, finish
from tnlearn.planning import Pair, Structure


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
    writer = Writer(structure.inputs)
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
        for number, gradient in enumerate(reduced):
            if gradient is not None and inputs[number].log:
                reduced[number] = writer.times(gradient, number)  # dV/d(log W) = W dV/dW
        gradients = finish(writer, reduced, sharing, [given.conj for given in inputs])
    return writer.instructions(structure, sliced, inputs, batch, forward, value, seed, gradients)


class _Reverse:
    """The reverse sweep: for every step ``C = A B``, ``dA = dC B`` and ``dB = dC A``.

    Both are pair steps like those of the forward sweep: every index of A that is not on B is on
    C, since what stands on one tensor alone was summed when that tensor was made.
    """

    def __init__(
        self, writer: Writer, tensors: list[int], pairs: Sequence[Pair], constants: frozenset[int]
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
