"""A whole run: chains are started, warmed up, drawn from, and judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.arguments import whole
from tnlearn.progress import progress_bar
from tnlearn.sampling.diagnostics import autocorrelation_time, effective_size, r_hat
from tnlearn.sampling.interface import ChainState, Sampler, Seed

#: Draws of a chain, at least: with fewer there is no judging it.
LEAST_DRAWS = 4


@dataclass(frozen=True, eq=False)
class Run:
    """Samples, and how good they are, judged by the energy.

    Attributes
    ----------
    samples : array, shape (samples, n_sites)
        In the model's own values, columns in the order of ``model.sites``. Row k is draw
        ``k // chains`` of chain ``k % chains``.
    energies : array of float64, shape (samples,)
        Of the samples, in the model's unit of energy.
    acceptance : float
        The part of the updates, after the warm-up, that changed something.
    autocorrelation_time : float
        Of the energy, in draws, ``1 + 2 sum rho``; 1 means independent.
    effective_size : float
        Independent samples that tell the mean energy as well.
    r_hat : float
        Of the energy; above 1.01 the chains have not forgotten where they started.
    state : State or TemperingState
        After the last draw: to go on from, and with the swap rates of a ladder.
    """

    samples: npt.NDArray[Any]
    energies: npt.NDArray[np.float64]
    acceptance: float
    autocorrelation_time: float
    effective_size: float
    r_hat: float
    state: Any


def run(
    sampler: Sampler[Any],
    model: Any,
    samples: int,
    *,
    chains: int = 16,
    warmup: int = 1000,
    thin: int = 1,
    seed: Seed = None,
    start: npt.ArrayLike | None = None,
    progress: bool = False,
) -> Run:
    """Samples of a model by a Markov chain.

    Parameters
    ----------
    sampler : Sampler
        `Gibbs`, `Metropolis`, ...
    model : model
        Of a kind that the sampler knows.
    samples : int
        Number of samples, of all chains together; chains run until there are enough.
    chains : int
        Independent chains, moved side by side.
    warmup : int
        Sweeps before the first draw.
    thin : int
        Sweeps from draw to draw, at least 1.
    seed : int or numpy.random.Generator, optional
    start : array_like, shape (chains, n_sites), optional
        Where chains start, in the model's own values.
    progress : bool
        Draw a bar.

    Returns
    -------
    Run

    Raises
    ------
    DataTypeError, ModelError
        If a number is no whole one or too small, or the sampler refuses the model.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> from tnlearn.sampling import Gibbs, run
    >>> model = tnl.Ising(nx.cycle_graph(4), beta=0.5)
    >>> done = run(Gibbs(), model, 1000, warmup=100, seed=0)
    >>> done.samples.shape
    (1000, 4)
    """
    samples = whole("samples", samples, 1)
    warmup, thin = whole("warmup", warmup, 0), whole("thin", thin, 1)
    state: ChainState = sampler.init(model, chains, seed, start=start)
    state = sampler.step(state, warmup)
    draws = max(LEAST_DRAWS, -(-samples // chains))
    first = state
    positions = np.empty((draws, *state.positions.shape), state.positions.dtype)
    energies = np.empty((draws, chains))
    for draw in progress_bar(range(draws), "sampling", progress):
        state = sampler.step(state, thin)
        positions[draw], energies[draw] = state.positions, state.energies
    rows = positions.reshape(draws * chains, -1)[:samples]
    return Run(
        samples=state.target.values(rows),
        energies=energies.ravel()[:samples],
        acceptance=(state.changed - first.changed) / max(1, state.tried - first.tried),
        autocorrelation_time=autocorrelation_time(energies),
        effective_size=effective_size(energies),
        r_hat=r_hat(energies),
        state=state,
    )
