"""Layers of a machine whose visible units are real numbers, while it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.learning.pair_moments import PairMoments
from tnlearn.learning.rbm_gradients import Exact
from tnlearn.learning.rbm_layers import Layers, Moments, sigmoid
from tnlearn.physics import GaussianRestrictedBoltzmann
from tnlearn.physics.two_layers import TwoLayers, layers_of_normals

Array = npt.NDArray[Any]

#: The least variance that is learnt, of that of the data: without one a density has no maximum.
FLOOR = 1e-3


class GaussianLayers(Layers):
    """Visible normal numbers: ``H(v, h) = sum (v - a)^2 / 2s - b.h - v.(W / s).h``.

    Parameters are those of standardised data, of mean 0 and variance 1; ``s = FLOOR + exp(z)``,
    with z behind the biases in `flat`.

    Parameters
    ----------
    mean, scale : arrays, shape (n,)
        Of the data: what is 0 and 1 in the parameters.
    m : int
        Hidden units.
    learns_variance : bool
        Whether z moves.
    """

    largest_rate = 0.5

    def __init__(self, mean: Array, scale: Array, m: int, learns_variance: bool = True) -> None:
        super().__init__(len(mean), m, len(mean), "float64")
        self.mean, self.scale, self.learns_variance = mean, scale, learns_variance
        self.others[:] = np.log(1 - FLOOR)

    @property
    def variance(self) -> Array:
        """s, of standardised data."""
        return np.asarray(FLOOR + np.exp(self.others))

    def scaled(self, data: Array) -> Array:
        """Data of mean 0 and variance 1."""
        return np.asarray((data - self.mean) / self.scale)

    def inputs(self, visible: Array) -> Array:
        """``b + (v / s).W``."""
        return np.asarray((visible / self.variance) @ self.weights + self.hidden)

    def drawn(self, hidden: Array, generator: np.random.Generator) -> Array:
        """Normal numbers of means ``a + W.h`` and variances s."""
        return self.two_layers().drawn(hidden @ self.weights.T, generator)

    def averages(self, visible: Array) -> Moments:
        """Of v h^T, v, h and v squared."""
        hidden = sigmoid(self.inputs(visible))
        return Moments(
            visible.T @ hidden / len(visible),
            visible.mean(axis=0),
            hidden.mean(axis=0),
            (visible**2).mean(axis=0),
        )

    def slopes(self, positive: Moments, negative: Moments) -> tuple[Array, Array, Array, Array]:
        """The gradient of the mean log-likelihood by W, a, b and z."""
        assert positive.squares is not None
        assert negative.squares is not None
        precision = 1 / self.variance
        products, visible = (
            positive.products - negative.products,
            positive.visible - negative.visible,
        )
        squares = positive.squares - negative.squares
        coupled = (self.weights * products).sum(axis=1)
        by_variance = precision**2 * (squares / 2 - self.visible * visible - coupled)
        return (
            precision[:, None] * products,
            precision * visible,
            positive.hidden - negative.hidden,
            by_variance * np.exp(self.others),
        )

    def descent(self, positive: Moments, negative: Moments) -> Array:
        """Minus the gradient in centred coordinates, by W and a in units of the variance.

        Without these units steps would grow as variances shrink; centred as for bits, around the
        data's mean, which is 0, and the mean of the hidden units.
        """
        weights, means, hidden, variances = self.slopes(positive, negative)
        weights = self.variance[:, None] * weights - np.outer(
            self.variance * means, positive.hidden
        )
        means = self.variance * means - weights @ positive.hidden
        variances = variances if self.learns_variance else np.zeros_like(variances)
        return -np.concatenate([weights.ravel(), means, hidden, variances])

    def two_layers(self) -> TwoLayers:
        """As chains of whole layers read it."""
        return layers_of_normals(self.weights, self.visible, self.variance, self.hidden)

    def standardised(self) -> GaussianRestrictedBoltzmann:
        """The machine of standardised data."""
        return GaussianRestrictedBoltzmann(self.weights, self.visible, self.variance, self.hidden)

    def machine(self) -> GaussianRestrictedBoltzmann:
        """The machine in the units of the data."""
        # Around another mean the same inputs: what is added to v.W / s is taken from b.
        weights, variance = self.weights * self.scale[:, None], self.variance * self.scale**2
        return GaussianRestrictedBoltzmann(
            weights,
            self.mean + self.scale * self.visible,
            variance,
            self.hidden - (self.mean / variance) @ weights,
        )


class ExactGaussian(Exact):
    """By the gradient of log Z of the hidden units, the visible ones integrated out."""

    def __init__(self, m: int) -> None:
        self._pairs = np.array(np.triu_indices(m, 1)).T
        self._moments = PairMoments(np.array([0.0, 1.0]), m, self._pairs)

    def moments(self, layers: GaussianLayers, _batch: Array) -> Moments:
        """The expectations, to rounding."""
        upward = layers.two_layers().upward
        couplings = upward.T @ layers.weights
        fields = layers.hidden + layers.visible @ upward + np.diagonal(couplings) / 2
        left, right = self._pairs.T
        _, found = self._moments(np.concatenate([couplings[left, right], fields]))
        hidden = found[len(self._pairs) :]
        both = np.diag(hidden)
        both[left, right] = both[right, left] = found[: len(self._pairs)]
        mean, weights = layers.visible, layers.weights
        shifts = weights @ both
        moved = weights @ hidden
        squares = mean**2 + 2 * mean * moved + (shifts * weights).sum(axis=1)
        return Moments(
            np.outer(mean, hidden) + shifts, mean + moved, hidden, layers.variance + squares
        )
