"""Energies of real coordinates, such as the weights of a model that learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tnlearn.arguments import positive, whole
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.sampling.checks import shaped
from tnlearn.sampling.counted import keyed
from tnlearn.sampling.interface import Positions, Seed, State, chain_count
from tnlearn.seeds import generator_of

Array: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Landscape:
    """An energy of real coordinates, and its gradient: ``p(x) = exp(-beta E(x)) / Z``.

    Parameters
    ----------
    energy : callable
        Takes coordinates, shape (chains, dimension), and returns energies, shape (chains,);
        inf forbids.
    gradient : callable
        Takes the same, and returns dE/dx, shape (chains, dimension).
    dimension : int
    beta : float
        Inverse temperature, 1 / energy, above 0.

    Raises
    ------
    DataTypeError, ModelError
        If `dimension` is no whole number of at least 1, or `beta` not above 0.
    """

    energy: Callable[[Array], npt.ArrayLike]
    gradient: Callable[[Array], npt.ArrayLike]
    dimension: int
    beta: float = 1.0

    def __post_init__(self) -> None:
        whole("dimension", self.dimension, 1)
        positive("beta", self.beta)

    @property
    def sites(self) -> tuple[int, ...]:
        """The numbers of the coordinates."""
        return tuple(range(self.dimension))

    def energies(self, positions: Positions) -> Array:
        """Energies, shape (chains,); ModelError if the callable returns another shape, or nan."""
        found = shaped("what energy returned", self.energy(positions), positions.shape[:1])
        if np.isnan(found).any():
            raise ModelError("energy returned nan")
        return found.astype(np.float64)

    def forces(self, positions: Positions) -> Array:
        """Minus the gradient, shape (chains, dimension)."""
        found = shaped("what gradient returned", self.gradient(positions), positions.shape)
        return -found.astype(np.float64)

    def values(self, positions: Positions) -> Array:
        """The coordinates as they are."""
        return positions


def landscape_state(
    model: object, chains: int, seed: Seed, start: npt.ArrayLike | None, beta: float | None
) -> State:
    """Chains at `start`, or all at 0.

    Raises
    ------
    DataTypeError
        If the model is no `Landscape`.
    ModelError
        If `start` has another shape than (chains, dimension), or an infinite energy.
    """
    if not isinstance(model, Landscape):
        raise DataTypeError(f"expected a Landscape, got {type(model).__name__}")
    target = model if beta is None else replace(model, beta=beta)
    shape = (chain_count(chains), target.dimension)
    given = np.zeros(shape) if start is None else shaped("start", start, shape)
    positions = np.array(given, np.float64)
    energies = target.energies(positions)
    if not np.isfinite(energies).all():
        raise ModelError("a chain would start where the energy is infinite: give start=")
    return State(target, positions, energies, keyed(generator_of(seed)))
