"""What a restricted Boltzmann machine itself expects of its units: exact, or from chains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.execution import Packed, Program, compile
from tnlearn.learning.rbm_layers import BitLayers, Layers, Moments, bits, parts
from tnlearn.physics import RestrictedBoltzmann

Array = npt.NDArray[Any]


class Negative(ABC):
    """What the model itself expects of v, h and v h^T.

    Laws: in the mean over its randomness `moments` is the expectation under the machine, as nearly
    as the method says; and after ``restore(arrays())`` all that follows is the same, bit for bit.
    """

    @abstractmethod
    def moments(self, layers: Any, batch: Array) -> Moments:
        """The expectations at some parameters; `batch` is what data are learned from now."""

    def arrays(self) -> dict[str, Array]:
        """What it remembers from step to step, by name."""
        return {}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Go on from what `arrays` gave."""
        assert not arrays, "there is nothing to remember"


class FromChains(Negative):
    """Block Gibbs chains: those of the data (contrastive divergence), or their own (persistent).

    Parameters
    ----------
    start : array, shape (chains, n_visible), optional
        Chains of their own, which go on from step to step. By default those of the data.
    steps : int
        Sweeps before every average.
    generator : numpy.random.Generator
    """

    def __init__(self, start: Array | None, steps: int, generator: np.random.Generator) -> None:
        self._visible, self._steps, self._generator = start, steps, generator

    def moments(self, layers: Layers, batch: Array) -> Moments:
        """Averages over the chains."""
        visible = batch if self._visible is None else self._visible
        for _ in range(self._steps):
            hidden = bits(layers.inputs(visible), self._generator)
            visible = layers.drawn(hidden, self._generator)
        if self._visible is not None:
            self._visible = visible
        return layers.averages(visible)

    def arrays(self) -> dict[str, Array]:
        """The chains, if they are its own."""
        return {} if self._visible is None else {"chains": self._visible}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Go on with these chains."""
        self._visible = arrays.get("chains")


class Exact(Negative):
    """Expectations without noise."""


class ExactBits(Exact):
    """By the gradient of log Z, one reverse sweep of its network."""

    def __init__(self, n: int, m: int) -> None:
        machine = RestrictedBoltzmann(np.zeros((n, m)), np.zeros(n), np.zeros(m))
        self._shape = n, m
        self._program: Program = compile(machine.network(), plan=machine.plan())

    def moments(self, layers: BitLayers, _batch: Array) -> Moments:
        """The expectations, to rounding."""
        n, m = self._shape
        arrays = [tensor.data for tensor in layers.machine().network()]
        _, gradient = self._program.log_value_and_gradient(arrays)
        return Moments(*parts(self._last_entries(gradient), n, m))

    def _last_entries(self, gradient: Packed) -> Array:
        # By its logarithm, every tensor's last entry: the probability that all its units are on.
        return np.array([array.flat[-1] for array in self._program.unpack(gradient)])
