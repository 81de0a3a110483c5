"""Temperatures for parallel tempering, as far apart as the energy's fluctuations allow."""

from __future__ import annotations

import numpy as np

from tnlearn.network import HasEnergies
from tnlearn.sampling import Gibbs

#: From rung to rung, in standard deviations of the energy: half of the swaps are made.
STEP = 1.0
#: Chains and sweeps that measure these.
CHAINS, SWEEPS = 16, 20
#: Rungs at most.
MOST = 48


def ladder(model: HasEnergies, generator: np.random.Generator) -> tuple[float, ...]:
    """Inverse temperatures from 0 to the model's own.

    Neighbours i and j are swapped at a rate of about ``erfc(|b_i - b_j| sigma / 2)``, sigma being
    the standard deviation of the energy (Kofke 2002, J. Chem. Phys. 117, 6911), which short chains
    measure on their way up. Beyond `MOST` rungs some are left out.

    Parameters
    ----------
    model : model with ``energies()``
        Of positive beta.
    generator : numpy.random.Generator

    Returns
    -------
    tuple of float, at least two
        Ascending; the last is the model's beta.
    """
    state = Gibbs().init(model, CHAINS, generator, beta=0.0)
    betas = [0.0]
    while betas[-1] < model.beta:
        energies = []
        for _ in range(SWEEPS):
            state = Gibbs().step(state)
            energies.append(state.energies)
        sigma = float(np.std(energies))
        following = betas[-1] + STEP / sigma if sigma > 0 else model.beta
        betas.append(min(following, model.beta))
        state = Gibbs().init(model, CHAINS, generator, start=state.values, beta=betas[-1])
    if len(betas) > MOST:
        places = np.linspace(0, len(betas) - 1, MOST).round().astype(int)
        betas = [betas[k] for k in places]
    return tuple(betas)
