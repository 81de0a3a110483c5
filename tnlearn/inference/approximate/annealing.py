"""Annealed importance sampling: log Z and its error, from independent chains.

Chains start in independent variables and are led to the model through distributions between, a
Gibbs sweep at each; the average weight of a chain is Z exactly, at any number of steps (Neal 2001,
Stat. Comput. 11, 125, eqs. 3 to 11). How much the weights scatter says how far the logarithm of
their average may be off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference.approximate.tables import Tables, tables_of
from tnlearn.inference.distribution import closed
from tnlearn.inference.support import supported
from tnlearn.network import HasNetwork, TensorNetwork
from tnlearn.progress import progress_bar
from tnlearn.seeds import generator_of

Array = npt.NDArray[np.float64]

#: Chains, steps of the first attempt, and by how much these grow until the weights agree.
CHAINS, STEPS, MORE = 128, 64, 4
#: Variance of the logarithms of the weights below which the error of their average is understood.
CALM = 0.5
#: Updates of a variable after which no longer attempt is begun.
UPDATES = 2 * 10**8
#: The error stated, in standard errors.
SIGMAS = 3.0


@dataclass(frozen=True)
class Annealed:
    """What annealed importance sampling found.

    Attributes
    ----------
    log_partition : float
        The natural logarithm of the average weight.
    error : float
        Three standard errors of it, bias included.
    converged : bool
        Whether the weights of the chains agree well enough for the error to be believed.
    steps : int
        Distributions between the first and the last.
    """

    log_partition: float
    error: float
    converged: bool
    steps: int


def anneal(
    thing: TensorNetwork | HasNetwork,
    *,
    chains: int = CHAINS,
    tolerance: float = 0.0,
    updates: int = UPDATES,
    seed: int | np.random.Generator | None = 0,
    progress: bool = False,
) -> Annealed:
    """Estimate log Z by annealed importance sampling.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries.
    chains : int
        Independent ones, at least 8.
    tolerance : float
        Take more steps until the error is below this, as well as believable.
    updates : int
        Updates of a variable, of all chains and attempts together, after which to stop: some
        30 nanoseconds each, times the tables on a variable and its values.
    seed : int or numpy.random.Generator, optional
    progress : bool
        Show a bar.

    Raises
    ------
    ModelError
        If the network is no distribution, or there are fewer than 8 chains.

    Notes
    -----
    Hard zeros may leave few chains a weight; then it has not converged.
    """
    if chains < 8:
        raise ModelError(f"{chains} chains do not show how much their weights scatter: give 8")
    support = supported(closed(thing))
    if support.empty:
        return Annealed(-math.inf, 0.0, True, 0)
    tables = tables_of(support.network)
    if not tables.scopes:
        return Annealed(tables.constant, 0.0, True, 0)
    run = _Run(tables, generator_of(seed))
    once = chains * len(tables.sizes)
    found = run.attempt(chains, STEPS, progress)
    steps, left, first = STEPS * MORE, updates - STEPS * once, True
    while left >= steps * once and (first or not _good(found, tolerance)):
        before, found = found, run.attempt(chains, steps, progress)
        # Chains that all miss the same states agree until they are given time.
        error = max(found.error, abs(found.log_partition - before.log_partition))
        found, first = replace(found, error=error), False
        left -= steps * once
        steps *= MORE
    return found


def _good(found: Annealed, tolerance: float) -> bool:
    return found.converged and (not tolerance or found.error <= tolerance)


class _Run:
    """The tables as the kernel reads them; see `annealing_kernel.anneal_chains`."""

    def __init__(self, tables: Tables, generator: np.random.Generator) -> None:
        self._tables, self._generator = tables, generator
        self._sizes = np.array(tables.sizes)
        # All positions alike: a start that leans to one of several valleys forgets the others.
        self._start = np.concatenate([np.full(n, -math.log(n)) for n in tables.sizes])
        self._starts = np.concatenate(([0], np.cumsum(self._sizes)))
        self._entries = np.concatenate([log.ravel() for log in tables.logs])
        self._begins = np.cumsum([0, *(log.size for log in tables.logs)])[:-1]
        touching: list[list[tuple[int, int]]] = [[] for _ in tables.sizes]
        for number, (scope, log) in enumerate(zip(tables.scopes, tables.logs, strict=True)):
            for variable, stride in zip(scope, log.strides, strict=True):
                touching[variable].append((number, stride // log.itemsize))
        self._ends = np.cumsum([0, *map(len, touching)])
        flat = [pair for pairs in touching for pair in pairs]
        self._touching = np.array(flat or np.empty((0, 2)), np.int64)

    def attempt(self, chains: int, steps: int, progress: bool) -> Annealed:
        """All chains, through so many steps."""
        from tnlearn.inference.approximate.annealing_kernel import anneal_chain

        heights = np.linspace(0.0, 1.0, steps + 1)
        logs = np.empty(chains)
        for chain in progress_bar(range(chains), "chains", progress, chains):
            logs[chain] = anneal_chain(
                heights,
                self._sizes,
                self._start,
                self._starts,
                self._entries,
                self._begins,
                self._ends,
                self._touching,
                self._generator,
            )
        found = average_weight(logs, steps)
        return replace(found, log_partition=found.log_partition + self._tables.constant)


def average_weight(logs: Array, steps: int) -> Annealed:
    """The average of the weights of chains, and what their scatter says of it.

    Parameters
    ----------
    logs : array, shape (chains,)
        Natural logarithms of the weights.
    steps : int
        How many steps they took.
    """
    top = float(logs.max())
    if top == -np.inf:
        return Annealed(-math.inf, math.inf, False, steps)
    weights = np.exp(logs - top)
    mean = float(weights.mean())
    alive = logs[logs > -np.inf]
    spread = float(np.var(alive, ddof=1)) if len(alive) > 1 else math.inf
    relative = float(np.std(weights, ddof=1)) / mean / math.sqrt(len(logs))
    # Of weights that are lognormal the average is known no better than this.
    lognormal = math.sqrt(math.expm1(min(spread, 50.0)) / len(logs))
    error = SIGMAS * max(relative, lognormal) + relative**2 / 2
    rounding = 1e-12 * (1 + abs(top))
    converged = spread <= CALM and len(alive) == len(logs)
    return Annealed(top + math.log(mean), error + rounding, converged, steps)
