"""The best positions of sites that are eliminated while all others are held: bucket elimination.

Every table goes to the first of its sites in the order. There all are added, the least over that
site is a message to the next, and where it was attained is kept for the way back (Bertelè and
Brioschi 1972, Nonserial Dynamic Programming; Dechter 1999, Artif. Intell. 113, 41).
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tnlearn.compiling import kernel
from tnlearn.sampling.tables import Lists

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Entries of a table whose places are written down once, and read again and again.
NEAR = 256
#: Columns of a step: where its message's entries begin, where its scope does, and its first table.
BASE, EDGE, HEAD = range(3)
#: Columns of a scope: a site, and how far apart its entries are.
SITE, STRIDE = range(2)
#: Columns of a site: the latest step that met it, and its stride and position in one table.
MARK, APART, AT = range(3)


class Room(NamedTuple):
    """Where messages are; the message of a step is on sites that come later in the order.

    Attributes
    ----------
    entries, choices : array of float64, array of uint8
        Of all messages: the least energy, and the position of the eliminated site that has it.
    steps : array of int64, shape (n_sites + 1, 3)
    scopes : array of int64, shape (any, 2)
        Of all messages, the last in the order first: its entries are furthest apart.
    following : array of int64
        The next table at the same step; a message has a number after all tables.
    sites : array of int64, shape (n_sites, 3)
    work : array of float64
        The sum of all tables at a step; the eliminated site changes fastest.
    near : array of int64, shape (NEAR,)
    """

    entries: Floats
    choices: npt.NDArray[np.uint8]
    steps: Ints
    scopes: Ints
    following: Ints
    sites: Ints
    work: Floats
    near: Ints


def room_of(lists: Lists, number: int, widest: int, most: int) -> Room:
    """Room for orders up to so many bits, and so many entries and one message; touched as used."""
    messages = most + 2**widest
    return Room(
        np.empty(messages),
        np.empty(messages, np.uint8),
        np.empty((number + 1, 3), np.int64),
        np.empty((number * widest + 1, 2), np.int64),
        np.empty(len(lists.bases) + number, np.int64),
        np.empty((number, 3), np.int64),
        np.empty(2**widest),
        np.empty(NEAR, np.int64),
    )


@kernel
def settle(positions, lists, counts, order, places, tilt, late, room):
    """Give all sites of an order their best positions, in place.

    Parameters
    ----------
    positions : array of int64, shape (n_sites,)
    lists : Lists
    counts : array of int64, shape (n_sites,)
    order, places : array of int64
        What `ordered` found.
    tilt : array of float64, shape (n_sites, most positions)
        Energies that are added to those of the model.
    late : array of bool, shape (n_sites,)
        Whether a tie goes to the last of the positions, and not to the first.
    room : Room
    """
    given, bases, axes, owners, apart = lists[:5]
    entries, choices, steps, scopes, following, sites, work, near = room
    _put_in_buckets(bases, axes, owners, places, steps[: order.size], following)
    sites[:, MARK] = -1
    steps[0, EDGE], base = 0, 0
    for step in range(order.size):
        site = order[step]
        count = counts[site]
        size = _gather(step, axes, owners, places, counts, steps, scopes, following, sites)
        start, end = steps[step, EDGE], steps[step + 1, EDGE]
        for k in range(0, size * count, count):
            for position in range(count):
                work[k + position] = tilt[site, position]
        table = steps[step, HEAD]
        while table >= 0:
            _forget_strides(site, start, end, scopes, sites)
            source = given if table < bases.size else entries
            if table < bases.size:
                at = _given_from(table, positions, bases, axes, owners, apart, places, sites)
            else:
                at = _sent_from(table - bases.size, steps, scopes, sites)
            _add(source, at, site, start, end, counts, scopes, sites, work, near, size)
            table = following[table]
        steps[step, BASE] = base
        _reduce(work, entries, choices, base, size, count, late[site])
        if end > start:
            nearest, message = places[scopes[end - 1, SITE]], bases.size + step
            following[message], steps[nearest, HEAD] = steps[nearest, HEAD], message
        base += size
    _trace_back(positions, order, choices, steps, scopes)


@kernel
def _trace_back(positions, order, choices, steps, scopes):
    """Read the positions of all sites, the last first."""
    for step in range(order.size - 1, -1, -1):
        at = steps[step, BASE]
        for k in range(steps[step, EDGE], steps[step + 1, EDGE]):
            at += scopes[k, STRIDE] * positions[scopes[k, SITE]]
        positions[order[step]] = choices[at]


@kernel
def _forget_strides(site, start, end, scopes, sites):
    """What a table is not on makes no difference to it."""
    sites[site, APART] = 0
    for k in range(start, end):
        sites[scopes[k, SITE], APART] = 0


@kernel
def _given_from(table, positions, bases, axes, owners, apart, places, sites):
    """Note the strides of a table; where its entries begin, sites that are held at their places."""
    at = bases[table]
    for axis in range(axes[table], axes[table + 1]):
        sites[owners[axis], APART] = apart[axis]
        if places[owners[axis]] < 0:
            at += apart[axis] * positions[owners[axis]]
    return at


@kernel
def _sent_from(sender, steps, scopes, sites):
    """Note the strides of a message; where its entries begin."""
    for k in range(steps[sender, EDGE], steps[sender + 1, EDGE]):
        sites[scopes[k, SITE], APART] = scopes[k, STRIDE]
    return steps[sender, BASE]


@kernel
def _put_in_buckets(bases, axes, owners, places, steps, following):
    """Every table with a site in the order goes to the first of them."""
    steps[:, HEAD] = -1
    for table in range(bases.size):
        first = len(steps)
        for axis in range(axes[table], axes[table + 1]):
            place = places[owners[axis]]
            if place >= 0:
                first = min(first, place)
        if first < len(steps):
            following[table], steps[first, HEAD] = steps[first, HEAD], table


@kernel
def _gather(step, axes, owners, places, counts, steps, scopes, following, sites):
    """Write down the scope of a step's message, and the strides; its number of entries."""
    start = steps[step, EDGE]
    end, tables = start, axes.size - 1
    table = steps[step, HEAD]
    while table >= 0:
        if table < tables:
            for axis in range(axes[table], axes[table + 1]):
                end = _insert(step, owners[axis], start, end, places, scopes, sites)
        else:
            sender = table - tables
            for k in range(steps[sender, EDGE], steps[sender + 1, EDGE]):
                end = _insert(step, scopes[k, SITE], start, end, places, scopes, sites)
        table = following[table]
    steps[step + 1, EDGE] = end
    size = 1
    for k in range(end - 1, start - 1, -1):
        scopes[k, STRIDE] = size
        size *= counts[scopes[k, SITE]]
    return size


