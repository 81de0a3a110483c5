"""Block Gibbs sampling of a restricted Boltzmann machine: against listing every state."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.sampling import block_gibbs

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
