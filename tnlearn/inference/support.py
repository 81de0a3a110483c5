"""What hard zeros forbid, found before anything is planned: constraint problems shrink.

A position of an index that has no nonzero entry in some tensor is in no state, so it is cut out of
every tensor; that may leave other positions without an entry, and so on until nothing changes
(generalised arc consistency: Mackworth 1977, Artif. Intell. 8, 99). An index with one position left
is fixed, as evidence is, and gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.network import Index, Tensor, TensorNetwork

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Support:
    """A closed network without what hard zeros forbid.

    Attributes
    ----------
    network : TensorNetwork
        Of the same value; indices with one position left are gone.
    kept : mapping from index to array of int64
        The positions left of every index, ascending; none if every state is forbidden.
    """

    network: TensorNetwork
    kept: Mapping[Index, Ints]

    @property
    def empty(self) -> bool:
        """Whether every state is forbidden."""
        return any(not len(positions) for positions in self.kept.values())

    def is_fixed(self, index: Index) -> bool:
        """Whether an index of the network given has one position left, and is gone."""
        return index not in self.network.sizes

    def state(self, positions: Mapping[Index, Any]) -> dict[Index, Any]:
        """Positions in the network given of every index, from those along what is left."""
        return {
            index: kept[positions[index]] if index in positions else kept[0]
            for index, kept in self.kept.items()
        }

    def spread(
        self, weights: npt.NDArray[Any], indices: Sequence[Index], sizes: Mapping[Index, int]
    ) -> npt.NDArray[Any]:
        """Weights of what is left of some indices, with zeros where nothing is.

        Parameters
        ----------
        weights : array
            An axis for every one of the indices that is not fixed.
        indices : sequence
        sizes : mapping from index to int
            Before anything was cut.
        """
        whole = np.zeros([sizes[index] for index in indices], weights.dtype)
        where = np.ix_(*(self.kept[index] for index in indices))
        whole[where] = weights.reshape([len(self.kept[index]) for index in indices])
        return whole


def supported(network: TensorNetwork, zero: float | None = None) -> Support:
    """The network without the positions that its hard zeros forbid.

    Linear in the entries of the tensors that hold zeros, times the rounds it takes. A network of
    arrays of other libraries is left as it is.

    Parameters
    ----------
    network : TensorNetwork
        Closed.
    zero : float, optional
        The entry that forbids, in networks whose tensors are added: inf or -inf. By default 0,
        and the logarithm -inf.
    """
    domains = {index: np.ones(size, bool) for index, size in network.sizes.items()}
    if all(isinstance(tensor.data, np.ndarray) for tensor in network):
        found = [_allowed(tensor, zero) for tensor in network]
        _propagate(domains, [_Constraint(*given) for given in found if given is not None])
    kept = {index: np.flatnonzero(domain) for index, domain in domains.items()}
    if all(domain.all() for domain in domains.values()):
        return Support(network, kept)
    return Support(TensorNetwork(_cut(tensor, kept) for tensor in network), kept)


def planned_for(
    network: TensorNetwork, options: Mapping[str, Any], zero: float | None = None
) -> Support:
    """The network as a question contracts it: a plan that was given is for all of it."""
    if options.get("plan") is None:
        return supported(network, zero)
    every = {index: np.arange(size) for index, size in network.sizes.items()}
    return Support(network, every)


class _Constraint:
    """Where a tensor is not zero, among the positions that are left."""

    def __init__(self, indices: tuple[Index, ...], mask: Mask) -> None:
        self.indices, self.mask = indices, mask

    def lost(self, domains: dict[Index, Mask]) -> list[Index]:
        """Cut positions without an entry from the domains; the indices that lost any."""
        for axis, index in enumerate(self.indices):
            shape = [1] * self.mask.ndim
            shape[axis] = -1
            self.mask &= domains[index].reshape(shape)
        changed = []
        for axis, index in enumerate(self.indices):
            others = tuple(k for k in range(self.mask.ndim) if k != axis)
            left = self.mask.any(axis=others)
            if (left < domains[index]).any():
                domains[index] &= left
                changed.append(index)
        return changed


def _allowed(tensor: Tensor, zero: float | None) -> tuple[tuple[Index, ...], Mask] | None:
    """Indices of a tensor that forbids anything, and where it does not; diagonals are taken."""
    forbidden = zero if zero is not None else -np.inf if tensor.log else 0.0
    mask: Mask = tensor.data != forbidden
    indices = tuple(dict.fromkeys(tensor.indices))
    if len(indices) < len(tensor.indices):
        labels = [indices.index(index) for index in tensor.indices]
        mask = np.einsum(mask, labels, list(range(len(indices))))
    return None if mask.all() else (indices, mask.copy())


def _propagate(domains: dict[Index, Mask], constraints: list[_Constraint]) -> None:
    watching: dict[Index, list[int]] = {index: [] for index in domains}
    for number, constraint in enumerate(constraints):
        for index in constraint.indices:
            watching[index].append(number)
    queue, waiting = deque(range(len(constraints))), set(range(len(constraints)))
    while queue:
        number = queue.popleft()
        waiting.discard(number)
        for index in constraints[number].lost(domains):
            fresh = [k for k in watching[index] if k != number and k not in waiting]
            queue.extend(fresh)
            waiting.update(fresh)


def _cut(tensor: Tensor, kept: Mapping[Index, Ints]) -> Tensor:
    """A tensor on what is left of its indices."""
    if not tensor.indices:
        return tensor
    sizes = zip(tensor.indices, tensor.shape, strict=True)
    if all(len(kept[index]) == size for index, size in sizes):
        return tensor
    left = tuple(index for index in tensor.indices if len(kept[index]) != 1)
    part = tensor.data[np.ix_(*(kept[index] for index in tensor.indices))]
    shape = [len(kept[index]) for index in left]
    # A part of the data is no longer the shared parameter.
    return replace(tensor, data=part.reshape(shape), indices=left, parameter=None)
