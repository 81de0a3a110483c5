"""Gradients of the log-likelihood of restricted Boltzmann machines: exact, or from chains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tnlearn.execution import Packed, Program, compile
from tnlearn.physics import RestrictedBoltzmann

Array = npt.NDArray[Any]


class Parameters:
    """Weights and biases in one flat vector, so that one step moves them all.

    Attributes
    ----------
    flat : array, shape (n m + n + m,)
    weights, visible, hidden : arrays
        Views of it, of shapes (n, m), (n,) and (m,).
    """

    def __init__(self, n: int, m: int, dtype: str) -> None:
        self.flat = np.zeros(n * m + n + m, dtype)
        self.weights, self.visible, self.hidden = parts(self.flat, n, m)


def parts(flat: Array, n: int, m: int) -> tuple[Array, Array, Array]:
    """A flat vector as weights and biases."""
    return flat[: n * m].reshape(n, m), flat[n * m : n * m + n], flat[n * m + n :]


class Moments(NamedTuple):
    """Averages of v h^T, v and h."""

    products: Array
    visible: Array
    hidden: Array


def averages(visible: Array, hidden: Array) -> Moments:
    """Those of some states, a row each."""
    return Moments(visible.T @ hidden / len(visible), visible.mean(axis=0), hidden.mean(axis=0))


class Negative(ABC):
    """What the model itself expects of v, h and v h^T.

    Law: in the mean over its randomness `moments` is the expectation under the machine, as nearly
    as the method says.
    """

    @abstractmethod
    def moments(self, parameters: Parameters, batch: Array) -> Moments:
        """The expectations at some parameters; `batch` is what data are learned from now."""


class FromChains(Negative):
    """Block Gibbs chains: those of the data (contrastive divergence), or their own (persistent).

    Parameters
    ----------
    start : array, shape (chains, n_visible), optional
        Chains of their own, which go on from step to step. By default those of the data.
    steps : int
        Sweeps before every average.
    generator : numpy.random.Generator
    """

    def __init__(self, start: Array | None, steps: int, generator: np.random.Generator) -> None:
        self._visible, self._steps, self._generator = start, steps, generator

    def moments(self, parameters: Parameters, batch: Array) -> Moments:
        """Averages over the chains; of h the probabilities, which scatter less."""
        visible = batch if self._visible is None else self._visible
        for _ in range(self._steps):
            hidden = self._bits(visible @ parameters.weights + parameters.hidden)
            visible = self._bits(hidden @ parameters.weights.T + parameters.visible)
        if self._visible is not None:
            self._visible = visible
        return averages(visible, sigmoid(visible @ parameters.weights + parameters.hidden))

    def _bits(self, inputs: Array) -> Array:
        draws = self._generator.random(inputs.shape, dtype=np.float32)
        return (draws < sigmoid(inputs)).astype(inputs.dtype)


class Exact(Negative):
    """By the gradient of log Z, one reverse sweep of its network: no noise at all."""

    def __init__(self, n: int, m: int) -> None:
        machine = RestrictedBoltzmann(np.zeros((n, m)), np.zeros(n), np.zeros(m))
        self._shape = n, m
        self._program: Program = compile(machine.network(), plan=machine.plan())

    def moments(self, parameters: Parameters, _batch: Array) -> Moments:
        """The expectations, to rounding."""
        n, m = self._shape
        machine = RestrictedBoltzmann(parameters.weights, parameters.visible, parameters.hidden)
        arrays = [tensor.data for tensor in machine.network()]
        _, gradient = self._program.log_value_and_gradient(arrays)
        flat = self._last_entries(gradient)
        return Moments(*parts(flat, n, m))

    def _last_entries(self, gradient: Packed) -> Array:
        # By its logarithm, every tensor's last entry: the probability that all its units are on.
        return np.array([array.flat[-1] for array in self._program.unpack(gradient)])


def descent(parameters: Parameters, data: Array, negative: Moments, centre: Array) -> Array:
    """Minus the gradient of the mean log-likelihood, centred; shaped as the flat parameters.

    Weights are moved as if the visible units stood around `centre` and the hidden ones around
    their mean: the same optimum, reached sooner (Montavon, Mueller 2012; Melchior, Fischer,
    Wiskott 2016, arXiv:1311.1354, eqs. 12 to 14).
    """
    positive = averages(data, sigmoid(data @ parameters.weights + parameters.hidden))
    middle = positive.hidden
    by_visible = positive.visible - negative.visible
    by_hidden = positive.hidden - negative.hidden
    weights = positive.products - negative.products
    weights = weights - np.outer(by_visible, middle) - np.outer(centre, by_hidden)
    by_visible = by_visible - weights @ middle
    by_hidden = by_hidden - weights.T @ centre
    flat = np.concatenate([weights.ravel(), by_visible, by_hidden])
    return (-flat).astype(parameters.flat.dtype)


def sigmoid(inputs: Array) -> Array:
    """``1 / (1 + exp(-x))``, which no x overflows."""
    return np.asarray(0.5 * np.tanh(0.5 * inputs) + 0.5)
