"""How far a number can be trusted: computed again with other roundings, and held to bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tnlearn.physics.planar.gaussian import EPS

#: Repetitions differ by far less than this part of the value, or all is done again with care.
GOOD = 1e-10
#: How many times the difference between repetitions is taken for the error.
SAFETY = 10.0
#: Repetitions that differ by more have nothing in common, and may be wrong together.
USELESS = 1e-2


@dataclass(frozen=True)
class Estimate:
    """A number and a bound on its absolute error.

    Attributes
    ----------
    value, error : float
    """

    value: float
    error: float

    def within(self, lowest: float, highest: float) -> Estimate:
        """The same, where it says more than that the number lies between two others."""
        rounding = 8.0 * EPS * max(abs(lowest), abs(highest))
        middle = Estimate(0.5 * (lowest + highest), 0.5 * (highest - lowest) + rounding)
        inside = lowest - self.error <= self.value <= highest + self.error
        return self if inside and self.error <= middle.error else middle


def repeated(
    evaluate: Callable[[np.random.Generator, bool, bool], float], scale: float
) -> Estimate:
    """A number computed some times over, each time in another order and with noise added.

    Parameters
    ----------
    evaluate : function
        Of a generator (for the order), whether to take care, and whether to add noise.
    scale : float
        Sum of the magnitudes that are added up in the number.

    Returns
    -------
    Estimate
        The error is infinite where the repetitions have nothing in common.

    Notes
    -----
    Source: the method of random perturbations, J. Vignes, Math. Comput. Simul. 35, 233 (1993); D.
    S. Parker, Monte Carlo arithmetic, UCLA CSD-970002 (1997).
    """
    best = Estimate(0.0, math.inf)
    for careful, times in ((False, 2), (True, 3)):
        values = [
            evaluate(np.random.default_rng([careful, k]), careful, k > 0) for k in range(times)
        ]
        spread = max(values) - min(values)
        if not spread <= USELESS:  # or nan
            continue
        found = Estimate(values[0], SAFETY * spread + 4.0 * EPS * scale)
        best = min(best, found, key=lambda estimate: estimate.error)
        if spread <= GOOD * max(1.0, abs(values[0])):
            break
    return best
