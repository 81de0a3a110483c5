"""The distribution of every sampler on every model: against listing all states."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sampler_table import CASES, SAMPLERS
from tnlearn.sampling import Gibbs, Metropolis

CHAINS = 6000
#: Of some 60 tests with fixed seeds; a wrong sampler gives far less.
SMALLEST = 1e-4


def listed(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """All states in the model's values, and their probabilities."""
    states = np.array(list(product(*(model.values(site) for site in model.sites))))
    logs = -model.beta * model.energy(states)
    weights = np.exp(logs - logs.max())
    return states, weights / weights.sum()


def p_value(model: Any, values: np.ndarray) -> float:
    """Of a chi-square test that independent samples have the model's distribution."""
    states, probabilities = listed(model)
    number = {tuple(state): k for k, state in enumerate(states.tolist())}
    counts = np.bincount([number[tuple(row)] for row in values.tolist()], minlength=len(states))
    assert not counts[probabilities == 0].any()
    expected = len(values) * probabilities
    # States too rare for the test are put together.
    order = np.argsort(expected)
    groups = np.searchsorted([5.0], np.cumsum(expected[order]))
    cells = np.where(groups == 0, 0, np.arange(len(order)))
    counts, expected = (np.bincount(cells, x[order]) for x in (counts, expected))
    kept = expected > 0
    if kept.sum() == 1:
        return 1.0
    return float(
        stats.chisquare(counts[kept], expected[kept] * counts.sum() / expected.sum()).pvalue
    )


@pytest.mark.parametrize(("sampler", "model"), CASES)
def test_chains_from_one_state_reach_the_distribution(sampler: str, model: str) -> None:
    chain, models, sweeps = SAMPLERS[sampler]
    thing = models[model]()
    states, probabilities = listed(thing)
    start = np.tile(states[probabilities.argmax()], (CHAINS, 1))
    state = chain.step(chain.init(thing, CHAINS, 1, start=start), sweeps)
    assert p_value(thing, state.values) > SMALLEST
    np.testing.assert_allclose(state.energies, thing.energy(state.values), rtol=1e-12, atol=1e-12)


# All rungs of a ladder start alike, so their distributions are not those of their temperatures.
@pytest.mark.parametrize(("sampler", "model"), [c for c in CASES if c[0] != "ParallelTempering"])
def test_the_distribution_stays_what_it_is(sampler: str, model: str) -> None:
    """One step from samples of it: an error of the rule cannot hide behind slow mixing."""
    chain, models, _ = SAMPLERS[sampler]
    thing = models[model]()
    states, probabilities = listed(thing)
    drawn = np.random.default_rng(2).choice(len(states), CHAINS, p=probabilities)
    state = chain.init(thing, CHAINS, 3, start=states[drawn])
    assert p_value(thing, chain.step(state).values) > SMALLEST


@pytest.mark.parametrize("sampler", [Gibbs(), Metropolis()])
@pytest.mark.parametrize("model", ["wheel", "any couplings", "tables"])
def test_a_sampler_at_a_wrong_temperature_is_found_out(sampler: Any, model: str) -> None:
    """The power of the test above: 20 % are enough."""
    thing = SAMPLERS["Gibbs"][1][model]()
    state = sampler.step(sampler.init(thing, CHAINS, 1, beta=1.2 * thing.beta), 60)
    assert p_value(thing, state.values) < SMALLEST
    assert p_value_at(thing, state.values, 1.2) > SMALLEST


def p_value_at(model: Any, values: np.ndarray, factor: float) -> float:
    """As if the model's beta were so many times as large."""

    class Other:
        sites, values, energy = model.sites, model.values, model.energy
        beta = factor * model.beta

    return p_value(Other, values)
