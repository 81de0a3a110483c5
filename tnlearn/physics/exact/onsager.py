"""The infinite square-lattice Ising model without a field, per site.

Energy ``H(s) = -J sum s s'`` over nearest neighbours; ``K = beta J``. Partition function, energy
and specific heat do not depend on the sign of J: flipping one sublattice undoes it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from tnlearn.physics.exact._numerics import LOG_2, log_2cosh, reduced

#: Reduced coupling ``beta J`` at which the infinite lattice orders: ``sinh 2K = 1``.
CRITICAL_COUPLING = 0.5 * math.log1p(math.sqrt(2.0))


def bulk_log_partition_per_site(coupling: float = 1.0, beta: float = 1.0) -> float:
    """Natural log of the partition function, per site.

    ``ln(2 cosh 2K) + (1/pi) int_0^{pi/2} ln{[1 + sqrt(1 - k^2 sin^2 t)] / 2} dt`` with
    ``k = 2 sinh 2K / cosh^2 2K``.

    Parameters
    ----------
    coupling, beta : float
        Energy J of each bond (either sign), inverse temperature 1 / energy.

    Returns
    -------
    float
        Limit of ``(ln Z) / N``; divided by ``-beta``, the free energy per site.

    Raises
    ------
    ModelError
        If a parameter is not finite.

    Notes
    -----
    Cost O(1), error about 1e-15. Source: L. Onsager, Phys. Rev. 65, 117 (1944).
    """
    log_cosh = float(log_2cosh(2.0 * reduced("coupling", coupling, beta)))
    sech_squared = math.exp(2.0 * (LOG_2 - log_cosh))
    k_squared = 4.0 * sech_squared * (1.0 - sech_squared)
    complement = 1.0 - 2.0 * sech_squared

    t, weights = _quarter_turn()
    # t is measured from pi/2, so that the root never subtracts nearly equal numbers.
    root = np.hypot(np.sin(t), complement * np.cos(t))
    logs = np.log1p(-0.5 * k_squared * np.cos(t) ** 2 / (1.0 + root))
    return log_cosh + float(weights @ logs) / math.pi


def bulk_energy_per_site(coupling: float = 1.0, beta: float = 1.0) -> float:
    """Mean energy per site.

    ``u = -J coth 2K [1 + (2/pi) (2 tanh^2 2K - 1) K_1(k)]`` with ``k = 2 sinh 2K / cosh^2 2K``
    and K_1 the complete elliptic integral of the first kind; ``-sqrt(2) J`` when critical.

    Parameters
    ----------
    coupling, beta : float
        Energy J of each bond (either sign), inverse temperature 1 / energy.

    Returns
    -------
    float
        ``<H> / N``, in the units of `coupling`; between ``-2 |J|`` and 0 for ``beta >= 0``.

    Raises
    ------
    ModelError
        If a parameter is not finite.

    Notes
    -----
    Cost O(1). Source: L. Onsager, Phys. Rev. 65, 117 (1944), after a Landen transformation.
    """
    k = reduced("coupling", coupling, beta)
    x, ordered = _modulus(abs(k))
    first, _, excess = _elliptic(x)
    if ordered:
        slope = math.hypot(1.0, x) * (1.0 + (1.0 - x * x) * first)
    else:
        slope = x * math.hypot(1.0, x) * (first - x * x * excess)
    return 0.0 - coupling * math.copysign(slope, k)


def bulk_specific_heat_per_site(coupling: float = 1.0, beta: float = 1.0) -> float:
    """Specific heat per site at zero field, in units of Boltzmann's constant.

    ``C = (4 K^2 / (pi tanh^2 2K)) {K_1 - E_1 - (1 - tanh^2 2K) [pi/2 + (2 tanh^2 2K - 1) K_1]}``
    with complete elliptic integrals of modulus ``k = 2 sinh 2K / cosh^2 2K``.

    Parameters
    ----------
    coupling, beta : float
        Energy J of each bond (either sign), inverse temperature 1 / energy.

    Returns
    -------
    float
        ``-beta^2 du/dbeta``. It diverges like ``-ln|K - K_c|``; inf at ``CRITICAL_COUPLING``.

    Raises
    ------
    ModelError
        If a parameter is not finite.

    Notes
    -----
    Cost O(1). Source: L. Onsager, Phys. Rev. 65, 117 (1944), after a Landen transformation.
    """
    k = abs(reduced("coupling", coupling, beta))
    if k == CRITICAL_COUPLING:
        return math.inf
    x, ordered = _modulus(k)
    first, second, excess = _elliptic(x)
    square = x * x
    if ordered:
        # (k x^2)^2 rather than k^2 x^4: k^2 may overflow where x underflows.
        return (k * square) ** 2 * (6.0 * first - 4.0 * second + 2.0 * square * excess)
    return k * k * (2.0 * first + square * (4.0 * first - 4.0 * second + 2.0 * excess))


def spontaneous_magnetization(coupling: float = 1.0, beta: float = 1.0) -> float:
    """Mean spin of the infinite lattice as a positive field goes to zero.

    ``M = (1 - sinh^{-4} 2K)^{1/8}`` above the critical coupling and 0 below.

    Parameters
    ----------
    coupling, beta : float
        Energy J of each bond, inverse temperature 1 / energy.

    Returns
    -------
    float
        From 0 to 1; 0 for an antiferromagnet, whose order is staggered.

    Raises
    ------
    ModelError
        If a parameter is not finite.

    Notes
    -----
    Cost O(1). Source: C. N. Yang, Phys. Rev. 85, 808 (1952).
    """
    k = reduced("coupling", coupling, beta)
    if k <= CRITICAL_COUPLING:
        return 0.0
    x, _ = _modulus(k)
    return float(((1.0 - x) * (1.0 + x) * (1.0 + x * x)) ** 0.125)


def _quarter_turn() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Points and weights of the tanh-sinh rule on 0 to pi/2 (Takahasi and Mori, 1974)."""
    # Adaptive Gauss rules stall at the branch point near 0 of an almost critical lattice.
    y, step = np.linspace(-3.4, 3.4, 137, retstep=True)
    below, above = special.expit(math.pi * np.sinh(y)), special.expit(-math.pi * np.sinh(y))
    return 0.5 * math.pi * below, 0.5 * math.pi**2 * step * np.cosh(y) * below * above


