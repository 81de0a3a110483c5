"""Kaufman's partition function of the square-lattice Ising model on a finite torus, in logs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.physics.exact._numerics import LOG_2, log_2cosh, log_2sinh, log_sum_exp, reduced, size


def torus_log_partition(rows: int, columns: int, coupling: float = 1.0, beta: float = 1.0) -> float:
    """Natural log of the partition function of a `rows` x `columns` torus without a field.

    With ``m = rows``, ``n = columns``, ``K = beta J`` and products over ``r = 0 .. n-1``::

        Z = 1/2 (2 sinh 2K)^(mn/2) [ prod 2cosh(m g_{2r+1} / 2) + prod 2sinh(m g_{2r+1} / 2)
                                   + prod 2cosh(m g_{2r} / 2)   + prod 2sinh(m g_{2r} / 2) ]

    where ``cosh g_l = cosh 2K coth 2K - cos(pi l / n)``, ``g_l > 0`` except
    ``g_0 = 2K + ln tanh K``, which changes sign at the critical coupling.

    Parameters
    ----------
    rows, columns : int
        Sites in each direction, at least 2. Every site has a bond to its right and one
        downwards, so in a direction of length 2 each pair is joined by two bonds, which add;
        a graph without parallel edges, such as networkx builds for that size, differs.
    coupling : float
        Energy J of every bond. Negative (antiferromagnetic) only if both sizes are even:
        flipping one sublattice then gives ``Z(-K) = Z(K)``.
    beta : float
        Inverse temperature, 1 / energy.

    Returns
    -------
    float
        ln Z of the whole torus, to about 1e-14 of itself.

    Raises
    ------
    ModelError
        If a size is below 2, a parameter is not finite, or the torus is frustrated.

    Notes
    -----
    Cost O(min(rows, columns)). Source: B. Kaufman, Phys. Rev. 76, 1232 (1949); the form above
    and the sign of ``g_0`` as in A. E. Ferdinand and M. E. Fisher, Phys. Rev. 185, 832 (1969).
    """
    short, long = sorted((size("rows", rows, 2), size("columns", columns, 2)))
    k = reduced("coupling", coupling, beta)
    if k < 0.0:
        _refuse_frustration(rows, columns, k)
        k = -k
    if k == 0.0:
        return short * long * LOG_2
    gamma_zero = 2.0 * k + math.log(math.tanh(k))
    odd = 0.5 * long * _gammas(np.arange(1, 2 * short, 2), short, gamma_zero)
    even = 0.5 * long * _gammas(np.arange(0, 2 * short, 2), short, gamma_zero)
    products = [f(x).sum() for x in (odd, even) for f in (log_2cosh, log_2sinh)]
    brackets = log_sum_exp(products, signs=[1.0, 1.0, 1.0, math.copysign(1.0, gamma_zero)])
    return 0.5 * short * long * float(log_2sinh(2.0 * k)) + brackets - LOG_2


def _gammas(modes: npt.NDArray[np.int64], n: int, gamma_zero: float) -> npt.NDArray[np.float64]:
    """Magnitudes of ``g_l`` for the `modes` l.

    ``sinh^2(g_l / 2) = sinh^2(g_0 / 2) + sin^2(pi l / 2n)`` says the same as the formula for
    ``cosh g_l``, without the loss of digits that ``arccosh`` has near the critical coupling.
    """
    if abs(gamma_zero) > 100.0:  # the sine is below the last bit, and sinh may overflow
        return np.full(modes.shape, abs(gamma_zero))
    sines = np.sin(modes * (math.pi / (2 * n)))
    halves: npt.NDArray[np.float64] = np.arcsinh(np.hypot(math.sinh(0.5 * gamma_zero), sines))
    return 2.0 * halves


def _refuse_frustration(rows: int, columns: int, k: float) -> None:
    if rows % 2 or columns % 2:
        raise ModelError(
            f"beta * coupling is {k:g} on a {rows} x {columns} torus: an antiferromagnet with an "
            "odd size is frustrated and has no closed form here; use even sizes, or "
            "tnlearn.log_partition on the model"
        )
