"""Running a program once for every position of the sliced indices, and adding up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

from tnlearn.backend import Executable, Scaled
from tnlearn.planning import Structure
from tnlearn.progress import progress_bar


class Slices:
    """An executable for one slice, and the structure of the whole.

    Slices are added in a fixed order, so that the result has the same bits every time.
    """

    def __init__(
        self,
        executable: Executable,
        structure: Structure,
        sliced: Sequence[int],
        progress: bool,
    ) -> None:
        self._executable = executable
        self._structure = structure
        self._sliced = tuple(sliced)
        self._progress = progress

    def value(self, inputs: Sequence[Scaled]) -> Scaled:
        """The sum of all slices; slices of open indices side by side."""
        if not self._sliced:
            return self._executable.run(inputs)
        total: Scaled | None = None
        for position in self._positions():
            part = self._executable.run(self._taken(inputs, position))
            total = self._added(total, part, self._structure.output, position)
        return total

    def value_and_gradient(
        self, inputs: Sequence[Scaled], seed: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, list[Scaled | None]]:
        """The value, and the gradient with respect to each input, summed over the slices.

        With slices, gradients of inputs that share a parameter must not be summed in a slice
        yet: the same entry may be in different slices of different inputs.
        """
        if not self._sliced:
            return self._executable.run_with_gradient(inputs, seed)
        # The cotangent may depend on the whole value, so that is found first.
        value = self.value(inputs)
        cotangent = seed(value)
        totals: list[Scaled | None] = [None] * len(inputs)
        for position in self._positions():
            part = self._at(cotangent, self._structure.output, position)
            taken = self._taken(inputs, position)
            _, gradients = self._executable.run_with_gradient(taken, constantly(part))
            for k, gradient in enumerate(gradients):
                if gradient is not None:
                    term = self._structure.inputs[k]
                    totals[k] = self._added(totals[k], gradient, term, position)
        return value, totals

    def _positions(self) -> Iterator[Mapping[int, int]]:
        sizes = [range(self._structure.sizes[index]) for index in self._sliced]
        total = self._structure.elements(self._sliced)
        for position in progress_bar(product(*sizes), "slices", self._progress, total):
            yield dict(zip(self._sliced, position, strict=True))

    def _taken(self, inputs: Sequence[Scaled], position: Mapping[int, int]) -> list[Scaled]:
        terms = self._structure.inputs
        return [self._at(x, term, position) for x, term in zip(inputs, terms, strict=True)]

    def _at(self, tensor: Scaled, term: Sequence[int], position: Mapping[int, int]) -> Scaled:
        axes = _axes(term, position)
        return self._executable.take(tensor, axes) if axes else tensor

    def _added(
        self, total: Scaled | None, part: Scaled, term: Sequence[int], position: Mapping[int, int]
    ) -> Scaled:
        axes = _axes(term, position)
        if axes:
            sizes = {axis: self._structure.sizes[term[axis]] for axis in axes}
            part = self._executable.place(part, axes, sizes)
        return part if total is None else self._executable.add(total, part)


def constantly(cotangent: Scaled) -> Callable[[Scaled], Scaled]:
    """A cotangent known beforehand, whatever the value."""
    return lambda _value: cotangent


def _axes(term: Sequence[int], position: Mapping[int, int]) -> dict[int, int]:
    """Axis and position of every sliced index on a tensor."""
    return {axis: position[index] for axis, index in enumerate(term) if index in position}
