"""Training of restricted Boltzmann machines: shuffled batches, a step for each, checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.learning.checkpoints import Checkpoint
from tnlearn.learning.momentum import Momentum
from tnlearn.learning.rbm_gradients import Negative
from tnlearn.learning.rbm_layers import Layers
from tnlearn.progress import progress_bar

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Schedule:
    """How long to train, and in what steps; see `tnlearn.RBM`."""

    epochs: int
    batch_size: int
    learning_rate: float
    progress: bool = False


class Training:
    """A run of training, which can be written down between two epochs.

    Parameters
    ----------
    layers : Layers
        Changed in place.
    negative : Negative
        The model's side of the gradient.
    schedule : Schedule
    data : array, shape (n_samples, n_visible)
    generator : numpy.random.Generator
        Of the order of samples, and of the chains of `negative`.
    """

    def __init__(
        self,
        layers: Layers,
        negative: Negative,
        schedule: Schedule,
        data: Array,
        generator: np.random.Generator,
    ) -> None:
        self._layers, self._negative, self._schedule = layers, negative, schedule
        self._data, self._generator = data, generator
        self._starts = range(0, len(data), schedule.batch_size)
        steps = schedule.epochs * len(self._starts)
        self._momentum = Momentum(layers.flat, schedule.learning_rate, steps)
        self._epoch = 0

    def run(self, checkpoint: Checkpoint | None = None) -> None:
        """All epochs that are left; every one is written down once it is over.

        Raises
        ------
        ModelError
            If a parameter is no longer finite; or the checkpoint is of another run.
        FormatError
            If the checkpoint is damaged.
        """
        if checkpoint is not None:
            self._resume(checkpoint)
        left = range(self._epoch, self._schedule.epochs)
        for _ in progress_bar(left, "epochs", self._schedule.progress):
            self._pass()
            if not np.isfinite(self._layers.flat).all():
                raise ModelError(
                    f"training diverged in epoch {self._epoch}: give a learning_rate below "
                    f"{self._schedule.learning_rate:.2g}"
                )
            if checkpoint is not None:
                self._write(checkpoint)

    def _pass(self) -> None:
        """One epoch."""
        order = self._generator.permutation(len(self._data))
        for start in self._starts:
            batch = self._data[order[start : start + self._schedule.batch_size]]
            expected = self._negative.moments(self._layers, batch)
            self._momentum.step(self._layers.descent(self._layers.averages(batch), expected))
        self._epoch += 1

    def _write(self, checkpoint: Checkpoint) -> None:
        arrays = {"parameters": self._layers.flat, "velocity": self._momentum.velocity}
        notes = {"epoch": self._epoch, "generator": self._generator.bit_generator.state}
        checkpoint.write(arrays | self._negative.arrays(), notes)

    def _resume(self, checkpoint: Checkpoint) -> None:
        found = checkpoint.read()
        if found is None:
            return
        arrays, notes = found
        self._layers.flat[:] = arrays.pop("parameters")
        self._momentum.velocity[:] = arrays.pop("velocity")
        self._negative.restore(arrays)
        self._generator.bit_generator.state = notes["generator"]
        self._epoch = notes["epoch"]
        self._momentum.taken = self._epoch * len(self._starts)
