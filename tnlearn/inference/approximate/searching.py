"""The best states that chains come by: parallel tempering, and descent from where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.inference.approximate.best import Best
from tnlearn.inference.approximate.chains import Target
from tnlearn.inference.approximate.ladder import ladder
from tnlearn.progress import progress_bar
from tnlearn.sampling import Gibbs, ParallelTempering

#: Chains on every rung, and sweeps from descent to descent.
CHAINS, SWEEPS = 8, 10
#: Descents without a better state after which to stop, and at most.
PATIENCE, MOST = 20, 400
#: Updates of a site, of all chains and rungs, after which to stop.
UPDATES = 3 * 10**8
#: Inverse temperature of a descent, over what is natural: no step up is made but of rounding.
COLD = 1e6


def search(target: Target, k: int, generator: np.random.Generator, progress: bool) -> Best:
    """The `k` best states found, as positions of the sites of a model that has any.

    Notes
    -----
    Hukushima, Nemoto 1996, J. Phys. Soc. Jpn. 65, 1604; that descents from tempered states find
    ground states: Moreno, Huber, Binder 2003, Int. J. Mod. Phys. C 14, 285.
    """
    start = target.starts(CHAINS, generator)
    betas = ladder(target.model, generator, start)
    sampler = ParallelTempering(Gibbs(), betas)
    state = sampler.init(target.model, CHAINS, generator, start=start)
    best = Best(k)
    once = 2 * SWEEPS * CHAINS * len(betas) * len(target.model.sites)
    rounds = min(MOST, max(1, UPDATES // once))
    since = 0
    for _ in progress_bar(range(rounds), "descents", progress):
        state = sampler.step(state, SWEEPS)
        better = [best.offer(rung.positions, rung.energies) for rung in state.rungs]
        values = np.concatenate([rung.values for rung in state.rungs])
        better.append(best.offer(*_descended(target.model, values, generator)))
        since = 0 if any(better) else since + 1
        if since >= PATIENCE:
            break
    return best


def _descended(
    model: Any, values: npt.NDArray[Any], generator: np.random.Generator
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """States that no change of a site makes better, from some; and their energies."""
    state = Gibbs().init(model, len(values), generator, start=values, beta=COLD * model.beta)
    for _ in range(MOST):
        before, state = state.energies, Gibbs().step(state)
        if (state.energies >= before).all():
            break
    return state.positions, state.energies
