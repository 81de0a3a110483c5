"""A run of training of a matrix product state, which can be written down between two epochs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.learning.adam import Adam
from tnlearn.learning.checkpoints import Checkpoint
from tnlearn.learning.mps_model import MPSParameters

Array = npt.NDArray[Any]


@dataclass
class Run:
    """All that what follows depends on.

    Attributes
    ----------
    parameters : MPSParameters
    adam : Adam
    generator : numpy.random.Generator
    losses : list of float
        Of every epoch so far.
    scores : list of float
        Of early stopping, if there is any.
    best : array
        The parameters of the best score.
    over : bool
        Whether early stopping has ended the run.
    """

    parameters: MPSParameters
    adam: Adam
    generator: np.random.Generator
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best: Array = field(default_factory=lambda: np.empty(0))
    over: bool = False

    def write(self, checkpoint: Checkpoint) -> None:
        """Write it down."""
        arrays = {"parameters": self.parameters.vector, "best": self.best, **self.adam.arrays()}
        notes = {
            "losses": self.losses,
            "scores": self.scores,
            "over": self.over,
            "taken": self.adam.taken,
            "generator": self.generator.bit_generator.state,
        }
        checkpoint.write(arrays, notes)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Go on from what was written, if anything was."""
        found = checkpoint.read()
        if found is None:
            return
        arrays, notes = found
        self.parameters.vector[:] = arrays["parameters"]
        self.parameters.spread()
        for name, array in self.adam.arrays().items():
            array[:] = arrays[name]
        self.best, self.adam.taken = arrays["best"], notes["taken"]
        self.losses[:], self.scores[:] = notes["losses"], notes["scores"]
        self.over, self.generator.bit_generator.state = notes["over"], notes["generator"]
