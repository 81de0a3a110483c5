"""Markov chains for questions: any model or network as samplers read it, run until they agree."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference.approximate.ladder import ladder
from tnlearn.inference.distribution import closed, logarithms
from tnlearn.inference.support import Support, supported
from tnlearn.network import HasNetwork, Index, Tensor, TensorNetwork
from tnlearn.progress import progress_bar
from tnlearn.sampling import Gibbs, ParallelTempering, autocorrelation_time, r_hat
from tnlearn.sampling.pairs import is_pairwise
from tnlearn.seeds import generator_of

Ints = npt.NDArray[np.int64]

#: Ways to move chains.
CHAINED = ("gibbs", "tempering")
#: Chains side by side, and draws of each in the first attempt.
CHAINS, DRAWS = 16, 256
#: By how much the sweeps from draw to draw grow from attempt to attempt.
MORE = 4
#: Part of the draws that is made first and thrown away.
WARMUP = 0.5
#: Above this the chains have not forgotten where they began (Vehtari et al. 2021).
R_HAT = 1.02
#: Relative differences that are rounding.
SAME = 1e-12
#: Updates of a site, of all chains, rungs and attempts, after which no longer attempt is begun.
UPDATES = 3 * 10**8


class Weighted:
    """A closed network of weights as a model: what hard zeros leave of its indices are sites.

    The energy is minus the natural logarithm of the weight, at beta 1.
    """

    def __init__(self, network: TensorNetwork) -> None:
        self._network, self.beta = network, 1.0
        self.sites = tuple(network.sizes)

    def network(self) -> TensorNetwork:
        """The network itself."""
        return self._network

    def values(self, site: Hashable) -> tuple[int, ...]:
        """Positions along the index."""
        return tuple(range(self._network.sizes[site]))

    def energies(self) -> TensorNetwork:
        """Minus the logarithms of all entries; inf forbids."""
        named = zip(self._network.names, self._network, strict=True)
        return TensorNetwork(
            Tensor(-logarithms(name, tensor), tensor.indices, name) for name, tensor in named
        )

    def energy(self, states: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Of states, shape (n_states, n_sites)."""
        rows = np.asarray(states)
        column = {site: rows[:, k] for k, site in enumerate(self.sites)}
        found = np.zeros(len(rows))
        for tensor in self.energies():
            found += tensor.data[tuple(column[index] for index in tensor.indices)]
        return found


@dataclass(frozen=True, eq=False)
class Target:
    """A question's model, as chains move on it.

    Attributes
    ----------
    model : model
        Of positive beta; a position of a site is one of the index of that name.
    support : Support
        How these lead back to those of the network asked about.
    """

    model: Any
    support: Support

    def starts(self, count: int, generator: np.random.Generator) -> npt.NDArray[np.int8] | None:
        """Allowed states to start chains from; None where chains find theirs."""
        from tnlearn.inference.counting.finding import allowed_states

        if not isinstance(self.model, Weighted):
            return None
        return allowed_states(self.model.network(), count, generator)

    def columns(self, rows: npt.NDArray[Any]) -> Mapping[Index, Ints]:
        """Positions of every index of the network asked about, from states of the model."""
        left = {site: rows[:, k].astype(np.int64) for k, site in enumerate(self.model.sites)}
        fixed = np.zeros(len(rows), np.int64)
        return self.support.state({index: left.get(index, fixed) for index in self.support.kept})

    def states(self, rows: npt.NDArray[Any]) -> list[dict[Index, int]]:
        """The same, state by state."""
        columns = self.columns(rows)
        return [
            {index: int(column[number]) for index, column in columns.items()}
            for number in range(len(rows))
        ]


def target_of(thing: TensorNetwork | HasNetwork, nothing: str) -> Target:
    """The model to move on; ModelError with the text `nothing` if every state is forbidden."""
    support = supported(closed(thing))
    if support.empty:
        raise ModelError(nothing)
    # Pairs of spins are moved several times faster than tables.
    pairs = is_pairwise(thing) and thing.beta > 0
    return Target(thing if pairs else Weighted(support.network), support)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Draws of chains.

    Attributes
    ----------
    columns : mapping from index to array of int64, shape (draws * chains,)
        Positions; row k is draw ``k // chains`` of chain ``k % chains``.
    chains : int
    effective_size : float
        Independent samples that say as much, of what is slowest: the energy, the sum of all
        positions, or a fixed random combination of them.
    converged : bool
        Whether the chains agree on these, and say as much as was asked for.
    """

    columns: Mapping[Index, Ints]
    chains: int
    effective_size: float
    converged: bool


def draw(
    thing: TensorNetwork | HasNetwork,
    size: int,
    method: str,
    nothing: str,
    *,
    seed: int | np.random.Generator | None = 0,
    updates: int = UPDATES,
    progress: bool = False,
) -> Drawn:
    """Move chains until so many draws count as independent ones, or the updates are spent.

    Parameters
    ----------
    thing : TensorNetwork or model
    size : int
        Draws, of all chains together, at least; as many should count.
    method : str
        "gibbs" or "tempering".
    nothing : str
        What to say if every state is forbidden.
    seed : int or numpy.random.Generator, optional
    updates : int
    progress : bool
    """
    target = target_of(thing, nothing)
    generator = generator_of(seed)
    draws = max(DRAWS, -(-size // CHAINS))
    if not target.model.sites:
        return Drawn(target.columns(np.zeros((draws * CHAINS, 0), np.int64)), CHAINS, size, True)
    start = target.starts(CHAINS, generator)
    sampler: Any = Gibbs()
    rungs = 1
    if method == "tempering":
        betas = ladder(target.model, generator, start)
        sampler, rungs = ParallelTempering(sampler, betas), len(betas)
    once = draws * CHAINS * rungs * len(target.model.sites) * (1 + WARMUP)
    thin, left = 1, updates
    while True:
        found = _attempt(target, sampler, start, draws, thin, generator, progress)
        left -= int(once * thin)
        enough = found.effective_size >= min(size, 0.5 * draws * CHAINS)
        if found.converged and enough:
            return found
        thin *= MORE
        if once * thin > left:
            return Drawn(found.columns, CHAINS, found.effective_size, found.converged and enough)


def _attempt(
    target: Target,
    sampler: Any,
    start: npt.NDArray[np.int8] | None,
    draws: int,
    thin: int,
    generator: np.random.Generator,
    progress: bool,
) -> Drawn:
    state = sampler.init(target.model, CHAINS, generator, start=start)
    state = sampler.step(state, int(WARMUP * draws * thin))
    rows = np.empty((draws, CHAINS, len(target.model.sites)), np.int8)
    energies = np.empty((draws, CHAINS))
    for k in progress_bar(range(draws), f"chains, every {thin} sweeps", progress):
        state = sampler.step(state, thin)
        rows[k], energies[k] = state.positions, state.energies
    signs = np.random.default_rng(0).normal(size=rows.shape[2])
    series = [energies, rows.sum(axis=2, dtype=float), rows @ signs]
    # What is the same in all chains and at all times says nothing of them.
    series = [one for one in series if np.ptp(one) > SAME * np.abs(one).max()]
    sizes = [energies.size / autocorrelation_time(one) for one in series]
    agree = all(r_hat(one) < R_HAT for one in series)
    flat = rows.reshape(-1, rows.shape[2])
    size = min([float(energies.size), *sizes])
    return Drawn(target.columns(flat), CHAINS, size, agree)
