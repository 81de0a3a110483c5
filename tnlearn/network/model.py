"""What a model is: anything that can write itself as a network."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError
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
    if isinstance(thing, type):
        raise DataTypeError(f"got the class {thing.__name__}: make one, as {thing.__name__}(...)")
    if isinstance(thing, HasNetwork):
        return thing.network()
    raise DataTypeError(
        f"expected a TensorNetwork or a model with .network(), got {type(thing).__name__}"
    )


def positions_of(model: Model, states: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """States in a model's own values as positions along the indices of its network.

    Parameters
    ----------
    model : Model
    states : array_like, shape (n_states, n_sites)

    Returns
    -------
    array of int64, shape (n_states, n_sites)

    Raises
    ------
    ModelError
        If the shape is wrong, or a site does not have the value given for it.
    """
    given = as_states(states, len(model.sites))
    found = np.empty(given.shape, np.int64)
    for column, site in enumerate(model.sites):
        values = model.values(site)
        matches = given[:, column, None] == _table(values)
        found[:, column] = matches.argmax(axis=1)
        if not matches.any(axis=1).all():
            wrong = given[~matches.any(axis=1), column].tolist()[0]
            raise ModelError(
                f"site {site!r} has no value {wrong!r}: its values are "
                f"{', '.join(map(repr, values))}"
            )
    return found


def as_states(states: npt.ArrayLike, sites: int) -> npt.NDArray[Any]:
    """States as an array of shape (n_states, sites); ModelError if they have another shape."""
    given = np.asarray(states)
    if given.dtype.kind in "US" and not isinstance(states, np.ndarray):
        given = np.array(states, object)  # Numbers among the texts stay numbers.
    if given.ndim != 2 or given.shape[1] != sites:
        raise ModelError(f"states need shape (n_states, {sites}), got {given.shape}")
    return given


def _table(values: tuple[Any, ...]) -> npt.NDArray[Any]:
    """Values as an array that compares as they do: 1 is not "1", and tuples are whole."""
    if len({type(value) for value in values}) == 1 and isinstance(values[0], int | float | str):
        return np.array(values)
    table = np.empty(len(values), object)
    table[:] = values
    return table
