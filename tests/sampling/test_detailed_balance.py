"""The rules themselves, as tables of probabilities: exact, with no random number drawn."""

from __future__ import annotations

from itertools import product

import networkx as nx
import numpy as np
import pytest

from sampler_table import ising
from tnlearn.sampling.discrete import LAZINESS, prepared
from tnlearn.sampling.kernels import pairs as kernels
from tnlearn.sampling.multispin import chances
from tnlearn.sampling.pairs import Pairs
from tnlearn.sampling.singlesite import thresholds

STATES = np.array(list(product((-1, 1), repeat=3)))
MODELS = {
    "frustrated": ising(nx.complete_graph(3), -1.0, beta=0.7),
    "field": ising(nx.path_graph(3), {(0, 1): 1.0, (1, 2): -2.0}, {0: 0.5, 2: -1.0}, 0.4),
    "isolated": ising(nx.empty_graph(3), field=1.0),
}


def pairs(name: str) -> Pairs:
    found = prepared(MODELS[name])
    assert isinstance(found, Pairs)
    return found


def upwards(target: Pairs, site: int, state: np.ndarray, heat_bath: bool, whole: bool) -> float:
    """The probability that a site's spin is up after its update: what the kernels compare with."""
    spins, begin, end = state, target.starts[site], target.starts[site + 1]
    near = spins[target.neighbours[begin:end]]
    if not whole:
        field = target.fields[site] + target.couplings[begin:end] @ near
        gain, old = 2 * target.beta * field, spins[site] > 0
        return float(kernels.upwards.py_func(gain, old, heat_bath, 1 - LAZINESS))
    levels = target.levels
    assert levels is not None
    level = levels.offsets[site] + levels.weights[begin:end] @ (near > 0)
    held = thresholds(levels, target.beta, heat_bath).reshape(2, -1)
    return float(held[int(spins[site] > 0), level]) / 2.0**53


@pytest.mark.parametrize("whole", [True, False], ids=["levels", "fields"])
@pytest.mark.parametrize("heat_bath", [True, False], ids=["heat bath", "Metropolis"])
@pytest.mark.parametrize("name", MODELS)
def test_detailed_balance_at_every_site(name: str, heat_bath: bool, whole: bool) -> None:
    model, target = MODELS[name], pairs(name)
    weights = np.exp(-model.beta * model.energy(STATES))
    probability = weights / weights.sum()
    for site in range(3):
        moves = np.zeros((8, 8))
        for here, state in enumerate(STATES):
            there = here ^ (4 >> site)
            up = upwards(target, site, state, heat_bath, whole)
            moves[here, there] = 1 - up if state[site] > 0 else up
            moves[here, here] = 1 - moves[here, there]
            assert 0 < moves[here, there] < 1
        flow = probability[:, None] * moves
        np.testing.assert_allclose(flow, flow.T, rtol=1e-13)


def test_the_stochastic_unit_has_the_right_sign() -> None:
    """``p(s = +1) = 1 / (1 + exp(-2 beta f))``: a spin follows its field."""
    target = prepared(ising(nx.empty_graph(1), field=0.5, beta=3.0))
    assert isinstance(target, Pairs)
    expected = 1 / (1 + np.exp(-3.0))
    for whole in (True, False):
        found = upwards(target, 0, np.array([-1]), True, whole)
        assert found == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("beta", [0.3, 2.0, -0.4])
def test_multi_spin_coding_has_the_probabilities_of_metropolis(beta: float) -> None:
    target = prepared(ising(nx.star_graph(5), -0.7, beta=beta))
    assert isinstance(target, Pairs)
    masks = chances(target, 53)
    assert np.isin(masks, (0, 2**64 - 1)).all()
    digits = 0.5 ** np.arange(1, 54)
    for degree in range(6):
        for unsatisfied in range(degree + 1):
            found = digits @ (masks[degree, :, unsatisfied] > 0)
            gained = 2 * 0.7 * (degree - 2 * unsatisfied)
            expected = (1 - LAZINESS) * min(1.0, np.exp(-beta * gained))
            assert found == pytest.approx(expected, rel=1e-13, abs=2**-53)
