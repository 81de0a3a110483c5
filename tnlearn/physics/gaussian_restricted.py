"""The restricted Boltzmann machine whose visible units are real numbers, normal given the bits."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference import LogPartition, log_partition, sample
from tnlearn.network import TensorNetwork, as_states
from tnlearn.physics.boltzmann import BoltzmannMachine
from tnlearn.physics.parameters import array_of, finite_array, whole
from tnlearn.physics.restricted_annealing import anneal_restricted
from tnlearn.physics.states import check_site, positions_of_numbers
from tnlearn.physics.two_layers import TwoLayers, drawn_bits, layers_of_normals
from tnlearn.seeds import generator_of

Array = npt.NDArray[np.float64]

#: Hidden units up to which log Z is summed exactly: some seconds.
EXACT = 20


class GaussianRestrictedBoltzmann:
    """Real numbers v and bits h; given the bits, v is normal.

    ``H(v, h) = sum_i (v_i - a_i)^2 / (2 s_i) - b.h - sum_ij v_i W_ij h_j / s_i`` at beta = 1, so
    that ``v_i`` given h has mean ``a_i + (W.h)_i`` and variance ``s_i``, in the units of the data
    (Cho, Ilin, Raiko 2011, ICANN, eq. 2). The density of v is a mixture of ``2**n_hidden`` normal
    ones.

    Parameters
    ----------
    weights : array_like, shape (n_visible, n_hidden)
        W, in units of v.
    visible_mean : array_like, shape (n_visible,)
        a, in units of v: the means where no hidden unit is on.
    visible_variance : array_like, shape (n_visible,)
        s, in units of v squared, above 0.
    hidden_bias : array_like, shape (n_hidden,)
        b.

    Attributes
    ----------
    sites : tuple
        ``("v", i)`` for every visible unit, then ``("h", j)`` for every hidden one.
    beta : float
        1.

    Raises
    ------
    ModelError
        If the shapes do not fit, a layer is empty, a number is not finite or a variance not
        above 0.

    Notes
    -----
    A visible unit has no finite index, so there is no ``network()``, and questions that need one
    are refused; `hidden_machine` is the model of the hidden units alone, which has one.

    Examples
    --------
    >>> from tnlearn.physics import GaussianRestrictedBoltzmann
    >>> machine = GaussianRestrictedBoltzmann([[4.0]], [-2.0], [1.0], [0.0])
    >>> machine.log_probability([[-2.0], [2.0], [0.0]]).round(4).tolist()
    [-1.6118, -1.6118, -2.9189]
    """

    beta = 1.0

    def __init__(
        self,
        weights: npt.ArrayLike,
        visible_mean: npt.ArrayLike,
        visible_variance: npt.ArrayLike,
        hidden_bias: npt.ArrayLike,
    ) -> None:
        wanted = np.shape(weights)
        if len(wanted) != 2 or 0 in wanted:
            raise ModelError(
                f"weights have shape {wanted}: give (n_visible, n_hidden), both at least 1"
            )
        n, m = wanted
        self.weights = finite_array(weights, "the array of weights", (n, m), "a row per unit")
        self.visible_mean = finite_array(visible_mean, "visible_mean", (n,), "one per row")
        self.visible_variance = finite_array(
            visible_variance, "visible_variance", (n,), "one per row"
        )
        self.hidden_bias = finite_array(hidden_bias, "hidden_bias", (m,), "one per column")
        if not (self.visible_variance > 0).all():
            unit = int(np.argmin(self.visible_variance))
            raise ModelError(
                f"visible_variance has {self.visible_variance[unit]} at {unit}: give a number "
                "above 0"
            )
        layers = [
            [(layer, k) for k in range(size)] for layer, size in zip("vh", wanted, strict=True)
        ]
        self.sites: tuple[Hashable, ...] = (*layers[0], *layers[1])

    def __repr__(self) -> str:
        n, m = self.weights.shape
        return f"GaussianRestrictedBoltzmann({n} visible, {m} hidden)"

    def values(self, site: Hashable) -> tuple[int, int]:
        """The values of a hidden unit, (0, 1); ModelError for a visible one, which has no list."""
        check_site(site, site in self._known, self)
        if site in self.sites[: len(self.visible_mean)]:
            raise ModelError(self._refusal(site))
        return (0, 1)

    def network(self) -> TensorNetwork:
        """There is none: ModelError, which says what answers instead."""
        raise ModelError(self._refusal(self.sites[0]))

    def energy(self, states: npt.ArrayLike) -> Array:
        """Energies of joint states of shape (n_states, n_visible + n_hidden), visible first."""
        table = _numbers(states, len(self.sites))
        v, h = np.split(table, [len(self.visible_mean)], axis=1)
        hidden = positions_of_numbers(h, self.sites[len(self.visible_mean) :], 2).astype(float)
        return np.asarray(self._spread(v) - np.einsum("nj,nj->n", self.inputs(v), hidden))

    def free_energy(self, visible: npt.ArrayLike) -> Array:
        """``-ln sum_h exp(-H(v, h))`` of visible states, shape (n_states,)."""
        v = _numbers(visible, len(self.visible_mean))
        return np.asarray(self._spread(v) - np.logaddexp(0, self.inputs(v)).sum(axis=1))

    def log_probability(self, visible: npt.ArrayLike) -> Array:
        """Natural logarithms of the density of visible states, shape (n_states,).

        In inverse units of v, one for each visible unit. As good as `log_partition`, which is
        found once.
        """
        return -self.free_energy(visible) - float(self.log_partition)

    @cached_property
    def log_partition(self) -> LogPartition:
        """The natural logarithm of ``Z = sum_h integral dv exp(-H(v, h))``.

        Exact up to 20 hidden units: the integral is a factor of each state of `hidden_machine`.
        Else annealed, with its error.
        """
        if self.weights.shape[1] > EXACT:
            walked = anneal_restricted(self.two_layers())
            return LogPartition(walked.log_partition, "annealing", walked.error, walked.converged)
        found = log_partition(self.hidden_machine(), "exact")
        base = self.two_layers().log_base
        total, error = float(found) + base, found.error + float(np.finfo(float).eps) * abs(base)
        return LogPartition(total, "exact", error, True)

    def two_layers(self) -> TwoLayers:
        """The machine as chains of whole layers read it."""
        return layers_of_normals(
            self.weights, self.visible_mean, self.visible_variance, self.hidden_bias
        )

    def inputs(self, visible: npt.ArrayLike) -> Array:
        """What hidden units feel, ``b + v.W / s``, shape (n_states, n_hidden)."""
        return np.asarray(np.asarray(visible) @ self._upward + self.hidden_bias)

    def hidden_machine(self) -> BoltzmannMachine:
        """The model of the hidden units, the visible ones integrated out.

        Couplings are ``sum_i W_ij W_ik / s_i`` and fields ``b_j + sum_i (a_i W_ij + W_ij^2 / 2) /
        s_i``; its sites are 0, 1, ...
        """
        couplings = self._upward.T @ self.weights
        fields = self.hidden_bias + self.visible_mean @ self._upward + np.diagonal(couplings) / 2
        couplings = (couplings + couplings.T) / 2
        np.fill_diagonal(couplings, 0.0)
        return BoltzmannMachine(couplings, fields)

    def sample(
        self, n_samples: int, seed: int | np.random.Generator = 0, sweeps: int | None = None
    ) -> Array:
        """Visible states, shape (n_samples, n_visible).

        Parameters
        ----------
        n_samples : int
        seed : int or numpy.random.Generator
        sweeps : int, optional
            So many sweeps of Gibbs chains, one for each sample, from hidden units at random. By
            default samples are exact and independent, of a network of the hidden units:
            MemoryLimitError where these are too many.
        """
        count, generator = whole(n_samples, "n_samples", 1), generator_of(seed)
        layers = self.two_layers()
        if sweeps is None:
            h = np.asarray(sample(self.hidden_machine(), count, seed=generator), float)
            return layers.drawn(h @ self.weights.T, generator)
        v = layers.drawn(np.zeros((count, len(self.visible_mean))), generator)
        for _ in range(whole(sweeps, "sweeps", 1)):
            h = drawn_bits(self.inputs(v), generator)
            v = layers.drawn(h @ self.weights.T, generator)
        return v

    def _spread(self, v: Array) -> Array:
        return np.asarray(((v - self.visible_mean) ** 2 / (2 * self.visible_variance)).sum(axis=1))

    def _refusal(self, site: Hashable) -> str:
        return (
            f"the unit {site!r} of {self!r} is a real number and has no finite index, so there is "
            "no network: ask hidden_machine(), a model of the hidden units; log_partition, "
            "log_probability and sample answer for the visible ones"
        )

    @cached_property
    def _known(self) -> frozenset[Hashable]:
        return frozenset(self.sites)

    @cached_property
    def _upward(self) -> Array:
        return self.weights / self.visible_variance[:, None]


def _numbers(states: npt.ArrayLike, columns: int) -> Array:
    table = as_states(array_of(states, "the array of states"), columns).astype(np.float64)
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0].tolist()
        raise ModelError(f"state {row} has {table[row, column]} at {column}; it must be finite")
    return table
