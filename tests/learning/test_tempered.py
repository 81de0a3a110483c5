"""Tempered chains: modes that plain persistent chains miss."""

from __future__ import annotations

import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.learning.gaussian_layers import ExactGaussian, GaussianLayers
from tnlearn.learning.rbm_gradients import ExactBits, FromChains, Negative
from tnlearn.learning.rbm_layers import BitLayers
from tnlearn.learning.rbm_tempering import Tempered


def two_modes() -> BitLayers:
    """Eight bits, nearly all off or nearly all on, and little in between."""
    layers = BitLayers(np.full(8, 0.5), 2, "float64")
    layers.weights[:] = 4.0
    layers.visible[:] = -4.0
    layers.hidden[:] = -16.0
    layers.visible[0] += 0.3
    return layers


def averaged(negative: Negative, layers: BitLayers | GaussianLayers, steps: int) -> np.ndarray:
    """The mean of v over the chains and over steps."""
    batch = np.outer(layers.visible[0] + [0, 6], np.ones(len(layers.visible)))
    batch = np.clip(batch, 0, 1) if isinstance(layers, BitLayers) else batch
    found = [negative.moments(layers, batch).visible for _ in range(steps)]
    return np.mean(found[steps // 4 :], axis=0)


def test_they_find_a_mode_far_from_where_they_start() -> None:
    layers, start = two_modes(), np.zeros((64, 8))
    expected = ExactBits(8, 2).moments(layers, start).visible
    assert 0.3 < expected.mean() < 0.8
    tempered = Tempered(start, 10, 1, np.random.default_rng(0))
    plain = FromChains(start, 1, np.random.default_rng(0))
    np.testing.assert_allclose(averaged(tempered, layers, 800), expected, atol=0.05)
    assert averaged(plain, layers, 800).max() < 0.2  # At ten times the steps it would not move.


def test_so_they_do_for_real_numbers() -> None:
    layers = GaussianLayers(np.zeros(2), np.ones(2), 1)
    layers.weights[:], layers.visible[:], layers.others[:] = 6.0, -3.0, np.log(0.7)
    layers.hidden[:] = 0.2
    start = np.full((64, 2), -3.0)
    expected = ExactGaussian(1).moments(layers, start).visible
    tempered = Tempered(start, 12, 1, np.random.default_rng(0))
    plain = FromChains(start, 1, np.random.default_rng(0))
    np.testing.assert_allclose(averaged(tempered, layers, 800), expected, atol=0.4)
    assert averaged(plain, layers, 800).max() < -2.5


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_modes_that_part_early_are_learnt_nevertheless(seed: int) -> None:
    """At long steps persistent chains are caught in modes, and lose half a nat of 0.69 and more."""
    data = np.repeat([[0, 0, 1, 1], [1, 1, 0, 0]], 50, axis=0)
    scores = {}
    for learning in ("persistent", "tempered"):
        machine = tnl.RBM(
            n_hidden=2,
            learning=learning,
            epochs=300,
            learning_rate=1.0,
            rungs=6,
            random_state=seed,
        )
        scores[learning] = machine.fit(data).score(data)
    assert scores["tempered"] > -1.05
    assert scores["tempered"] > scores["persistent"] + 0.25


def test_the_same_key_gives_the_same_chains() -> None:
    layers, start = two_modes(), np.zeros((5, 8))
    one, other = (Tempered(start, 4, 2, np.random.default_rng(3)) for _ in range(2))
    for _ in range(3):
        first, second = one.moments(layers, start), other.moments(layers, start)
        np.testing.assert_array_equal(first.products, second.products)
