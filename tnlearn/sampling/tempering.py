"""Parallel tempering: copies at many temperatures that change places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.arguments import real, whole
from tnlearn.errors import ModelError
from tnlearn.sampling.counted import advanced, at_count, keyed
from tnlearn.sampling.interface import Positions, Sampler, Seed, State, Target, sweep_count
from tnlearn.seeds import generator_of


@dataclass(frozen=True, eq=False)
class TemperingState:
    """One state per temperature, and what swaps have come of it.

    Attributes
    ----------
    rungs : tuple of State
        In the order of the sampler's betas.
    rung : int
        The one at the model's own beta, whose positions and energies are this state's.
    generator : array of uint64
        Of the swaps to come.
    swaps, swaps_tried : arrays of int64, shape (n_rungs - 1,)
        Of every rung and the next, of all chains together.
    """

    rungs: tuple[State, ...]
    rung: int
    generator: npt.NDArray[np.uint64]
    swaps: npt.NDArray[np.int64]
    swaps_tried: npt.NDArray[np.int64]

    @property
    def target(self) -> Target:
        """The model at its own beta."""
        return self.rungs[self.rung].target

    @property
    def positions(self) -> Positions:
        """Positions at the model's own beta, shape (chains, n_sites)."""
        return self.rungs[self.rung].positions

    @property
    def values(self) -> npt.NDArray[Any]:
        """The model's own values there."""
        return self.rungs[self.rung].values

    @property
    def energies(self) -> npt.NDArray[np.float64]:
        """Energies there, shape (chains,)."""
        return self.rungs[self.rung].energies

    @property
    def changed(self) -> int:
        """Updates that changed something at the model's own beta, swaps not counted."""
        return self.rungs[self.rung].changed

    @property
    def tried(self) -> int:
        """Updates at the model's own beta."""
        return self.rungs[self.rung].tried

    @property
    def swap_rates(self) -> npt.NDArray[np.float64]:
        """The part of the swaps that were made, of every rung and the next; 0 before the first."""
        return self.swaps / np.maximum(self.swaps_tried, 1)


@dataclass(frozen=True)
class ParallelTempering:
    """Copies of the model at several temperatures, moved by a sampler; neighbours change places.

    Neighbours i and j do so with probability ``min(1, exp[(b_i - b_j) (E_i - E_j)])``, which
    leaves the distribution of all copies together as it is.

    Parameters
    ----------
    sampler : Sampler
        Of one copy; any whose state is a `State`, of spins or of coordinates.
    betas : sequence of float
        The ladder, 1 / energy, at least two, in the order in which neighbours are swapped. The
        model's own beta must be one of them: samples are taken there.
    interval : int
        Sweeps of the sampler between swaps. One sweep of this sampler is so many of that, and
        then swaps of the pairs (0, 1), (2, 3), ... or (1, 2), (3, 4), ... in turn.

    Raises
    ------
    ModelError, DataTypeError
        If there are fewer than two betas, or one is not finite; if `interval` is below 1.

    Notes
    -----
    Cost of a sweep: `interval` sweeps of every copy. Source: K. Hukushima and K. Nemoto, J.
    Phys. Soc. Jpn. 65, 1604 (1996).
    """

    sampler: Sampler[State]
    betas: Sequence[float]
    interval: int = 1

    def __post_init__(self) -> None:
        whole("interval", self.interval, 1)
        if len(self.betas) < 2:
            raise ModelError(f"betas={self.betas!r}: a ladder has at least two rungs")
        for beta in self.betas:
            real("beta", beta)

    def init(
        self,
        model: Any,
        chains: int,
        seed: Seed = None,
        *,
        start: npt.ArrayLike | None = None,
        beta: float | None = None,
    ) -> TemperingState:
        """Every rung at `start`, or at random; see `tnlearn.sampling.Sampler`.

        Raises
        ------
        ModelError
            If `beta`, by default the model's own, is no rung of the ladder.
        """
        own = model.beta if beta is None else beta
        if own not in self.betas:
            raise ModelError(f"the model has beta {own}, which is not in betas={self.betas!r}")
        generator = generator_of(seed)
        rungs = tuple(
            self.sampler.init(model, chains, generator, start=start, beta=beta)
            for beta in self.betas
        )
        pairs = np.zeros(len(rungs) - 1, np.int64)
        rung = list(self.betas).index(own)
        return TemperingState(rungs, rung, keyed(generator), pairs, pairs.copy())

    def step(self, state: TemperingState, sweeps: int = 1) -> TemperingState:
        """`interval` sweeps of every rung and then swaps, `sweeps` times."""
        for _ in range(sweep_count(sweeps)):
            rungs = tuple(self.sampler.step(rung, self.interval) for rung in state.rungs)
            state = _swapped(replace(state, rungs=rungs))
        return state


def _swapped(state: TemperingState) -> TemperingState:
    """Neighbours have changed places, every second pair."""
    random = at_count(state.generator)
    rungs, swaps, tried = list(state.rungs), state.swaps.copy(), state.swaps_tried.copy()
    for k in range(int(state.generator[2]) % 2, len(rungs) - 1, 2):
        one, other = rungs[k], rungs[k + 1]
        chains = len(one.positions)
        gain = (one.target.beta - other.target.beta) * (one.energies - other.energies)
        # -ln of a uniform number is exponential: no logarithm of zero.
        swap = -random.standard_exponential(chains) < gain
        rungs[k], rungs[k + 1] = _exchanged(one, other, swap)
        swaps[k] += swap.sum()
        tried[k] += chains
    generator = advanced(state.generator)
    return replace(state, rungs=tuple(rungs), generator=generator, swaps=swaps, swaps_tried=tried)


def _exchanged(one: State, other: State, swap: npt.NDArray[np.bool_]) -> tuple[State, State]:
    rows = swap[:, None]
    ahead = np.where(rows, other.positions, one.positions)
    behind = np.where(rows, one.positions, other.positions)
    energies = np.where(swap, other.energies, one.energies)
    others = np.where(swap, one.energies, other.energies)
    return (
        replace(one, positions=ahead, energies=energies),
        replace(other, positions=behind, energies=others),
    )
