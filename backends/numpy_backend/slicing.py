"""Slices one by one in NumPy: parts of the inputs taken, parts of the results put in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tnlearn.backend import Instructions, Labels
from tnlearn_backends.numpy_backend import scaled
from tnlearn_backends.numpy_backend.careful import Careful
from tnlearn_backends.numpy_backend.scaled import Scaled


class CarefulSlices:
    """A program over its slices, in a fixed order."""

    def __init__(self, instructions: Instructions) -> None:
        self._program = instructions
        self._careful = Careful(instructions)

    def run(self, inputs: Sequence[Scaled], slices: range) -> Scaled:
        """The sum of the value over some slices."""
        total: Scaled | None = None
        for position in self._positions(slices):
            part = self._careful.run(self._taken(inputs, position))
            total = self._added(total, part, self._program.value, position)
        assert total is not None
        return total

    def gradient(
        self, inputs: Sequence[Scaled], cotangent: Scaled, slices: range
    ) -> list[Scaled | None]:
        """The gradient with respect to each input, summed over some slices."""
        totals: list[Scaled | None] = [None] * len(inputs)
        for position in self._positions(slices):
            seed = self._at(cotangent, self._program.seed, position)
            taken = self._taken(inputs, position)
            _, parts = self._careful.run_with_gradient(taken, partial(_constantly, seed))
            for slot, part in enumerate(parts):
                if part is not None:
                    totals[slot] = self._added(totals[slot], part, slot, position)
        return totals

    def record(self, inputs: Sequence[Scaled], number: int) -> list[Scaled]:
        """What every slot holds after the forward instructions of one slice."""
        (position,) = self._positions(range(number, number + 1))
        return self._careful.record(self._taken(inputs, position))

    def _positions(self, slices: range) -> Iterator[Mapping[int, int]]:
        labels = [label for label, _ in self._program.sliced]
        sizes = [size for _, size in self._program.sliced]
        for number in slices:
            at = [int(k) for k in np.unravel_index(number, sizes)] if sizes else []
            yield dict(zip(labels, at, strict=True))

    def _taken(self, inputs: Sequence[Scaled], position: Mapping[int, int]) -> list[Scaled]:
        return [self._at(tensor, slot, position) for slot, tensor in enumerate(inputs)]

    def _at(self, tensor: Scaled, slot: int, position: Mapping[int, int]) -> Scaled:
        """A tensor with the sliced axes held at a position; they keep size 1."""
        key = _key(self._program.labels[slot], position)
        exponent = tensor.exponent
        if not isinstance(exponent, int):
            exponent = np.broadcast_to(exponent, tensor.mantissa.shape)[key]
        return replace(tensor, mantissa=tensor.mantissa[key], exponent=exponent)

    def _added(
        self, total: Scaled | None, part: Scaled, slot: int, position: Mapping[int, int]
    ) -> Scaled:
        labels = self._program.labels[slot]
        if any(label in position for label in labels):
            part = self._placed(part, labels, position)
        return part if total is None else scaled.added(total, part)

    def _placed(self, part: Scaled, labels: Labels, position: Mapping[int, int]) -> Scaled:
        """The adjoint of `_at`: the sliced axes at full size, zero but at the position."""
        pairs = zip(labels, part.mantissa.shape, strict=True)
        shape = [self._program.whole[label] if label in position else n for label, n in pairs]
        part = scaled.widened(part)
        mantissa = np.zeros(shape, dtype=part.mantissa.dtype)
        exponent = np.full(shape, scaled.ZERO, dtype=np.int64)
        key = _key(labels, position)
        mantissa[key], exponent[key] = part.mantissa, part.exponent
        return scaled.gathered(mantissa, exponent, part.nonnegative, part.leading)


def _constantly(cotangent: Scaled, _value: Scaled) -> Scaled:
    return cotangent


def _key(labels: Labels, position: Mapping[int, int]) -> tuple[Any, ...]:
    slices = (
        slice(position[label], position[label] + 1) if label in position else slice(None)
        for label in labels
    )
    # With an ellipsis what is taken is an array even if it has no axes.
    return (*slices, ...)
