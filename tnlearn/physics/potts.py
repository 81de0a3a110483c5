"""The Potts and clock models on any graph: spins of more than two values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tnlearn.network import ReadOnly
from tnlearn.physics.pairwise import PairModel, Pairwise
from tnlearn.physics.parameters import (
    Array,
    Edge,
    beta_of,
    couplings_of,
    field_vectors_of,
    sites_of,
    whole,
)
from tnlearn.physics.states import Positions, check_site, positions_of_numbers

if TYPE_CHECKING:
    import networkx as nx

Couplings: TypeAlias = float | Mapping[Any, float]
Fields: TypeAlias = npt.ArrayLike | Mapping[Any, npt.ArrayLike] | None


class Potts(PairModel):
    """Sites of q equal states on a graph, which gain an energy where neighbours agree.

    ``H(s) = -sum_{edges} J_ij delta(s_i, s_j) - sum_i h_i[s_i]`` and
    ``p(s) = exp(-beta H(s)) / Z``. With two states it is the Ising model of half the coupling, up
    to a constant.

    Parameters
    ----------
    graph : networkx.Graph or networkx.MultiGraph
        Any undirected graph; parallel edges add.
    states : int
        q; values are 0, ..., q - 1.
    coupling : float, or mapping from edge to float
        J in units of energy; positive is ferromagnetic. Edges in either orientation; those of a
        multigraph carry their key. A mapping must name every edge.
    field : array_like of shape (q,), or mapping from node to such, optional
        h in units of energy. A mapping may leave nodes out: their field is 0.
    beta : float
        Inverse temperature, in inverse units of energy (k_B = 1).

    Attributes
    ----------
    sites : tuple
        The nodes, in the graph's order: the columns of states.
    states : int
    couplings : mapping from (node, node) to float
        J summed over parallel edges, for every pair of neighbours.
    fields : mapping from node to array, shape (q,)
        h of every node, read-only.

    Raises
    ------
    ModelError
        If the graph is directed, empty or has a self-loop; there is no state; a coupling or field
        is missing, of another shape, not finite, or for an edge or node that is not there.

    Notes
    -----
    Source: F. Y. Wu, Rev. Mod. Phys. 54, 235 (1982).

    Examples
    --------
    Proper colourings are the ground states of the antiferromagnet:

    >>> import networkx as nx, tnlearn as tnl
    >>> from tnlearn.physics import Potts
    >>> found = tnl.mode(Potts(nx.cycle_graph(5), 3, coupling=-1.0), count=True)
    >>> found.energy, found.degeneracy
    (0.0, 30)
    """

    def __init__(
        self,
        graph: nx.Graph[Any],
        states: int = 3,
        coupling: Couplings = 1.0,
        field: Fields = None,
        beta: float = 1.0,
    ) -> None:
        self.sites: tuple[Hashable, ...] = sites_of(graph, "the Potts model")
        self.states = whole(states, "the number of states", 1)
        self.couplings: Mapping[Edge, float] = ReadOnly(couplings_of(graph, coupling))
        self.fields: Mapping[Hashable, Array] = ReadOnly(
            field_vectors_of(self.sites, field, self.states)
        )
        self.beta = beta_of(beta, _extremes(self.couplings, self.fields))
        each = np.eye(self.states)
        self._pairs = Pairwise(each, self.couplings, self.fields, each)

    def __repr__(self) -> str:
        return (
            f"Potts({len(self.sites)} sites of {self.states} states, {len(self.couplings)} bonds, "
            f"beta={self.beta})"
        )

    def values(self, site: Hashable) -> tuple[int, ...]:
        """The values of a site, in the order of its index: 0, ..., q - 1."""
        check_site(site, site in self.fields, self)
        return tuple(range(self.states))

    def _positions(self, states: npt.ArrayLike) -> Positions:
        return positions_of_numbers(states, self.sites, self.states)


class Clock(PairModel):
    """Sites that point in one of q directions in a plane, coupled along the edges of a graph.

    ``H(s) = -sum_{edges} J_ij cos(2 pi (s_i - s_j) / q) - sum_i h_i[s_i]`` and
    ``p(s) = exp(-beta H(s)) / Z``. Two directions are the Ising model, value 0 being spin -1 and
    1 spin +1; three are the Potts model of coupling 3/2 J, up to a constant J/2 per edge; many
    are the XY model.

    Parameters
    ----------
    graph : networkx.Graph or networkx.MultiGraph
        Any undirected graph; parallel edges add.
    states : int
        q; values are 0, ..., q - 1, angles ``2 pi s / q``.
    coupling : float, or mapping from edge to float
        J in units of energy; positive is ferromagnetic. Edges in either orientation; those of a
        multigraph carry their key. A mapping must name every edge.
    field : array_like of shape (q,), or mapping from node to such, optional
        h in units of energy. A mapping may leave nodes out: their field is 0.
    beta : float
        Inverse temperature, in inverse units of energy (k_B = 1).

    Attributes
    ----------
    sites : tuple
        The nodes, in the graph's order: the columns of states.
    states : int
    couplings : mapping from (node, node) to float
        J summed over parallel edges, for every pair of neighbours.
    fields : mapping from node to array, shape (q,)
        h of every node, read-only.

    Raises
    ------
    ModelError
        If the graph is directed, empty or has a self-loop; there is no state; a coupling or field
        is missing, of another shape, not finite, or for an edge or node that is not there.

    Notes
    -----
    Cosines that are 0, 1/2 or 1 in magnitude are so exactly, hence ties of energy are exact for 2,
    3, 4 and 6 directions. Source: J. V. Jose, L. P. Kadanoff, S. Kirkpatrick and D. R. Nelson,
    Phys. Rev. B 16, 1217 (1977).

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> from tnlearn.physics import Clock
    >>> tnl.density_of_states(Clock(nx.cycle_graph(3), 4))
    {-3.0: 4, -1.0: 24, 1.0: 36}
    """

    def __init__(
        self,
        graph: nx.Graph[Any],
        states: int,
        coupling: Couplings = 1.0,
        field: Fields = None,
        beta: float = 1.0,
    ) -> None:
        self.sites: tuple[Hashable, ...] = sites_of(graph, "the clock model")
        self.states = whole(states, "the number of states", 1)
        self.couplings: Mapping[Edge, float] = ReadOnly(couplings_of(graph, coupling))
        self.fields: Mapping[Hashable, Array] = ReadOnly(
            field_vectors_of(self.sites, field, self.states)
        )
        self.beta = beta_of(beta, _extremes(self.couplings, self.fields))
        turns = np.arange(self.states)
        kernel = _cosines(self.states)[(turns[:, None] - turns) % self.states]
        self._pairs = Pairwise(kernel, self.couplings, self.fields, np.eye(self.states))

    def __repr__(self) -> str:
        return (
            f"Clock({len(self.sites)} sites of {self.states} states, {len(self.couplings)} bonds, "
            f"beta={self.beta})"
        )

    def values(self, site: Hashable) -> tuple[int, ...]:
        """The values of a site, in the order of its index: 0, ..., q - 1."""
        check_site(site, site in self.fields, self)
        return tuple(range(self.states))

    def _positions(self, states: npt.ArrayLike) -> Positions:
        return positions_of_numbers(states, self.sites, self.states)


def _extremes(couplings: Mapping[Edge, float], fields: Mapping[Hashable, Array]) -> list[float]:
    """Every energy that may be largest in magnitude."""
    return [*couplings.values(), *(float(abs(field).max()) for field in fields.values())]


def _cosines(q: int) -> Array:
    """``cos(2 pi k / q)`` for every k, the same for k and q - k, and halves exact (Niven 1956)."""
    turns = np.arange(q)
    cosines = np.cos(2.0 * np.pi * np.minimum(turns, q - turns) / q)
    halves = np.rint(2.0 * cosines) / 2.0
    return np.where(abs(cosines - halves) < 1e-15, halves, cosines) + 0.0
