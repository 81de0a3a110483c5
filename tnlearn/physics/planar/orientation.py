"""Which way each edge points, so that all domain walls count with the same sign."""

from __future__ import annotations

import numpy as np

from tnlearn.physics.planar.surface import Floats, Surface
from tnlearn.physics.planar.trees import links, walk


def orientation(surface: Surface) -> Floats:
    """Kasteleyn's signs for the dual graph of a surface.

    The vertices of the dual are the faces; each is a city with a house per dart, and in every
    city the houses stand in the order of the walk, each pointing to all that follow. Round every
    vertex of the surface, the number of steps that go along an arrow must be odd: of the steps
    inside cities these are all but those from a city's last house to its first, of the steps
    across an edge those with the arrow.

    Parameters
    ----------
    surface : Surface
        Connected.

    Returns
    -------
    array, shape (n_edges,)
        +1 where an edge points from dart ``2 k`` to ``2 k + 1``, else -1.

    Notes
    -----
    Cost linear. Source: P. W. Kasteleyn, in Graph Theory and Theoretical Physics (1967), with
    the cities of M. E. Fisher, J. Math. Phys. 7, 1776 (1966).
    """
    n_edges, n_sites = len(surface.couplings), len(surface.sites)
    signs = np.ones(n_edges)
    along = np.zeros(n_sites, dtype=np.int64)
    inner = [dart for face in surface.faces for dart in face[:-1]]
    np.add.at(along, surface.tails[np.array(inner, dtype=np.int64) ^ 1], 1)
    # Across an edge the walk round a site goes from the dart that leaves it to the one that comes.
    np.add.at(along, surface.tails[::2], 1)
    bonds = np.arange(surface.n_bonds)
    number = links(surface.tails[2 * bonds], surface.tails[2 * bonds + 1], bonds + 1.0, n_sites)
    odd = (along % 2).tolist()
    for site, parent, edge in reversed(walk(number, 0)):
        if not odd[site]:
            odd[parent] ^= 1
            signs[int(edge) - 1] = -1.0
    return signs
