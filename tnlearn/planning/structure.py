"""A network without its arrays: who meets whom, and at what sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tnlearn.network import Index, TensorNetwork


@dataclass(frozen=True)
class Structure:
    """The hypergraph of a network, its indices numbered in order of first appearance.

    Attributes
    ----------
    inputs : tuple of tuple of int
        The indices of each tensor's axes.
    output : tuple of int
        The open indices, in order.
    sizes : tuple of int
        Size of every index.
    """

    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    sizes: tuple[int, ...]

    @cached_property
    def reduced(self) -> tuple[tuple[int, ...], ...]:
        """The inputs once diagonals are taken and indices of one tensor alone are summed."""
        carriers = Counter(i for term in self.inputs for i in dict.fromkeys(term))
        carriers.update(self.output)
        return tuple(
            tuple(i for i in dict.fromkeys(term) if carriers[i] > 1) for term in self.inputs
        )

    def elements(self, indices: Sequence[int]) -> int:
        """Number of entries of a tensor with these indices."""
        count = 1
        for index in indices:
            count *= self.sizes[index]
        return count


def structure_of(network: TensorNetwork) -> tuple[Structure, tuple[Index, ...]]:
    """The structure of a network, and the name of each of its numbered indices. Linear time."""
    names = tuple(network.sizes)
    numbers = {name: number for number, name in enumerate(names)}
    structure = Structure(
        tuple(tuple(numbers[i] for i in t.indices) for t in network.tensors),
        tuple(numbers[i] for i in network.output),
        tuple(network.sizes.values()),
    )
    return structure, names
