"""Correlations across every bond of a planar Ising model: the way back through its regions."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tnlearn.physics.ising import Ising
from tnlearn.physics.planar.dissection import Region, dissect
from tnlearn.physics.planar.gauge import low_state
from tnlearn.physics.planar.gaussian import EPS
from tnlearn.physics.planar.joining import Beside, Weights, beside, faces_of, weights
from tnlearn.physics.planar.orientation import orientation
from tnlearn.physics.planar.surface import GHOST, Floats, Ints, Surface, split, surfaces
from tnlearn.physics.planar.trust import SAFETY


@dataclass(frozen=True)
class BondCorrelations:
    """Expectations in the Boltzmann distribution of a planar model.

    Attributes
    ----------
    bonds : mapping from (node, node) to float
        ``<s_a s_b>`` of every bond, with the keys of ``model.couplings``.
    sites : mapping from node to float
        ``<s_a>`` of every site that has a field; of others it is not computed.
    energy : float
        ``<H>``, a total, in units of energy.
    error : float
        Bound on the error of each correlation, as far as a repetition shows; infinite where
        rounding leaves nothing.
    """

    bonds: Mapping[tuple[Hashable, Hashable], float]
    sites: Mapping[Hashable, float]
    energy: float
    error: float


@dataclass(frozen=True)
class _Passed:
    """A region on the way forth, with what the way back needs."""

    darts: Ints
    matrix: Floats
    parts: tuple[_Passed, ...]
    side: Beside
    inverse: Floats
    solved: Floats


def planar_bond_correlations(model: Ising) -> BondCorrelations:
    """``<s_a s_b>`` across every bond, and the mean energy, of a planar Ising model.

    Parameters
    ----------
    model : Ising
        As for `tnlearn.physics.planar.planar_log_partition`.

    Returns
    -------
    BondCorrelations

    Raises
    ------
    ModelError
        If the graph, or the graph with its field, is not planar.

    Notes
    -----
    Cost O(n^1.5), about three times that of the partition function; memory O(n log n), since all
    regions are kept. The probability that no wall crosses an edge is its weight in the Pfaffian
    times an entry of the inverse; only entries inside regions are computed. Source: K. Takahashi,
    J. Fagan and M. Chen (1973), selected inversion.

    Examples
    --------
    >>> import networkx as nx
    >>> from tnlearn.physics import Ising
    >>> from tnlearn.physics.planar import planar_bond_correlations
    >>> found = planar_bond_correlations(Ising(nx.path_graph(3), beta=0.5))
    >>> round(found.bonds[0, 1], 6)  # tanh(1/2)
    0.462117
    """
    by_ends: dict[tuple[Hashable, Hashable], float] = {}
    error = 0.0
    for surface in surfaces(model):
        if not surface.n_bonds:
            continue
        reduced = replace(surface, couplings=model.beta * surface.couplings)
        one, other = (_correlations(reduced, np.random.default_rng(seed)) for seed in (0, 1))
        spread = float(np.max(np.abs(one - other)))
        error = max(error, SAFETY * spread + 64 * EPS if math.isfinite(spread) else math.inf)
        ends = surface.tails.reshape(-1, 2).tolist()
        for (a, b), value in zip(ends, np.clip(one, -1.0, 1.0).tolist(), strict=True):
            by_ends[surface.sites[a], surface.sites[b]] = value
            by_ends[surface.sites[b], surface.sites[a]] = value
    bonds = {bond: by_ends[bond] for bond in model.couplings}
    sites = {site: by_ends[GHOST, site] for site, field in model.fields.items() if field}
    energy = -math.fsum(coupling * bonds[bond] for bond, coupling in model.couplings.items())
    energy -= math.fsum(model.fields[site] * value for site, value in sites.items())
    return BondCorrelations(bonds, sites, energy, error)


def _correlations(surface: Surface, random: np.random.Generator) -> Floats:
    """``<s_a s_b>`` of the edges of a connected surface; nan where there is none to be had."""
    pieces = split(surface)
    starts, ends = surface.tails[0::2], surface.tails[1::2]
    spins = low_state(starts, ends, surface.couplings, len(surface.sites), random)
    gauge = spins[pieces.tails[0::2]] * spins[pieces.tails[1::2]]
    given = weights(pieces.couplings * gauge, orientation(pieces))
    unbroken = np.full(len(gauge), np.nan)
    with np.errstate(all="ignore"):
        try:
            passed = _forth(dissect(pieces, random), pieces, given)
        except np.linalg.LinAlgError:
            return unbroken[: surface.n_bonds]
        _back(passed, np.zeros((0, 0)), given, unbroken)
    return (gauge * (2.0 * unbroken - 1.0))[: surface.n_bonds]


def _forth(region: Region, surface: Surface, given: Weights) -> _Passed:
    parts = tuple(_forth(half, surface, given) for half in region.halves)
    blocks = [(part.darts, part.matrix) for part in parts] or faces_of(region, surface, given)
    side = beside(blocks, given)
    across = side.matrix[np.ix_(side.gone, side.kept)]
    inverse = np.linalg.inv(side.matrix[np.ix_(side.gone, side.gone)])
    inverse = 0.5 * (inverse - inverse.T)
    solved = inverse @ across
    result = side.matrix[np.ix_(side.kept, side.kept)] + across.T @ solved
    return _Passed(side.darts[side.kept], 0.5 * (result - result.T), parts, side, inverse, solved)


def _back(passed: _Passed, outer: Floats, given: Weights, unbroken: Floats) -> None:
    """From the inverse at a region's boundary, that inside; fills in what edges joined there do."""
    side = passed.side
    gone, kept = side.gone, side.kept
    one, other = np.split(gone, 2)
    whole = np.zeros(side.matrix.shape)
    across = passed.solved @ outer
    whole[np.ix_(gone, gone)] = passed.inverse + across @ passed.solved.T
    whole[np.ix_(gone, kept)] = -across
    whole[np.ix_(kept, gone)] = across.T
    whole[np.ix_(kept, kept)] = outer
    unbroken[side.edges] = given.joints[side.edges] * whole[other, one]
    start = 0
    for part in passed.parts:
        stop = start + len(part.darts)
        _back(part, whole[start:stop, start:stop], given, unbroken)
        start = stop
