"""Block Gibbs sampling of a restricted Boltzmann machine: against listing every state."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.physics import GaussianRestrictedBoltzmann, RestrictedBoltzmann
from tnlearn.sampling import BlockGibbs, ParallelTempering, block_gibbs, run

RANDOM = np.random.default_rng(0)
WEIGHTS, VISIBLE, HIDDEN = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=4), RANDOM.normal(size=3)
BITS = np.array(list(product((0, 1), repeat=4)))


def marginal() -> np.ndarray:
    """``p(v)``, proportional to ``exp(a.v) prod_j (1 + exp(b_j + v.W_j))``."""
    weights = np.exp(BITS @ VISIBLE) * (1 + np.exp(BITS @ WEIGHTS + HIDDEN)).prod(axis=1)
    return np.asarray(weights / weights.sum())


@pytest.mark.parametrize("steps", [1, 40])
def test_the_visible_distribution(steps: int) -> None:
    """Kept by one step; reached by many, from one state."""
    chains, generator = 8000, np.random.default_rng(1)
    start = (
        BITS[generator.choice(16, chains, p=marginal())] if steps == 1 else np.zeros((chains, 4))
    )
    visible, hidden = block_gibbs(WEIGHTS, VISIBLE, HIDDEN, start, steps, generator)
    counts = np.bincount((visible @ [8, 4, 2, 1]).astype(int), minlength=16)
    assert stats.chisquare(counts, chains * marginal()).pvalue > 1e-3
    np.testing.assert_allclose(hidden, expit(visible @ WEIGHTS + HIDDEN))


def test_no_step_gives_back_the_start() -> None:
    start = BITS[:5]
    visible, hidden = block_gibbs(WEIGHTS, VISIBLE, HIDDEN, start, 0, np.random.default_rng(0))
    assert (visible == start).all()
    assert hidden.shape == (5, 3)


def test_the_generator_is_all_the_randomness_and_inputs_stay() -> None:
    start = np.ones((6, 4))
    one, other = (
        block_gibbs(WEIGHTS, VISIBLE, HIDDEN, start, 5, np.random.default_rng(3)) for _ in range(2)
    )
    assert (one[0] == other[0]).all()
    assert (start == 1).all()


def test_two_calls_are_one_long_call() -> None:
    start, generator = np.zeros((6, 4)), np.random.default_rng(3)
    first, _ = block_gibbs(WEIGHTS, VISIBLE, HIDDEN, start, 2, generator)
    second, _ = block_gibbs(WEIGHTS, VISIBLE, HIDDEN, first, 3, generator)
    once, _ = block_gibbs(WEIGHTS, VISIBLE, HIDDEN, start, 5, np.random.default_rng(3))
    assert (second == once).all()


def test_precision_is_that_of_the_weights() -> None:
    single = WEIGHTS.astype(np.float32)
    arrays = VISIBLE.astype(np.float32), HIDDEN.astype(np.float32)
    found = block_gibbs(single, *arrays, BITS, 1, np.random.default_rng(0))
    assert [array.dtype for array in found] == [np.float32, np.float32]


def test_wrong_arguments_are_refused() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(ModelError, match=r"visible has shape \(5, 3\); it needs \(chains, 4\)"):
        block_gibbs(WEIGHTS, VISIBLE, HIDDEN, np.zeros((5, 3)), 1, generator)
    with pytest.raises(ModelError, match="bits 0 and 1 only"):
        block_gibbs(WEIGHTS, VISIBLE, HIDDEN, -np.ones((5, 4)), 1, generator)
    with pytest.raises(ModelError, match="hidden_bias has shape"):
        block_gibbs(WEIGHTS, VISIBLE, VISIBLE, BITS, 1, generator)
    with pytest.raises(ModelError, match="weights have shape"):
        block_gibbs(VISIBLE, VISIBLE, HIDDEN, BITS, 1, generator)
    with pytest.raises(DataTypeError, match="steps"):
        block_gibbs(WEIGHTS, VISIBLE, HIDDEN, BITS, 1.5, generator)  # type: ignore[arg-type]


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
