"""The second derivative of a network in a direction, as instructions like any others.

Every tensor of the two sweeps gets a tangent, its derivative along the direction: of ``C = A B`` it
is ``C' = A' B + A B'``, and of ``dA = dC B`` it is ``dA' = dC' B + dC B'`` (Pearlmutter 1994, "Fast
exact multiplication by the Hessian", forward over reverse). About four times the work of a value
and its gradient.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tnlearn.backend import Input, Instructions
from tnlearn.execution.writing import Writer, finish
from tnlearn.planning import Pair, Structure


def lower_curvature(
    structure: Structure,
    sliced: Sequence[int],
    pairs: Sequence[Pair],
    inputs: Sequence[Input],
    batch: int | None,
    sharing: Sequence[Hashable],
    constants: frozenset[int],
) -> Instructions:
    """The derivative of the value along a direction, and of the gradient.

    Parameters are those of `lowering.lower`. The program takes the tensors, and then a direction
    for each that is not constant, in order.
    """
    moving = [k for k in range(len(inputs)) if k not in constants]
    directions = {k: len(inputs) + number for number, k in enumerate(moving)}
    writer = Writer([*structure.inputs, *(structure.inputs[k] for k in moving)])
    sweep = _Sweep(writer, pairs)
    for k, given in enumerate(inputs):
        sweep.start(k, directions.get(k), structure.reduced[k], given.log)
    sweep.forward(structure.output)
    value = writer.reduce(sweep.tangents[-1] or 0, structure.output)
    forward, writer.written = tuple(writer.written), []
    seed = writer.new(structure.output)
    found = sweep.backward(seed)
    tangents: list[int | None] = [None] * len(inputs)
    for k in moving:
        tangents[k] = _by_data(writer, found[k], k, directions[k], inputs[k].log)
    shared = finish(writer, tangents, sharing, [given.conj for given in inputs])
    whole = [*inputs, *(inputs[k]._replace(log=False) for k in moving)]
    gradients = [*shared, *(None for _ in moving)]
    return writer.instructions(structure, sliced, whole, batch, forward, value, seed, gradients)


def _by_data(
    writer: Writer, found: tuple[int | None, int | None], k: int, direction: int, log: bool
) -> int | None:
    """The tangent of a gradient by the array given; of ``W g`` it is ``W' g + W g'``."""
    gradient, tangent = found
    if not log:
        return tangent
    terms = [] if tangent is None else [writer.times(tangent, k)]
    if gradient is not None:
        terms.append(writer.times(writer.times(gradient, k), direction))
    return writer.add(terms) if terms else None


class _Sweep:
    """Tensors and their tangents, down the tree and back; None stands for a tangent of zero."""

    def __init__(self, writer: Writer, pairs: Sequence[Pair]) -> None:
        self.writer = writer
        self.pairs = pairs
        self.tensors: list[int] = []
        self.tangents: list[int | None] = []

    def start(self, k: int, direction: int | None, reduced: tuple[int, ...], log: bool) -> None:
        """An input; where it is given by logarithms, its tangent is ``W' = W (log W)'``."""
        writer = self.writer
        self.tensors.append(writer.reduce(k, reduced))
        if direction is not None and log:
            labels = tuple(dict.fromkeys(writer.labels[k]))
            direction = writer.times(writer.reduce(k, labels), direction)
        self.tangents.append(None if direction is None else writer.reduce(direction, reduced))

    def forward(self, output: tuple[int, ...]) -> None:
        """Every step, and its tangent."""
        for number, pair in enumerate(self.pairs, start=1):
            result = output if number == len(self.pairs) else pair.result
            a, b = self.tensors[pair.first], self.tensors[pair.second]
            self.tensors.append(self.writer.contract(a, b, result))
            self.tangents.append(
                self._sum((self.tangents[pair.first], b), (a, self.tangents[pair.second]), result)
            )

    def backward(self, seed: int) -> list[tuple[int | None, int | None]]:
        """For every input the gradient and its tangent."""
        count = len(self.tensors)
        found: list[tuple[int | None, int | None]] = [(None, None)] * count
        found[-1] = (seed, None)
        for number in range(count - 1, count - len(self.pairs) - 1, -1):
            pair = self.pairs[number - count]
            gradient, tangent = found[number]
            for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
                if gradient is not None and self.tangents[one] is not None:
                    kept = self.writer.labels[self.tensors[one]]
                    b, moved = self.tensors[other], self.tangents[other]
                    found[one] = (
                        self.writer.contract(gradient, b, kept),
                        self._sum((tangent, b), (gradient, moved), kept),
                    )
        return found

    def _sum(
        self,
        first: tuple[int | None, int | None],
        second: tuple[int | None, int | None],
        result: tuple[int, ...],
    ) -> int | None:
        """The sum of the products that are not zero."""
        products = [
            self.writer.contract(a, b, result)
            for a, b in (first, second)
            if a is not None and b is not None
        ]
        return self.writer.add(products) if products else None
