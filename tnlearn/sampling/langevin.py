"""Langevin dynamics: downhill with noise; and made exact by a test of every step (MALA)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tnlearn.arguments import positive
from tnlearn.errors import ModelError
from tnlearn.sampling.continuous import Array, Landscape, landscape_state
from tnlearn.sampling.counted import advanced, at_count
from tnlearn.sampling.interface import Seed, State, sweep_count


@dataclass(frozen=True)
class Langevin:
    """``x' = x - eta dE/dx + sqrt(2 eta T) xi`` with normal xi: the Euler step, untested.

    Its stationary distribution is only near the model's: for ``E = a x^2 / 2`` the variance is
    ``T / (a (1 - a eta / 2))`` instead of ``T / a``.

    Parameters
    ----------
    step_size : float
        eta, in units of coordinate^2 / energy, above 0; it diverges where ``a eta > 2``.

    Notes
    -----
    Cost of a sweep: one gradient of all chains. Source: H. S. Seung, H. Sompolinsky and N.
    Tishby, Phys. Rev. A 45, 6056 (1992), in continuous time.
    """

    step_size: float

    def __post_init__(self) -> None:
        positive("step_size", self.step_size)

    def init(
        self,
        model: Landscape,
        chains: int,
        seed: Seed = None,
        *,
        start: npt.ArrayLike | None = None,
        beta: float | None = None,
    ) -> State:
        """Chains at `start`, or all at 0; see `tnlearn.sampling.Sampler`."""
        return landscape_state(model, chains, seed, start, beta)

    def step(self, state: State, sweeps: int = 1) -> State:
        """So many Euler steps; ModelError if they diverge."""
        landscape, positions = _landscape(state), state.positions
        generator, count = state.generator, sweep_count(sweeps)
        noise = math.sqrt(2 * self.step_size / landscape.beta)
        for _ in range(count):
            with np.errstate(over="ignore", invalid="ignore"):  # It is said below.
                positions = positions + self.step_size * landscape.forces(positions)
            positions = positions + noise * at_count(generator).standard_normal(positions.shape)
            generator = advanced(generator)
            if not np.isfinite(positions).all():
                raise ModelError(f"step_size={self.step_size} is too large: a chain diverges")
        moves = len(positions) * count
        return replace(
            state,
            positions=positions,
            energies=landscape.energies(positions),
            generator=generator,
            changed=state.changed + moves,
            tried=state.tried + moves,
        )


@dataclass(frozen=True)
class MALA:
    """The step of `Langevin` as a proposal, taken or not by Metropolis' and Hastings' rule.

    Exact for any step size: ``min(1, p(x') q(x | x') / (p(x) q(x' | x)))`` restores detailed
    balance. Steps of which about 0.57 are taken are the best in many dimensions.

    Parameters
    ----------
    step_size : float
        eta, in units of coordinate^2 / energy, above 0.

    Notes
    -----
    Cost of a sweep: one energy and one gradient of all chains. Source: G. O. Roberts and R. L.
    Tweedie, Bernoulli 2, 341 (1996).
    """

    step_size: float

    def __post_init__(self) -> None:
        positive("step_size", self.step_size)

    def init(
        self,
        model: Landscape,
        chains: int,
        seed: Seed = None,
        *,
        start: npt.ArrayLike | None = None,
        beta: float | None = None,
    ) -> State:
        """Chains at `start`, or all at 0; see `tnlearn.sampling.Sampler`."""
        return landscape_state(model, chains, seed, start, beta)

    def step(self, state: State, sweeps: int = 1) -> State:
        """So many proposals."""
        landscape, positions, energies = _landscape(state), state.positions, state.energies
        generator, count = state.generator, sweep_count(sweeps)
        eta, beta = self.step_size, landscape.beta
        noise = math.sqrt(2 * eta / beta)
        forces, changed = landscape.forces(positions), 0
        for _ in range(count):
            random = at_count(generator)
            generator = advanced(generator)
            # Of the shape of the positions, first; then a number for every chain.
            proposal = positions + eta * forces + noise * random.standard_normal(positions.shape)
            there, back = landscape.energies(proposal), landscape.forces(proposal)
            forth = _squares(proposal - positions - eta * forces)
            return_ = _squares(positions - proposal - eta * back)
            gain = beta * (energies - there) + beta * (forth - return_) / (4 * eta)
            taken = -random.standard_exponential(len(positions)) < gain
            positions = np.where(taken[:, None], proposal, positions)
            energies = np.where(taken, there, energies)
            forces = np.where(taken[:, None], back, forces)
            changed += int(taken.sum())
        return replace(
            state,
            positions=positions,
            energies=energies,
            generator=generator,
            changed=state.changed + changed,
            tried=state.tried + len(positions) * count,
        )


def _squares(differences: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", differences, differences))


def _landscape(state: State) -> Landscape:
    assert isinstance(state.target, Landscape)
    return state.target
