"""What inverse problems of pairs minimise: minus the log-likelihood, or the pseudo-likelihood."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from tnlearn.learning.pair_moments import PairMoments
from tnlearn.learning.rbm_layers import sigmoid

Array = npt.NDArray[np.float64]
Pairs = npt.NDArray[np.int64]

#: Entries of the slopes of single states that are held at once.
CHUNK = 2**22


class Objective(ABC):
    """A convex mean over states, of parameters K of pairs and k of sites, in that order.

    ``p(x) = exp(sum_e K_e x_a x_b + sum_i k_i x_i) / Z``.
    """

    @abstractmethod
    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        """In nats per state, and its slopes, shape (n_parameters,)."""

    @abstractmethod
    def hessian_times(self, parameters: Array, direction: Array) -> Array:
        """The second derivative times a vector."""

    @abstractmethod
    def scatter(self, parameters: Array) -> Array:
        """The covariance of the slopes of single states, shape (n_parameters, n_parameters)."""

    def hessian(self, parameters: Array) -> Array:
        """The second derivative, column by column."""
        columns = [self.hessian_times(parameters, unit) for unit in np.eye(len(parameters))]
        return np.asarray(columns)


class Likelihood(Objective):
    """``log Z - K.<x_a x_b> - k.<x>``, whose slopes are differences of moments.

    Parameters
    ----------
    moments : PairMoments
        The engine's side.
    seen : array, shape (n_parameters,)
        The means of the data.
    """

    def __init__(self, moments: PairMoments, seen: Array) -> None:
        self._moments, self._seen = moments, seen

    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        """One sweep there and back."""
        log_z, means = self._moments(parameters)
        return log_z - float(parameters @ self._seen), means - self._seen

    def hessian_times(self, parameters: Array, direction: Array) -> Array:
        """The covariance of the moments, times a vector."""
        return self._moments.covariance_times(parameters, direction)

    def scatter(self, parameters: Array) -> Array:
        """The Fisher information, which the Hessian is."""
        return self.hessian(parameters)


class PseudoLikelihood(Objective):
    """``-sum_i log p(x_i | all others)``, which needs no Z (Besag 1975, The Statistician 24, 179).

    Couplings are shared by both their ends. Cost of a call: O(n_states n_sites**2).

    Parameters
    ----------
    values : array, shape (2,)
    states : array, shape (n_states, n_sites)
        Entries of `values`.
    pairs : array of int, shape (n_pairs, 2)
    """

    def __init__(self, values: Array, states: Array, pairs: Pairs) -> None:
        self._gap = float(values[1] - values[0])
        self._states, self._pairs = states, pairs
        self._up = (states == values[1]).astype(float)

    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        """A logistic regression of every site on its neighbours."""
        logits = self._gap * self._fields(parameters)
        signs = 2 * self._up - 1
        value = float(np.logaddexp(0, -signs * logits).sum() / len(logits))
        return value, self._gathered(self._gap * (sigmoid(logits) - self._up)) / len(logits)

    def hessian_times(self, parameters: Array, direction: Array) -> Array:
        """By the variances of the sites given all others."""
        on = sigmoid(self._gap * self._fields(parameters))
        weights = self._gap**2 * on * (1 - on)
        return self._gathered(weights * self._fields(direction)) / len(self._states)

    def hessian(self, parameters: Array) -> Array:
        """Site by site, of what touches it: O(n_states sum of squared degrees)."""
        on = sigmoid(self._gap * self._fields(parameters))
        weights = self._gap**2 * on * (1 - on) / len(on)
        total = np.zeros((len(parameters), len(parameters)))
        for site in range(on.shape[1]):
            touching = np.flatnonzero((self._pairs == site).any(axis=1))
            others = self._pairs[touching].sum(axis=1) - site
            slopes = np.append(self._states[:, others], np.ones((len(on), 1)), axis=1)
            own = np.append(touching, len(self._pairs) + site)
            total[np.ix_(own, own)] += slopes.T @ (weights[:, site, None] * slopes)
        return total

    def scatter(self, parameters: Array) -> Array:
        """From the slopes of every state: pseudo-likelihoods are no likelihoods."""
        residuals = self._gap * (sigmoid(self._gap * self._fields(parameters)) - self._up)
        a, b = self._pairs.T
        total = np.zeros((len(parameters), len(parameters)))
        rows = max(1, CHUNK // len(parameters))
        for start in range(0, len(residuals), rows):
            r, x = residuals[start : start + rows], self._states[start : start + rows]
            slopes = np.concatenate([r[:, a] * x[:, b] + r[:, b] * x[:, a], r], axis=1)
            total += slopes.T @ slopes
        return total / len(residuals)

    def _fields(self, parameters: Array) -> Array:
        """What every site feels in every state."""
        count, n = len(self._pairs), self._states.shape[1]
        matrix = np.zeros((n, n))
        a, b = self._pairs.T
        matrix[a, b] = matrix[b, a] = parameters[:count]
        return np.asarray(self._states @ matrix + parameters[count:])

    def _gathered(self, slopes: Array) -> Array:
        """Slopes by what sites feel, as sums of slopes by K and k."""
        table = slopes.T @ self._states
        a, b = self._pairs.T
        return np.concatenate([table[a, b] + table[b, a], slopes.sum(axis=0)])


class Shrunk(Objective):
    """Another objective with ``l2 / 2`` times the sum of squares of all parameters added."""

    def __init__(self, inner: Objective, l2: float) -> None:
        self._inner, self._l2 = inner, l2

    def value_and_gradient(self, parameters: Array) -> tuple[float, Array]:
        """Both parts."""
        value, gradient = self._inner.value_and_gradient(parameters)
        return value + self._l2 / 2 * float(parameters @ parameters), gradient + (
            self._l2 * parameters
        )

    def hessian_times(self, parameters: Array, direction: Array) -> Array:
        """Both parts."""
        return self._inner.hessian_times(parameters, direction) + self._l2 * direction

    def hessian(self, parameters: Array) -> Array:
        """Both parts."""
        return self._inner.hessian(parameters) + self._l2 * np.eye(len(parameters))

    def scatter(self, parameters: Array) -> Array:
        """That of the data."""
        return self._inner.scatter(parameters)
