"""Temperatures for parallel tempering, as far apart as the energy's fluctuations allow."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tnlearn.network import HasEnergies
from tnlearn.sampling import Gibbs

#: From rung to rung, in standard deviations of the energy: half of the swaps are made.
STEP = 1.0
#: Inverse temperature times mean energy that neighbours may differ by (their divergence).
DIVERGENCE = 2.0
#: Chains and sweeps that measure these.
CHAINS, SWEEPS = 16, 20
#: Rungs at most.
MOST = 48


class HasStarts(Protocol):
    """A model, and states that it allows."""

    @property
    def model(self) -> Any:
        """Of positive beta, with ``energies()``."""
        ...

    def starts(self, count: int, generator: np.random.Generator) -> npt.NDArray[np.int8] | None:
        """So many of them, or None where chains find theirs."""
        ...


def ladder(target: HasStarts, generator: np.random.Generator) -> tuple[float, ...]:
    """Inverse temperatures from 0 to the model's own.

    Neighbours i and j are swapped at a rate of about ``erfc(|b_i - b_j| sigma / 2)``, sigma being
    the standard deviation of the energy (Kofke 2002, J. Chem. Phys. 117, 6911), which short chains
    measure on their way up. Beyond `MOST` rungs some are left out.

    Parameters
    ----------
    target : HasStarts
    generator : numpy.random.Generator

    Returns
    -------
    tuple of float, at least two
        Ascending; the last is the model's beta.
    """
    model = target.model
    here = _measured(model, target.starts(CHAINS, generator), 0.0, generator)
    betas = [0.0]
    while betas[-1] < model.beta:
        step = min(STEP / here.sigma if here.sigma > 0 else math.inf, model.beta - betas[-1])
        ahead = _measured(model, here.values, betas[-1] + step, generator)
        # Across a transition the energy falls by more than its fluctuations before it said.
        while step * (here.mean - ahead.mean) > DIVERGENCE:
            step /= 2
            ahead = _measured(model, here.values, betas[-1] + step, generator)
        last = step >= model.beta - betas[-1]
        betas.append(model.beta if last else betas[-1] + step)
        here = ahead
    if len(betas) > MOST:
        places = np.linspace(0, len(betas) - 1, MOST).round().astype(int)
        betas = [betas[k] for k in places]
    return tuple(betas)


class _Energies(NamedTuple):
    """Of short chains at one temperature, and where these ended."""

    mean: float
    sigma: float
    values: npt.NDArray[Any]


def _measured(
    model: HasEnergies, start: Any, beta: float, generator: np.random.Generator
) -> _Energies:
    state = Gibbs().init(model, CHAINS, generator, start=start, beta=beta)
    state = Gibbs().step(state, SWEEPS)
    energies = []
    for _ in range(SWEEPS):
        state = Gibbs().step(state)
        energies.append(state.energies)
    return _Energies(float(np.mean(energies)), float(np.std(energies)), state.values)
