"""The two layers of a restricted Boltzmann machine while it learns: parameters and their slopes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tnlearn.physics import RestrictedBoltzmann
from tnlearn.physics.two_layers import TwoLayers, layers_of_bits

Array = npt.NDArray[Any]


class Moments(NamedTuple):
    """Averages of v h^T, v, h and, where v is no bit, v squared."""

    products: Array
    visible: Array
    hidden: Array
    squares: Array | None = None


class Layers(ABC):
    """Parameters in one flat vector, so that one step moves them all, and what they imply.

    Attributes
    ----------
    flat : array
        All parameters.
    weights, visible, hidden : arrays
        Views of it, of shapes (n, m), (n,) and (m,): W, a and b.
    others : array
        A view of what is behind these.
    largest_rate : float
        First rate of training where gradients are not noisy.
    """

    largest_rate = 1.0

    def __init__(self, n: int, m: int, others: int, dtype: str) -> None:
        self.flat = np.zeros(n * m + n + m + others, dtype)
        self.weights, self.visible, self.hidden = parts(self.flat, n, m)
        self.others = self.flat[n * m + n + m :]

    @abstractmethod
    def inputs(self, visible: Array) -> Array:
        """What hidden units feel, shape (states, m): they are on with ``sigmoid(inputs)``."""

    @abstractmethod
    def drawn(self, hidden: Array, generator: np.random.Generator) -> Array:
        """Visible states given hidden bits, shape (states, n)."""

    @abstractmethod
    def averages(self, visible: Array) -> Moments:
        """Those of some visible states, hidden ones by their probabilities, which scatter less."""

    @abstractmethod
    def descent(self, positive: Moments, negative: Moments) -> Array:
        """Minus the direction of ascent of the mean log-likelihood, shaped as `flat`."""

    def scaled(self, data: Array) -> Array:
        """Data in the units of the parameters."""
        return data

    @abstractmethod
    def two_layers(self) -> TwoLayers:
        """As chains of whole layers read it."""

    @abstractmethod
    def machine(self) -> Any:
        """The model with these parameters."""


class BitLayers(Layers):
    """Visible bits: ``H(v, h) = -a.v - b.h - v.W.h``.

    Parameters
    ----------
    centre : array, shape (n,)
        Around which the weights are moved: the mean of the data.
    m : int
        Hidden units.
    dtype : str
    """

    def __init__(self, centre: Array, m: int, dtype: str = "float32") -> None:
        super().__init__(len(centre), m, 0, dtype)
        self.centre = centre.astype(dtype)

    def inputs(self, visible: Array) -> Array:
        """``b + v.W``."""
        return np.asarray(visible @ self.weights + self.hidden)

    def drawn(self, hidden: Array, generator: np.random.Generator) -> Array:
        """Bits that are on with probability ``sigmoid(a + W.h)``."""
        return bits(hidden @ self.weights.T + self.visible, generator)

    def averages(self, visible: Array) -> Moments:
        """Of v h^T, v and h."""
        return averages(visible, sigmoid(self.inputs(visible)))

    def descent(self, positive: Moments, negative: Moments) -> Array:
        """Minus the gradient in centred coordinates.

        Weights are moved as if the visible units stood around `centre` and the hidden ones around
        their mean: the same optimum, reached sooner (Montavon, Mueller 2012; Melchior, Fischer,
        Wiskott 2016, arXiv:1311.1354, eqs. 12 to 14).
        """
        middle = positive.hidden
        by_visible = positive.visible - negative.visible
        by_hidden = positive.hidden - negative.hidden
        weights = positive.products - negative.products
        weights = weights - np.outer(by_visible, middle) - np.outer(self.centre, by_hidden)
        by_visible = by_visible - weights @ middle
        by_hidden = by_hidden - weights.T @ self.centre
        flat = np.concatenate([weights.ravel(), by_visible, by_hidden])
        return (-flat).astype(self.flat.dtype)

    def two_layers(self) -> TwoLayers:
        """As chains of whole layers read it."""
        return layers_of_bits(self.weights, self.visible, self.hidden)

    def machine(self) -> RestrictedBoltzmann:
        """The machine of bits."""
        return RestrictedBoltzmann(self.weights, self.visible, self.hidden)


def parts(flat: Array, n: int, m: int) -> tuple[Array, Array, Array]:
    """A flat vector's beginning as weights and biases."""
    ends = n * m, n * m + n, n * m + n + m
    return flat[: ends[0]].reshape(n, m), flat[ends[0] : ends[1]], flat[ends[1] : ends[2]]


def averages(visible: Array, hidden: Array) -> Moments:
    """Those of some states, a row each."""
    return Moments(visible.T @ hidden / len(visible), visible.mean(axis=0), hidden.mean(axis=0))


def bits(inputs: Array, generator: np.random.Generator) -> Array:
    """Bits that are on with probability ``sigmoid(inputs)``."""
    draws = generator.random(inputs.shape, dtype=np.float32)
    return (draws < sigmoid(inputs)).astype(inputs.dtype)


def sigmoid(inputs: Array) -> Array:
    """``1 / (1 + exp(-x))``, which no x overflows."""
    return np.asarray(0.5 * np.tanh(0.5 * inputs) + 0.5)