@kernel
def _insert(step, site, start, end, places, scopes, sites):
    """Put a later site in its place in the scope, unless it is there; the scope's new end."""
    if places[site] <= step or sites[site, MARK] == step:
        return end
    sites[site, MARK] = step
    k = end
    while k > start and places[scopes[k - 1, SITE]] < places[site]:
        scopes[k, SITE] = scopes[k - 1, SITE]
        k -= 1
    scopes[k, SITE] = site
    return end + 1


@kernel
def _add(entries, at, site, start, end, counts, scopes, sites, work, near, size):
    """Add entries that lie `APART` to the sum: near ones by a list, the others by a counter."""
    length, outer = counts[site], end
    for position in range(length):
        near[position] = position * sites[site, APART]
    while outer > start and length * counts[scopes[outer - 1, SITE]] <= NEAR:
        outer -= 1
        other = scopes[outer, SITE]
        for position in range(1, counts[other]):
            step = position * sites[other, APART]
            for k in range(length):
                near[position * length + k] = near[k] + step
        length *= counts[other]
    for k in range(start, outer):
        sites[scopes[k, SITE], AT] = 0
    for done in range(0, size * counts[site], length):
        for k in range(length):
            work[done + k] += entries[at + near[k]]
        for k in range(outer - 1, start - 1, -1):
            other = scopes[k, SITE]
            sites[other, AT] += 1
            at += sites[other, APART]
            if sites[other, AT] < counts[other]:
                break
            at -= sites[other, APART] * counts[other]
            sites[other, AT] = 0


@kernel
def _reduce(work, entries, choices, base, size, count, late):
    """The least over the site that changes fastest, and where."""
    for k in range(size):
        best, choice = work[k * count], 0
        for position in range(1, count):
            value = work[k * count + position]
            if value < best or (late and value == best):
                best, choice = value, position
        entries[base + k], choices[base + k] = best, choice
