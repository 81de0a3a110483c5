"""The model's side of the gradient from tempered chains, which reach modes far from the data's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.learning.rbm_gradients import Negative
from tnlearn.learning.rbm_layers import Layers, Moments
from tnlearn.sampling import BlockGibbs, Layered, ParallelTempering, State, TemperingState

Array = npt.NDArray[Any]


class Tempered(Negative):
    """Persistent chains, each at several strengths of the coupling, that change places.

    Plain chains stay in the mode where they are once modes are far apart; those at strength 0 are
    independent draws, and lead the others out (Desjardins, Courville, Bengio, Vincent, Delalleau
    2010, AISTATS 9, 145; Cho, Raiko, Ilin 2010, IJCNN).

    Parameters
    ----------
    start : array, shape (chains, n_visible)
    rungs : int
        Strengths, evenly from 1 to 0.
    steps : int
        Sweeps between two swaps; after one round of swaps averages are taken.
    generator : numpy.random.Generator
        Gives the key of all random numbers, and is not asked again.
    """

    def __init__(
        self, start: Array, rungs: int, steps: int, generator: np.random.Generator
    ) -> None:
        betas = tuple(np.linspace(1.0, 0.0, rungs).tolist())
        self._sampler = ParallelTempering(BlockGibbs(), betas, steps)
        self._visible = len(start[0])
        self._start = start
        keys = generator.integers(0, 2**64, (rungs + 1, 2), dtype=np.uint64)
        self._counts = np.append(keys, np.zeros((rungs + 1, 1), np.uint64), axis=1)
        self._positions: Array = np.zeros((0, 0, 0))

    def moments(self, layers: Layers, batch: Array) -> Moments:
        """Averages over the chains at strength 1; at 0 visible units are about as in `batch`."""
        state = self._sampler.step(self._state(layers, layers.averages(batch).hidden))
        self._positions = np.stack([rung.positions for rung in state.rungs])
        self._counts = np.stack([*(rung.generator for rung in state.rungs), state.generator])
        visible = state.positions[:, : self._visible].astype(layers.flat.dtype)
        return layers.averages(visible)

    def arrays(self) -> dict[str, Array]:
        """Where all chains are, and their random numbers."""
        return {"positions": self._positions, "counts": self._counts}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Go on from there."""
        self._positions, self._counts = arrays["positions"], arrays["counts"]

    def _state(self, layers: Layers, middle: Array) -> TemperingState:
        """The chains where they are, at the parameters of now."""
        n, m = layers.weights.shape
        target = Layered(tuple(range(n + m)), layers.two_layers(), 1.0, middle)
        if not self._positions.size:
            # Hidden units are drawn before they are asked for.
            whole = np.append(self._start, np.zeros((len(self._start), m)), axis=1)
            self._positions = np.stack([whole] * len(self._sampler.betas))
        rungs = []
        for k, beta in enumerate(self._sampler.betas):
            there, positions = replace(target, beta=beta), self._positions[k, :]
            rungs.append(State(there, positions, there.energies(positions), self._counts[k, :]))
        swaps = np.zeros(len(rungs) - 1, np.int64)
        return TemperingState(tuple(rungs), 0, self._counts[-1], swaps, swaps.copy())
