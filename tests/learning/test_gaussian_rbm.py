"""Machines of real visible units: against integrals, enumeration and differences."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad, quad
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from sklearn.utils.estimator_checks import check_estimator

import tnlearn as tnl
from tnlearn.errors import ModelError, TnlearnError
from tnlearn.learning.gaussian_layers import ExactGaussian, GaussianLayers
from tnlearn.learning.rbm_gradients import FromChains
from tnlearn.physics import GaussianRestrictedBoltzmann
from tnlearn.physics.restricted_annealing import anneal_restricted


def machine(n: int, m: int, seed: int = 0) -> GaussianRestrictedBoltzmann:
    random = np.random.default_rng(seed)
    return GaussianRestrictedBoltzmann(
        random.normal(size=(n, m)),
        random.normal(size=n),
        random.uniform(0.3, 2.0, n),
        random.normal(size=m),
    )


def layers(n: int = 3, m: int = 4) -> GaussianLayers:
    found = GaussianLayers(np.arange(n) - 0.5, np.arange(n) + 0.5, m)
    found.flat[:] = 0.6 * np.random.default_rng(2).normal(size=found.flat.shape)
    return found


def blobs(count: int = 600) -> Any:
    random = np.random.default_rng(0)
    middles = np.array([[3.0, 0.0], [-3.0, 1.0], [0.0, -4.0]])
    return middles[np.arange(count) % 3] + random.normal(size=(count, 2))


def test_the_density_of_one_unit_integrates_to_one() -> None:
    given = machine(1, 3)
    total, _ = quad(lambda v: math.exp(given.log_probability([[v]])[0]), -30, 30, limit=200)
    assert total == pytest.approx(1, abs=1e-9)


def test_log_z_is_the_integral_over_two_units() -> None:
    given = machine(2, 2)
    total, _ = dblquad(
        lambda y, x: math.exp(-given.free_energy([[x, y]])[0]), -12, 12, -12, 12, epsabs=1e-8
    )
    assert given.log_partition == pytest.approx(math.log(total), abs=1e-7)
    assert given.log_partition.method == "exact"


def test_free_energies_sum_over_hidden_units() -> None:
    given, h = machine(2, 3), np.array(list(itertools.product([0, 1], repeat=3)))
    for v in np.random.default_rng(1).normal(size=(4, 2)):
        states = np.concatenate([np.tile(v, (8, 1)), h], axis=1)
        a, s, w = given.visible_mean, given.visible_variance, given.weights
        energies = ((v - a) ** 2 / 2 / s).sum() - h @ given.hidden_bias - h @ w.T @ (v / s)
        np.testing.assert_allclose(given.energy(states), energies, rtol=1e-12)
        expected = -np.log(np.exp(-energies).sum())
        assert given.free_energy([v])[0] == pytest.approx(expected, rel=1e-12)


def test_the_density_is_a_mixture() -> None:
    given, h = machine(2, 3), np.array(list(itertools.product([0, 1], repeat=3)))
    weights = np.exp(given.hidden_machine().log_probability(h))
    v = np.random.default_rng(1).normal(size=(5, 2))
    parts = [
        p
        * stats.norm(given.visible_mean + given.weights @ on, given.visible_variance**0.5)
        .pdf(v)
        .prod(axis=1)
        for p, on in zip(weights, h, strict=True)
    ]
    np.testing.assert_allclose(given.log_probability(v), np.log(np.sum(parts, axis=0)), rtol=1e-10)


@pytest.mark.parametrize("sweeps", [None, 60])
def test_samples_have_the_density(sweeps: int | None) -> None:
    given = machine(1, 3)
    drawn = given.sample(4000, 0, sweeps)[:, 0]
    grid = np.linspace(-15, 15, 3001)
    cumulated = np.cumsum(np.exp(given.log_probability(grid[:, None]))) * (grid[1] - grid[0])
    found = stats.kstest(drawn, lambda x: np.interp(x, grid, np.minimum(cumulated, 1)))
    assert found.pvalue > 1e-3


def test_annealing_agrees_with_the_sum() -> None:
    given = machine(5, 8, seed=3)
    found = anneal_restricted(given.two_layers(), seed=1)
    assert found.converged
    assert abs(found.log_partition - float(given.log_partition)) < found.error < 0.2


def test_many_hidden_units_are_annealed() -> None:
    random = np.random.default_rng(0)
    given = GaussianRestrictedBoltzmann(
        0.1 * random.normal(size=(5, 40)), np.zeros(5), np.ones(5), np.zeros(40)
    )
    assert given.log_partition.method == "annealing"
    assert given.log_partition.converged
    alone = 5 / 2 * math.log(2 * math.pi) + 40 * math.log(2)
    assert 0 < given.log_partition - alone < 3


def test_questions_of_a_network_are_refused_with_the_fix() -> None:
    given = machine(2, 2)
    for question in (tnl.log_partition, tnl.marginals, tnl.mode, lambda m: tnl.sample(m, 3)):
        with pytest.raises(ModelError, match=r"\('v', 0\).*no finite index.*hidden_machine"):
            question(given)
    with pytest.raises(ModelError, match="no finite index"):
        given.values(("v", 1))
    assert given.values(("h", 1)) == (0, 1)
    fitted = tnl.GaussianRBM(n_hidden=2, epochs=1).fit(blobs(50))
    with pytest.raises(ModelError, match="no finite index"):
        tnl.marginals(fitted)
    assert tnl.marginals(fitted.model_.hidden_machine())[0].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (([[1.0]], [0.0], [0.0], [0.0]), "visible_variance has 0.0 at 0"),
        (([[1.0]], [0.0, 1.0], [1.0], [0.0]), r"visible_mean has shape \(2,\)"),
        (([], [0.0], [1.0], [0.0]), "weights have shape"),
        (([[1.0]], [np.nan], [1.0], [0.0]), "must be finite"),
    ],
)
def test_wrong_machines_are_refused(wrong: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        GaussianRestrictedBoltzmann(*wrong)


def test_states_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ModelError, match="state 0 has nan at 1"):
        machine(2, 2).log_probability([[0.0, np.nan]])


def test_slopes_are_differences_of_the_likelihood() -> None:
    given, data = layers(), np.random.default_rng(3).normal(size=(7, 3))
    slopes = np.concatenate(
        [
            slope.ravel()
            for slope in given.slopes(given.averages(data), ExactGaussian(4).moments(given, data))
        ]
    )
    numeric = []
    for k in range(len(given.flat)):
        values = []
        for step in (1e-5, -1e-5):
            given.flat[k] += step
            values.append(given.standardised().log_probability(data).mean())
            given.flat[k] -= step
        numeric.append((values[0] - values[1]) / 2e-5)
    np.testing.assert_allclose(slopes, numeric, atol=1e-8)


def test_descent_leads_down() -> None:
    """The centred direction is another, but the likelihood rises along it."""
    given, data = layers(), np.random.default_rng(3).normal(size=(7, 3))
    before = given.standardised().log_probability(data).mean()
    given.flat -= 1e-4 * given.descent(given.averages(data), ExactGaussian(4).moments(given, data))
    assert given.standardised().log_probability(data).mean() > before + 1e-6


def test_chains_come_to_the_exact_expectations() -> None:
    given = layers(2, 3)
    chains = FromChains(np.zeros((40000, 2)), 40, np.random.default_rng(0))
    start = np.zeros((1, 2))
    for one, other in zip(
        chains.moments(given, start), ExactGaussian(3).moments(given, start), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=0.06)


def test_the_machine_in_the_units_of_the_data_is_the_same() -> None:
    """Densities differ by the stretch of the axes."""
    given, data = layers(), np.random.default_rng(3).normal(size=(7, 3))
    found = given.machine().log_probability(data)
    expected = given.standardised().log_probability(given.scaled(data)) - np.log(given.scale).sum()
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_no_check_of_scikit_learn_fails() -> None:
    results = check_estimator(tnl.GaussianRBM(n_hidden=3, epochs=2), on_skip=None, on_fail=None)
    assert [row for row in results if row["status"] not in ("passed", "skipped")] == []
    assert sum(row["status"] == "passed" for row in results) >= 45


@pytest.mark.parametrize("learning", ["auto", "exact", "persistent", "tempered", "contrastive"])
def test_it_learns_three_blobs(learning: str) -> None:
    """Nearly as well as a mixture of three normal densities of one covariance."""
    data = blobs()
    given = tnl.GaussianRBM(n_hidden=3, learning=learning, epochs=100, random_state=0)
    fitted = given.fit(data)
    best = GaussianMixture(3, covariance_type="tied", random_state=0).fit(data).score(data)
    one = GaussianMixture(1).fit(data).score(data)
    assert fitted.score(data) > one + 0.25
    if learning in ("auto", "exact"):
        assert fitted.score(data) > best - 0.15
    np.testing.assert_array_equal(clone(given).fit(data).model_.weights, fitted.model_.weights)
    drawn = fitted.sample(2000, random_state=0)
    assert drawn.shape == (2000, 2)
    assert fitted.score(drawn) == pytest.approx(fitted.score(data), abs=0.6)
    assert fitted.transform(data[:3]).shape == (3, 3)


def test_units_of_the_data_do_not_matter() -> None:
    data = blobs()
    given = tnl.GaussianRBM(n_hidden=2, epochs=5, random_state=0)
    one = given.fit(data).score(data)
    stretched = data * [1e3, 1e-4] + [5e3, 2.0]
    other = clone(given).fit(stretched).score(stretched)
    assert other == pytest.approx(one - math.log(1e3) - math.log(1e-4), abs=1e-6)


def test_variances_are_learnt_or_stay() -> None:
    data = blobs()
    given = tnl.GaussianRBM(n_hidden=3, epochs=60, random_state=0)
    learnt = given.fit(data).model_.visible_variance
    assert (learnt < 0.6 * data.var(axis=0)).all()
    stays = clone(given).set_params(learn_variance=False).fit(data).model_.visible_variance
    np.testing.assert_allclose(stays, data.var(axis=0), rtol=1e-12)


def test_constant_features_and_repeated_samples_stay_finite() -> None:
    data = np.concatenate([np.repeat([[1.0], [2.0]], 50, axis=0), np.full((100, 1), 7.0)], axis=1)
    fitted = tnl.GaussianRBM(n_hidden=2, epochs=100, random_state=0).fit(data)
    assert np.isfinite(fitted.score(data))
    assert (fitted.model_.visible_variance > 0).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"learn_variance": 1}, "learn_variance=1"), ({"rungs": 1}, "rungs=1 must be at least 2")],
)
def test_wrong_parameters_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(TnlearnError, match=message):
        tnl.GaussianRBM(**wrong).fit(blobs(20))
