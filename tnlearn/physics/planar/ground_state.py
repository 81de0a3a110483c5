"""Ground states of planar spin glasses: the shortest strings of broken bonds."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from tnlearn.errors import ModelError
from tnlearn.physics.ising import Ising
from tnlearn.physics.planar.joins import Join, Weighted, shortest_join
from tnlearn.physics.planar.surface import GHOST, Bools, Floats, Surface, surfaces
from tnlearn.physics.planar.trees import links, walk


def planar_ground_state(model: Ising) -> tuple[dict[Hashable, int], float]:
    """A state of least energy of a planar Ising model, exactly.

    A face is frustrated if oddly many of its bonds are negative; then oddly many of them are
    broken, and of every other face evenly many. The least sum of magnitudes
    of J over broken bonds is a shortest join of the frustrated faces on the dual graph.

    Parameters
    ----------
    model : Ising
        As for `planar_log_partition`. The temperature plays no part.

    Returns
    -------
    dict
        ``{site: -1 or +1}``.
    float
        Its energy, as ``model.energy`` says; no state has less, but for 1e-8 of the sum of the
        magnitudes of all J and h.

    Raises
    ------
    ModelError
        If the graph, or the graph with its field, is not planar.

    Notes
    -----
    Polynomial: some tens of linear programs of the size of the graph. Source: G. Toulouse,
    Commun. Phys. 2, 115 (1977), frustration; I. Bieche, R. Maynard, R. Rammal and J. P. Uhry, J.
    Phys. A 13, 2553 (1980), ground states by matching; `joins` for the method.

    Examples
    --------
    >>> import networkx as nx
    >>> from tnlearn.physics import Ising
    >>> from tnlearn.physics.planar import planar_ground_state
    >>> planar_ground_state(Ising(nx.cycle_graph(5), coupling=-1.0))[1]
    -3.0
    """
    state: dict[Hashable, int] = {}
    for surface in surfaces(model):
        join = broken_bonds(surface)
        if join.weight - join.bound > 1e-8 * float(np.abs(surface.couplings).sum()):
            raise ModelError(
                f"no proof that a state of {model!r} has the least energy: the best one found "
                f"breaks bonds of {join.weight}, and {join.bound} is the least possible"
            )
        spins = spins_with(surface, join.edges)
        if GHOST in surface.sites:
            spins *= spins[surface.sites.index(GHOST)]
        state |= dict(zip(surface.sites, spins.astype(int).tolist(), strict=True))
    state.pop(GHOST, None)
    row = [state[site] for site in model.sites]
    return {site: state[site] for site in model.sites}, float(model.energy([row])[0])


def broken_bonds(surface: Surface) -> Join:
    """The bonds that a ground state of a connected surface breaks, and a bound on their weight."""
    face = np.empty(len(surface.tails), dtype=np.int64)
    for number, darts in enumerate(surface.faces):
        face[list(darts)] = number
    negative = np.repeat(surface.couplings < 0.0, 2)
    frustrated = np.bincount(face, weights=negative, minlength=len(surface.faces)) % 2 == 1
    dual = Weighted(face[0::2], face[1::2], np.abs(surface.couplings), frustrated)
    return shortest_join(dual)


def spins_with(surface: Surface, broken: Bools) -> Floats:
    """The spins that break these bonds and no others; the first is up."""
    sign = np.where((surface.couplings < 0.0) ^ broken, -1.0, 1.0)
    signs = links(surface.tails[0::2], surface.tails[1::2], sign, len(surface.sites))
    spins = np.ones(len(surface.sites))
    for site, parent, s in walk(signs, 0):
        spins[site] = spins[parent] * s
    return spins
