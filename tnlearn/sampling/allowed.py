"""From forbidden states to allowed ones, where so few are allowed that no draw finds one.

Chains move among all states by how many tables forbid where they are, at ever lower temperatures
(simulated annealing: Kirkpatrick, Gelatt, Vecchi 1983, Science 220, 671), and stop where none does.
"""

from __future__ import annotations

import numpy as np

from tnlearn.sampling.interface import Positions, streams
from tnlearn.sampling.tables import Tables

#: Inverse temperatures, once for every table that forbids, and sweeps at each.
BETAS, SWEEPS = np.geomspace(0.5, 16, 24), 40


def allowed(target: Tables, positions: Positions, generator: np.random.Generator) -> Positions:
    """Positions of which none is forbidden, if any was found; those that were allowed stay.

    Chains that find nothing are put where others have. Cost: at most 960 sweeps.
    """
    from tnlearn.sampling.kernels import tables as kernels

    lists = target.lists._replace(entries=np.isinf(target.lists.entries).astype(float))
    counts = np.array(target.counts, np.int64)
    found = positions.copy(order="F")
    moving = np.flatnonzero(np.isinf(target.energies(found)))
    fine = np.setdiff1d(np.arange(len(found)), moving)
    for beta in np.repeat(BETAS, SWEEPS):
        if not len(moving):
            break
        rows = np.ascontiguousarray(found[moving].T)
        kernels.sweep(rows, *lists, counts, beta, True, 1.0, streams(generator, len(moving)), 1)
        found[moving] = rows.T
        broken = kernels.energies(rows, *lists[:5]) > 0
        fine, moving = np.concatenate([fine, moving[~broken]]), moving[broken]
    if len(fine):
        found[moving] = found[generator.choice(fine, len(moving))]
    return found
