"""Block Gibbs sampling of a restricted Boltzmann machine: against listing every state."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tnlearn.physics import GaussianRestrictedBoltzmann, RestrictedBoltzmann
from tnlearn.sampling import BlockGibbs, ParallelTempering, run

RANDOM = np.random.default_rng(0)
WEIGHTS, VISIBLE, HIDDEN = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=4), RANDOM.normal(size=3)


@pytest.mark.parametrize("beta", [1.0, 0.3, 0.0, -0.5])
def test_the_joint_distribution_of_the_sampler(beta: float) -> None:
    """``base(v) exp(-beta E)``, E without what hidden units at 1/2 do to visible ones."""
    model = RestrictedBoltzmann(WEIGHTS, VISIBLE, HIDDEN)
    every = np.array(list(product((0, 1), repeat=7)))
    v, h = every[:, :4], every[:, 4:]
    coupled = np.einsum("si,ij,sj->s", v, WEIGHTS, h - 0.5) + h @ HIDDEN
    p = np.exp(v @ (VISIBLE + WEIGHTS.sum(axis=1) / 2) + beta * coupled)
    p /= p.sum()
    if beta == 1:
        np.testing.assert_allclose(-np.log(p / p[0]), model.energy(every), atol=1e-12)
    generator = np.random.default_rng(2)
    start = every[generator.choice(128, 30000, p=p)]
    for steps, begin in ((1, start), (40, None)):
        state = BlockGibbs().init(model, 30000, generator, start=begin, beta=beta)
        np.testing.assert_allclose(state.energies[:5], state.target.energies(state.positions)[:5])
        state = BlockGibbs().step(state, steps)
        counts = np.bincount((state.values @ 2 ** np.arange(6, -1, -1)).astype(int), minlength=128)
        assert stats.chisquare(counts, 30000 * p).pvalue > 1e-3
    np.testing.assert_allclose(
        state.energies,
        -np.einsum("si,ij,sj->s", *_parts(state), optimize=True) - state.values[:, 4:] @ HIDDEN,
    )


def _parts(state: Any) -> tuple[Any, Any, Any]:
    return state.values[:, :4], WEIGHTS, state.values[:, 4:] - 0.5


def test_real_numbers_are_sampled_too() -> None:
    """Two modes 12 deviations apart, which a ladder joins."""
    model = GaussianRestrictedBoltzmann([[12.0]], [-6.0], [1.0], [0.0])
    start = np.tile([-6.0, 0.0], (400, 1))
    ladder = ParallelTempering(BlockGibbs(), tuple(np.linspace(1, 0, 12)))
    drawn = run(ladder, model, 4000, chains=400, warmup=300, seed=0, start=start).samples
    on = 1 / (1 + np.exp(-model.hidden_machine().fields[0]))
    assert (drawn[:, 0] > 0).mean() == pytest.approx(on, abs=0.1)
    alone = run(BlockGibbs(), model, 4000, chains=400, warmup=300, seed=0, start=start).samples
    assert (alone[:, 0] > 0).mean() < 0.01
