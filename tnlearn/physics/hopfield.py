"""Hopfield's associative memory: an Ising model whose couplings hold patterns."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference import log_partition
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.physics.overlaps import Counts
from tnlearn.physics.pairwise import Pairwise, weights_of
from tnlearn.physics.parameters import Array, Edge, beta_of, finite, finite_array, is_scalar, whole
from tnlearn.physics.patterns import inverse_overlaps, patterns_of
from tnlearn.physics.recall import Recall, Units, recalled
from tnlearn.physics.states import check_site, positions_of_spins, table_of
from tnlearn.seeds import generator_of

SPINS = np.array([-1.0, 1.0])
RULES = ("hebb", "pseudo-inverse")
ORDERS = ("asynchronous", "synchronous")


class Hopfield:
    """Spins -1 and +1, all coupled to all, so that some patterns are states of low energy.

    ``E(s) = -1/2 s.W.s + theta.s`` and ``p(s) = exp(-beta E(s)) / Z``. Hebb's rule is
    ``W = (1/N) sum_mu xi^mu xi^mu^T``, the pseudo-inverse rule ``W = (1/N) sum_{mu nu} xi^mu
    (C^-1)_{mu nu} xi^nu^T`` with ``C_{mu nu} = xi^mu.xi^nu / N``; the diagonal of both is then set
    to 0.

    Parameters
    ----------
    patterns : array_like, shape (n_patterns, n_sites)
        xi, of entries -1 and +1; at least one pattern.
    rule : "hebb" or "pseudo-inverse"
        The latter makes fixed points of any patterns that are linearly independent.
    threshold : float, or array_like of shape (n_sites,)
        theta, in units of energy.
    beta : float
        Inverse temperature, in inverse units of energy (k_B = 1).

    Attributes
    ----------
    sites : tuple of int
        0, ..., N - 1: the columns of states and of patterns.
    patterns : array of int8, shape (n_patterns, n_sites)
    thresholds : array, shape (n_sites,)
    rule : str
    beta : float

    Raises
    ------
    ModelError
        If the patterns are of the wrong shape or hold something else than -1 and +1; the rule is
        unknown, or asks for independent patterns; or a threshold or `beta` is not finite.

    Notes
    -----
    At zero temperature Hebb's rule recalls random patterns up to 0.138 N of them. Sources:
    J. J. Hopfield, PNAS 79, 2554 (1982); D. J. Amit, H. Gutfreund and H. Sompolinsky, Phys. Rev.
    Lett. 55, 1530 (1985); L. Personnaz, I. Guyon and G. Dreyfus, J. Physique Lett. 46, 359 (1985).

    Examples
    --------
    >>> from tnlearn.physics import Hopfield
    >>> memory = Hopfield([[1, 1, 1, -1, -1, -1]])
    >>> memory.recall([[1, 1, -1, -1, -1, -1]]).states.tolist()
    [[1, 1, 1, -1, -1, -1]]
    """

    def __init__(
        self,
        patterns: npt.ArrayLike,
        rule: Literal["hebb", "pseudo-inverse"] = "hebb",
        threshold: npt.ArrayLike = 0.0,
        beta: float = 1.0,
    ) -> None:
        self.patterns = patterns_of(patterns)
        if rule not in RULES:
            raise ModelError(f"there is no rule {rule!r}: give one of {', '.join(RULES)}")
        self.rule = rule
        n = self.patterns.shape[1]
        self.sites: tuple[Hashable, ...] = tuple(range(n))
        if is_scalar(threshold):
            threshold = np.full(n, finite(threshold, "the threshold"))
        self.thresholds = finite_array(threshold, "the threshold", (n,), "one number for each site")
        self._mixing = None if rule == RULES[0] else inverse_overlaps(self.patterns)
        self.beta = beta_of(beta, [float(n), float(abs(self.thresholds).max())])

    def __repr__(self) -> str:
        patterns, sites = self.patterns.shape
        return f"Hopfield({patterns} patterns of {sites} sites, {self.rule}, beta={self.beta})"

    def values(self, site: Hashable) -> tuple[int, int]:
        """The values of a site, in the order of its index: (-1, 1)."""
        check_site(site, site in self._sites, self)
        return (-1, 1)

    @cached_property
    def couplings(self) -> Array:
        """W, in units of energy, shape (n_sites, n_sites); symmetric with zero diagonal."""
        xi = self.patterns.astype(float)
        couplings: Array = xi.T @ (xi if self._mixing is None else self._mixing @ xi)
        np.fill_diagonal(couplings, 0.0)
        couplings += couplings.T.copy()
        couplings /= 2.0 * len(self.sites)
        couplings.flags.writeable = False
        return couplings

    def energy(self, states: npt.ArrayLike) -> Array:
        """Energies of states.

        Parameters
        ----------
        states : array_like, shape (n_states, n_sites)
            Entries -1 and +1, columns in the order of `sites`.

        Returns
        -------
        array, shape (n_states,)
            In units of energy; totals, not per site. Found from the overlaps, in
            O(n_states n_patterns n_sites).
        """
        spins = SPINS[positions_of_spins(states, self.sites)]
        return self._energy_of(spins @ self.patterns.T) + spins @ self.thresholds

    def log_probability(self, states: npt.ArrayLike) -> Array:
        """Natural logarithms of the probabilities of states, as given to `energy`.

        The first call contracts the network for log Z, which is kept.
        """
        return -self.beta * self.energy(states) - self._log_partition

    def overlaps(self, states: npt.ArrayLike) -> Array:
        """``m = xi.s / N`` of every state with every pattern, shape (n_states, n_patterns)."""
        spins = SPINS[positions_of_spins(states, self.sites)]
        return np.asarray(spins @ self.patterns.T / len(self.sites))

    def recall(
        self,
        states: npt.ArrayLike,
        order: Literal["asynchronous", "synchronous"] = "asynchronous",
        steps: int = 100,
        seed: int | np.random.Generator | None = None,
    ) -> Recall:
        """Let units turn to the fields they feel, at temperature zero: all states at once.

        ``s_i <- sgn(sum_j W_ij s_j - theta_i)``; a unit that feels nothing stays as it is.

        Parameters
        ----------
        states : array_like, shape (n_states, n_sites)
            Where to start; entries -1 and +1.
        order : "asynchronous" or "synchronous"
            One unit after the other, in a random order at every step, so that the energy never
            rises; or all units together.
        steps : int
            At most so many; an asynchronous step asks every unit once. Fewer if all states settle.
        seed : int or numpy.random.Generator, optional
            For the orders.

        Returns
        -------
        Recall
            ``.states`` are the last ones; ``.trajectory``, ``.energies``, ``.converged`` (fixed
            points, and cycles of two) and ``.periods``.

        Raises
        ------
        ModelError
            If states are not of this model, or the order is unknown.

        Notes
        -----
        Costs O(n_states n_sites**2) a synchronous step, and O(n_sites) for every spin that turns
        in an asynchronous one besides. With Hebb's rule and no threshold fields are whole numbers,
        so ties are exact. Synchronous cycles: E. Goles-Chacc, F. Fogelman-Soulie and D. Pellegrin,
        Discrete Appl. Math. 12, 261 (1985).
        """
        if order not in ORDERS:
            raise ModelError(f"there is no order {order!r}: give one of {', '.join(ORDERS)}")
        steps = whole(steps, "the number of steps", 0)
        positions_of_spins(states, self.sites)
        start = table_of(states, self.sites).astype(np.int8)
        units = self._units
        if order == "synchronous":
            trajectory = units.synchronous(start, steps)
        else:
            trajectory = units.asynchronous(start, steps, generator_of(seed))
        periods = units.periods(trajectory, order == "synchronous")
        return recalled(trajectory, self.energy, periods)

    def network(self) -> TensorNetwork:
        """The closed network whose value is Z, of Boltzmann factors held as logarithms.

        With few patterns, tensors count aligned spins (see `tnlearn.physics.overlaps`), on indices
        ``("count", site)`` beside the sites; with many there is a tensor for every pair.
        """
        return weights_of(self.energies(), self.beta)

    def energies(self) -> TensorNetwork:
        """Energies on the indices of `network`: they are added, and inf forbids wrong counts."""
        counts = Counts(self.patterns)
        if not counts.pays:
            return self._all_pairs().energies()
        fields = [
            Tensor(self.thresholds[site] * SPINS, (site,), f"threshold {site}")
            for site in range(len(self.sites))
            if self.thresholds[site]
        ]
        return TensorNetwork([*counts.energies(self._energy_of), *fields])

    def _all_pairs(self) -> Pairwise:
        couplings: dict[Edge, float] = {
            (a, b): float(self.couplings[a, b]) for a, b in combinations(range(len(self.sites)), 2)
        }
        gains: dict[Hashable, Array] = {
            site: -threshold * SPINS for site, threshold in enumerate(self.thresholds)
        }
        return Pairwise(np.outer(SPINS, SPINS), couplings, gains, SPINS)

    def _energy_of(self, totals: Array) -> Array:
        """``-1/2 s.W.s`` from ``xi.s``, shape (n, n_patterns); without the diagonal.

        Sums of whole numbers with Hebb's rule, hence exact but for the last division.
        """
        n = len(self.sites)
        if self._mixing is None:
            return np.asarray((totals.shape[1] * n - (totals**2).sum(axis=1)) / (2.0 * n))
        squares = ((totals @ self._mixing) * totals).sum(axis=1)
        xi = self.patterns.astype(float)
        diagonal = ((self._mixing @ xi) * xi).sum()
        return np.asarray((diagonal - squares) / (2.0 * n))

    @cached_property
    def _units(self) -> Units:
        scale = float(len(self.sites))
        couplings, thresholds = self.couplings * scale, self.thresholds * scale
        if self._mixing is None:
            couplings = np.rint(couplings)
            if not self.thresholds.any():
                return Units(couplings, thresholds, 0.0)
        largest = float(abs(couplings).sum(axis=1).max() + abs(thresholds).max())
        return Units(couplings, thresholds, 1e-13 * largest)

    @cached_property
    def _sites(self) -> frozenset[Hashable]:
        return frozenset(self.sites)

    @cached_property
    def _log_partition(self) -> float:
        return float(log_partition(self))
