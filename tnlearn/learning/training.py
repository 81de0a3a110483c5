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
from tnlearn.learning.checkpoints import Checkpoint
from tnlearn.learning.losses import LOSSES
from tnlearn.learning.mps_model import MPSParameters, mps_program
from tnlearn.learning.mps_run import Run
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


@dataclass(frozen=True)
class EarlyStopping:
    """When to stop waiting for better parameters: after `patience` epochs without any."""

    score: Callable[[], float]
    patience: int

    def judge(self, run: Run) -> None:
        """Score once more, and say whether the run is over."""
        score = self.score()
        if score > max(run.scores, default=-np.inf):
            run.best = run.parameters.vector.copy()
        run.scores.append(score)
        run.over = len(run.scores) - int(np.argmax(run.scores)) > self.patience


def train(
    parameters: MPSParameters,
    examples: Examples,
    settings: Settings,
    generator: np.random.Generator,
    stopping: EarlyStopping | None = None,
    checkpoint: Checkpoint | None = None,
) -> Run:
    """Train in place; the losses and scores of every epoch.

    Every epoch is written to the checkpoint once it is over; if one is there, training goes on
    from it.

    Raises
    ------
    ModelError
        If scores or gradients grow out of range; or the checkpoint is of another run.
    FormatError
        If the checkpoint is damaged.
    """
    size = min(settings.batch_size, len(examples.targets))
    steps = len(examples.targets) // size
    epochs = settings.epochs or max(LEAST_EPOCHS, -(-LEAST_STEPS // steps))
    rate = settings.learning_rate or min(0.01, 0.04 / len(parameters.tensors) ** 0.5)
    adam = Adam(parameters.vector, rate, epochs * steps)
    objective = Objective(parameters, settings)
    run = Run(parameters, adam, generator)
    if checkpoint is not None:
        run.resume(checkpoint)
    losses = run.losses
    left = range(len(losses), len(losses) if run.over else epochs)
    bar = progress_bar(left, "training", settings.progress)
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
        if stopping is not None:
            stopping.judge(run)
        if checkpoint is not None:
            run.write(checkpoint)
        if run.over:
            break
    if stopping is not None:
        parameters.vector[:] = run.best
        parameters.spread()
    return run


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
