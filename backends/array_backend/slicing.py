"""Slices one by one: parts of the inputs taken, parts of the results put in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from tnlearn.backend import Instructions, Labels
from tnlearn_backends.array_backend.arithmetic import added
from tnlearn_backends.array_backend.namespaces import Array, device_of, namespace
from tnlearn_backends.array_backend.scaled import ZERO, Scaled


class Runner(Protocol):
    """What runs the instructions of one slice."""

    def run(self, inputs: Sequence[Scaled]) -> Scaled:
        """The value."""

    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, list[Scaled | None]]:
        """The value, and the gradient with respect to each input."""


class InSlices:
    """A program over its slices, in a fixed order."""

    def __init__(self, instructions: Instructions, runner: Runner) -> None:
        self._program = instructions
        self.runner = runner

    def run(self, inputs: Sequence[Scaled], slices: range) -> Scaled:
        """The sum of the value over some slices."""
        total: Scaled | None = None
        for position in positions(self._program, slices):
            part = self.runner.run(self._taken(inputs, position))
            total = self._added(total, part, self._program.value, position)
        assert total is not None
        return total

    def gradient(
        self, inputs: Sequence[Scaled], cotangent: Scaled, slices: range
    ) -> list[Scaled | None]:
        """The gradient with respect to each input, summed over some slices."""
        totals: list[Scaled | None] = [None] * len(inputs)
        for position in positions(self._program, slices):
            seed = self._at(cotangent, self._program.seed, position)
            taken = self._taken(inputs, position)
            _, parts = self.runner.run_with_gradient(taken, partial(constantly, seed))
            for slot, part in enumerate(parts):
                if part is not None:
                    totals[slot] = self._added(totals[slot], part, slot, position)
        return totals

    def one(self, inputs: Sequence[Scaled], number: int) -> list[Scaled]:
        """The inputs of one slice."""
        (position,) = positions(self._program, range(number, number + 1))
        return self._taken(inputs, position)

    def _taken(self, inputs: Sequence[Scaled], position: Mapping[int, int]) -> list[Scaled]:
        return [
            self._at(tensor, slot, position) if position else tensor
            for slot, tensor in enumerate(inputs)
        ]

    def _at(self, tensor: Scaled, slot: int, position: Mapping[int, int]) -> Scaled:
        """A tensor with the sliced axes held at a position; they keep size 1."""
        key = key_of(self._program.labels[slot], position)
        # The batch, which may have exponents of its own, is never sliced.
        exponent = tensor.exponent[key] if tensor.wide else tensor.exponent
        return tensor._replace(mantissa=tensor.mantissa[key], exponent=exponent)

    def _added(
        self, total: Scaled | None, part: Scaled, slot: int, position: Mapping[int, int]
    ) -> Scaled:
        labels = self._program.labels[slot]
        if any(label in position for label in labels):
            part = self._placed(part, labels, position)
        return part if total is None else added(total, part)

    def _placed(self, part: Scaled, labels: Labels, position: Mapping[int, int]) -> Scaled:
        """The adjoint of `_at`: the sliced axes at full size, zero but at the position."""
        pairs = zip(labels, part.mantissa.shape, strict=True)
        shape = [self._program.whole[label] if label in position else n for label, n in pairs]
        key = key_of(labels, position)
        exponent = filled(shape, ZERO, part.exponent, key) if part.wide else part.exponent
        return part._replace(mantissa=filled(shape, 0, part.mantissa, key), exponent=exponent)


def positions(program: Instructions, slices: range) -> Iterator[Mapping[int, int]]:
    """Of the sliced labels, for every slice."""
    labels = [label for label, _ in program.sliced]
    sizes = [size for _, size in program.sliced]
    for number in slices:
        at = [int(k) for k in np.unravel_index(number, sizes)] if sizes else []
        yield dict(zip(labels, at, strict=True))


def filled(shape: Sequence[int], fill: float, part: Array, key: tuple[Any, ...]) -> Array:
    """An array of one number, but for a part of it."""
    xp = namespace(part)
    whole = xp.full(tuple(shape), fill, dtype=part.dtype, device=device_of(part))
    whole[key] = part
    return whole


def constantly(cotangent: Scaled, _value: Scaled) -> Scaled:
    """A cotangent that is known, whatever the value."""
    return cotangent


def key_of(labels: Labels, position: Mapping[int, int]) -> tuple[Any, ...]:
    """What an array is indexed with, to hold the sliced axes at a position."""
    slices = (
        slice(position[label], position[label] + 1) if label in position else slice(None)
        for label in labels
    )
    # With an ellipsis what is taken is an array even if it has no axes.
    return (*slices, ...)
