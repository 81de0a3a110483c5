"""Moves of a state: parts of it are given their best positions, the rest held."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tnlearn.inference.subgraphs.elimination import room_of, settle
from tnlearn.inference.subgraphs.front import front_of
from tnlearn.inference.subgraphs.ordering import ordered
from tnlearn.inference.subgraphs.region import grown
from tnlearn.sampling.tables import Tables

Ints = npt.NDArray[np.int64]

#: Bits of the largest table of a move: drawn between these, the low ones more often.
LEAST_WIDTH, MOST_WIDTH = 8, 18
#: Entries of all messages of a move.
MOST_ENTRIES = 2**23
#: Bits that the largest message may have over all messages' mean.
ABOVE = 4


class Walker:
    """Moves states of a model; no move but a shaken one makes a state worse.

    Parameters
    ----------
    tables : Tables
    generator : numpy.random.Generator
    """

    def __init__(self, tables: Tables, generator: np.random.Generator) -> None:
        self._tables, self._lists, self._generator = tables, tables.lists, generator
        self._counts = np.array(tables.counts, np.int64)
        self.sites = len(self._counts)
        self._front = front_of(tables.lists, self._counts, MOST_WIDTH)
        self._room = room_of(tables.lists, self.sites, MOST_WIDTH, MOST_ENTRIES)
        self._level = np.zeros((self.sites, int(self._counts.max())))
        self._scale = _scale(tables)
        #: Sites in the regions of all moves so far.
        self.visits = 0

    def energy(self, positions: Ints) -> float:
        """In the model's units."""
        return float(self._tables.energies(positions[None])[0])

    def settled(self, positions: Ints, region: Ints, heat: float = 0.0) -> Ints:
        """Other positions in a region, the best ones of all sites that need not be held.

        Parameters
        ----------
        positions : array of int64, shape (n_sites,)
        region : array of int64
            Sites.
        heat : float
            Random energies are added, of so many times what the model's tables differ by.
        """
        random = self._generator
        share = np.log2(MOST_ENTRIES / max(len(region), 1)) + ABOVE
        width = LEAST_WIDTH + (min(share, MOST_WIDTH) - LEAST_WIDTH) * random.random() ** 2
        order, places = ordered(
            self._front, self._lists, random.permutation(region), width, MOST_ENTRIES
        )
        tilt = self._level
        if heat:
            tilt = heat * self._scale * random.gumbel(size=tilt.shape)
        late = random.random(self.sites) < 0.5
        self.visits += len(region)
        found = positions.copy()
        settle(found, self._lists, self._counts, order, places, tilt, late, self._room)
        return found

    def free(self) -> float:
        """The part of all sites that a move need not hold."""
        everything = self._generator.permutation(self.sites)
        width = (LEAST_WIDTH + MOST_WIDTH) / 2
        order, _ = ordered(self._front, self._lists, everything, width, MOST_ENTRIES)
        return len(order) / self.sites

    def region(self) -> Ints:
        """Sites that hang together, of any number."""
        least = min(30, self.sites)
        size = int(np.exp(self._generator.uniform(np.log(least), np.log(self.sites + 1))))
        return np.asarray(grown(self._lists, self._generator.permutation(self.sites), size))


def _scale(tables: Tables) -> float:
    """By how much the energy of a state depends on a site: the median of all."""
    lists = tables.lists
    spreads = np.zeros(len(lists.bases))
    for table, (start, end) in enumerate(pairwise([*lists.bases.tolist(), len(lists.entries)])):
        allowed = lists.entries[start:end][np.isfinite(lists.entries[start:end])]
        spreads[table] = np.var(allowed) if allowed.size else 0.0
    owners = np.repeat(np.arange(len(lists.touching) - 1), np.diff(lists.touching))
    squares = np.bincount(owners, spreads[lists.tables], len(lists.touching) - 1)
    return float(np.sqrt(np.median(squares[squares > 0]))) if squares.any() else 0.0
