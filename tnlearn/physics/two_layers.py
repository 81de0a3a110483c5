"""Machines of two layers as chains read them: visible units of any kind, and hidden bits.

``p(v, h) = base(v) exp(b.h + v.U.h) / Z``, where `base` is what the visible units are alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class TwoLayers(NamedTuple):
    """What a chain needs to know.

    Attributes
    ----------
    log_base : float
        Log Z of the visible units alone.
    upward, downward : arrays, shape (n_visible, n_hidden)
        Hidden units feel ``b + v.upward``; they shift what visible ones feel by ``downward.h``.
    hidden_bias : array, shape (n_hidden,)
        b.
    drawn : callable
        ``(shift, generator) -> visible states``, for shifts of shape (chains, n_visible).
    """

    log_base: float
    upward: Array
    downward: Array
    hidden_bias: Array
    drawn: Callable[[Array, np.random.Generator], Array]


def layers_of_bits(weights: Array, visible_bias: Array, hidden_bias: Array) -> TwoLayers:
    """Visible bits: ``base(v) = exp(a.v)`` and ``U = W``."""
    return TwoLayers(
        float(np.logaddexp(0, visible_bias).sum()),
        weights,
        weights,
        hidden_bias,
        lambda shift, generator: drawn_bits(visible_bias + shift, generator),
    )


def layers_of_normals(
    weights: Array, visible_mean: Array, visible_variance: Array, hidden_bias: Array
) -> TwoLayers:
    """Visible real numbers, normal of means a and variances s alone; ``U = W / s``."""
    deviation = np.sqrt(visible_variance)
    return TwoLayers(
        float(np.log(2 * np.pi * visible_variance).sum() / 2),
        weights / visible_variance[:, None],
        weights,
        hidden_bias,
        lambda shift, generator: (
            visible_mean + shift + deviation * generator.standard_normal(shift.shape)
        ),
    )


def drawn_bits(inputs: Array, generator: np.random.Generator) -> Array:
    """Bits that are 1 with probability ``1 / (1 + exp(-input))``."""
    # The logistic distribution: no exponential can overflow.
    return np.asarray(inputs > generator.logistic(size=inputs.shape), float)
