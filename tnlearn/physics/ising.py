"""The Ising model on any graph."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tnlearn.inference import Shortcut
from tnlearn.network import ReadOnly
from tnlearn.physics.pairwise import PairModel, Pairwise
from tnlearn.physics.parameters import Edge, beta_of, couplings_of, fields_of, sites_of
from tnlearn.physics.states import Positions, check_site, positions_of_spins

if TYPE_CHECKING:
    import networkx as nx

#: Sites of planar lattices up to which a ground state by shortest joins takes seconds.
MOST_JOINED = 1024

SPINS = np.array([-1.0, 1.0])


class Ising(PairModel):
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
        self.sites: tuple[Hashable, ...] = sites_of(graph, "the Ising model")
        self.couplings: Mapping[Edge, float] = ReadOnly(couplings_of(graph, coupling))
        self.fields: Mapping[Hashable, float] = ReadOnly(fields_of(self.sites, field))
        self.beta = beta_of(beta, (*self.couplings.values(), *self.fields.values()))
        gains = dict(zip(self.sites, np.outer([*self.fields.values()], SPINS), strict=True))
        self._pairs = Pairwise(np.outer(SPINS, SPINS), self.couplings, gains, SPINS)

    def __repr__(self) -> str:
        return f"Ising({len(self.sites)} sites, {len(self.couplings)} bonds, beta={self.beta})"

    def values(self, site: Hashable) -> tuple[int, int]:
        """The values of a site, in the order of its index: (-1, 1)."""
        check_site(site, site in self.fields, self)
        return (-1, 1)

    @property
    def _joins(self) -> bool:
        """Whether shortest joins find a ground state in seconds."""
        return self.beta > 0 and len(self.sites) <= MOST_JOINED

    def shortcut(self) -> Shortcut | None:
        """Free fermions, and shortest joins, where the graph can be drawn on the plane.

        Z also where it is a square lattice on a torus; rings and chains have transfer matrices, and
        trees need no shortcut.
        """
        # Imported late: these rooms know this model.
        from tnlearn.physics.planar import is_planar, planar_ground_state, planar_log_partition
        from tnlearn.physics.planar.torus import toroidal_grid_log_partition, wrapping_grids

        if len(self.couplings) <= len(self.sites):
            return super().shortcut()
        # Asked first: whether a large graph is planar takes minutes.
        grids = wrapping_grids(self)
        if grids is not None:
            reason = "the model is a square lattice on a torus without a field"
            return Shortcut("planar", reason, lambda: toroidal_grid_log_partition(*grids))
        if not is_planar(self):
            return None
        return Shortcut(
            "planar",
            "the model can be drawn on the plane",
            lambda: planar_log_partition(self),
            (lambda: planar_ground_state(self)[0]) if self._joins else None,
        )

    def _positions(self, states: npt.ArrayLike) -> Positions:
        return positions_of_spins(states, self.sites)
