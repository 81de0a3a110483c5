"""A population of states that are improved, shaken, and crossed with each other."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference.approximate.best import Best
from tnlearn.inference.approximate.chains import Target
from tnlearn.inference.subgraphs.walker import Ints, Walker
from tnlearn.progress import progress_bar
from tnlearn.sampling.allowed import allowed
from tnlearn.sampling.tables import Tables, tables_of

#: States of the population.
STATES = 48
#: Moves without a better state after which a first descent ends, and moves after a shake.
STILL, AFTER = 4, 4
#: Part of the children that have two parents.
CROSSED = 0.5
#: Children without a better state among the best after which all states but the best begin anew,
#: and after which to stop; and at most.
STALE, PATIENCE, MOST = 500, 2500, 20_000
#: Sites in the regions of all moves together, after which no child is begun; and moves of a first
#: descent, about, so that a population of large states is smaller.
VISITS, DESCENT = 3 * 10**7, 40
#: How much of the energies a shake adds at most.
HEAT = 1.0
#: A model is sparse if so many sites need not be held in a move.
SPARSE = 1 / 3
#: Relative differences that are rounding.
SAME = 1e-12


def search(target: Target, k: int, generator: np.random.Generator, progress: bool) -> Best:
    """The `k` best states found, as positions of the sites of a model that has any.

    Notes
    -----
    A move gives the best positions to all sites of a region but those that must be held to keep
    the tables small (subgraphs of bounded tree width: Hamze and de Freitas 2004, UAI, 243; Selby
    2014, arXiv:1409.3934). A child of one state is shaken somewhere and improved there; a child of
    two is improved where they differ, so that it has the better of each part that they differ in.
    A population that no longer finds anything begins anew, but for its best state.
    """
    tables = tables_of(target.model, target.model.beta)
    starts = _starts(target, tables, generator)
    population = Population(tables, progress_bar(starts, "descents", progress), k, generator)
    since = 0
    for _ in progress_bar(range(MOST), "children", progress):
        since = 0 if population.step() else since + 1
        if since >= PATIENCE or population.visits >= VISITS:
            break
        if since and since % STALE == 0:
            population.renew(_starts(target, tables, generator))
    return population.best


def suits(target: Target) -> bool:
    """Whether most sites of a model that has any need not be held."""
    tables = tables_of(target.model, target.model.beta)
    return Walker(tables, np.random.default_rng(0)).free() > SPARSE


class Population:
    """States of a model, each descended from where it began.

    Parameters
    ----------
    tables : Tables
    starts : iterable of array of int64, shape (n_sites,)
        Two allowed states at least.
    k : int
        How many states to keep, whatever becomes of the population.
    generator : numpy.random.Generator
    """

    def __init__(
        self, tables: Tables, starts: Iterable[Ints], k: int, generator: np.random.Generator
    ) -> None:
        self._walker, self._generator = Walker(tables, generator), generator
        self._all = np.arange(len(tables.sites))
        self._rows = np.array([self._descended(row) for row in starts])
        self._energies = np.array([self._walker.energy(row) for row in self._rows])
        self.best = Best(k)
        self.best.offer(self._rows, self._energies)

    @property
    def visits(self) -> int:
        """Sites in the regions of all moves so far."""
        return self._walker.visits

    def step(self) -> bool:
        """Let a child take the place of a parent no better; whether it is among the best."""
        random = self._generator
        parent, other = random.permutation(len(self._rows))[:2].tolist()
        if random.random() < CROSSED:
            if self._energies[parent] < self._energies[other]:
                parent, other = other, parent
            child = self._crossed(self._rows[other], self._rows[parent])
        else:
            child = self._shaken(self._rows[parent])
        energy = self._walker.energy(child)
        worse = energy > self._energies[parent] + SAME * abs(energy)
        if worse or (self._rows == child).all(axis=1).any():
            return False
        self._rows[parent], self._energies[parent] = child, energy
        return self.best.offer(child[None], np.array([energy]))

    def renew(self, starts: Iterable[Ints]) -> None:
        """Put others, descended from where they begin, in the place of all states but the best."""
        worse = np.argsort(self._energies, kind="stable")[1:].tolist()
        for place, start in zip(worse, starts, strict=False):
            self._rows[place] = self._descended(start)
            self._energies[place] = self._walker.energy(self._rows[place])
        self.best.offer(self._rows, self._energies)

    def _shaken(self, row: Ints) -> Ints:
        """Shake a region, and improve it."""
        region = self._walker.region()
        child = self._walker.settled(row, region, self._heat())
        for _ in range(AFTER):
            child = self._walker.settled(child, region)
        return child

    def _crossed(self, better: Ints, worse: Ints) -> Ints:
        """The better of each part where two states differ, and then the whole improved."""
        apart = np.flatnonzero(better != worse)
        child = self._walker.settled(better, apart, self._heat())
        for _ in range(AFTER):
            child = self._walker.settled(child, apart)
        for _ in range(2):
            child = self._walker.settled(child, self._all)
        return child

    def _heat(self) -> float:
        return HEAT * self._generator.random()

    def _descended(self, row: Ints) -> Ints:
        """Improved until nothing has changed for some moves."""
        energy, still = np.inf, 0
        while still < STILL:
            row = self._walker.settled(row, self._all)
            now = self._walker.energy(row)
            still = 0 if now < energy - SAME * abs(now) else still + 1
            energy = now
        return row


def _starts(target: Target, tables: Tables, generator: np.random.Generator) -> Ints:
    """Allowed states, shape (states, n_sites); ModelError if none is found."""
    sites = len(tables.sites)
    states = max(2, min(STATES, VISITS // (DESCENT * sites)))
    starts = target.starts(states, generator)
    if starts is None:
        starts = generator.integers(0, tables.counts, (states, sites)).astype(np.int8)
    found: npt.NDArray[np.int8] = allowed(tables, np.asfortranarray(starts), generator)
    if np.isinf(tables.energies(found)).any():
        raise ModelError("no allowed state was found to start from; method='exact' may find some")
    return found.astype(np.int64)
