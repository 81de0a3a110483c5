"""Models of pairs with hidden sites, fitted to states of the visible ones.

``log p(v) = log Z(v) - log Z``, where Z(v) sums over hidden sites only: slopes are differences of
moments again (Ackley, Hinton, Sejnowski 1985, Cognitive Science 9, 147, eq. 6), both exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from tnlearn.execution import compile
from tnlearn.learning.minimising import Minimum
from tnlearn.learning.pair_family import PairFamily
from tnlearn.learning.pair_moments import PairMoments, log_weights, means_of
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.seeds import generator_of

Array = npt.NDArray[np.float64]

#: Slope below which a fit has converged: valleys are flat where hidden sites are little used.
FLAT = 1e-5
#: Deviation of the couplings that a fit starts from: hidden sites must not begin alike.
SPREAD = 0.3
#: Different states that are clamped at once.
CHUNK = 1024


class ClampedMoments:
    """The mean of log Z(v) over states, and its slopes: means with the visible sites held.

    Parameters
    ----------
    family : PairFamily
    seen : array, shape (n_states, n_visible)
    **options
        Of `tnlearn.compile`.
    """

    def __init__(self, family: PairFamily, seen: Array, **options: Any) -> None:
        self._family = family
        states, counts = np.unique(seen, axis=0, return_counts=True)
        self._shares = counts / len(seen)
        # Weights of a visible site's values: where a state has another, none.
        self._held = np.where(states[:, :, None] == family.values, 0.0, -np.inf)
        kernel, pairs = np.outer(family.values, family.values), family.pairs.tolist()
        tensors = [Tensor(kernel, pair, log=True) for pair in pairs]
        for site in range(len(family.sites)):
            if site in family.visible:
                tensors.append(Tensor(np.zeros((1, 2)), ("state", site), log=True))
            else:
                tensors.append(Tensor(family.values, (site,), log=True))
        self._program = compile(TensorNetwork(tensors, ["state"]), batch="state", **options)

    def __call__(self, parameters: Array) -> tuple[float, Array]:
        """Of parameters K of pairs, then k of sites."""
        value, means = 0.0, np.zeros(len(parameters))
        for start in range(0, len(self._shares), CHUNK):
            chunk = slice(start, start + CHUNK)
            logs, slopes = self._chunk(parameters, chunk)
            value += float(self._shares[chunk] @ logs)
            means += slopes
        return value, means

    def _chunk(self, parameters: Array, chunk: slice) -> tuple[Array, Array]:
        family, count = self._family, len(self._family.pairs)
        arrays = log_weights(parameters, count, family.values)
        for column, site in enumerate(family.visible):
            arrays[count + site] = arrays[count + site] + self._held[chunk, column]
        found, gradient = self._program.log_value_and_gradient(arrays, self._shares[chunk])
        on_host = self._program.backend.to_host
        slopes = [on_host(slope) for slope in self._program.unpack(gradient)]
        return on_host(found.log), means_of(slopes, count, family.values)


def fitted_hidden(
    family: PairFamily,
    seen: Array,
    *,
    l2: float,
    tolerance: float,
    seed: int | np.random.Generator,
    **options: Any,
) -> tuple[float, Minimum]:
    """The mean log-likelihood, and the parameters that it has a local maximum at.

    Parameters
    ----------
    family : PairFamily
    seen : array, shape (n_states, n_visible)
    l2, tolerance : float
        As `tnlearn.fit` has them.
    seed : int or numpy.random.Generator
        Of the couplings to start from.
    **options
        Of `tnlearn.compile`.

    Raises
    ------
    MemoryLimitError
        If log Z does not fit.
    """
    free = PairMoments(family.values, len(family.sites), family.pairs, **options)
    clamped = ClampedMoments(family, seen, **options)

    def function(parameters: Array) -> tuple[float, Array]:
        log_z, means = free(parameters)
        log_seen, held = clamped(parameters)
        value = log_z - log_seen + l2 / 2 * float(parameters @ parameters)
        return value, means - held + l2 * parameters

    start = np.zeros(len(family.pairs) + len(family.sites))
    start[: len(family.pairs)] = SPREAD * generator_of(seed).normal(size=len(family.pairs))
    settings = {"gtol": tolerance, "ftol": 0.0, "maxiter": 10_000, "maxfun": 20_000, "maxcor": 30}
    found = minimize(function, start, jac=True, method="L-BFGS-B", options=settings).x
    value, gradient = function(found)
    slope = float(abs(gradient).max())
    likelihood = l2 / 2 * float(found @ found) - value
    return likelihood, Minimum(found, slope, slope <= max(tolerance, FLAT))
