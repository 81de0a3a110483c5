"""A state of low energy, to count domain walls from."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csgraph

from tnlearn.physics.planar.surface import Bools, Floats, Ints
from tnlearn.physics.planar.trees import links, shortest_forest, walk

#: Steps of annealing, and the temperatures it goes through in units of the mean coupling.
STEPS, HOT, COLD = 300, 1.5, 0.1


def low_state(
    starts: Ints, ends: Ints, couplings: Floats, n_sites: int, random: np.random.Generator
) -> Floats:
    """Spins that leave few strong bonds broken; none, where the model is not frustrated.

    Parameters
    ----------
    starts, ends : arrays of int, shape (n_edges,)
        The two sites of each edge; no pair twice, unless without a coupling.
    couplings : array, shape (n_edges,)
        J, in any unit.
    n_sites : int
    random : numpy Generator
        For the annealing of frustrated models.

    Returns
    -------
    array, shape (n_sites,)
        Spins -1.0 and +1.0.

    Notes
    -----
    Cost O(n_edges) times the steps. A spanning forest of the strongest couplings is satisfied
    first. Source of the annealing: S. Kirkpatrick, C. D. Gelatt and M. P. Vecchi, Science 220,
    671 (1983).
    """
    if np.all(couplings >= 0.0):
        return np.ones(n_sites)
    spins = _forest_state(starts, ends, couplings, n_sites)
    if np.all(couplings * spins[starts] * spins[ends] >= 0.0):
        return spins
    bonds = links(starts, ends, couplings / np.abs(couplings).mean(), n_sites)
    for temperature in np.geomspace(HOT, COLD, STEPS):
        heat = 0.5 * temperature * random.exponential(size=n_sites)
        wish = bonds @ spins * spins < heat
        spins[_apart(wish, starts, ends, random.random(n_sites))] *= -1.0
    while np.any(wish := bonds @ spins * spins < -1e-9):
        spins[_apart(wish, starts, ends, random.random(n_sites))] *= -1.0
    return spins


def _forest_state(starts: Ints, ends: Ints, couplings: Floats, n_sites: int) -> Floats:
    """Spins that satisfy a spanning forest of the strongest couplings."""
    tree = shortest_forest(starts, ends, -np.abs(couplings), n_sites)
    signs = np.where(couplings[tree] < 0.0, -1.0, 1.0)
    sign = links(starts[tree], ends[tree], signs, n_sites + 1)
    # One more vertex, joined to one site of each part, makes the forest a tree.
    _, part = csgraph.connected_components(sign, directed=False)
    roots = np.unique(part[:n_sites], return_index=True)[1]
    sign = sign + links(np.full(len(roots), n_sites), roots, np.ones(len(roots)), n_sites + 1)
    spins = [1.0] * (n_sites + 1)
    for site, parent, s in walk(sign, n_sites):
        spins[site] = spins[parent] * s
    return np.array(spins[:n_sites])


def _apart(wish: Bools, starts: Ints, ends: Ints, priority: Floats) -> Bools:
    """Of the sites that wish to flip, some of which no two are neighbours."""
    both = wish[starts] & wish[ends]
    first = priority[starts] > priority[ends]
    chosen = wish.copy()
    chosen[ends[both & first]] = False
    chosen[starts[both & ~first]] = False
    return chosen
