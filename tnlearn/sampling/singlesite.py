"""One site at a time: the heat bath (Gibbs sampling) and Metropolis' rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from tnlearn.sampling.discrete import LAZINESS, prepared, started
from tnlearn.sampling.interface import Seed, State, sweep_count
from tnlearn.sampling.pairs import Levels, Pairs
from tnlearn.sampling.tables import Tables


@dataclass(frozen=True)
class Gibbs:
    """Every site in turn is drawn anew from its distribution given all others.

    For a spin with local field ``f_i = h_i + sum_j J_ij s_j`` this is
    ``p(s_i = +1) = 1 / (1 + exp(-2 beta f_i))``.

    Notes
    -----
    Sites are visited in the order of ``model.sites``. Knows `tnlearn.Ising` and every model with
    ``energies()``, of which an update reads the tables that touch the site; fastest where local
    fields are whole multiples of a unit (J = +-1, say) and there are 64 chains or more. Cost of a
    sweep: O(chains * sum of degrees). Source: R. Glauber, J. Math. Phys. 4, 294 (1963);
    S. and D. Geman, IEEE Trans. PAMI 6, 721 (1984).

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> from tnlearn.sampling import Gibbs
    >>> model = tnl.Ising(nx.cycle_graph(6), beta=0.5)
    >>> state = Gibbs().init(model, chains=100, seed=0)
    >>> state = Gibbs().step(state, sweeps=10)
    >>> state.values.shape, state.energies.shape
    ((100, 6), (100,))
    """

    def init(
        self,
        model: Any,
        chains: int,
        seed: Seed = None,
        *,
        start: npt.ArrayLike | None = None,
        beta: float | None = None,
    ) -> State:
        """Chains at `start`, or at random; see `tnlearn.sampling.Sampler`."""
        return started(prepared(model, beta), chains, seed, start)

    def step(self, state: State, sweeps: int = 1) -> State:
        """Every site drawn anew, `sweeps` times."""
        return _swept(state, sweep_count(sweeps), heat_bath=True)


@dataclass(frozen=True)
class Metropolis:
    """At every site in turn another value is proposed, and taken with min(1, exp(-beta dE)).

    Notes
    -----
    A proposal is made with probability 7/8: if always, spins that feel no field would flip in
    every sweep, and a chain of them would never forget where it began. Otherwise as `Gibbs`,
    to whose models, cost and order of sites this adds nothing. Source: N. Metropolis et al.,
    J. Chem. Phys. 21, 1087 (1953).
    """

    def init(
        self,
        model: Any,
        chains: int,
        seed: Seed = None,
        *,
        start: npt.ArrayLike | None = None,
        beta: float | None = None,
    ) -> State:
        """Chains at `start`, or at random; see `tnlearn.sampling.Sampler`."""
        return started(prepared(model, beta), chains, seed, start)

    def step(self, state: State, sweeps: int = 1) -> State:
        """A proposal at every site, `sweeps` times."""
        return _swept(state, sweep_count(sweeps), heat_bath=False)


def _swept(state: State, sweeps: int, *, heat_bath: bool) -> State:
    target = state.target
    rows = np.array(state.positions.T, order="C")  # Copies: the kernels write into them.
    generator = state.generator.copy()
    if isinstance(target, Pairs):
        changed = _sweep_pairs(target, rows, generator, sweeps, heat_bath)
    else:
        assert isinstance(target, Tables)
        changed = _sweep_tables(target, rows, generator, sweeps, heat_bath)
    return replace(
        state,
        positions=rows.T,
        energies=target.energies(rows.T),
        generator=generator,
        changed=state.changed + int(changed),
        tried=state.tried + rows.size * sweeps,
    )


def _sweep_pairs(
    pairs: Pairs,
    rows: npt.NDArray[np.int8],
    generator: npt.NDArray[np.uint64],
    sweeps: int,
    heat_bath: bool,
) -> int:
    from tnlearn.sampling.kernels import pairs as kernels

    graph = (pairs.starts, pairs.neighbours)
    if levels := pairs.levels:
        held = thresholds(levels, pairs.beta, heat_bath)
        changed = kernels.sweep_levels(
            rows, *graph, levels.weights, levels.offsets, held, generator, sweeps
        )
    else:
        kept = 1 - LAZINESS
        energies = (pairs.couplings, pairs.fields)
        changed = kernels.sweep_fields(
            rows, *graph, *energies, pairs.beta, heat_bath, kept, generator, sweeps
        )
    return int(changed)


def thresholds(levels: Levels, beta: float, heat_bath: bool) -> npt.NDArray[np.uint64]:
    """Probabilities that a spin is up after its update, times 2**53.

    For a spin that was down and every level, then for one that was up: shape (2 * (2 top + 1),).
    """
    gains = 2 * beta * levels.unit * np.arange(-levels.top, levels.top + 1)
    if heat_bath:
        upwards = np.concatenate([expit(gains), expit(gains)])
    else:
        kept = 1 - LAZINESS
        rising, falling = np.exp(np.minimum(gains, 0)), np.exp(np.minimum(-gains, 0))
        upwards = np.concatenate([kept * rising, 1 - kept * falling])
    return np.rint(upwards * 2.0**53).astype(np.uint64)


def _sweep_tables(
    tables: Tables,
    rows: npt.NDArray[np.int8],
    generator: npt.NDArray[np.uint64],
    sweeps: int,
    heat_bath: bool,
) -> int:
    from tnlearn.sampling.kernels import tables as kernels

    counts = np.array(tables.counts, np.int64)
    kept = 1 - LAZINESS
    return int(
        kernels.sweep(rows, *tables.lists, counts, tables.beta, heat_bath, kept, generator, sweeps)
    )
