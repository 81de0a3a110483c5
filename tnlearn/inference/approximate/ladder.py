"""Temperatures for parallel tempering, as far apart as the energy's fluctuations allow."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

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


def ladder(
    model: HasEnergies, generator: np.random.Generator, start: npt.NDArray[Any] | None = None
) -> tuple[float, ...]:
    """Inverse temperatures from 0 to the model's own.

    Neighbours i and j are swapped at a rate of about ``erfc(|b_i - b_j| sigma / 2)``, sigma being
    the standard deviation of the energy (Kofke 2002, J. Chem. Phys. 117, 6911), which short chains
    measure on their way up. Beyond `MOST` rungs some are left out.

    Parameters
    ----------
    model : model with ``energies()``
        Of positive beta.
    generator : numpy.random.Generator
    start : array, shape (chains, n_sites), optional
        States to measure from; by default chains find theirs.

    Returns
    -------
    tuple of float, at least two
        Ascending; the last is the model's beta.
    """
    here = _measured(model, start, 0.0, generator)
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
    chains = CHAINS if start is None else len(start)
    state = Gibbs().init(model, chains, generator, start=start, beta=beta)
    state = Gibbs().step(state, SWEEPS)
    energies = []
    for _ in range(SWEEPS):
        state = Gibbs().step(state)
        energies.append(state.energies)
    return _Energies(float(np.mean(energies)), float(np.std(energies)), state.values)
