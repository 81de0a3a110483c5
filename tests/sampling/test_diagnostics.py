"""Autocorrelation times, effective sizes and R-hat, of series for which they are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from tnlearn.errors import ModelError
from tnlearn.sampling import autocorrelation_time, effective_size, r_hat


def autoregressive(phi: float, draws: int, chains: int) -> np.ndarray:
    """AR(1) from its stationary distribution: ``tau = (1 + phi) / (1 - phi)`` exactly."""
    noise = np.random.default_rng(0).normal(size=(draws, chains))
    noise[0] /= math.sqrt(1 - phi**2)
    return np.asarray(lfilter([1.0], [1.0, -phi], noise, axis=0))


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.5, 0.9])
@pytest.mark.parametrize("chains", [1, 4])
def test_the_autocorrelation_time_of_ar1(phi: float, chains: int) -> None:
    draws = 40000
    series = autoregressive(phi, draws, chains)
    tau = (1 + phi) / (1 - phi)
    window = max(1.0, 6 * tau)
    error = math.sqrt(2 * (2 * window + 1) / (draws * chains))
    assert autocorrelation_time(series) == pytest.approx(tau, rel=4 * error + 0.005)
    assert effective_size(series) == pytest.approx(draws * chains / tau, rel=4 * error + 0.005)
    assert r_hat(series) == pytest.approx(1, abs=0.01)


def test_the_error_of_a_mean_is_what_the_effective_size_says() -> None:
    series = autoregressive(0.8, 400, 2000)
    errors = np.array([column.std() / math.sqrt(effective_size(column)) for column in series.T])
    assert np.sqrt((errors**2).mean()) == pytest.approx(series.mean(axis=0).std(), rel=0.1)


def test_one_chain_may_be_a_plain_list() -> None:
    series = autoregressive(0.5, 100, 1)
    assert autocorrelation_time(series[:, 0].tolist()) == autocorrelation_time(series)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e300])
def test_what_never_changes_counts_once(value: float) -> None:
    series = np.full((50, 3), value)
    assert effective_size(series) == pytest.approx(3)
    assert r_hat(series) == 1


def test_chains_that_stand_apart() -> None:
    apart = np.arange(3.0) + np.zeros((60, 1))
    assert r_hat(apart) == math.inf
    assert effective_size(apart) <= 4
    noise = np.random.default_rng(0).normal(size=(500, 4))
    assert r_hat(noise + np.array([0, 0, 0, 1])) > 1.1
    assert effective_size(noise + np.array([0, 0, 0, 10])) < 20
    # A trend that all chains share shows in their halves.
    assert r_hat(noise + np.linspace(0, 3, 500)[:, None]) > 1.1


@pytest.mark.parametrize(
    "series", [[1.0, 2.0], np.zeros((3, 2)), np.zeros((5, 0)), np.zeros((5, 2, 2))]
)
def test_too_short_or_misshapen_series_are_refused(series: object) -> None:
    for question in (autocorrelation_time, effective_size, r_hat):
        with pytest.raises(ModelError, match="series has shape"):
            question(series)


def test_series_must_be_finite() -> None:
    with pytest.raises(ModelError, match="not finite"):
        r_hat([1.0, 2.0, np.nan, 3.0])
