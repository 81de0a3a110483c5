"""Patterns from data: the couplings of a Hopfield model of real patterns, fitted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from tnlearn.learning.minimising import Minimum
from tnlearn.learning.pair_objectives import Objective

Array = npt.NDArray[np.float64]

#: Slope below which a fit of patterns has converged: its valleys are flat along rotations.
FLAT = 1e-5
#: Least share of the variance above 1 that a pattern starts from.
LEAST = 1e-2


def fitted_patterns(
    objective: Objective, states: Array, count: int, beta: float, tolerance: float
) -> tuple[Array, Minimum]:
    """Patterns xi of the best ``J = xi^T xi / N``, and the parameters of the model.

    Parameters
    ----------
    objective : Objective
        Of ``beta J`` for all pairs a < b, and ``beta h``.
    states : array, shape (n_states, n_sites)
        Of spins.
    count : int
        How many patterns.
    beta : float
    tolerance : float

    Returns
    -------
    patterns : array, shape (count, n_sites)
        In square roots of units of energy.
    minimum : Minimum
        A local one: likelihoods of patterns have more than one.
    """
    n = states.shape[1]
    a, b = np.triu_indices(n, 1)
    scale = beta / n

    def parameters(flat: Array) -> Array:
        xi = flat[:-n].reshape(count, n)
        return np.concatenate([scale * (xi.T @ xi)[a, b], flat[-n:]])

    def function(flat: Array) -> tuple[float, Array]:
        value, gradient = objective.value_and_gradient(parameters(flat))
        table = np.zeros((n, n))
        table[a, b] = table[b, a] = gradient[: len(a)]
        xi = flat[:-n].reshape(count, n)
        return value, np.concatenate([(scale * xi @ table).ravel(), gradient[len(a) :]])

    start = np.concatenate([_components(states, count, abs(beta)).ravel(), _fields(states)])
    options = {"gtol": tolerance, "ftol": 0.0, "maxiter": 10_000, "maxfun": 20_000, "maxcor": 30}
    flat = minimize(function, start, jac=True, method="L-BFGS-B", options=options).x
    slope = float(abs(function(flat)[1]).max())
    return flat[:-n].reshape(count, n), Minimum(parameters(flat), slope, slope <= FLAT)


def _components(states: Array, count: int, beta: float) -> Array:
    """Patterns of the mean-field solution: ``xi = sqrt(N (1 - 1 / lambda)) v / sqrt(1 - m^2)``.

    Of the largest eigenvalues of the matrix of correlations (Cocco, Monasson, Sessak 2011,
    arXiv:1011.3467, eq. 14).
    """
    n = states.shape[1]
    mean = states.mean(axis=0)
    deviation = np.sqrt(np.maximum(1 - mean**2, 1 / (len(states) + 1)))
    unit = (states - mean) / deviation
    values, vectors = np.linalg.eigh(unit.T @ unit / len(states))
    order = np.resize(np.argsort(-values), count)
    share = np.maximum(1 - 1 / np.maximum(values[order], 1.0), LEAST)
    found: Array = (vectors[:, order] * np.sqrt(n * share / beta)).T / deviation
    return found


def _fields(states: Array) -> Array:
    mean = states.mean(axis=0) * len(states) / (len(states) + 1)
    return np.asarray(np.arctanh(mean))
