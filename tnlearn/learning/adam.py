"""Adam, with gradients clipped and a step that decays to zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Adam:
    """Adam on one flat vector of parameters (Kingma, Ba 2014, arXiv:1412.6980, algorithm 1).

    The step follows half a cosine from `learning_rate` to zero over `steps`; gradients longer
    than `clip` are shortened to it.

    Parameters
    ----------
    parameters : array, shape (n,)
        Changed in place.
    learning_rate : float
        First step.
    steps : int
        How many there will be.
    clip : float
        Largest Euclidean norm of a gradient.
    """

    def __init__(
        self, parameters: Array, learning_rate: float, steps: int, clip: float = 1.0
    ) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.steps = steps
        self.clip = clip
        self.taken = 0
        self._mean = np.zeros_like(parameters)
        self._square = np.zeros_like(parameters)
        self._work = np.zeros_like(parameters)

    def arrays(self) -> dict[str, Array]:
        """What is remembered from step to step beside their number, by name."""
        return {"mean": self._mean, "square": self._square}

    def step(self, gradient: Array) -> None:
        """Move the parameters; `gradient` is used as a work space."""
        # In float64, where the square of no float32 is out of range.
        norm = float(np.linalg.norm(gradient.astype(np.float64)))
        if norm > self.clip:
            gradient *= self.clip / norm
        rate = self.learning_rate * (1 + np.cos(np.pi * self.taken / self.steps)) / 2
        self.taken += 1
        work = self._work
        self._mean *= 0.9
        np.multiply(gradient, 0.1, out=work)
        self._mean += work
        self._square *= 0.999
        gradient *= gradient
        gradient *= 0.001
        self._square += gradient
        np.sqrt(self._square, out=work)
        work *= (1 - 0.999**self.taken) ** -0.5
        work += 1e-8
        np.divide(self._mean, work, out=work)
        work *= rate / (1 - 0.9**self.taken)
        self.parameters -= work
