"""Block Gibbs sampling of two layers: all of one layer at once, given the other.

``H(v, h) = -a.v - b.h - v.W.h`` with bits v and h, as in a restricted Boltzmann machine, and
``p(v, h) = exp(-H(v, h)) / Z``.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from tnlearn.errors import ModelError
from tnlearn.sampling.checks import shaped, whole

Array: TypeAlias = npt.NDArray[Any]


def block_gibbs(
    weights: npt.ArrayLike,
    visible_bias: npt.ArrayLike,
    hidden_bias: npt.ArrayLike,
    visible: npt.ArrayLike,
    steps: int,
    generator: np.random.Generator,
) -> tuple[Array, Array]:
    """Alternate ``h ~ p(h | v)`` and ``v ~ p(v | h)``, for many chains side by side.

    Parameters
    ----------
    weights : array_like, shape (n_visible, n_hidden)
        W, in units of 1 / beta.
    visible_bias : array_like, shape (n_visible,)
        a.
    hidden_bias : array_like, shape (n_hidden,)
        b.
    visible : array_like, shape (chains, n_visible)
        Bits 0 and 1 to start from.
    steps : int
        How often both layers are drawn; 0 returns `visible` as it is.
    generator : numpy.random.Generator
        Moves on, by the numbers drawn.

    Returns
    -------
    visible : array, shape (chains, n_visible)
        Bits, in the precision of the weights.
    hidden_probabilities : array, shape (chains, n_hidden)
        ``p(h_j = 1 | visible)`` of what is returned.

    Raises
    ------
    ModelError
        If shapes do not fit, or `visible` holds anything but 0 and 1.
    DataTypeError
        If `steps` is no whole number.

    Notes
    -----
    Cost O(steps * chains * n_visible * n_hidden). Source: G. E. Hinton, Neural Comput. 14, 1771
    (2002).

    Examples
    --------
    >>> import numpy as np
    >>> from tnlearn.sampling import block_gibbs
    >>> v, h = block_gibbs(np.ones((3, 2)), np.zeros(3), np.zeros(2), np.zeros((5, 3)), 4,
    ...                    np.random.default_rng(0))
    >>> v.shape, h.shape
    ((5, 3), (5, 2))
    """
    weights, visible, visible_bias, hidden_bias = _fitting(
        weights, visible, visible_bias, hidden_bias
    )
    if not np.isin(visible, (0, 1)).all():
        raise ModelError("visible must hold bits 0 and 1 only (bit = (1 + spin) / 2)")
    for _ in range(whole("steps", steps, 0)):
        hidden = _bits(expit(visible @ weights + hidden_bias), generator)
        visible = _bits(expit(hidden @ weights.T + visible_bias), generator)
    return visible, expit(visible @ weights + hidden_bias)


def _bits(probabilities: Array, generator: np.random.Generator) -> Array:
    # Not below 64 bits: float32 numbers are too coarse for probabilities near 1e-8.
    return (generator.random(probabilities.shape) < probabilities).astype(probabilities.dtype)


def _fitting(
    weights: npt.ArrayLike,
    visible: npt.ArrayLike,
    visible_bias: npt.ArrayLike,
    hidden_bias: npt.ArrayLike,
) -> tuple[Array, Array, Array, Array]:
    table = np.asarray(weights)
    if table.ndim != 2:
        raise ModelError(f"weights have shape {table.shape}; they need (n_visible, n_hidden)")
    if table.dtype.kind != "f":
        table = table.astype(np.float64)
    states = np.asarray(visible)
    if states.ndim != 2 or states.shape[1] != len(table):
        raise ModelError(f"visible has shape {states.shape}; it needs (chains, {len(table)})")
    return (
        table,
        states.astype(table.dtype),
        shaped("visible_bias", visible_bias, table.shape[:1]),
        shaped("hidden_bias", hidden_bias, table.shape[1:]),
    )
