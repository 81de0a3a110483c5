"""What is known of ln Z where rounding leaves nothing of it: energies, and convexity."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tnlearn.physics.planar.gauge import low_state
from tnlearn.physics.planar.ground_state import broken_bonds
from tnlearn.physics.planar.surface import Surface
from tnlearn.physics.planar.trust import Estimate

LOG_2 = math.log(2.0)
#: Up to so many bonds the ground state is found, some seconds at most; beyond, only bounds.
MOST_BONDS = 2000
#: Temperatures are raised by this factor until the relative error is below the next number.
WARMER, SHARP = 0.7, 1e-8
#: Where frustrated couplings exceed this many temperatures, nothing is tried.
HOPEFUL = 20.0


def between(
    estimate: Callable[[float], Estimate],
    strongest: float,
    energies: tuple[float, float],
    n_sites: int,
) -> tuple[float, float]:
    """Two numbers that ``ln Z`` lies between.

    With the couplings times s, ``g(s) = ln Z`` is convex, and its slope is between those of any
    chord further down and ``-E_0``, of the ground state. So for ``r < s < 1``::

        g(s) + (1 - s) (g(s) - g(r)) / (s - r)  <=  g(1)  <=  g(s) - (1 - s) E_0

    and ``ln 2 - E_0 <= g(1) <= n ln 2 - E_0``.

    Parameters
    ----------
    estimate : function
        ``g(s)`` of s, found in a way that works where s is small.
    strongest : float
        The largest magnitude of a coupling over the temperature.
    energies : tuple of float
        Minus the energy of some state, over the temperature, and a number that no state's is
        above.
    n_sites : int

    Returns
    -------
    tuple of float

    Notes
    -----
    Costs some estimates. Source: R. B. Griffiths, J. Math. Phys. 5, 1215
    (1964), convexity.
    """
    reached, deepest = energies
    lowest, highest = reached + LOG_2, deepest + LOG_2 * n_sites
    scale = min(WARMER, HOPEFUL / strongest)
    while scale > 1e-6:
        found = estimate(scale)
        if found.error <= SHARP * max(1.0, abs(found.value)):
            break
        scale *= WARMER
    else:
        return lowest, highest
    below = estimate(WARMER * scale)
    rise = found.value - found.error - below.value - below.error
    slope = rise / (scale * (1.0 - WARMER))
    lowest = max(lowest, found.value - found.error + (1.0 - scale) * slope)
    highest = min(highest, found.value + found.error + (1.0 - scale) * deepest)
    return lowest, max(lowest, highest)


def minus_energies(surface: Surface) -> tuple[float, float]:
    """Minus the energy of a low state, and what no state's is above; equal for small surfaces."""
    strength = np.abs(surface.couplings)
    everything = math.fsum(strength)
    if surface.n_bonds <= MOST_BONDS:
        join = broken_bonds(surface)
        return everything - 2.0 * join.weight, everything - 2.0 * join.bound
    starts, ends = surface.tails[0::2], surface.tails[1::2]
    spins = low_state(starts, ends, surface.couplings, len(surface.sites), np.random.default_rng(0))
    reached = math.fsum(surface.couplings * spins[starts] * spins[ends])
    # Every frustrated face has a broken bond, which it shares with one other face at most.
    broken = 0.0
    for face in surface.faces:
        bonds = np.array(face, dtype=np.int64) // 2
        if np.count_nonzero(surface.couplings[bonds] < 0.0) % 2:
            broken += 0.5 * float(strength[bonds].min())
    return reached, everything - 2.0 * broken
