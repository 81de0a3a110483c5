"""The partition function of a planar Ising model: one Pfaffian, and what is known of its error."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tnlearn.inference import LogPartition
from tnlearn.physics.ising import Ising
from tnlearn.physics.planar.cold import between, minus_energies
from tnlearn.physics.planar.dissection import dissect
from tnlearn.physics.planar.gauge import low_state
from tnlearn.physics.planar.gaussian import Manner
from tnlearn.physics.planar.joining import join, weights
from tnlearn.physics.planar.orientation import orientation
from tnlearn.physics.planar.surface import GHOST, Surface, split, surfaces
from tnlearn.physics.planar.trust import Estimate, repeated

LOG_2 = math.log(2.0)
#: Above this relative error, what convexity says is asked for too.
POOR = 1e-7


def planar_log_partition(model: Ising) -> LogPartition:
    """Natural log of the partition function of a planar Ising model, exactly, at any size.

    Parameters
    ----------
    model : Ising
        On any planar graph, connected or not, with couplings of any sign and size. A field may
        act where one more vertex, joined to all sites that feel it, leaves the graph planar: on
        the sites of one face, or on a tree.

    Returns
    -------
    LogPartition
        A float; ``.error`` bounds what rounding may have done to it, as far as repetitions with
        different roundings show, and ``.converged`` says whether that is below 1e-6 of it.

    Raises
    ------
    ModelError
        If the graph, or the graph with its field, is not planar.

    Notes
    -----
    Cost O(n^1.5) and memory O(n) for n sites. In a frustrated model at low temperature Z hangs on
    walls whose weights cancel: from a third of the coupling downwards, the lower the larger the
    lattice, doubles may not hold it, and the result is then the middle of what convexity in the
    temperature allows (`tnlearn.physics.planar.cold`).
    Source: P. W. Kasteleyn, J. Math. Phys. 4, 287 (1963); M. E. Fisher, J. Math. Phys. 7, 1776
    (1966); on the dual, as in N. N. Schraudolph and D. Kamenetsky, arXiv:0810.4401 (2008), and
    C. K. Thomas and A. A. Middleton, Phys. Rev. E 80, 046708 (2009).

    Examples
    --------
    >>> import networkx as nx
    >>> from tnlearn.physics import Ising
    >>> from tnlearn.physics.planar import planar_log_partition
    >>> round(planar_log_partition(Ising(nx.grid_2d_graph(40, 40), beta=0.44)), 6)
    1472.082282
    """
    value, error = 0.0, 0.0
    for surface in surfaces(model):
        if surface.n_bonds:
            found = _held(replace(surface, couplings=model.beta * surface.couplings))
        else:
            found = Estimate(LOG_2, 0.0)
        value += found.value
        error += found.error
        # A spin up in place of a spin of either sign: by symmetry, half of the sum.
        value -= LOG_2 if GHOST in surface.sites else 0.0
    return LogPartition(value, "planar", error, error <= 1e-6 * max(1.0, abs(value)))


def _held(surface: Surface) -> Estimate:
    """An estimate; held between bounds where it is poor."""
    found = surface_estimate(surface)
    if found.error <= POOR * max(1.0, abs(found.value)):
        return found

    def warmer(scale: float) -> Estimate:
        return surface_estimate(replace(surface, couplings=scale * surface.couplings))

    strongest = float(np.abs(surface.couplings).max())
    bounds = between(warmer, strongest, minus_energies(surface), len(surface.sites))
    return found.within(*bounds)


def surface_estimate(surface: Surface) -> Estimate:
    """``ln Z`` of a connected surface whose couplings are in units of temperature."""
    pieces = split(surface)
    signs = orientation(pieces)
    starts, ends = surface.tails[0::2], surface.tails[1::2]

    def evaluate(random: np.random.Generator, careful: bool, noisy: bool) -> float:
        spins = low_state(starts, ends, surface.couplings, len(surface.sites), random)
        broken = spins[pieces.tails[0::2]] * spins[pieces.tails[1::2]]
        given = weights(pieces.couplings * broken, signs)
        wary = bool(np.any(pieces.couplings * broken < 0.0))
        manner = Manner(careful, wary, random if noisy else None)
        return LOG_2 + given.log + join(dissect(pieces, random), pieces, given, manner).log

    largest = math.fsum(np.abs(surface.couplings))
    return repeated(evaluate, largest + LOG_2 * len(surface.sites))
