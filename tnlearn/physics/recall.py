"""Dynamics of a network of threshold units: spins that turn to the fields they feel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tnlearn.physics.parameters import Array

Spins = npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Recall:
    """Where states went.

    Attributes
    ----------
    trajectory : array of int8, shape (n_steps + 1, n_states, n_sites)
        States before the first step and after each. Stops with the last state that moves.
    energies : array, shape (n_steps + 1, n_states)
        Theirs, in units of energy.
    periods : array of int, shape (n_states,)
        1 for a fixed point, 2 for two states that alternate, 0 for what had not settled.
    """

    trajectory: Spins
    energies: Array
    periods: npt.NDArray[np.int64]

    @property
    def states(self) -> Spins:
        """The last states, shape (n_states, n_sites)."""
        last: Spins = self.trajectory[-1]
        return last

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Whether a state has come to a fixed point or a cycle of two, shape (n_states,)."""
        return self.periods > 0

    def __repr__(self) -> str:
        return (
            f"Recall({len(self.periods)} states, {len(self.trajectory) - 1} steps, "
            f"{int(self.converged.sum())} converged)"
        )


@dataclass(frozen=True, eq=False)
class Units:
    """Threshold units: ``s_i <- sgn(sum_j W_ij s_j - theta_i)``, and s_i stays where that is 0.

    Attributes
    ----------
    couplings : array, shape (n_sites, n_sites)
        W, symmetric with zero diagonal, in any units: multiples behave alike.
    thresholds : array, shape (n_sites,)
        theta, in the same units.
    tie : float
        Fields smaller than this are rounding, and count as 0.
    """

    couplings: Array
    thresholds: Array
    tie: float

    def asynchronous(self, start: Spins, steps: int, generator: np.random.Generator) -> list[Spins]:
        """A step asks all units one after the other, in an order drawn anew and shared by states.

        A unit turns only if that lowers the energy, so this ends at a fixed point.
        """
        spins, trajectory = start.astype(float), [start]
        for _ in range(steps):
            # Anew at every step, lest rounding add up.
            fields = self._fields(spins)
            if not self._unstable(fields, spins).any():
                break
            for unit in generator.permutation(spins.shape[1]):
                turning = np.flatnonzero(fields[:, unit] * spins[:, unit] < -self.tie)
                if turning.size:
                    change = -2.0 * spins[turning, unit]
                    spins[turning, unit] *= -1.0
                    fields[turning] += change[:, None] * self.couplings[unit]
            trajectory.append(spins.astype(np.int8))
        return trajectory

    def synchronous(self, start: Spins, steps: int) -> list[Spins]:
        """A step turns all units at once; this ends at a fixed point or a cycle of two states."""
        trajectory = [start]
        for _ in range(steps):
            spins = trajectory[-1]
            turning = self._unstable(self._fields(spins.astype(float)), spins)
            if not turning.any():
                break
            trajectory.append(np.where(turning, -spins, spins))
            if len(trajectory) > 2 and np.array_equal(trajectory[-1], trajectory[-3]):
                break
        return trajectory

    def periods(self, trajectory: list[Spins], alternating: bool) -> npt.NDArray[np.int64]:
        """1 where the last state is a fixed point, 2 where it alternates, else 0."""
        last = trajectory[-1]
        fixed = ~self._unstable(self._fields(last.astype(float)), last).any(axis=1)
        periods: npt.NDArray[np.int64] = np.array(fixed, dtype=np.int64)
        if alternating and len(trajectory) > 2:
            periods[~fixed & (trajectory[-3] == last).all(axis=1)] = 2
        return periods

    def _fields(self, spins: Array) -> Array:
        fields: Array = spins @ self.couplings - self.thresholds
        return fields

    def _unstable(self, fields: Array, spins: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        unstable: npt.NDArray[np.bool_] = fields * np.asarray(spins) < -self.tie
        return unstable


def recalled(
    trajectory: list[Spins], energy: Callable[[Spins], Array], periods: npt.NDArray[np.int64]
) -> Recall:
    """A trajectory with its energies, in arrays that nobody can write to."""
    energies = np.stack([energy(states) for states in trajectory])
    arrays = (np.stack(trajectory), energies, periods)
    for array in arrays:
        array.flags.writeable = False
    return Recall(*arrays)
