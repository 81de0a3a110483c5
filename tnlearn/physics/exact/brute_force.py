"""Exact answers by listing every state: slow, obvious, and what all else is tested against."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.physics.exact._numerics import digits_of, log_sum_exp, size, state_count

_BLOCK = 2**16


class EnumerableModel(Protocol):
    """What brute force asks of a model, with ``p(s) = exp(-beta energy(s)) / Z``."""

    @property
    def sites(self) -> tuple[Hashable, ...]:
        """The sites, in the order of the columns of `energy`'s argument."""

    @property
    def beta(self) -> float:
        """Inverse temperature, 1 / energy."""

    def values(self, site: Any) -> tuple[Any, ...]:
        """The values of one site, in the order of its index (Ising: ``(-1, 1)``)."""

    def energy(self, states: Any) -> npt.NDArray[Any]:
        """Energies, shape (n_states,), of states of shape (n_states, n_sites)."""


def enumerate_states(n: int) -> npt.NDArray[np.int8]:
    """All states of `n` spins, in binary counting order.

    Parameters
    ----------
    n : int
        Number of spins, 0 to 24.

    Returns
    -------
    array of int8, shape (2**n, n)
        Spins -1 and +1; -1 counts as the digit 0, and the first spin changes slowest.

    Raises
    ------
    ModelError
        If there would be more than 2**24 states.

    Notes
    -----
    Cost ``n 2^n`` bytes and steps. Source: binary counting.
    """
    radices = [2] * size("n", n, 0)
    count = state_count(radices)
    states = np.empty((count, len(radices)), dtype=np.int8)
    for column, digit in enumerate(digits_of(radices, 0, count)):
        states[:, column] = 2 * digit - 1
    return states


def brute_force_log_partition(model: EnumerableModel) -> float:
    """Natural log of ``Z = sum_s exp(-beta H(s))``, summed over every state.

    Parameters
    ----------
    model : object with `sites`, `values`, `energy` and `beta`
        At most 2**24 states.

    Returns
    -------
    float
        ln Z of the whole model.

    Raises
    ------
    ModelError
        If there are too many states, or an energy is nan or of the wrong shape.

    Notes
    -----
    Cost: one energy and 8 bytes per state. Source: the definition of Z.
    """
    return log_sum_exp(_log_weights(model))


def brute_force_probabilities(model: EnumerableModel) -> npt.NDArray[np.float64]:
    """Probability of every state.

    Parameters
    ----------
    model : object with `sites`, `values`, `energy` and `beta`
        At most 2**24 states.

    Returns
    -------
    array of float64, shape (n_states,)
        ``exp(-beta H(s)) / Z``; first site slowest, each site's values in their own order.
        For spins the rows of :func:`enumerate_states`.

    Raises
    ------
    ModelError
        If there are too many states, an energy is nan or of the wrong shape, or Z is 0.

    Notes
    -----
    Cost: one energy and 16 bytes per state. Source: the definition of the model.
    """
    logs = _log_weights(model)
    log_partition = log_sum_exp(logs)
    if log_partition == -math.inf:
        raise ModelError("every state has infinite energy, so Z is 0; relax a hard constraint")
    return np.exp(logs - log_partition)


def brute_force_marginals(
    model: EnumerableModel, subsets: Iterable[Sequence[Any]]
) -> dict[tuple[Any, ...], npt.NDArray[np.float64]]:
    """Joint probabilities of the sites of each subset, all other sites summed.

    Parameters
    ----------
    model : object with `sites`, `values`, `energy` and `beta`
        At most 2**24 states.
    subsets : iterable of sequences of sites
        ``[("a", "b")]`` for one pair; ``[("a",)]`` for a single site.

    Returns
    -------
    dict of tuple of sites to array of float64
        One axis per site in the order asked, as long as that site has values; each sums to 1.

    Raises
    ------
    ModelError
        If a subset names an unknown site or one site twice, or as
        :func:`brute_force_probabilities`.

    Notes
    -----
    Cost: the probabilities once, and one pass over them per subset. Source: the definition.
    """
    axes = {site: axis for axis, site in enumerate(model.sites)}
    wanted = [tuple(subset) for subset in subsets]
    for subset in wanted:
        _check_subset(subset, axes)
    probabilities = brute_force_probabilities(model)
    radices = [len(model.values(site)) for site in model.sites]
    return {
        subset: _marginal(probabilities, radices, [axes[site] for site in subset])
        for subset in wanted
    }


def _log_weights(model: EnumerableModel) -> npt.NDArray[np.float64]:
    """``-beta H`` of every state, shape (n_states,), with the states listed block by block."""
    values = [np.asarray(model.values(site)) for site in model.sites]
    radices = [len(own) for own in values]
    logs = np.empty(state_count(radices))
    for start in range(0, len(logs), _BLOCK):
        block = logs[start : start + _BLOCK]
        digits = digits_of(radices, start, start + len(block))
        columns = [own[digit] for own, digit in zip(values, digits, strict=True)]
        states = np.stack(columns, axis=1) if columns else np.empty((1, 0))
        energies = np.asarray(model.energy(states))
        if energies.shape != block.shape:
            raise ModelError(
                f"energy of states {states.shape} must be {block.shape}, got {energies.shape}"
            )
        block[:] = -float(model.beta) * energies
        for bad in np.flatnonzero(~(block < math.inf)):
            raise ModelError(f"-beta * energy is {block[bad]} for the state {states[bad].tolist()}")
    return logs


def _check_subset(subset: tuple[Any, ...], sites: Collection[Any]) -> None:
    for site in subset:
        if site not in sites:
            raise ModelError(f"no site {site!r} in the model; for one site a write [(a,)]")
    if len(set(subset)) < len(subset):
        raise ModelError(f"subset {subset!r} names a site twice; name each site once")


def _marginal(
    probabilities: npt.NDArray[np.float64], radices: Sequence[int], chosen: Sequence[int]
) -> npt.NDArray[np.float64]:
    # Sites with a single value add no states, and NumPy limits the number of axes.
    live = [axis for axis, radix in enumerate(radices) if radix > 1]
    kept = [axis for axis in chosen if radices[axis] > 1]
    others = tuple(place for place, axis in enumerate(live) if axis not in kept)
    table = np.sum(probabilities.reshape([radices[axis] for axis in live]), axis=others)
    order = [sorted(kept).index(axis) for axis in kept]
    return np.transpose(table, order).reshape([radices[axis] for axis in chosen])