def _modulus(k: float) -> tuple[float, bool]:
    """``x = min(sinh 2K, 1 / sinh 2K)`` and whether the lattice is ordered (K >= K_c)."""
    if k < CRITICAL_COUPLING:
        return min(1.0, math.sinh(2.0 * k)), False
    return min(1.0, -2.0 * math.exp(-2.0 * k) / math.expm1(-4.0 * k)), True


class _Elliptic(NamedTuple):
    """Complete elliptic integrals of modulus ``q = x^2``, all over pi/2.

    With K_1 and E_1 so scaled: `first` is K_1, `second` is ``[E_1 - (1 - q^2) K_1] / q^2`` and
    `excess` is ``(K_1 - 1) / q^2``. None of them is small or cancels as q goes to 0.
    """

    first: float
    second: float
    excess: float


def _elliptic(x: float) -> _Elliptic:
    # K_1 diverges at x = 1, where the energy multiplies it by zero: stay just off it.
    complement = max((1.0 - x) * (1.0 + x) * (1.0 + x * x), 1e-300)
    first = float(special.elliprf(0.0, complement, 1.0)) * 2.0 / math.pi
    difference = float(special.elliprd(0.0, complement, 1.0)) * 2.0 / (3.0 * math.pi)
    square = x**4
    # Below 1e-5 the quotient loses digits and three terms of its series have them all.
    series = 0.25 + square * (9.0 / 64.0 + square * 25.0 / 256.0)
    excess = series if square < 1e-5 else (first - 1.0) / square
    return _Elliptic(first, first - difference, excess)
