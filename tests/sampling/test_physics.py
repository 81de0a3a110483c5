"""Samplers against closed forms: lattice energies, swap rates, and the bias of a finite step."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy import stats
from scipy.special import betainc

import tnlearn as tnl
from tnlearn.physics import exact
from tnlearn.sampling import (
    MALA,
    Gibbs,
    Landscape,
    Langevin,
    Metropolis,
    MultiSpin,
    ParallelTempering,
    Wolff,
    effective_size,
    r_hat,
    run,
)

LENGTH, BETA = 8, 0.42


def torus_energy() -> float:
    """Mean energy of the 8 x 8 torus: minus the slope of ln Z, by Kaufman's formula."""
    above, below = (exact.torus_log_partition(LENGTH, LENGTH, beta=BETA + h) for h in (1e-4, -1e-4))
    return -(above - below) / 2e-4


@pytest.mark.parametrize(
    ("sampler", "thin"),
    [
        (Gibbs(), 5),
        (Metropolis(), 5),
        (MultiSpin(), 5),
        (Wolff(), 2),
        (ParallelTempering(Gibbs(), (0.3, 0.36, BETA)), 3),
    ],
    ids=["Gibbs", "Metropolis", "MultiSpin", "Wolff", "ParallelTempering"],
)
def test_the_energy_of_the_square_lattice(sampler: Any, thin: int) -> None:
    graph = nx.grid_2d_graph(LENGTH, LENGTH, periodic=True)
    model = tnl.Ising(graph, beta=BETA)
    done = run(sampler, model, 64 * 150, chains=64, warmup=100, thin=thin, seed=0)
    error = done.energies.std() / math.sqrt(done.effective_size)
    assert error < 0.5
    assert abs(done.energies.mean() - torus_energy()) < 4 * error
    assert done.r_hat < 1.02
    assert 1 < done.autocorrelation_time < 20


def test_the_energy_is_that_of_the_infinite_lattice_far_from_criticality() -> None:
    model = tnl.Ising(nx.grid_2d_graph(16, 16, periodic=True), beta=0.25)
    done = run(Gibbs(), model, 64 * 60, chains=64, warmup=40, thin=3, seed=1)
    error = done.energies.std() / math.sqrt(done.effective_size)
    assert abs(done.energies.mean() - 256 * exact.bulk_energy_per_site(beta=0.25)) < 4 * error


def bowl(stiffness: float, dimension: int, beta: float) -> Landscape:
    return Landscape(
        lambda x: 0.5 * stiffness * (x**2).sum(axis=1), lambda x: stiffness * x, dimension, beta
    )


@pytest.mark.parametrize(
    ("dimension", "betas", "rate"), [(2, (2.0, 1.0), 2 / 3), (10, (1.5, 1.0), 0.53314)]
)
def test_swaps_of_harmonic_copies(dimension: int, betas: tuple[float, float], rate: float) -> None:
    """``2 I_{b2 / (b1 + b2)}(d / 2, d / 2)``, from chains that start in their distributions."""
    one, two = betas
    assert 2 * betainc(dimension / 2, dimension / 2, two / (one + two)) == pytest.approx(
        rate, abs=1e-5
    )
    chains, sweeps = 2000, 40
    ladder = ParallelTempering(MALA(0.4), betas, interval=3)
    state = ladder.init(bowl(1.0, dimension, one), chains, 0)
    state = ladder.step(state, 40)
    before = state.swaps.copy(), state.swaps_tried.copy()
    rates = []
    for _ in range(sweeps):
        was = state.swaps[0], state.swaps_tried[0]
        state = ladder.step(state, 2)
        rates.append((state.swaps[0] - was[0]) / (state.swaps_tried[0] - was[1]))
    error = np.std(rates) / math.sqrt(effective_size(rates))
    assert error < 0.005
    assert abs(np.mean(rates) - rate) < 4 * error
    assert state.swaps_tried[0] - before[1][0] == chains * sweeps
    assert state.swap_rates[0] == pytest.approx(rate, abs=0.03)


def test_swaps_of_spins() -> None:
    """Two free spins in a field: the rate by listing all pairs of states."""
    model = tnl.Ising(nx.empty_graph(2), field=1.0, beta=1.0)
    energies = model.energy(exact.enumerate_states(2))
    at = {beta: np.exp(-beta * energies) for beta in (1.0, 0.2)}
    joint = np.outer(at[1.0] / at[1.0].sum(), at[0.2] / at[0.2].sum())
    swap = np.minimum(1, np.exp((1.0 - 0.2) * (energies[:, None] - energies)))
    ladder = ParallelTempering(Gibbs(), (1.0, 0.2))
    state = ladder.step(ladder.init(model, 20000, 0), 8)
    expected = float((joint * swap).sum())
    assert state.swap_rates[0] == pytest.approx(expected, abs=4 * 0.5 / math.sqrt(80000))


def variance(sampler: Any, stiffness: float, beta: float) -> tuple[float, float]:
    """Of one harmonic coordinate, with its statistical error."""
    chains = 20000
    state = sampler.step(sampler.init(bowl(stiffness, 1, beta), chains, 0), 60)
    squares = state.positions[:, 0] ** 2
    return float(squares.mean()), float(squares.std() / math.sqrt(chains))


@pytest.mark.parametrize("eta", [0.2, 0.7])
def test_the_bias_of_langevin_steps(eta: float) -> None:
    """``T / (a (1 - a eta / 2))`` for ``a x^2 / 2``: 0.3125 at a = 2, T = 1/2, eta = 0.2."""
    found, error = variance(Langevin(eta), 2.0, 2.0)
    expected = 0.5 / (2 * (1 - eta))
    assert abs(found - expected) < 4 * error
    assert abs(found - 0.25) > 4 * error


@pytest.mark.parametrize("eta", [0.2, 0.7, 1.2])
def test_mala_has_no_bias(eta: float) -> None:
    found, error = variance(MALA(eta), 2.0, 2.0)
    assert abs(found - 0.25) < 4 * error


def test_mala_in_a_skew_landscape() -> None:
    """A quartic well: the whole distribution, against its integral."""
    well = Landscape(lambda x: (x**4 / 4 - x)[:, 0], lambda x: x**3 - 1, 1, beta=1.5)
    state = MALA(0.3).step(MALA(0.3).init(well, 4000, 0), 80)
    grid = np.linspace(-4, 4, 4001)
    weights = np.exp(-1.5 * (grid**4 / 4 - grid))
    below = np.cumsum(weights) / weights.sum()
    found = stats.kstest(state.positions[:, 0], lambda x: np.interp(x, grid, below))
    assert found.pvalue > 1e-3
    assert 0.5 < state.changed / state.tried < 1


def test_chains_that_disagree_are_found_out() -> None:
    """A cold ferromagnet: whether it is magnetised up or down is not forgotten."""
    model = tnl.Ising(nx.complete_graph(12), beta=1.0)
    start = np.repeat([[1], [-1]], 4, axis=0) * np.ones((8, 12))
    state = Gibbs().init(model, 8, 0, start=start)
    magnetisations = []
    for _ in range(40):
        state = Gibbs().step(state)
        magnetisations.append(state.values.sum(axis=1))
    assert r_hat(magnetisations) > 2
    assert effective_size(magnetisations) < 20
