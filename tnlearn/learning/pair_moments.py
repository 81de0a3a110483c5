"""What a model of pairs expects of its pairs and sites, and how these vary, by the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import MemoryLimitError
from tnlearn.execution import Program, compile
from tnlearn.inference.options import planning, running
from tnlearn.physics.pairwise import Pairwise, weights_of
from tnlearn.planning import plan

Array = npt.NDArray[np.float64]


class PairMoments:
    """``p(x) = exp(sum_e K_e x_a x_b + sum_i k_i x_i) / Z``: derivatives of log Z by K and k.

    The network is compiled once; every call is a sweep there and back.

    Parameters
    ----------
    values : array, shape (2,)
        What x may be: spins (-1, 1) or bits (0, 1).
    sites : int
        How many x there are.
    pairs : array of int, shape (n_pairs, 2)
        a and b of every K.
    most_flops : float
        Operations of one log Z that are not too many.
    **options
        Of `tnlearn.compile`.

    Raises
    ------
    MemoryLimitError
        If log Z takes more operations, or more memory than the limit.
    """

    def __init__(
        self,
        values: Array,
        sites: int,
        pairs: npt.NDArray[np.int64],
        most_flops: float = np.inf,
        **options: Any,
    ) -> None:
        self._values = values
        self._kernel = np.outer(values, values)
        self.pairs, self.sites = pairs, sites
        # At strength 1 no tensor is left out.
        gains: dict[Any, Array] = dict.fromkeys(range(sites), values)
        couplings: dict[Any, float] = dict.fromkeys(map(tuple, pairs.tolist()), 1.0)
        network = weights_of(Pairwise(self._kernel, couplings, gains, values).energies(), 1.0)
        made = plan(network, **planning(options))
        if made.cost.flops > most_flops:
            raise MemoryLimitError(f"log Z takes {made.cost.flops:.1e} operations")
        self.program: Program = compile(network, **running(options, made))

    def __call__(self, parameters: Array) -> tuple[float, Array]:
        """Log Z and its gradient: the means of ``x_a x_b``, and of x.

        Parameters
        ----------
        parameters : array, shape (n_pairs + sites,)
            K, then k.
        """
        value, gradient = self.program.log_value_and_gradient(self._tensors(parameters))
        return float(value.log), self._means(self.program.unpack(gradient))

    def covariance_times(self, parameters: Array, direction: Array) -> Array:
        """The covariance of all ``x_a x_b`` and x, times a vector: the Hessian of log Z."""
        product = self.program.log_hvp(self._tensors(parameters), self._tensors(direction))[1]
        return self._means(self.program.unpack(product))

    def _tensors(self, parameters: Array) -> list[Array]:
        """Logarithms of the weights, in the order of the network."""
        pairs = parameters[: len(self.pairs), None, None] * self._kernel
        return [*pairs, *(parameters[len(self.pairs) :, None] * self._values)]

    def _means(self, slopes: list[Array]) -> Array:
        """Of slopes by the logarithms of the weights, which are probabilities, those by K and k."""
        count = len(self.pairs)
        by_pair = [(slope * self._kernel).sum() for slope in slopes[:count]]
        return np.array(by_pair + [slope @ self._values for slope in slopes[count:]])
