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
        kernel = np.outer(values, values)
        self.pairs, self.sites = pairs, sites
        # At strength 1 no tensor is left out.
        gains: dict[Any, Array] = dict.fromkeys(range(sites), values)
        couplings: dict[Any, float] = dict.fromkeys(map(tuple, pairs.tolist()), 1.0)
        network = weights_of(Pairwise(kernel, couplings, gains, values).energies(), 1.0)
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
        return log_weights(parameters, len(self.pairs), self._values)

    def _means(self, slopes: list[Any]) -> Array:
        on_host = [self.program.backend.to_host(slope) for slope in slopes]
        return means_of(on_host, len(self.pairs), self._values)


def log_weights(parameters: Array, pairs: int, values: Array) -> list[Array]:
    """Logarithms of the weights of so many pairs, and then of the sites, from K and k."""
    by_pair = parameters[:pairs, None, None] * np.outer(values, values)
    return [*by_pair, *(parameters[pairs:, None] * values)]


def means_of(slopes: list[Array], pairs: int, values: Array) -> Array:
    """Of slopes by these logarithms, which are probabilities, those by K and k.

    Slopes of a site may be several, one for each state: then they are added.
    """
    kernel = np.outer(values, values)
    by_pair = [(slope * kernel).sum() for slope in slopes[:pairs]]
    return np.array(by_pair + [np.sum(slope @ values) for slope in slopes[pairs:]])
