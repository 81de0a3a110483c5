"""What a model is: anything that can write itself as a network."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from tnlearn.errors import DataTypeError
from tnlearn.network.tensor_network import TensorNetwork


@runtime_checkable
class HasNetwork(Protocol):
    """Anything with ``.network()``: enough for every question that needs only tensors."""

    def network(self) -> TensorNetwork:
        """The closed network whose value is the partition function."""
        ...


@runtime_checkable
class Model(HasNetwork, Protocol):
    """A distribution over discrete sites.

    Laws, for every joint state ``s`` and with ``Z`` the sum over all of them::

        contract(network()) == Z == sum_s exp(-beta * energy(s))

    and every site is an index of ``network()``, whose position ``k`` stands for
    ``values(site)[k]``.
    """

    @property
    def sites(self) -> tuple[Hashable, ...]:
        """The sites, in the order of the columns of `energy`'s argument."""
        ...

    def values(self, site: Hashable) -> tuple[Any, ...]:
        """The values of one site, in the order of its index."""
        ...

    def energy(self, states: npt.ArrayLike) -> npt.NDArray[Any]:
        """Energies, shape (n_states,), of states of shape (n_states, n_sites)."""
        ...


@runtime_checkable
class HasEnergies(Model, Protocol):
    """A model that also writes its energy function as a network, for exact answers about it.

    Law, for every joint state ``s``: the entries of ``energies()`` at ``s`` add up to
    ``energy(s)``. Its indices are those of ``network()``; if there are more than the sites, a
    state allows one position of these, and inf forbids all others.
    """

    @property
    def beta(self) -> float:
        """Inverse temperature."""
        ...

    def energies(self) -> TensorNetwork:
        """A closed network whose tensors are added, not multiplied; inf forbids."""
        ...


def as_network(thing: TensorNetwork | HasNetwork) -> TensorNetwork:
    """`thing` itself if it is a network, else the network it writes.

    Raises
    ------
    DataTypeError
        If `thing` is neither.
    """
    if isinstance(thing, TensorNetwork):
        return thing
    if isinstance(thing, HasNetwork):
        return thing.network()
    raise DataTypeError(
        f"expected a TensorNetwork or a model with .network(), got {type(thing).__name__}"
    )
