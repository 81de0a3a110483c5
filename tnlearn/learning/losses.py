"""Losses of a classifier's scores: value and gradient, and the probabilities they imply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Loss:
    """A loss of scores, shape (n, n_classes), against targets of that shape, rows summing to 1.

    Scores are float64, in which no loss of float32 scores is out of range.

    Attributes
    ----------
    value_and_gradient : callable
        ``(scores, targets) -> (mean loss, its gradient by the scores)``.
    probabilities : callable
        ``scores -> probabilities``; the order of the classes is kept.
    smooths : bool
        Whether label smoothing applies.
    """

    value_and_gradient: Callable[[Array, Array], tuple[float, Array]]
    probabilities: Callable[[Array], Array]
    smooths: bool

    def targets(self, labels: Array, classes: int, smoothing: float) -> Array:
        """One row per label, float32: one-hot, or with a share of it spread over all classes."""
        one_hot = np.eye(classes, dtype=np.float32)[labels]
        if self.smooths:
            one_hot += smoothing * (np.float32(1 / classes) - one_hot)
        return one_hot


def softmax(scores: Array) -> Array:
    """``exp(s) / sum exp(s)`` along the last axis."""
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def cross_entropy(scores: Array, targets: Array) -> tuple[float, Array]:
    """``-sum_l t_l log softmax(s)_l``, in nats."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    value = float((targets * (log_sum - shifted)).sum(axis=1).mean())
    return value, (np.exp(shifted - log_sum) - targets) / len(scores)


def squared(scores: Array, targets: Array) -> tuple[float, Array]:
    """``1/2 sum_l (s_l - t_l)^2`` (Stoudenmire, Schwab 2016, arXiv:1605.05775, eq. 7)."""
    residual = scores - targets
    return float((residual**2).sum(axis=1).mean()) / 2, residual / len(scores)


def onto_simplex(scores: Array) -> Array:
    """The nearest probabilities to scores that estimate them: the minimiser of the squared loss.

    The scores less a threshold, negative ones cut off (Held, Wolfe, Crowder 1974, Mathematical
    Programming 6, 62).
    """
    # Less the largest, which moves no threshold: beside a huge score the 1 would be rounded away.
    scores = scores - scores.max(axis=1, keepdims=True)
    ordered = -np.sort(-scores, axis=1)
    excess = (ordered.cumsum(axis=1) - 1) / np.arange(1, scores.shape[1] + 1)
    last = (ordered > excess).sum(axis=1) - 1
    return np.asarray(np.maximum(scores - np.take_along_axis(excess, last[:, None], axis=1), 0))


#: Losses by name.
LOSSES = {
    "cross_entropy": Loss(cross_entropy, softmax, smooths=True),
    "squared": Loss(squared, onto_simplex, smooths=False),
}
