"""The square lattice on a torus: four Pfaffians, one for each way to close it."""

from __future__ import annotations

import math

import numpy as np

from tnlearn.errors import DataError, ModelError
from tnlearn.inference import LogPartition
from tnlearn.physics.ising import Ising
from tnlearn.physics.planar.blocks import Blocks
from tnlearn.physics.planar.cold import between
from tnlearn.physics.planar.gauge import low_state
from tnlearn.physics.planar.gaussian import Manner
from tnlearn.physics.planar.partition import POOR
from tnlearn.physics.planar.surface import Floats
from tnlearn.physics.planar.trust import Estimate, repeated

LOG_2 = math.log(2.0)


def toroidal_log_partition(model: Ising) -> LogPartition:
    """Natural log of the partition function of an Ising model on a square lattice with wrapping.

    Parameters
    ----------
    model : Ising
        Its sites are all ``(i, j)`` with ``0 <= i < m`` and ``0 <= j < n``, as those of
        ``networkx.grid_2d_graph(m, n, periodic=True)``; bonds join neighbours, also across the
        rim, and have any couplings; bonds may be missing. No field.

    Returns
    -------
    LogPartition
        As `tnlearn.physics.planar.planar_log_partition` does.

    Raises
    ------
    ModelError
        If there is a field, a site is missing, or a bond joins no neighbours.

    Examples
    --------
    >>> import networkx as nx
    >>> from tnlearn.physics import Ising
    >>> from tnlearn.physics.planar import toroidal_log_partition
    >>> model = Ising(nx.grid_2d_graph(32, 32, periodic=True), beta=0.440686793509771514)
    >>> round(toroidal_log_partition(model), 6)
    952.64808
    """
    return toroidal_grid_log_partition(*grids_of(model))


def toroidal_grid_log_partition(right: Floats, down: Floats) -> LogPartition:
    """The same for arrays of couplings: a lattice of a million sites needs no graph.

    Parameters
    ----------
    right, down : array, shape (m, n)
        ``beta J`` of the bonds from site (i, j) to (i, j + 1) and to (i + 1, j), modulo the
        sizes; in a direction of length 2 two bonds join a pair, and add.

    Returns
    -------
    LogPartition

    Notes
    -----
    Cost O((m n)^1.5), memory O((m + n)^2): the torus, cut open, is put together from blocks as in
    `tnlearn.physics.planar.joining`, and closed with either sign along the two seams. A wall that
    winds round the torus is no boundary of anything; in the sum of the four such walls drop out::

        Z = 2 exp(sum |K|) 1/4 (Pf_++ + Pf_+- + Pf_-+ + Pf_--)

    Blocks that are equal to the last bit are computed once: with couplings that are the same all
    along one direction, O(m + n) of them. Source: P. W. Kasteleyn, J. Math. Phys. 4, 287 (1963);
    A. Galluccio and M. Loebl, Electron. J. Combin. 6, R6 (1999).

    Examples
    --------
    >>> import numpy as np
    >>> from tnlearn.physics.planar import toroidal_grid_log_partition
    >>> couplings = np.full((16, 16), 0.440686793509771514)
    >>> round(toroidal_grid_log_partition(couplings, couplings), 6)
    238.642257
    """
    right, down = np.asarray(right, dtype=float), np.asarray(down, dtype=float)
    if right.ndim != 2 or right.shape != down.shape or not right.size:
        raise DataError(f"two grids of one shape (m, n), please: got {right.shape}, {down.shape}")
    if not (np.isfinite(right).all() and np.isfinite(down).all()):
        raise DataError("a coupling is nan or infinite")

    def estimate(scale: float) -> Estimate:
        return _estimate(scale * right, scale * down)

    found = estimate(1.0)
    if not found.error <= POOR * max(1.0, abs(found.value)):
        strongest = float(max(np.abs(right).max(), np.abs(down).max()))
        found = found.within(
            *between(estimate, strongest, _minus_energies(right, down), right.size)
        )
    value, error = found.value, found.error
    return LogPartition(value, "planar", error, error <= 1e-6 * max(1.0, abs(value)))


