"""The Pfaffian of a surface, put together region by region: a tensor network of free fermions.

Every face is a tensor with a leg per dart: 1 for every even set of legs that a domain wall passes,
0 for the odd ones. An edge joins two legs, with weight exp(K) without a wall and exp(-K) with one.
Such tensors are Gaussian integrals over one Grassmann variable per leg, so a region is no array of
2^n entries but a skew-symmetric matrix of n rows, and joining two regions is a Schur complement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tnlearn.physics.planar.dissection import Region
from tnlearn.physics.planar.gaussian import Manner, integrate_out
from tnlearn.physics.planar.surface import Floats, Ints, Surface


@dataclass(frozen=True)
class Joined:
    """The tensor of a region: ``exp(log)`` times the Gaussian of a matrix.

    Attributes
    ----------
    darts : array of int, shape (n,)
        Those on the region's boundary.
    matrix : array, shape (n, n)
        Skew-symmetric; an entry is the weight of a wall that passes two darts, over that of none.
    log : float
        Natural log of the weight without walls at the boundary.
    """

    darts: Ints
    matrix: Floats
    log: float


@dataclass(frozen=True)
class Weights:
    """What walls weigh, so split between darts and edges that nothing exceeds 1.

    Attributes
    ----------
    walls : array, shape (n_darts,)
        Of a wall through a dart: the root of ``exp(-2 K)``; 1 where K < 0.
    joints : array, shape (n_edges,)
        Of no wall through an edge, with the sign of its orientation: 1; ``exp(2 K)`` where K < 0.
    log : float
        What was taken out: the sum of the magnitudes of K.
    """

    walls: Floats
    joints: Floats
    log: float


def weights(couplings: Floats, signs: Floats) -> Weights:
    """The weights of edges with couplings K (in units of temperature) and Kasteleyn's signs."""
    walls = np.repeat(np.exp(-np.maximum(couplings, 0.0)), 2)
    joints = np.exp(2.0 * np.minimum(couplings, 0.0)) * signs
    return Weights(walls, joints, math.fsum(np.abs(couplings)))


def join(
    region: Region,
    surface: Surface,
    given: Weights,
    manner: Manner,
) -> Joined:
    """The tensor of a region, its inner edges summed.

    Notes
    -----
    Cost O(n^1.5) for the whole of a planar graph of n edges, memory O(n). Source: free fermions as
    tensors, S. Bravyi, Contemp. Math. 482, 179 (2009), section 5; the order, nested dissection.
    """
    parts = [join(half, surface, given, manner) for half in region.halves]
    blocks = [(part.darts, part.matrix) for part in parts] or faces_of(region, surface, given)
    side = beside(blocks, given)
    result, log = integrate_out(side.matrix, side.gone, side.kept, manner)
    return Joined(side.darts[side.kept], result, log + math.fsum(part.log for part in parts))


@dataclass(frozen=True)
class Beside:
    """Tensors beside each other, with the edges between them: all that meets is to be summed.

    Attributes
    ----------
    darts : array of int, shape (n,)
    matrix : array, shape (n, n)
    edges : array of int
        The edges whose two darts are here.
    gone : array of int
        Rows of the first dart of each of them, and then of the second.
    kept : array of int
        The other rows.
    """

    darts: Ints
    matrix: Floats
    edges: Ints
    gone: Ints
    kept: Ints


def beside(blocks: list[tuple[Ints, Floats]], given: Weights) -> Beside:
    """Put tensors, each the names of its darts and its matrix, beside each other."""
    darts = np.concatenate([names for names, _ in blocks])
    matrix = np.zeros((len(darts), len(darts)))
    start = 0
    for names, block in blocks:
        stop = start + len(names)
        matrix[start:stop, start:stop] = block
        start = stop
    order = np.argsort(darts)
    ordered = darts[order]
    first = np.nonzero((ordered[1:] == ordered[:-1] + 1) & (ordered[:-1] % 2 == 0))[0]
    one, other, edges = order[first], order[first + 1], ordered[first] // 2
    matrix[one, other] += given.joints[edges]
    matrix[other, one] -= given.joints[edges]
    gone = np.concatenate([one, other])
    return Beside(darts, matrix, edges, gone, np.delete(np.arange(len(darts)), gone))


def faces_of(region: Region, surface: Surface, given: Weights) -> list[tuple[Ints, Floats]]:
    """The tensors of a region's faces."""
    faces = [np.array(surface.faces[f], dtype=np.int64) for f in region.faces]
    return [(face, city(given.walls[face])) for face in faces]


def city(walls: Floats) -> Floats:
    """The matrix of one face: every house points to all that follow.

    The Pfaffian of the rows of any even set of houses is the product of their `walls`.
    """
    upper = np.triu(np.outer(walls, walls), 1)
    return np.asarray(upper - upper.T)
