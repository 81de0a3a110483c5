"""Restricted Boltzmann machines: true likelihoods, exact gradients, the estimator's contract."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import BernoulliRBM
from sklearn.utils.estimator_checks import check_estimator

import tnlearn as tnl
from tnlearn.errors import TnlearnError
from tnlearn.learning.rbm_gradients import ExactBits, FromChains
from tnlearn.learning.rbm_layers import BitLayers, averages, sigmoid

STRIPES = np.repeat([[0, 0, 1, 1], [1, 1, 0, 0]], 50, axis=0).astype(float)


def all_bits(count: int) -> Any:
    return np.array(list(itertools.product([0, 1], repeat=count)), float)


def parameters(n: int = 4, m: int = 3) -> BitLayers:
    found = BitLayers(STRIPES[::7].mean(axis=0)[:n], m, "float64")
    found.flat[:] = np.random.default_rng(2).normal(size=found.flat.shape)
    return found


def expected(given: BitLayers) -> Any:
    """Moments by enumeration."""
    n, m = given.weights.shape
    v, h = (x.astype(float) for x in np.split(all_bits(n + m), [n], axis=1))
    logs = v @ given.visible + h @ given.hidden + np.einsum("si,ij,sj->s", v, given.weights, h)
    p = np.exp(logs - logs.max())
    p /= p.sum()
    return np.einsum("s,si,sj->ij", p, v, h), p @ v, p @ h


def test_no_check_of_scikit_learn_fails() -> None:
    results = check_estimator(tnl.RBM(n_hidden=3, epochs=2), on_skip=None, on_fail=None)
    assert [row for row in results if row["status"] not in ("passed", "skipped")] == []
    assert sum(row["status"] == "passed" for row in results) >= 45


@pytest.mark.parametrize("shape", [(4, 3), (2, 5), (1, 1)])
def test_exact_expectations(shape: tuple[int, int]) -> None:
    given = parameters(*shape)
    found = ExactBits(*shape).moments(given, np.zeros((1, shape[0])))
    for one, other in zip(found[:3], expected(given), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-13)


def test_chains_come_to_the_same_expectations() -> None:
    given = parameters()
    start = np.zeros((20000, 4))
    chains = FromChains(start, 30, np.random.default_rng(0))
    for one, other in zip(chains.moments(given, start[:1])[:3], expected(given), strict=True):
        np.testing.assert_allclose(one, other, atol=0.02)


def test_contrastive_chains_start_in_the_data() -> None:
    given = parameters()
    given.flat[:] = 0
    given.visible[:] = [50, -50, 50, -50]
    found = FromChains(None, 1, np.random.default_rng(0)).moments(given, np.ones((7, 4)))
    np.testing.assert_array_equal(found.visible, [1, 0, 1, 0])


def test_the_centred_gradient_is_the_gradient_in_centred_coordinates() -> None:
    """Biases that are moved along: a' = a + W m, b' = b + W^T c, with c and m held."""
    given, data = parameters(), STRIPES[::7]
    centre = given.centre
    middle = sigmoid(data @ given.weights + given.hidden).mean(axis=0)
    flat = given.descent(given.averages(data), ExactBits(4, 3).moments(given, data))
    weights, visible, hidden = flat[:12].reshape(4, 3), flat[12:16], flat[16:]

    def loss(w: Any, a: Any, b: Any) -> float:
        """Of parameters of ``(v - c).W.(h - m) + a'.v + b'.h``."""
        return -float(
            tnl.RestrictedBoltzmann(w, a - w @ middle, b - w.T @ centre)
            .log_probability(data)
            .mean()
        )

    at = (
        given.weights,
        given.visible + given.weights @ middle,
        given.hidden + given.weights.T @ centre,
    )
    numeric = []
    for k, array in enumerate(at):
        found = np.empty(array.shape)
        for place in np.ndindex(array.shape):
            step = np.zeros(array.shape)
            step[place] = 1e-5
            up, down = (
                [x + s * step * (j == k) if j == k else x for j, x in enumerate(at)]
                for s in (1, -1)
            )
            found[place] = (loss(*up) - loss(*down)) / 2e-5
        numeric.append(found)
    np.testing.assert_allclose(weights, numeric[0], atol=1e-8)
    np.testing.assert_allclose(visible, numeric[1] - weights @ middle, atol=1e-8)
    np.testing.assert_allclose(hidden, numeric[2] - weights.T @ centre, atol=1e-8)


def test_moments_of_states() -> None:
    v, h = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[1.0], [0.5]])
    found = averages(v, h)
    np.testing.assert_allclose(found.products, [[0.75], [0.25]])
    np.testing.assert_allclose(found.visible, [1, 0.5])


@pytest.mark.parametrize("learning", ["auto", "exact", "persistent", "tempered", "contrastive"])
def test_it_learns_two_patterns(learning: str) -> None:
    chained = learning in ("persistent", "tempered", "contrastive")
    machine = tnl.RBM(n_hidden=2, learning=learning, epochs=400, random_state=0)
    fitted = machine.fit(STRIPES)
    assert fitted.score(STRIPES) > (-1.2 if chained else -0.8)
    assert fitted.log_partition_.method == "exact"
    every = fitted.score_samples(all_bits(4))
    assert np.exp(every).sum() == pytest.approx(1)
    again = clone(machine).fit(STRIPES)
    np.testing.assert_array_equal(again.model_.weights, fitted.model_.weights)


def test_a_fitted_machine_is_a_model() -> None:
    fitted = tnl.RBM(n_hidden=2, epochs=100, random_state=0).fit(STRIPES)
    assert tnl.log_partition(fitted) == pytest.approx(fitted.log_partition_, rel=1e-12)
    state = tnl.mode(fitted).state
    visible = [state["v", k] for k in range(4)]
    assert visible in ([0, 0, 1, 1], [1, 1, 0, 0])
    drawn = tnl.sample(fitted, 200, seed=0)[:, :4]
    found = tnl.marginals(fitted)[("v", 0)][1]
    assert abs(drawn[:, 0].mean() - found) < 0.2
    hidden = fitted.transform(STRIPES[:2])
    assert hidden.shape == (2, 2)
    np.testing.assert_allclose(
        hidden, sigmoid(STRIPES[:2] @ fitted.model_.weights + fitted.model_.hidden_bias)
    )


def test_a_machine_that_is_not_fitted_answers_nothing() -> None:
    for question in (tnl.log_partition, tnl.mode, lambda m: m.score(STRIPES)):
        with pytest.raises((NotFittedError, TnlearnError)):
            question(tnl.RBM())


def test_digits_are_learned_better_than_by_persistent_chains_alone() -> None:
    """The same epochs and batches; see `benchmarks/rbm.py` for equal times and MNIST."""
    data = (load_digits().data > 7.5).astype(float)
    train, test = data[:1500], data[1500:]
    ours = tnl.RBM(n_hidden=12, epochs=40, random_state=0).fit(train).score(test)
    other = BernoulliRBM(12, learning_rate=0.05, batch_size=100, n_iter=40, random_state=0).fit(
        train
    )
    machine = tnl.RestrictedBoltzmann(
        other.components_.T, other.intercept_visible_, other.intercept_hidden_
    )
    assert ours > machine.log_probability(test).mean() + 0.3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_hidden": 0}, "n_hidden=0 must be at least 1"),
        ({"learning": "magic"}, "learning='magic' is unknown"),
        ({"steps": 1.5}, "steps=1.5 must be a whole number"),
        ({"learning_rate": 20}, "above 0 and at most 10"),
        ({"binarize": np.nan}, "must be finite"),
        ({"random_state": "x"}, "random_state='x'"),
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(TnlearnError, match=message):
        tnl.RBM(**wrong).fit(STRIPES)
