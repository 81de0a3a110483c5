"""What is contracted: index numbers and arrays, the same for every library."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

import tnlearn as tnl

Array: TypeAlias = npt.NDArray[Any]
Arrays: TypeAlias = Sequence[Array]


class Answer(NamedTuple):
    """What a library computed, as NumPy arrays.

    Attributes
    ----------
    value : array
        The contraction; for the task "gradient" of an instance with a target, the loss.
    gradient : sequence of array or None
        One for every tensor that is not constant, in order; empty for the task "value".
    """

    value: Array
    gradient: Sequence[Array] = ()


@dataclass(frozen=True, eq=False)
class Instance:
    """One network with several sets of arrays, so that no library is timed on a cached answer.

    Attributes
    ----------
    inputs : tuple of tuple of int
        The indices of each tensor's axes; an index may be on any number of tensors.
    output : tuple of int
        The open indices, in order.
    sizes : dict from int to int
        Size of every index.
    sets : tuple of tuple of array
        The arrays; every set has the same shapes and dtype.
    batch : int, optional
        The open index that counts samples.
    constants : frozenset of int
        Tensors, data for example, by which nothing is differentiated.
    target : array, optional
        What the output should be. The task "gradient" is then that of half the mean squared
        error over the batch; without a target it is that of the value, a scalar.
    """

    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    sizes: dict[int, int]
    sets: tuple[tuple[Array, ...], ...]
    batch: int | None = None
    constants: frozenset[int] = frozenset()
    target: Array | None = None

    @property
    def dtype(self) -> str:
        """Precision of all arrays."""
        return str(self.sets[0][0].dtype)

    @property
    def free(self) -> tuple[int, ...]:
        """The tensors by which the gradient is taken."""
        return tuple(k for k in range(len(self.inputs)) if k not in self.constants)

    @cached_property
    def has_hyperedges(self) -> bool:
        """Whether an index is on more than two tensors, the output being one."""
        terms = [*self.inputs, self.output]
        return any(sum(i in term for term in terms) > 2 for i in self.sizes)

    @cached_property
    def network(self) -> tnl.TensorNetwork:
        """The instance as tnlearn has it, with the first set of arrays."""
        tensors = map(tnl.Tensor, self.sets[0], self.inputs)
        return tnl.TensorNetwork(tensors, output=self.output)

    @property
    def constant_names(self) -> list[str]:
        """The constants by their names in `network`."""
        return [self.network.names[k] for k in sorted(self.constants)]


def numbered(
    terms: Iterable[Sequence[Hashable]],
    sets: Iterable[Iterable[Array]],
    output: Sequence[Hashable] = (),
    batch: Hashable | None = None,
    constants: Iterable[int] = (),
    target: Array | None = None,
) -> Instance:
    """An instance whose indices have any names; they are numbered in order of appearance."""
    terms = [tuple(term) for term in terms]
    numbers: dict[Hashable, int] = {}
    for name in (name for term in terms for name in term):
        numbers.setdefault(name, len(numbers))
    inputs = tuple(tuple(numbers[name] for name in term) for term in terms)
    arrays = tuple(tuple(map(np.ascontiguousarray, given)) for given in sets)
    shapes = zip(inputs, arrays[0], strict=True)
    return Instance(
        inputs,
        tuple(numbers[name] for name in output),
        {i: size for term, array in shapes for i, size in zip(term, array.shape, strict=True)},
        arrays,
        None if batch is None else numbers[batch],
        frozenset(constants),
        target,
    )


def half_mean_squared_error(value: Any, target: Any) -> Any:
    """The loss, in any library whose arrays have ``-``, ``**`` and ``sum``."""
    return ((value - target) ** 2).sum() / (2 * len(target))
