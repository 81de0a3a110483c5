"""What is left of a model while sites are eliminated or held: who still shares a table with whom.

Only scopes are followed here, no entries. A site that is eliminated leaves one table, called a
message, on all the sites that it shared a table with. The kernels take the arrays of a front one
by one: a tuple of arrays is counted as in use whenever it is handed on, which here is most of the
work.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tnlearn.compiling import kernel
from tnlearn.sampling.tables import Lists

Ints = npt.NDArray[np.int64]

#: Columns of a site: what it is; where its tables begin and how many there are; the latest mark;
#: its bits, and those of all that eliminating it needs; its score, and its neighbours of the same.
STATUS, FIRST, COUNT, MARK, BITS, LOAD, SCORE, AFTER, BEFORE = range(9)
#: What a site may be.
FREE, ELIMINATED, HELD = range(3)
#: Bits are counted in parts, and scores in larger parts.
PARTS, PARTS_OF_SCORE = 64, 16
#: Columns of a table: where its scope begins, and where it ends.
BEGIN, END = range(2)
#: Scalars: where the next scope begins, the number of the next message, the latest mark.
TOP, NEXT, STAMP = range(3)


class Front(NamedTuple):
    """Tables that were given come first, by number, and messages after them.

    Attributes
    ----------
    sites : array of int64, shape (n_sites, 9)
    tables : array of int64, shape (n_tables + n_sites, 2)
        A table that went into a message has no scope.
    scopes : array of int64
        Sites of all tables one after the other; some may have been eliminated or held since.
    touching : array of int64
        The tables of every site. They never are more than they were: a message takes the place of
        one of those that went into it.
    heads : array of int64
        The first free site of every score; the last score is of those that are too much.
    scalars : array of int64, shape (3,)
    """

    sites: Ints
    tables: Ints
    scopes: Ints
    touching: Ints
    heads: Ints
    scalars: Ints


def front_of(lists: Lists, counts: Ints, widest: int) -> Front:
    """Room for a model whose sites are eliminated up to so many bits."""
    number = len(counts)
    sites = np.zeros((number, 9), np.int64)
    # A site of one position takes no entries, but a place in scopes.
    sites[:, BITS] = np.ceil(PARTS * np.log2(np.maximum(counts, 2)))
    return Front(
        sites,
        np.empty((len(lists.bases) + number, 2), np.int64),
        np.empty(len(lists.owners) + number * widest, np.int64),
        np.empty(len(lists.tables), np.int64),
        np.empty(PARTS // PARTS_OF_SCORE * widest + 2, np.int64),
        np.empty(3, np.int64),
    )


@kernel
def begin(region, lists, sites, tables, scopes, touching, heads, scalars):
    """Free the sites of a region, hold all others."""
    given = lists.bases.size
    scalars[TOP], scalars[NEXT], scalars[STAMP] = lists.owners.size, given, 1
    scopes[: lists.owners.size] = lists.owners
    tables[:given, BEGIN], tables[:given, END] = lists.axes[:-1], lists.axes[1:]
    touching[:] = lists.tables
    sites[:, FIRST] = lists.touching[:-1]
    sites[:, COUNT] = lists.touching[1:] - lists.touching[:-1]
    sites[:, MARK] = 0
    sites[:, STATUS] = HELD
    heads[:] = -1
    for site in region:
        sites[site, STATUS] = FREE
    for site in region:
        _weigh(site, sites, tables, scopes, touching, scalars)
        _link(site, sites, heads)


@kernel
def eliminate(site, sites, tables, scopes, touching, heads, scalars):
    """Replace the tables of a site by a message."""
    _unlink(site, sites, heads)
    sites[site, STATUS] = ELIMINATED
    message, start = scalars[NEXT], scalars[TOP]
    end = _gather(site, start, sites, tables, scopes, touching, scalars)
    for k in range(sites[site, FIRST], sites[site, FIRST] + sites[site, COUNT]):
        tables[touching[k], END] = tables[touching[k], BEGIN]
    tables[message, BEGIN], tables[message, END] = start, end
    scalars[NEXT], scalars[TOP] = message + 1, end
    for k in range(start, end):
        _hand_over(scopes[k], message, sites, tables, touching)
    for k in range(start, end):
        _unlink(scopes[k], sites, heads)
        _weigh(scopes[k], sites, tables, scopes, touching, scalars)
        _link(scopes[k], sites, heads)


@kernel
def hold(site, sites, tables, scopes, touching, heads, scalars):
    """Take a site out of all tables."""
    _unlink(site, sites, heads)
    sites[site, STATUS] = HELD
    start = scalars[TOP]
    for k in range(start, _gather(site, start, sites, tables, scopes, touching, scalars)):
        _unlink(scopes[k], sites, heads)
        sites[scopes[k], LOAD] -= sites[site, BITS]
        _link(scopes[k], sites, heads)


@kernel
def lightest(heads):
    """A free site that is as little work to eliminate as any; -1 if all are too much."""
    for score in range(heads.size - 1):
        if heads[score] >= 0:
            return heads[score]
    return -1


@kernel
def _gather(site, end, sites, tables, scopes, touching, scalars):
    """Write down all other free sites that share a table with a site; where they end."""
    scalars[STAMP] += 1
    mark = scalars[STAMP]
    sites[site, MARK] = mark
    for k in range(sites[site, FIRST], sites[site, FIRST] + sites[site, COUNT]):
        table = touching[k]
        for place in range(tables[table, BEGIN], tables[table, END]):
            other = scopes[place]
            if sites[other, STATUS] == FREE and sites[other, MARK] != mark:
                sites[other, MARK] = mark
                scopes[end] = other
                end += 1
    return end


@kernel
def _hand_over(site, message, sites, tables, touching):
    """Among the tables of a site, put a message in place of those that went into it."""
    start, kept = sites[site, FIRST], 0
    for k in range(start, start + sites[site, COUNT]):
        table = touching[k]
        if tables[table, END] > tables[table, BEGIN]:
            touching[start + kept] = table
            kept += 1
    touching[start + kept] = message
    sites[site, COUNT] = kept + 1


@kernel
def _weigh(site, sites, tables, scopes, touching, scalars):
    """Add up the bits of a site and of all free sites that share a table with it."""
    start, load = scalars[TOP], sites[site, BITS]
    for k in range(start, _gather(site, start, sites, tables, scopes, touching, scalars)):
        load += sites[scopes[k], BITS]
    sites[site, LOAD] = load


@kernel
def _link(site, sites, heads):
    """Put a site first among those of its score."""
    score = min((sites[site, LOAD] + PARTS_OF_SCORE - 1) // PARTS_OF_SCORE, heads.size - 1)
    head = heads[score]
    sites[site, SCORE], sites[site, AFTER], sites[site, BEFORE] = score, head, -1
    if head >= 0:
        sites[head, BEFORE] = site
    heads[score] = site


@kernel
def _unlink(site, sites, heads):
    before, after = sites[site, BEFORE], sites[site, AFTER]
    if before >= 0:
        sites[before, AFTER] = after
    else:
        heads[sites[site, SCORE]] = after
    if after >= 0:
        sites[after, BEFORE] = before
