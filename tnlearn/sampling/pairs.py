"""Spins with pairwise couplings, as lists of neighbours: what the fast kernels read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeGuard, runtime_checkable

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.sampling.interface import Positions

#: Local fields beyond so many units have no table of thresholds.
MOST_LEVELS = 512
#: Relative distance within which couplings count as whole multiples of a unit.
ROUNDING = 1e-12


@runtime_checkable
class PairModel(Protocol):
    """``H(s) = -sum J_ij s_i s_j - sum h_i s_i`` with spins -1 and +1: `tnlearn.Ising`."""

    @property
    def sites(self) -> tuple[Hashable, ...]:
        """The sites, in the order of the columns of states."""
        ...

    @property
    def beta(self) -> float:
        """Inverse temperature, 1 / energy."""
        ...

    @property
    def couplings(self) -> Mapping[tuple[Hashable, Hashable], float]:
        """J of every pair of neighbours, each in one orientation."""
        ...

    @property
    def fields(self) -> Mapping[Hashable, float]:
        """The field h of every site."""
        ...

    def values(self, site: Any) -> tuple[Any, ...]:
        """(-1, 1)."""
        ...


class Levels(NamedTuple):
    """Local fields as whole numbers: ``unit * (level - top)`` for levels 0 to 2 top.

    Attributes
    ----------
    unit : float
        Of energy.
    top : int
    weights : array of int32, shape (2 * n_pairs,)
        What an up neighbour adds to the level, compared with a down one.
    offsets : array of int32, shape (n_sites,)
        The level where all neighbours are down.
    """

    unit: float
    top: int
    weights: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Pairs:
    """A pair model as lists of neighbours: those of site i are ``starts[i]`` to ``starts[i + 1]``.

    Attributes
    ----------
    sites : tuple
    beta : float
        Inverse temperature, 1 / energy.
    starts : array of int64, shape (n_sites + 1,)
    neighbours : array of int32, shape (2 * n_pairs,)
        Numbers of sites.
    couplings : array of float64, shape (2 * n_pairs,)
        J, energy; every pair stands here twice.
    fields : array of float64, shape (n_sites,)
        h, energy.
    """

    sites: tuple[Hashable, ...]
    beta: float
    starts: npt.NDArray[np.int64]
    neighbours: npt.NDArray[np.int32]
    couplings: npt.NDArray[np.float64]
    fields: npt.NDArray[np.float64]

    def energies(self, positions: Positions) -> npt.NDArray[np.float64]:
        """Energies, shape (chains,), of positions 0 and 1, shape (chains, n_sites)."""
        from tnlearn.sampling.kernels import pairs as kernels

        found: npt.NDArray[np.float64] = kernels.energies(
            np.ascontiguousarray(positions.T),
            self.starts,
            self.neighbours,
            self.couplings,
            self.fields,
        )
        return found

    def values(self, positions: Positions) -> npt.NDArray[Any]:
        """Spins -1 and +1."""
        return 2 * positions.astype(np.int64) - 1

    def positions(self, values: npt.NDArray[Any]) -> Positions:
        """Positions of spins; ModelError if there is anything else."""
        if not np.isin(values, (-1, 1)).all():
            raise ModelError("start must hold -1 and +1 only (spin = 2 * bit - 1)")
        return (values > 0).astype(np.int8)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """The number of values of every site."""
        return (2,) * len(self.sites)

    @cached_property
    def strengths(self) -> npt.NDArray[np.float64]:
        """The sum of ``|h|`` and all ``|J|`` of every site, energy."""
        return np.abs(self.fields) + self.summed(np.abs(self.couplings))

    @cached_property
    def levels(self) -> Levels | None:
        """Local fields as whole numbers of a unit, if there is one; None otherwise."""
        unit = self._unit()
        if not unit or self.strengths.max() > MOST_LEVELS * unit:
            return None
        top = round(float(self.strengths.max()) / unit)
        weights = np.rint(2 * self.couplings / unit).astype(np.int32)
        lowest = np.rint(self.fields / unit) - self.summed(np.rint(self.couplings / unit))
        return Levels(unit, top, weights, (lowest + top).astype(np.int32))

    def summed(self, terms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The sum over the neighbours of every site, shape (n_sites,)."""
        owners = np.repeat(np.arange(len(self.sites)), np.diff(self.starts))
        return np.bincount(owners, terms, len(self.sites)).astype(np.float64)

    def _unit(self) -> float:
        """What all couplings and fields are whole multiples of; 0 where nothing large enough is."""
        energies = np.unique(np.abs(np.concatenate([self.couplings, self.fields])))
        energies = energies[energies > 0]
        if not len(energies):
            return 1.0
        for parts in range(1, 7):
            unit = float(energies[0]) / parts
            multiples = energies / unit
            if (np.abs(multiples - np.rint(multiples)) <= ROUNDING * multiples).all():
                return unit
        return 0.0


def is_pairwise(model: object) -> TypeGuard[PairModel]:
    """Whether a model has couplings and fields of spins -1 and +1."""
    return isinstance(model, PairModel) and all(
        tuple(model.values(site)) == (-1, 1) for site in model.sites
    )


def pairs_of(model: PairModel, beta: float) -> Pairs:
    """The lists of neighbours of a model, without bonds of J = 0; cost O(n_sites + n_pairs)."""
    number = {site: k for k, site in enumerate(model.sites)}
    ends = np.array([(number[a], number[b]) for a, b in model.couplings], np.int64).reshape(-1, 2)
    energies = np.array(list(model.couplings.values()), np.float64)
    ends, energies = ends[energies != 0], energies[energies != 0]
    owners = np.concatenate([ends[:, 0], ends[:, 1]])
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], np.arange(len(number) + 1))
    return Pairs(
        sites=tuple(model.sites),
        beta=beta,
        starts=starts.astype(np.int64),
        neighbours=np.concatenate([ends[:, 1], ends[:, 0]])[order].astype(np.int32),
        couplings=np.concatenate([energies, energies])[order],
        fields=np.array([model.fields[site] for site in model.sites], np.float64),
    )
