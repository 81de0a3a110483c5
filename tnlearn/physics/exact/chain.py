"""The Ising chain in closed form: eigenvalues of a 2x2 transfer matrix, kept as logarithms.

Energy ``H(s) = -J sum_i s_i s_{i+1} - h sum_i s_i`` with spins -1 and +1, weights
``exp(-beta H)``. With ``K = beta J``, ``b = beta h``, ``C = e^K cosh b`` and
``S = sqrt(e^{2K} sinh^2 b + e^{-2K})`` the eigenvalues are ``C + S`` and ``C - S``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tnlearn.errors import ModelError
from tnlearn.physics.exact._numerics import LOG_2, log1mexp, log_2cosh, log_2sinh, reduced, size


def ring_log_partition(n: int, coupling: float, field: float = 0.0, beta: float = 1.0) -> float:
    """Natural log of the partition function of a ring of `n` spins.

    ``Z = (C + S)^n + (C - S)^n``; at zero field ``(2 cosh K)^n (1 + tanh^n K)``.

    Parameters
    ----------
    n : int
        Number of sites, at least 2; with 2, the two bonds between them add.
    coupling, field, beta : float
        Energy J of each bond (either sign), energy h on each site, inverse temperature 1 / energy.

    Returns
    -------
    float
        ln Z of the whole ring.

    Raises
    ------
    ModelError
        If `n` is too small or a parameter is not finite.

    Notes
    -----
    Cost O(1). Source: H. A. Kramers and G. H. Wannier, Phys. Rev. 60, 252 (1941).
    """
    n = size("n", n, 2)
    spectrum = _diagonalise(reduced("coupling", coupling, beta), reduced("field", field, beta))
    if spectrum.alternating and n % 2:
        correction = log1mexp(math.log(n) + spectrum.log_decay)
    else:
        correction = math.log1p(math.exp(-n * spectrum.decay))
    return n * spectrum.log_largest + correction


def open_chain_log_partition(
    n: int, coupling: float, field: float = 0.0, beta: float = 1.0
) -> float:
    """Natural log of the partition function of an open chain of `n` spins.

    ``Z = w_+ (C + S)^(n-1) + w_- (C - S)^(n-1)`` with end weights
    ``w_pm = cosh b pm (e^K sinh^2 b + e^-K) / S``; at zero field ``2 (2 cosh K)^(n-1)``.

    Parameters
    ----------
    n : int
        Number of sites, at least 1.
    coupling, field, beta : float
        Energy J of each bond (either sign), energy h on each site, inverse temperature 1 / energy.

    Returns
    -------
    float
        ln Z of the whole chain.

    Raises
    ------
    ModelError
        If `n` is too small or a parameter is not finite.

    Notes
    -----
    Cost O(1). Source: as :func:`ring_log_partition`, with the end vector ``(e^-b/2, e^b/2)``.
    """
    bonds = size("n", n, 1) - 1
    k, b = reduced("coupling", coupling, beta), reduced("field", field, beta)
    if bonds == 0:
        return float(log_2cosh(b))
    spectrum = _diagonalise(k, b)
    log_difference, log_plus, log_minus = _end_weights(k, b, spectrum.log_split)
    if spectrum.alternating and bonds % 2:
        # w+ - w- |r|^m = (w+ - w-) + w- (1 - |r|^m): only positive terms, nothing cancels.
        rest = log1mexp(math.log(bonds) + spectrum.log_decay)
        ends = np.logaddexp(log_difference, log_minus + rest)
    else:
        ends = np.logaddexp(log_plus, log_minus - bonds * spectrum.decay)
    return bonds * spectrum.log_largest + float(ends)


def ring_correlation(n: int, distance: int, coupling: float, beta: float = 1.0) -> float:
    """Correlation ``<s_i s_{i+r}>`` on a ring of `n` spins without a field.

    ``(t^r + t^(n-r)) / (1 + t^n)`` with ``t = tanh(beta J)``.

    Parameters
    ----------
    n : int
        Number of sites, at least 2; with 2, the two bonds between them add.
    distance : int
        Number of bonds r between the two sites, from 0 to `n`.
    coupling, beta : float
        Energy J of each bond (either sign), inverse temperature 1 / energy.

    Returns
    -------
    float
        The correlation, from -1 to 1.

    Raises
    ------
    ModelError
        If `n` or `distance` is out of range or a parameter is not finite.

    Notes
    -----
    Cost O(1). Source: R. J. Baxter, Exactly Solved Models in Statistical Mechanics (1982), 2.2.
    """
    n, r = size("n", n, 2), size("distance", distance, 0)
    if r > n:
        raise ModelError(f"distance must be at most n, got distance {r} on a ring of {n} sites")
    r = min(r, n - r)
    if r == 0:
        return 1.0
    spectrum = _diagonalise(reduced("coupling", coupling, beta), 0.0)
    a, sign = spectrum.decay, (-1.0 if spectrum.alternating and r % 2 else 1.0)
    if not (spectrum.alternating and n % 2):
        return sign * (math.exp(-a * r) + math.exp(-a * (n - r))) / (1.0 + math.exp(-a * n))
    if a == 0.0:  # |t| is 1 to the last bit, and the quotient below would be 0 / 0
        return sign * (n - 2 * r) / n
    return sign * math.exp(-a * r) * math.expm1(-a * (n - 2 * r)) / math.expm1(-a * n)


def chain_magnetization(coupling: float, field: float, beta: float = 1.0) -> float:
    """Magnetisation per site ``<s_i>`` of the infinite chain.

    ``M = sinh b / sqrt(sinh^2 b + e^{-4K})``.

    Parameters
    ----------
    coupling, field, beta : float
        Energy J of each bond (either sign), energy h on each site, inverse temperature 1 / energy.

    Returns
    -------
    float
        Mean spin, from -1 to 1; 0 without a field.

    Raises
    ------
    ModelError
        If a parameter is not finite.

    Notes
    -----
    Cost O(1). Source: R. J. Baxter, Exactly Solved Models in Statistical Mechanics (1982), 2.1.
    """
    k, b = reduced("coupling", coupling, beta), reduced("field", field, beta)
    log_sinh = float(log_2sinh(b)) - LOG_2
    return math.copysign(math.exp(-0.5 * float(np.logaddexp(0.0, -4.0 * k - 2.0 * log_sinh))), b)


class _Spectrum(NamedTuple):
    """``ln(C + S)``, ``ln S``, ``|C - S| / (C + S) = exp(-decay)``; alternating if C < S."""

    log_largest: float
    log_split: float
    decay: float
    log_decay: float
    alternating: bool


def _diagonalise(k: float, b: float) -> _Spectrum:
    """Eigenvalues for reduced coupling `k` and reduced field `b`."""
    log_cosh, log_sinh = float(log_2cosh(b)) - LOG_2, float(log_2sinh(b)) - LOG_2
    log_mean = k + log_cosh
    # ln(S / C) taken directly: the difference of the two logs would lose the digits of `k`.
    log_ratio = 0.5 * float(np.logaddexp(2.0 * (log_sinh - log_cosh), -4.0 * k - 2.0 * log_cosh))
    q = math.exp(-abs(log_ratio))
    log_largest = max(log_mean, log_mean + log_ratio) + math.log1p(q)
    decay = 2.0 * math.atanh(q) if q < 1.0 else math.inf
    log_decay = math.log(decay) if q > 1e-8 else LOG_2 - abs(log_ratio)
    return _Spectrum(log_largest, log_mean + log_ratio, decay, log_decay, k < 0.0)


def _end_weights(k: float, b: float, log_split: float) -> tuple[float, float, float]:
    """``ln(w_+ - w_-)``, ``ln w_+`` and ``ln w_-``; ``w_+ w_- = (2 sinh b sinh K / S)^2``."""
    log_cosh, log_sinh = float(log_2cosh(b)) - LOG_2, float(log_2sinh(b)) - LOG_2
    log_half = float(np.logaddexp(k + 2.0 * log_sinh, -k)) - log_split
    log_plus = float(np.logaddexp(log_cosh, log_half))
    log_minus = 2.0 * (log_sinh + float(log_2sinh(k)) - log_split) - log_plus
    return LOG_2 + log_half, log_plus, log_minus
