"""What a sampler is: `init` and `step`, and a state that is all they know of each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from tnlearn.arguments import whole

Seed: TypeAlias = "int | np.random.Generator | None"
Positions: TypeAlias = npt.NDArray[Any]
S = TypeVar("S")


class Target(Protocol):
    """A model in the form in which a sampler reads it; shared by all states of a chain."""

    @property
    def sites(self) -> tuple[Any, ...]:
        """The sites, in the order of the columns of positions."""
        ...

    @property
    def beta(self) -> float:
        """Inverse temperature, 1 / energy: the chain's distribution is exp(-beta energy) / Z."""
        ...

    def energies(self, positions: Positions) -> npt.NDArray[np.float64]:
        """Energies, shape (chains,), of positions, shape (chains, n_sites)."""
        ...

    def values(self, positions: Positions) -> npt.NDArray[Any]:
        """The model's own values at positions, the same shape."""
        ...


@dataclass(frozen=True, eq=False)
class State:
    """Where chains are, and all that their future depends on.

    Attributes
    ----------
    target : Target
        What is sampled.
    positions : array, shape (chains, n_sites)
        int8 positions in ``model.values(site)`` (0 is spin -1 or bit 0), or float64 coordinates.
        Never written to again.
    energies : array of float64, shape (chains,)
        In the model's unit of energy; computed afresh after every step, so nothing drifts.
    generator : array of uint64
        Of the random numbers to come.
    changed, tried : int
        Updates that changed something, and updates, of all chains together since `init`.
    """

    target: Target
    positions: Positions
    energies: npt.NDArray[np.float64]
    generator: npt.NDArray[np.uint64]
    changed: int = 0
    tried: int = 0

    @property
    def values(self) -> npt.NDArray[Any]:
        """The model's own values, shape (chains, n_sites), columns in the order of its sites."""
        return self.target.values(self.positions)


class ChainState(Protocol):
    """What `run` reads of a state: `State` has it, and so has that of parallel tempering."""

    @property
    def target(self) -> Target:
        """What is sampled."""
        ...

    @property
    def positions(self) -> Positions:
        """Where the chains are, shape (chains, n_sites)."""
        ...

    @property
    def energies(self) -> npt.NDArray[np.float64]:
        """Their energies, shape (chains,)."""
        ...

    @property
    def changed(self) -> int:
        """Updates that changed something, since `init`."""
        ...

    @property
    def tried(self) -> int:
        """Updates, since `init`."""
        ...


class Sampler(Protocol[S]):
    """A Markov chain whose stationary distribution is that of the model.

    Laws, for a sampler ``m`` and a state ``s``, bit for bit::

        m.step(m.step(s, a), b) == m.step(s, a + b)
        m.step(s, a) == m.step(s, a)            # s is not changed

    and if positions are distributed as ``exp(-beta * energy) / Z``, they still are after a step.
    Samplers are frozen dataclasses of their settings.
    """

    def init(
        self,
        model: Any,
        chains: int,
        seed: Seed = None,
        *,
        start: npt.ArrayLike | None = None,
        beta: float | None = None,
    ) -> S:
        """A state from which to start.

        Parameters
        ----------
        model : model
            Of a kind that the sampler knows; ModelError otherwise.
        chains : int
            Independent chains, at least 1.
        seed : int or numpy.random.Generator, optional
            Of the start and of all that follows.
        start : array_like, shape (chains, n_sites), optional
            In the model's own values; by default drawn uniformly (coordinates: 0).
        beta : float, optional
            Instead of the model's own.
        """
        ...

    def step(self, state: S, sweeps: int = 1) -> S:
        """The state so many sweeps later: a sweep tries every site once."""
        ...


def streams(generator: np.random.Generator, count: int) -> npt.NDArray[np.uint64]:
    """Seeds of independent streams for the kernels, shape (4, count)."""
    return generator.integers(0, 2**64, (4, count), dtype=np.uint64)


def chain_count(chains: int) -> int:
    """A number of chains, at least 1."""
    return whole("chains", chains, 1)


def sweep_count(sweeps: int) -> int:
    """A number of sweeps, at least 0."""
    return whole("sweeps", sweeps, 0)
