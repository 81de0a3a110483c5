"""Energies of pairs and of single sites: what the models on graphs have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.inference import LogPartition, Shortcut, Term, log_partition
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.physics.parameters import Array, Edge
from tnlearn.physics.rings import MOST_VALUES, Line, lines_of, log_partition_of
from tnlearn.physics.states import Positions

#: Pairs looked up at once, all states together.
CHUNK = 2**21


@dataclass(frozen=True, eq=False)
class Pairwise:
    """``H(s) = -sum_{edges ab} J_ab K[s_a, s_b] - sum_i h_i[s_i]``, with positions s.

    Attributes
    ----------
    kernel : array, shape (q, q)
        K, symmetric: what one unit of coupling gains by every pair of values.
    couplings : mapping from (site, site) to float
        J, in units of energy.
    gains : mapping from site to array, shape (q,)
        h, in units of energy, for every site in order.
    units : array, shape (q,) or (n_fields, q)
        What a unit of field on a site gains by every value; a row for each field, if there are
        several.
    """

    kernel: Array
    couplings: Mapping[Edge, float]
    gains: Mapping[Hashable, Array]
    units: Array

    def energies(self) -> TensorNetwork:
        """The energy of every bond and field, on the sites: they are added.

        Fields that are zero are left out, but a site stands on at least one tensor.
        """
        bound = {site for edge in self.couplings for site in edge}
        names: list[tuple[str, tuple[Hashable, ...]]] = []
        arrays: list[Array] = []
        for edge, coupling in self.couplings.items():
            names.append(("bond", edge))
            arrays.append(-coupling * self.kernel)
        for site, gain in self.gains.items():
            if site not in bound or gain.any():
                names.append(("field", (site,)))
                arrays.append(-gain)
        pairs = zip(arrays, names, called(names), strict=True)
        return TensorNetwork(Tensor(array, sites, name) for array, (_, sites), name in pairs)

    def statistics(self, beta: float) -> dict[Hashable, Term]:
        """``d ln(weight)`` by every coupling and field, with the sites that it is about."""
        found: dict[Hashable, Term] = {
            ("coupling", edge): (edge, beta * self.kernel) for edge in self.couplings
        }
        for site in self.gains:
            if self.units.ndim == 1:
                found["field", site] = ((site,), beta * self.units)
            else:
                for value, unit in enumerate(self.units):
                    found["field", site, value] = ((site,), beta * unit)
        return found

    def energy(self, positions: Positions) -> Array:
        """Energies, shape (n_states,), of positions of shape (n_states, n_sites)."""
        energies = np.zeros(len(positions))
        for column, gain in enumerate(self.gains.values()):
            energies -= gain[positions[:, column]]
        left, right, couplings = self._edges
        rows = max(1, CHUNK // max(1, len(couplings)))
        for start in range(0, len(positions) if len(couplings) else 0, rows):
            block = positions[start : start + rows]
            gained = self.kernel[block[:, left], block[:, right]]
            energies[start : start + rows] -= gained @ couplings
        return energies

    def lines(self) -> list[Line] | None:
        """The rings and chains that the sites stand on, if they do and have few values."""
        if len(self.couplings) > len(self.gains) or len(self.kernel) > MOST_VALUES:
            return None
        left, right, _ = self._edges
        return lines_of(len(self.gains), left, right)

    def log_partition(self, lines: list[Line], beta: float) -> LogPartition:
        """Log Z of sites on these lines."""
        gains = np.array(list(self.gains.values()))
        return log_partition_of(lines, self.kernel, self._edges[2], gains, beta)

    @cached_property
    def _edges(self) -> tuple[Positions, Positions, Array]:
        """Columns of the two ends of every edge, and its coupling."""
        column = {site: k for k, site in enumerate(self.gains)}
        ends = np.array([[column[a], column[b]] for a, b in self.couplings], np.int64)
        left, right = ends.reshape(-1, 2).T
        return left, right, np.array(list(self.couplings.values()))


class PairModel(ABC):
    """What a model of pairs answers once it has its pairs: its leaves parse, and name values.

    Attributes
    ----------
    sites : tuple
        The nodes, in the graph's order: the columns of states.
    beta : float
        Inverse temperature, in inverse units of energy (k_B = 1).
    """

    sites: tuple[Hashable, ...]
    beta: float
    _pairs: Pairwise

    @abstractmethod
    def _positions(self, states: npt.ArrayLike) -> Positions:
        """States, checked, as positions along the sites' indices."""

    def energy(self, states: npt.ArrayLike) -> Array:
        """Energies of states.

        Parameters
        ----------
        states : array_like, shape (n_states, n_sites)
            Entries are the model's own values, columns in the order of `sites`.

        Returns
        -------
        array, shape (n_states,)
            In units of energy; totals, not per site.

        Raises
        ------
        ModelError
            If the shape is another, or an entry is no value of its site.
        """
        return self._pairs.energy(self._positions(states))

    def log_probability(self, states: npt.ArrayLike) -> Array:
        """Natural logarithms of the probabilities of states, as given to `energy`.

        The first call contracts the network for log Z, which is kept.
        """
        return -self.beta * self.energy(states) - self._log_partition

    def network(self) -> TensorNetwork:
        """The closed network whose value is Z: a tensor per bond and per field.

        A site is an index on all its bonds (a hyperedge). Entries are Boltzmann factors, held as
        logarithms, so that no temperature overflows.
        """
        return weights_of(self.energies(), self.beta)

    def energies(self) -> TensorNetwork:
        """The energy of every bond and field, on the indices of `network`: they are added."""
        return self._pairs.energies()

    def statistics(self) -> dict[Hashable, Term]:
        """Every coupling and field, with the sites and the table of ``d ln(weight)`` by it.

        Keys are ``("coupling", edge)`` and ``("field", site)``; where a site has a field for each
        value, ``("field", site, value)``.
        """
        return self._pairs.statistics(self.beta)

    def shortcut(self) -> Shortcut | None:
        """Transfer matrices, where the graph is made of rings and chains."""
        lines = self._pairs.lines()
        if lines is None:
            return None
        return Shortcut(
            "transfer matrices",
            "the graph is made of rings and chains",
            lambda: self._pairs.log_partition(lines, self.beta),
        )

    @cached_property
    def _log_partition(self) -> float:
        return float(log_partition(self))


def weights_of(energies: TensorNetwork, beta: float) -> TensorNetwork:
    """The network of Boltzmann factors of a network of energies, held as logarithms.

    What an infinite energy forbids is forbidden at any `beta`.
    """
    return TensorNetwork(
        Tensor(_minus_beta_times(tensor.data, beta), tensor.indices, name, log=True)
        for name, tensor in zip(energies.names, energies, strict=True)
    )


def _minus_beta_times(energies: Array, beta: float) -> Array:
    forbidden = np.isinf(energies)
    if not forbidden.any():
        return -beta * energies
    return np.where(forbidden, -np.inf, -beta * np.where(forbidden, 0.0, energies))


def called(names: Sequence[tuple[str, tuple[Hashable, ...]]]) -> list[str]:
    """Names of tensors from what they are and the sites they are on; no two alike."""
    found = [f"{kind} {', '.join(map(repr, sites))}" for kind, sites in names]
    if len(set(found)) < len(found):  # Different nodes may print alike.
        return [f"{kind} {number}" for number, (kind, _) in enumerate(names)]
    return found


def frozen(array: npt.ArrayLike) -> Any:
    """An array that nobody can write to."""
    made = np.array(array, dtype=np.float64)
    made.flags.writeable = False
    return made
