"""The Boltzmann machine: bits on any graph, some of them hidden."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.inference import Term, log_partition
from tnlearn.network import ReadOnly, TensorNetwork
from tnlearn.physics.clamping import log_weights
from tnlearn.physics.pairwise import Pairwise, weights_of
from tnlearn.physics.parameters import (
    Array,
    Edge,
    beta_of,
    couplings_of,
    fields_of,
    finite_array,
    is_scalar,
    real_array,
)
from tnlearn.physics.states import check_site, positions_of_numbers

if TYPE_CHECKING:
    import networkx as nx

BITS = np.array([0.0, 1.0])


class BoltzmannMachine:
    """Bits 0 and 1, coupled in pairs; of the hidden ones only the visible ones' share is asked.

    ``H(s) = -sum_{pairs ij} w_ij s_i s_j - sum_i b_i s_i`` and ``p(s) = exp(-beta H(s)) / Z``.

    Parameters
    ----------
    couplings : mapping from (site, site) to float, or array_like of shape (n_sites, n_sites)
        w in units of energy; a pair in either orientation, but once. A matrix is symmetric with
        zero diagonal, and its sites are 0, 1, ...
    fields : float, mapping from site to float, or array_like of shape (n_sites,)
        b in units of energy. Sites of a mapping come first, then those that only couplings name,
        whose field is 0.
    hidden : iterable of sites
        Which are hidden.
    beta : float
        Inverse temperature, in inverse units of energy (k_B = 1).

    Attributes
    ----------
    sites : tuple
        All sites, visible and hidden: the columns of the states of `energy`.
    visible, hidden : tuple
        The sites of either sort, in the order of `sites`; the columns of the states of
        `log_probability` are the visible ones.
    couplings : mapping from (site, site) to float
    fields : mapping from site to float
    beta : float

    Raises
    ------
    ModelError
        If a pair is given twice, or of one site; a matrix is not symmetric or has a diagonal; a
        hidden site is unknown or there twice; there are no sites; or a number is not finite.
    DataTypeError
        If a number is none.

    Notes
    -----
    Source: D. H. Ackley, G. E. Hinton and T. J. Sejnowski, Cognitive Science 9, 147 (1985).

    Examples
    --------
    >>> from tnlearn.physics import BoltzmannMachine
    >>> machine = BoltzmannMachine({("a", "h"): 1.0, ("b", "h"): -2.0}, 0.5, hidden=["h"])
    >>> machine.visible
    ('a', 'b')
    >>> machine.log_probability([[1, 0], [0, 1]]).round(6).tolist()
    [-0.692845, -2.192845]
    """

    def __init__(
        self,
        couplings: Mapping[Any, float] | npt.ArrayLike,
        fields: float | Mapping[Any, float] | npt.ArrayLike = 0.0,
        hidden: Iterable[Hashable] = (),
        beta: float = 1.0,
    ) -> None:
        pairs = couplings if isinstance(couplings, Mapping) else _pairs_of_matrix(couplings)
        import networkx as nx

        graph = nx.Graph()
        if not isinstance(couplings, Mapping):
            graph.add_nodes_from(range(len(np.asarray(couplings))))
        if isinstance(fields, Mapping):
            graph.add_nodes_from(_known(fields, graph))
        for pair in pairs:
            graph.add_edge(*_two(pair))
        if not len(graph):
            raise ModelError("there are no sites: name some in the couplings or fields")
        self.sites: tuple[Hashable, ...] = tuple(graph)
        self.couplings: Mapping[Edge, float] = ReadOnly(couplings_of(graph, pairs))
        self.fields: Mapping[Hashable, float] = ReadOnly(
            fields_of(self.sites, _named(fields, self.sites))
        )
        self.hidden = _checked_hidden(hidden, self.sites)
        unseen = set(self.hidden)
        self.visible = tuple(site for site in self.sites if site not in unseen)
        self.beta = beta_of(beta, (*self.couplings.values(), *self.fields.values()))
        gains = {site: strength * BITS for site, strength in self.fields.items()}
        self._pairs = Pairwise(np.outer(BITS, BITS), self.couplings, gains, BITS)

    def __repr__(self) -> str:
        return (
            f"BoltzmannMachine({len(self.visible)} visible and {len(self.hidden)} hidden sites, "
            f"{len(self.couplings)} couplings, beta={self.beta})"
        )

    def values(self, site: Hashable) -> tuple[int, int]:
        """The values of a site, in the order of its index: (0, 1)."""
        check_site(site, site in self.fields, self)
        return (0, 1)

    def energy(self, states: npt.ArrayLike) -> Array:
        """Energies of joint states, visible and hidden.

        Parameters
        ----------
        states : array_like, shape (n_states, n_sites)
            Entries 0 and 1, columns in the order of `sites`.

        Returns
        -------
        array, shape (n_states,)
            In units of energy; totals, not per site.
        """
        return self._pairs.energy(positions_of_numbers(states, self.sites, 2))

    def log_probability(self, states: npt.ArrayLike) -> Array:
        """Natural logarithms of the probabilities of visible states, hidden ones summed.

        Parameters
        ----------
        states : array_like, shape (n_states, n_visible)
            Entries 0 and 1, columns in the order of `visible`.

        Returns
        -------
        array, shape (n_states,)

        Notes
        -----
        All states are one contraction of the network of the hidden sites; the first call
        contracts the whole network for log Z, which is kept.
        """
        positions = positions_of_numbers(states, self.visible, 2)
        return log_weights(self.network(), self.visible, positions) - self._log_partition

    def network(self) -> TensorNetwork:
        """The closed network whose value is Z: a tensor per coupling and per field.

        A site is an index on all its couplings. Entries are Boltzmann factors, held as logarithms.
        """
        return weights_of(self.energies(), self.beta)

    def energies(self) -> TensorNetwork:
        """The energy of every coupling and field, on the indices of `network`: they are added."""
        return self._pairs.energies()

    def statistics(self) -> dict[Hashable, Term]:
        """Every coupling and field, with the sites and the table of ``d ln(weight)`` by it.

        Keys are ``("coupling", pair)`` and ``("field", site)``.
        """
        return self._pairs.statistics(self.beta)

    @cached_property
    def _log_partition(self) -> float:
        return float(log_partition(self))


def _pairs_of_matrix(given: npt.ArrayLike) -> dict[Edge, float]:
    """The entries that are not zero above the diagonal of a symmetric matrix."""
    matrix = real_array(given, "the matrix of couplings")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ModelError(f"the couplings have shape {matrix.shape}; a matrix of them is square")
    finite_array(matrix, "the matrix of couplings", matrix.shape, "square")
    for row, column in np.argwhere(matrix != matrix.T).tolist():
        raise ModelError(
            f"the coupling of {row} and {column} is {matrix[row, column]}, but of {column} and "
            f"{row} {matrix[column, row]}: give a symmetric matrix"
        )
    for site in np.flatnonzero(np.diagonal(matrix)).tolist():
        raise ModelError(
            f"site {site} has a coupling {matrix[site, site]} with itself: s * s = s is a field"
        )
    return {(int(a), int(b)): float(matrix[a, b]) for a, b in np.argwhere(np.triu(matrix))}


def _known(fields: Mapping[Any, float], graph: nx.Graph[Any]) -> Iterable[Hashable]:
    """The sites that fields name; with a matrix of couplings these must be its own."""
    for site in fields:
        if len(graph) and site not in graph:
            raise ModelError(f"there is a field for {site!r}, which is no site of the couplings")
    return fields


def _two(pair: Any) -> tuple[Hashable, Hashable]:
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise ModelError(f"there is a coupling for {pair!r}, which is no pair of sites")
    return pair


def _named(fields: Any, sites: tuple[Hashable, ...]) -> float | Mapping[Any, float]:
    """Fields by site, or one number for all."""
    if isinstance(fields, Mapping) or is_scalar(fields):
        return fields  # type: ignore[no-any-return]
    if sites != tuple(range(len(sites))):
        raise DataTypeError(
            "fields are an array, but the sites have names: give a mapping from site to number"
        )
    array = finite_array(fields, "the array of fields", (len(sites),), "one for each site")
    return dict(enumerate(array.tolist()))


def _checked_hidden(given: Iterable[Hashable], sites: tuple[Hashable, ...]) -> tuple[Any, ...]:
    hidden, known = set[Hashable](), set(sites)
    for site in given:
        if site not in known:
            raise ModelError(f"the hidden site {site!r} has neither a coupling nor a field")
        if site in hidden:
            raise ModelError(f"the hidden site {site!r} is given twice")
        hidden.add(site)
    return tuple(site for site in sites if site in hidden)
