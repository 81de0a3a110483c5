"""Losses: formulas, gradients against differences, and probabilities against a brute force."""

from __future__ import annotations

from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import pytest

from tnlearn.learning.losses import LOSSES, onto_simplex, softmax

Array: TypeAlias = np.ndarray[Any, Any]

NAMES = sorted(LOSSES)


def scores_and_targets(classes: int = 4) -> tuple[Array, Array]:
    generator = np.random.default_rng(classes)
    targets = generator.random((5, classes))
    return generator.normal(size=(5, classes)), targets / targets.sum(axis=1, keepdims=True)


def nearest_probabilities(scores: Array) -> Array:
    """The nearest point of the simplex, by trying all sets of classes that may be nonzero."""
    best, distance = np.zeros(0), np.inf
    for count in range(1, len(scores) + 1):
        for support in map(list, combinations(range(len(scores)), count)):
            point = np.zeros(len(scores))
            point[support] = scores[support] - (scores[support].sum() - 1) / count
            if point.min() >= 0 and ((point - scores) ** 2).sum() < distance:
                best, distance = point, ((point - scores) ** 2).sum()
    return best


def test_cross_entropy_in_nats() -> None:
    value, _ = LOSSES["cross_entropy"].value_and_gradient(
        np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]), np.array([[1.0, 0, 0], [0, 0.5, 0.5]])
    )
    assert value == pytest.approx(-(np.log(0.5) + 0.5 * np.log(0.1) + 0.5 * np.log(0.8)) / 2)


def test_squared_is_half_the_squared_distance() -> None:
    value, _ = LOSSES["squared"].value_and_gradient(
        np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    )
    assert value == pytest.approx((2 + 1) / 2 / 2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [1, 2, 4])
def test_gradient_against_differences(name: str, classes: int) -> None:
    loss = LOSSES[name].value_and_gradient
    scores, targets = scores_and_targets(classes)
    _, gradient = loss(scores, targets)
    for at in np.ndindex(scores.shape):
        step = np.zeros_like(scores)
        step[at] = 1e-5
        difference = (loss(scores + step, targets)[0] - loss(scores - step, targets)[0]) / 2e-5
        assert gradient[at] == pytest.approx(difference, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_scores_at_the_ends_of_float32(name: str) -> None:
    end = float(np.finfo(np.float32).max)
    scores = np.array([[end, -end, 0.0], [-end, -end, -end]])
    value, gradient = LOSSES[name].value_and_gradient(scores, np.eye(3)[[1, 0]])
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))
    probabilities = LOSSES[name].probabilities(scores)
    assert np.allclose(probabilities, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]])


def test_softmax() -> None:
    assert np.allclose(softmax(np.log([[1.0, 2.0, 5.0]]) + 700), [[0.125, 0.25, 0.625]])


@pytest.mark.parametrize("size", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("classes", [1, 2, 3, 6])
def test_onto_simplex_is_the_nearest_point(size: float, classes: int) -> None:
    scores = np.random.default_rng(classes).normal(size=(50, classes)) * size
    expected = [nearest_probabilities(row) for row in scores]
    assert np.allclose(onto_simplex(scores), expected, atol=1e-12)


def test_onto_simplex_leaves_probabilities_alone() -> None:
    _, probabilities = scores_and_targets()
    assert np.allclose(onto_simplex(probabilities), probabilities, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("offset", [0.0, 1e20, -1e20])
def test_probabilities_sum_to_one_and_keep_the_order(name: str, offset: float) -> None:
    scores = np.random.default_rng(0).normal(size=(100, 5))
    scores[:, 0] += offset
    probabilities = LOSSES[name].probabilities(scores)
    assert np.all(probabilities >= 0)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-14)
    order = np.argsort(scores, axis=1)
    assert np.all(np.diff(np.take_along_axis(probabilities, order, axis=1), axis=1) >= 0)
    assert np.array_equal(probabilities.argmax(axis=1), scores.argmax(axis=1))


def test_targets_are_smoothed_for_cross_entropy_only() -> None:
    labels = np.array([2, 0])
    smooth = LOSSES["cross_entropy"].targets(labels, 4, 0.2)
    assert np.allclose(smooth, [[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]])
    assert np.array_equal(LOSSES["squared"].targets(labels, 4, 0.2), np.eye(4)[labels])
    assert smooth.dtype == np.float32
