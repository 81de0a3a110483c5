"""The Ising model on any graph."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.network import Tensor, TensorNetwork

if TYPE_CHECKING:
    import networkx as nx

Edge = tuple[Hashable, Hashable]


class Ising:
    """Spins -1 and +1 on the nodes of a graph, coupled along its edges.

    ``H(s) = -sum_{edges} J_ij s_i s_j - sum_i h_i s_i`` and ``p(s) = exp(-beta H(s)) / Z``.

    Parameters
    ----------
    graph : networkx.Graph or networkx.MultiGraph
        Any undirected graph; parallel edges add.
    coupling : float, or mapping from edge to float
        J in units of energy; positive is ferromagnetic. Edges in either orientation; those of a
        multigraph carry their key. A mapping must name every edge.
    field : float, or mapping from node to float
        h in units of energy. A mapping may leave nodes out: their field is 0.
    beta : float
        Inverse temperature, in inverse units of energy (k_B = 1).

    Attributes
    ----------
    sites : tuple
        The nodes, in the graph's order: the columns of states.
    couplings : mapping from (node, node) to float
        J summed over parallel edges, for every pair of neighbours.
    fields : mapping from node to float
        h of every node.

    Raises
    ------
    ModelError
        If the graph is directed, empty or has a self-loop; a coupling or field is missing, not
        finite, or for an edge or node that is not there.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> model = tnl.Ising(nx.cycle_graph(4), coupling=1.0, beta=0.5)
    >>> round(tnl.log_partition(model), 6)
    3.297642
    """

    def __init__(
        self,
        graph: nx.Graph[Any],
        coupling: float | Mapping[Any, float] = 1.0,
        field: float | Mapping[Any, float] = 0.0,
        beta: float = 1.0,
    ) -> None:
        if graph.is_directed() or not len(graph):
            raise ModelError("the Ising model needs an undirected graph with at least one node")
        self.sites: tuple[Hashable, ...] = tuple(graph)
        self.couplings: Mapping[Edge, float] = MappingProxyType(_couplings(graph, coupling))
        self.fields: Mapping[Hashable, float] = MappingProxyType(_fields(self.sites, field))
        self.beta = _finite(beta, "beta")
        for energy in (*self.couplings.values(), *self.fields.values()):
            _finite(self.beta * energy, f"beta times {energy}")

    def __repr__(self) -> str:
        return f"Ising({len(self.sites)} sites, {len(self.couplings)} bonds, beta={self.beta})"

    def values(self, site: Hashable) -> tuple[int, int]:
        """The values of a site, in the order of its index: (-1, 1)."""
        if site not in self.fields:
            raise ModelError(f"{site!r} is no site of {self!r}")
        return (-1, 1)

    def energy(self, states: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Energies of states.

        Parameters
        ----------
        states : array_like, shape (n_states, n_sites)
            Entries -1 and +1, columns in the order of `sites`.

        Returns
        -------
        array, shape (n_states,)
            In units of energy; totals, not per site.
        """
        spins = np.asarray(states)
        if spins.ndim != 2 or spins.shape[1] != len(self.sites):
            raise ModelError(f"states need shape (n_states, {len(self.sites)}), got {spins.shape}")
        if not np.isin(spins, (-1, 1)).all():
            raise ModelError("states must hold -1 and +1 only (spin = 2 * bit - 1)")
        spins = spins.astype(float)
        column = {site: k for k, site in enumerate(self.sites)}
        energies = -spins @ np.array([self.fields[site] for site in self.sites])
        for (a, b), coupling in self.couplings.items():
            energies -= coupling * spins[:, column[a]] * spins[:, column[b]]
        return np.asarray(energies)

    def network(self) -> TensorNetwork:
        """The closed network whose value is Z: a tensor per bond and per field.

        A site is an index on all its bonds (a hyperedge). Entries are Boltzmann factors, held as
        logarithms, so that no temperature overflows.
        """
        return TensorNetwork(
            Tensor(-self.beta * tensor.data, tensor.indices, tensor.name, log=True)
            for tensor in self.energies()
        )

    def energies(self) -> TensorNetwork:
        """The energy of every bond and field, on the indices of `network`: they are added."""
        signs = np.array([-1.0, 1.0])
        bound = {site for edge in self.couplings for site in edge}
        terms: dict[tuple[str, tuple[Hashable, ...]], npt.NDArray[np.float64]] = {
            ("bond", edge): -coupling * np.outer(signs, signs)
            for edge, coupling in self.couplings.items()
        }
        for site, field in self.fields.items():
            if field or site not in bound:
                terms["field", (site,)] = -field * signs
        names = [f"{kind} {', '.join(map(repr, sites))}" for kind, sites in terms]
        if len(set(names)) < len(names):  # Different nodes may print alike.
            names = [f"{kind} {number}" for number, (kind, _) in enumerate(terms)]
        return TensorNetwork(
            Tensor(energies, sites, name)
            for name, ((_, sites), energies) in zip(names, terms.items(), strict=True)
        )


def _couplings(graph: nx.Graph[Any], given: float | Mapping[Any, float]) -> dict[Edge, float]:
    edges = list(graph.edges(keys=True) if graph.is_multigraph() else graph.edges)
    if isinstance(given, Mapping):
        known = {edge: edge for edge in edges} | {(e[1], e[0], *e[2:]): e for e in edges}
        for name in given:
            if name not in known:
                raise ModelError(f"there is a coupling for {name!r}, which is no edge of the graph")
        by_edge: dict[Any, float] = {}
        for name, value in given.items():
            if known[name] in by_edge:
                raise ModelError(f"edge {known[name]!r} has a coupling in both orientations")
            by_edge[known[name]] = value
        missing = [edge for edge in edges if edge not in by_edge]
        if missing:
            raise ModelError(f"edge {missing[0]!r} has no coupling: give one for every edge")
    else:
        by_edge = dict.fromkeys(edges, given)
    total: dict[Edge, float] = {}
    for edge in edges:
        pair = (edge[0], edge[1])
        if pair[0] == pair[1]:
            raise ModelError(f"the graph has a self-loop at {pair[0]!r}: s * s = 1 is no coupling")
        pair = pair if pair[::-1] not in total else pair[::-1]
        total[pair] = total.get(pair, 0.0) + _finite(by_edge[edge], f"the coupling of {edge!r}")
    return total


def _fields(sites: tuple[Hashable, ...], given: float | Mapping[Any, float]) -> dict[Any, float]:
    if not isinstance(given, Mapping):
        given = dict.fromkeys(sites, given)
    known = set(sites)
    for site in given:
        if site not in known:
            raise ModelError(f"there is a field for {site!r}, which is no node of the graph")
    return {site: _finite(given.get(site, 0.0), f"the field of {site!r}") for site in sites}


def _finite(value: float, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise DataTypeError(f"{what} is {value!r}; it must be a number") from None
    if not np.isfinite(number):
        raise ModelError(f"{what} is {number}; it must be finite")
    return number
