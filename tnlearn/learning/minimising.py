"""Minima of convex objectives: Newton's method, and quasi-Newton steps where corners matter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from tnlearn.learning.pair_objectives import Objective
from tnlearn.progress import progress_bar

Array = npt.NDArray[np.float64]

#: Most steps, and how often one may be halved.
STEPS, HALVINGS = 100, 40
#: Rounding of a value, of its own size, below which a rise is none.
ROUNDING = 1e-13


class Minimum(NamedTuple):
    """Where the minimum is, and how sure that is.

    Attributes
    ----------
    parameters : array
    slope : float
        Largest slope there.
    converged : bool
        Whether that is little enough.
    ahead : float
        How far another step would go: where values fall for ever, slopes vanish but steps do not.
    """

    parameters: Array
    slope: float
    converged: bool
    ahead: float = 0.0


def newton(objective: Objective, start: Array, tolerance: float, progress: bool = False) -> Minimum:
    """Newton's method, its equations solved by conjugate gradients (Nocedal, Wright, alg. 7.1).

    Parameters
    ----------
    objective : Objective
    start : array
    tolerance : float
        Largest entry of the gradient to end with.
    progress : bool
        Draw a bar.
    """
    x = start
    value, gradient = objective.value_and_gradient(x)
    for _ in progress_bar(range(STEPS), "Newton steps", progress):
        slope = float(abs(gradient).max())
        direction = _newton_direction(objective, x, gradient)
        if slope <= tolerance:
            return Minimum(x, slope, True, float(abs(direction).max()))
        step, falling = 1.0, float(gradient @ direction)
        for _ in range(HALVINGS):
            there = x + step * direction
            ahead, slopes = objective.value_and_gradient(there)
            if ahead <= value + 1e-4 * step * falling + ROUNDING * (1 + abs(value)):
                break
            step /= 2
        else:
            break
        x, value, gradient = there, ahead, slopes
    slope = float(abs(gradient).max())
    return Minimum(x, slope, slope <= tolerance)


def _newton_direction(objective: Objective, x: Array, gradient: Array) -> Array:
    """The solution of ``H d = -g``, the better the smaller the gradient is."""
    size = float(np.linalg.norm(gradient))
    if not size:
        return gradient
    target = min(0.1, size) * size
    direction, residual = np.zeros_like(x), -gradient
    search, square = residual, float(residual @ residual)
    for _ in range(2 * len(x)):
        curved = objective.hessian_times(x, search)
        curvature = float(search @ curved)
        if curvature <= 0:  # Flat to rounding: what was found so far still leads down.
            break
        step = square / curvature
        direction = direction + step * search
        residual = residual - step * curved
        square, before = float(residual @ residual), square
        if square**0.5 <= target:
            break
        search = residual + square / before * search
    return direction if direction.any() else -gradient


def sparse(
    objective: Objective, start: Array, penalised: int, l1: float, tolerance: float
) -> Minimum:
    """The minimum with ``l1 sum |x_k|`` over the first `penalised` entries added; zeros are exact.

    Each of these is the difference of two that are not negative, so that all is smooth inside
    bounds (L-BFGS-B: Byrd, Lu, Nocedal, Zhu 1995, SIAM J. Sci. Comput. 16, 1190).
    """

    def joined(z: Array) -> Array:
        return np.concatenate([z[:penalised] - z[penalised : 2 * penalised], z[2 * penalised :]])

    def function(z: Array) -> tuple[float, Array]:
        value, g = objective.value_and_gradient(joined(z))
        value += l1 * float(z[: 2 * penalised].sum())
        head = g[:penalised]
        return value, np.concatenate([l1 + head, l1 - head, g[penalised:]])

    head = start[:penalised]
    z = np.concatenate([np.maximum(head, 0), np.maximum(-head, 0), start[penalised:]])
    bounds = [(0, None)] * (2 * penalised) + [(None, None)] * (len(start) - penalised)
    options = {"gtol": tolerance, "ftol": 0.0, "maxiter": 10_000, "maxfun": 20_000, "maxcor": 30}
    z = minimize(function, z, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    _, gradient = function(z)
    held = np.zeros(len(z), bool)
    held[: 2 * penalised] = z[: 2 * penalised] <= 0
    slope = float(abs(np.where(held, np.minimum(gradient, 0), gradient)).max())
    return Minimum(joined(z), slope, slope <= 1e-5)