def wrapping_grids(model: Ising) -> tuple[Floats, Floats] | None:
    """The reduced couplings of a model on a torus; None where it is on none, or wraps nowhere."""
    try:
        right, down = grids_of(model)
    except ModelError:
        return None
    wraps = right[:, -1].any() or down[-1].any()
    return (right, down) if wraps and min(right.shape) > 2 else None


def grids_of(model: Ising) -> tuple[Floats, Floats]:
    """The reduced couplings to the right and downwards, each shape (m, n).

    Raises
    ------
    ModelError
        If the model is not on such a torus, or has a field.
    """
    felt = next((site for site, field in model.fields.items() if field), None)
    if felt is not None:
        raise ModelError(f"site {felt!r} has a field: on a torus only models without one are free")
    try:
        sites = np.array(model.sites, dtype=np.int64).reshape(len(model.sites), 2)
    except (TypeError, ValueError):
        raise ModelError("a torus has sites (i, j), as networkx.grid_2d_graph names them") from None
    m, n = (sites.max(axis=0) + 1).tolist()
    if sites.min() < 0 or m * n != len(sites):
        raise ModelError(
            f"the {len(sites)} sites are not all (i, j) of a grid; they reach {m} x {n}"
        )
    right, down = np.zeros((2, m, n))
    for (a, b), coupling in model.couplings.items():
        (row, column), (below, beside) = np.array([a, b]).tolist()
        across, along = (beside - column) % n, (below - row) % m
        if not along and across in (1, n - 1):
            right[row, column if across == 1 else beside] += model.beta * coupling
        elif not across and along in (1, m - 1):
            down[row if along == 1 else below, column] += model.beta * coupling
        else:
            raise ModelError(f"sites {a!r} and {b!r} are no neighbours on a {m} x {n} torus")
    return right, down


def _state(right: Floats, down: Floats, random: np.random.Generator) -> Floats:
    """Spins of low energy, shape (m, n)."""
    number = np.arange(right.size).reshape(right.shape)
    starts = np.concatenate([number.ravel(), number.ravel()])
    ends = np.concatenate([np.roll(number, -1, axis=axis).ravel() for axis in (1, 0)])
    couplings = np.concatenate([right.ravel(), down.ravel()])
    there = couplings != 0.0
    spins = low_state(starts[there], ends[there], couplings[there], right.size, random)
    return spins.reshape(right.shape)


def _minus_energies(right: Floats, down: Floats) -> tuple[float, float]:
    """Minus the energy of a low state, and what no state's is above, in units of temperature."""
    spins = _state(right, down, np.random.default_rng(0))
    kept = right * spins * np.roll(spins, -1, 1), down * spins * np.roll(spins, -1, 0)
    round_face = [right, np.roll(right, -1, 0), down, np.roll(down, -1, 1)]
    frustrated = np.sum([bond < 0.0 for bond in round_face], axis=0) % 2 == 1
    weakest = np.min([np.abs(bond) for bond in round_face], axis=0)
    everything = math.fsum(np.abs(right).ravel()) + math.fsum(np.abs(down).ravel())
    # A frustrated face has a broken bond, which it shares with one other face.
    return math.fsum(np.ravel(kept)), everything - math.fsum(weakest[frustrated])


def _estimate(right: Floats, down: Floats) -> Estimate:
    m, n = right.shape

    def evaluate(random: np.random.Generator, careful: bool, noisy: bool) -> float:
        a, b = right, down
        if noisy:  # another seam, and the other direction is cut first
            a, b = (np.roll(grid, (m // 2, n // 3), (0, 1)).T for grid in (down, right))
        spins = _state(a, b, random)
        a, b = a * spins * np.roll(spins, -1, 1), b * spins * np.roll(spins, -1, 0)
        wary = bool(np.any(a < 0.0) or np.any(b < 0.0))
        manner = Manner(careful, wary, random if noisy else None)
        return Blocks(a, b, manner).log_partition()

    scale = float(np.abs(right).sum() + np.abs(down).sum()) + LOG_2 * right.size
    return repeated(evaluate, scale)
