"""Training: shuffled batches, one step of Adam for each, and early stopping if it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import get_backend
from tnlearn.errors import ModelError, RangeError
from tnlearn.learning.adam import Adam
from tnlearn.learning.losses import LOSSES
from tnlearn.learning.mps_model import MPSParameters, mps_program
from tnlearn.learning.settings import Settings
from tnlearn.progress import progress_bar

Array = npt.NDArray[Any]

#: By default training takes at least so many epochs, and at least so many steps in all.
LEAST_EPOCHS, LEAST_STEPS = 15, 2000


@dataclass(frozen=True, eq=False)
class Examples:
    """What is learnt from.

    Attributes
    ----------
    features : array, shape (n_sites, n, d)
    targets : array, shape (n, n_classes)
        Rows sum to 1.
    """

    features: Array
    targets: Array

    def batches(
        self, size: int, noise: float, generator: np.random.Generator
    ) -> Iterator[tuple[Array, Array]]:
        """Features and targets of one epoch, in random order, with noise on all but the 1."""
        order = generator.permutation(len(self.targets))
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            features = self.features.take(chosen, axis=1)
            if noise:
                deviations = features[..., 1:]
                deviations += noise * generator.standard_normal(deviations.shape, dtype=np.float32)
            yield features, self.targets[chosen]


class Objective:
    """The mean loss of a batch, and its gradient by the trainable entries."""

    def __init__(self, parameters: MPSParameters, settings: Settings) -> None:
        shapes = tuple(tensor.shape for tensor in parameters.tensors)
        self._parameters = parameters
        self._loss = LOSSES[settings.loss]
        self._to_host = get_backend(settings.backend).to_host
        self._program = mps_program(shapes, parameters.vector.dtype.name, settings.backend)

    def __call__(self, features: Array, targets: Array) -> tuple[float, Array]:
        """Loss and gradient; the next call changes the gradient."""
        values: list[float] = []

        def slope(scores: Any) -> Array:
            on_host = self._to_host(scores).astype(np.float64)
            value, gradient = self._loss.value_and_gradient(on_host, targets)
            values.append(value)
            return gradient

        tensors = self._parameters.tensors
        _, packed = self._program.value_and_gradient([*tensors, *features], slope)
        gradients = self._program.unpack(packed)[: len(tensors)]
        return values[0], self._parameters.gathered([self._to_host(g) for g in gradients])


class EarlyStopping:
    """Remembers the best parameters, and when to stop waiting for better ones.

    Attributes
    ----------
    scores : list of float
        Of every epoch so far.
    """

    def __init__(self, score: Callable[[], float], patience: int) -> None:
        self.scores: list[float] = []
        self._score = score
        self._patience = patience
        self._best = np.empty(0)

    def is_over(self, vector: Array) -> bool:
        """Whether, scored once more, no epoch of the last `patience` was better than before."""
        score = self._score()
        if score > max(self.scores, default=-np.inf):
            self._best = vector.copy()
        self.scores.append(score)
        return len(self.scores) - int(np.argmax(self.scores)) > self._patience

    def restore(self, vector: Array) -> None:
        """Write the best parameters into `vector`."""
        vector[:] = self._best


def train(
    parameters: MPSParameters,
    examples: Examples,
    settings: Settings,
    generator: np.random.Generator,
    stopping: EarlyStopping | None = None,
) -> list[float]:
    """Train in place; the mean loss of every epoch.

    Raises
    ------
    ModelError
        If scores or gradients grow out of range.
    """
    size = min(settings.batch_size, len(examples.targets))
    steps = len(examples.targets) // size
    epochs = settings.epochs or max(LEAST_EPOCHS, -(-LEAST_STEPS // steps))
    rate = settings.learning_rate or min(0.01, 0.04 / len(parameters.tensors) ** 0.5)
    adam = Adam(parameters.vector, rate, epochs * steps)
    objective = Objective(parameters, settings)
    losses: list[float] = []
    bar = progress_bar(range(epochs), "training", settings.progress)
    for _ in bar:
        batches = examples.batches(size, settings.feature_noise, generator)
        try:
            losses.append(_descend(parameters, objective, adam, batches))
        except RangeError as error:
            raise ModelError(
                f"training diverged in epoch {len(losses) + 1}, no float holds the scores any "
                f"more: give a learning_rate below {rate:.2g}"
            ) from error
        bar.set_postfix(loss=f"{losses[-1]:.4f}")
        if stopping is not None and stopping.is_over(parameters.vector):
            break
    if stopping is not None:
        stopping.restore(parameters.vector)
        parameters.spread()
    return losses


def _descend(
    parameters: MPSParameters,
    objective: Objective,
    adam: Adam,
    batches: Iterator[tuple[Array, Array]],
) -> float:
    """One step per batch; the mean loss."""
    losses = []
    for features, targets in batches:
        loss, gradient = objective(features, targets)
        losses.append(loss)
        adam.step(gradient)
        parameters.spread()
    return float(np.mean(losses))
