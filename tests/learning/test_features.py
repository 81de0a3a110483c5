"""Feature maps: their formulas, and that any finite column of numbers becomes a tame one."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest

from tnlearn.learning.features import BLOCK, FEATURE_MAPS, SiteFeatures

Array: TypeAlias = np.ndarray[Any, Any]

GRID = np.linspace(0, 1, 11)
MAPS = sorted(FEATURE_MAPS)

#: Columns that break a naive (x - low) / (high - low).
AWKWARD = {
    "constant": [3.0, 3.0, 3.0],
    "constant zero": [0.0, 0.0, 0.0],
    "huge": [-1.7e308, 0.0, 1.7e308],
    "constant and huge": [1e300, 1e300, 1e300],
    "small range": [0.0, 5e-301, 1e-300],
    "smallest numbers there are": [0.0, 5e-324, 1e-323],
    "small range far from zero": [1e16, 1e16 + 2, 1e16 + 4],
    "huge and tiny": [-1e-300, 1e300, 2e300],
}


@pytest.fixture
def data() -> Array:
    return np.random.default_rng(0).normal(size=(200, 5)) * [1, 10, 0.1, 1e6, 1e-6]


def test_linear() -> None:
    assert np.array_equal(FEATURE_MAPS["linear"](GRID, 2), np.stack([GRID**0, GRID], axis=1))


def test_trigonometric_is_the_literature_s_map_over_its_sum() -> None:
    """Both components of [cos, sin] / (cos + sin) are combinations of ours."""
    cosine, sine = np.cos(np.pi / 2 * GRID), np.sin(np.pi / 2 * GRID)
    phi = FEATURE_MAPS["trigonometric"](GRID, 2)
    in_literature = phi @ np.array([[1.0, 0.0], [-1.0, 1.0]])
    assert np.allclose(in_literature, np.stack([cosine, sine], 1) / (cosine + sine)[:, None])
    assert phi[5, 1] == pytest.approx(0.5)


@pytest.mark.parametrize("degree", [1, 2, 5])
def test_polynomial_spans_the_powers(degree: int) -> None:
    phi = FEATURE_MAPS["polynomial"](GRID, degree)
    assert phi.shape == (11, degree + 1)
    powers = np.vander(GRID, degree + 1)
    combination = np.linalg.lstsq(phi, powers, rcond=None)[0]
    assert np.allclose(phi @ combination, powers, atol=1e-12)
    assert np.abs(phi).max() <= 1


def test_polynomial_of_degree_one_is_the_linear_map(data: Array) -> None:
    psi = SiteFeatures.fit(data, "linear", 1)(data)
    assert np.allclose(SiteFeatures.fit(data, "polynomial", 1)(data), psi, atol=1e-14)


@pytest.mark.parametrize("name", MAPS)
def test_the_first_component_is_one_and_the_others_are_centred(name: str, data: Array) -> None:
    psi = SiteFeatures.fit(data, name, 3)(data)
    assert psi.shape == (5, 200, {"polynomial": 4}.get(name, 2))
    assert np.all(psi[..., 0] == 1)
    assert np.allclose(psi[..., 1:].mean(axis=1), 0, atol=1e-14)
    assert np.all(psi[..., 1:].std(axis=1) > 0.1)


@pytest.mark.parametrize("name", MAPS)
def test_only_the_place_within_the_training_range_counts(name: str, data: Array) -> None:
    moved = 4 * data - 8
    psi = SiteFeatures.fit(data, name, 2)(data)
    assert np.allclose(SiteFeatures.fit(moved, name, 2)(moved), psi, atol=1e-9)


@pytest.mark.parametrize("name", MAPS)
def test_values_beyond_the_training_range_are_clipped(name: str, data: Array) -> None:
    features = SiteFeatures.fit(data, name, 2)
    ends = np.stack([data.min(axis=0), data.max(axis=0)])
    beyond = np.stack([np.full(5, -1.7e308), np.full(5, 1.7e308)])
    assert np.array_equal(features(beyond), features(ends))


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("column", AWKWARD.values(), ids=AWKWARD)
def test_any_finite_column_gives_tame_features(name: str, column: list[float]) -> None:
    x = np.array(column)[:, None]
    features = SiteFeatures.fit(x, name, 3)
    for seen in (x, np.array([[-1.7e308], [0.0], [1.7e308]])):
        psi = features(seen)
        assert np.all(np.isfinite(psi))
        assert np.abs(psi).max() <= 2
    is_constant = len(set(column)) == 1
    assert np.ptp(features(x)[0, :, 1]) == (0 if is_constant else pytest.approx(1, rel=1))


def test_the_scale_of_a_column_is_exact() -> None:
    x = np.array(list(AWKWARD.values())).T
    scaled = SiteFeatures.fit(x, "linear", 1)
    place = scaled(x)[..., 1] + scaled.mean
    assert np.allclose(place[:2], 0)
    assert np.allclose(place[[2, 4, 5, 6]], [0, 0.5, 1])
    assert np.allclose(place[3], 0)
    assert np.allclose(place[7], [0, 0.5, 1])


def test_a_constant_column_says_nothing_about_new_data() -> None:
    features = SiteFeatures.fit(np.full((4, 1), 7.0), "polynomial", 3)
    assert np.all(features(np.array([[0.0], [7.0], [9.0]]))[..., 1:] == 0)


@pytest.mark.parametrize("name", MAPS)
def test_blocks_do_not_show(name: str) -> None:
    x = np.random.default_rng(1).normal(size=(2 * BLOCK + 3, 2))
    features = SiteFeatures.fit(x, name, 3)
    chosen = [0, BLOCK - 1, BLOCK, 2 * BLOCK + 2]
    assert np.array_equal(features(x)[:, chosen], features(x[chosen]))
    assert np.allclose(features(x)[..., 1:].mean(axis=1), 0, atol=1e-14)


def test_precision_is_what_was_asked_for(data: Array) -> None:
    features = SiteFeatures.fit(data, "linear", 1)
    assert features(data).dtype == np.float64
    assert features(data, "float32").dtype == np.float32
