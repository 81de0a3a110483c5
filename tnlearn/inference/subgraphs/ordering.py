"""Which sites of a region are held, and in which order all others are eliminated."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from tnlearn.compiling import kernel
from tnlearn.inference.subgraphs.front import (
    BITS,
    COUNT,
    FREE,
    LOAD,
    PARTS,
    STATUS,
    begin,
    eliminate,
    hold,
    lightest,
)

#: Sites from which the one with the most tables is held.
CANDIDATES = 4


@kernel
def ordered(front, lists, region, width, most):
    """Eliminate what needs at most `width` bits, and hold a site wherever all need more.

    Parameters
    ----------
    front : Front
    lists : Lists
    region : array of int64
        Sites that may be eliminated, in a random order: it decides which are held.
    width : float
    most : float
        Entries of all messages together, after which all that is left is held.

    Returns
    -------
    order : array of int64
        Sites that are eliminated.
    places : array of int64, shape (n_sites,)
        Theirs in the order; -1 of all others.

    Notes
    -----
    The least load first is the greedy order of least weight. That some sites are held so that the
    rest has a bounded width is a w-cutset (Bidyuk and Dechter 2007, J. Artif. Intell. Res. 28, 1).
    """
    sites, tables, scopes, touching, heads, scalars = front
    begin(region, lists, sites, tables, scopes, touching, heads, scalars)
    order = np.empty(region.size, np.int64)
    places = np.full(len(sites), -1, np.int64)
    count, cursor, entries = 0, 0, 0.0
    while True:
        site = lightest(heads)
        if site >= 0 and sites[site, LOAD] <= PARTS * width and entries < most:
            entries += 2.0 ** ((sites[site, LOAD] - sites[site, BITS]) / PARTS)
            eliminate(site, sites, tables, scopes, touching, heads, scalars)
            order[count], places[site] = site, count
            count += 1
            continue
        while cursor < region.size and sites[region[cursor], STATUS] != FREE:
            cursor += 1
        if cursor == region.size:
            return order[:count], places
        chosen = _busiest(region, cursor, sites)
        hold(chosen, sites, tables, scopes, touching, heads, scalars)


@kernel
def _busiest(region, cursor, sites):
    """Of the next free sites the one with the most tables."""
    best, seen = region[cursor], 0
    while cursor < region.size and seen < CANDIDATES:
        site = region[cursor]
        if sites[site, STATUS] == FREE:
            seen += 1
            if sites[site, COUNT] > sites[best, COUNT]:
                best = site
        cursor += 1
    return best
