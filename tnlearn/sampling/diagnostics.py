"""How much a chain's draws say: autocorrelation time, effective sample size, R-hat."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError

#: The window of the sum over lags, in autocorrelation times: what is left out is exp(-6).
WINDOW = 6.0
#: The least window, for draws that are negatively correlated.
LEAST_WINDOW = 12.0
#: Rounding alone moves a constant of size 1 by this much, squared.
NOTHING = 1e-28


def autocorrelation_time(series: npt.ArrayLike) -> float:
    """Integrated autocorrelation time ``tau = 1 + 2 sum_{t >= 1} rho(t)``, in draws.

    The mean of n draws has the variance ``variance * tau / n``. 1 for independent draws;
    ``(1 + phi) / (1 - phi)`` for an AR(1) process. (Some authors call half of it tau.)

    Parameters
    ----------
    series : array_like, shape (draws,) or (draws, chains)
        One number per draw, at least 4 draws.

    Returns
    -------
    float
        A series that never changes says nothing, and counts as one draw per chain: `draws`. Chains
        that disagree have a tau that grows with the number of draws.

    Raises
    ------
    ModelError
        If the shape is another, or an entry is not finite.

    Notes
    -----
    The sum runs to the first lag M >= 12 with ``M >= 6 tau(M)``: Sokal's window, which asks
    nothing of the chain (Geyer's asks that it is reversible, which sweeps in order are not).
    Autocovariances of the chains are averaged, and their means' disagreement counts, as in
    Vehtari et al. Expect a relative error of ``sqrt(2 (2 M + 1) / (draws * chains))``; fewer
    than some 50 tau draws give too small a value. Cost O(chains * draws log draws). Source: A.
    Sokal, "Monte Carlo methods in statistical mechanics" (1996), sec. 3; A. Vehtari et al.,
    Bayesian Anal. 16, 667 (2021).
    """
    table = _table(series)
    draws, chains = table.shape
    covariance = _autocovariance(table).mean(axis=1)
    within = covariance[0] * draws / (draws - 1)
    between = float(np.var(table.mean(axis=0), ddof=1)) if chains > 1 else 0.0
    spread = within * (draws - 1) / draws + between
    if spread <= NOTHING:
        return float(draws)
    correlation = 1 - (within - covariance * draws / (draws - 1)) / spread
    sums = 2 * np.cumsum(correlation) - 1
    lags = np.arange(draws)
    inside = np.flatnonzero(lags >= np.maximum(WINDOW * sums, LEAST_WINDOW))
    window = int(inside[0]) if len(inside) else draws - 1
    return float(min(max(sums[window], 1 / draws), draws))


def effective_size(series: npt.ArrayLike) -> float:
    """Independent draws that say as much of the mean: ``draws * chains / tau``.

    Parameters
    ----------
    series : array_like, shape (draws,) or (draws, chains)

    Returns
    -------
    float
        See `autocorrelation_time`, whose errors it raises.
    """
    return _table(series).size / autocorrelation_time(series)


def r_hat(series: npt.ArrayLike) -> float:
    """Split R-hat: how much wider all chains are together than each half of one alone.

    Parameters
    ----------
    series : array_like, shape (draws,) or (draws, chains)

    Returns
    -------
    float
        Near 1 where the chains agree; above 1.01, run longer. 1 if nothing ever changes, inf if
        only the chains differ.

    Raises
    ------
    ModelError
        If the shape is another, or an entry is not finite.

    Notes
    -----
    Cost O(draws * chains). Source: A. Vehtari et al., Bayesian Anal. 16, 667 (2021), without
    ranks.
    """
    table = _table(series)
    half = len(table) // 2
    halves = np.concatenate([table[:half], table[-half:]], axis=1)
    within = float(np.var(halves, axis=0, ddof=1).mean())
    between = float(np.var(halves.mean(axis=0), ddof=1))
    if within <= NOTHING:
        return 1.0 if between <= NOTHING else math.inf
    return math.sqrt((half - 1) / half + between / within)


def _autocovariance(table: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``sum_k (x_k - mean) (x_{k + t} - mean) / draws`` of every column, for every lag t."""
    draws = len(table)
    centred = table - table.mean(axis=0)
    # Padded with as many zeros, so that the end does not meet the beginning.
    spectrum = np.fft.rfft(centred, 2 * draws, axis=0)
    return np.fft.irfft(np.abs(spectrum) ** 2, 2 * draws, axis=0)[:draws] / draws


def _table(series: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The series as columns, divided by its largest entry."""
    array = np.asarray(series, np.float64)
    table = array[:, None] if array.ndim == 1 else array
    if table.ndim != 2 or len(table) < 4 or not table.shape[1]:
        raise ModelError(
            f"series has shape {array.shape}; it needs (draws,) or (draws, chains), 4 draws or more"
        )
    if not np.isfinite(table).all():
        raise ModelError("series has entries that are not finite")
    # No answer depends on the scale; squares must not overflow.
    return table / (np.abs(table).max() or 1.0)
