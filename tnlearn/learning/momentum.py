"""Gradient steps with momentum and a rate that falls to zero, for gradients that are noisy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Part of the running mean of gradients that a step keeps.
KEPT = 0.9


class Momentum:
    """Steps along a running mean of gradients (Polyak 1964), at a rate that falls to zero.

    ``u <- 0.9 u + 0.1 g`` and ``x <- x - rate (1 - t / steps) u``. Unlike Adam's, entries whose
    gradient is hardly more than noise move hardly at all: so are those of most border pixels of
    MNIST, which are never on.

    Parameters
    ----------
    parameters : array, shape (n,)
        Changed in place.
    learning_rate : float
        First rate.
    steps : int
        How many there will be.

    Attributes
    ----------
    taken : int
        Steps so far.
    velocity : array, shape (n,)
        u.
    """

    def __init__(self, parameters: Array, learning_rate: float, steps: int) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.steps = steps
        self.taken = 0
        self.velocity = np.zeros_like(parameters)

    def step(self, gradient: Array) -> None:
        """Move the parameters; `gradient` is used as a work space."""
        rate = self.learning_rate * (1 - self.taken / self.steps)
        self.taken += 1
        self.velocity *= KEPT
        gradient *= 1 - KEPT
        self.velocity += gradient
        np.multiply(self.velocity, rate, out=gradient)
        self.parameters -= gradient
