"""Regions of faces, halved again and again: the order in which a surface is put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from scipy.sparse import csgraph

from tnlearn.physics.planar.surface import Ints, Surface

#: Faces that are joined at once, in one small matrix.
LEAF = 24


@dataclass(frozen=True)
class Region:
    """Faces, and the two regions they are joined from; a leaf has none.

    Attributes
    ----------
    faces : array of int
    halves : tuple of Region
    """

    faces: Ints
    halves: tuple[Region, ...] = ()


def dissect(surface: Surface, random: np.random.Generator) -> Region:
    """Halve a surface along short lines until few faces are left together.

    The line lies halfway between two faces far apart: faces are ordered by the difference of
    their distances to the two. `random` says where the search for these begins.

    Notes
    -----
    Cost O(n log^2 n) for n faces. Source: A. George, SIAM J. Numer. Anal. 10, 345 (1973), nested
    dissection; on a planar graph lines of length O(sqrt n) exist (R. J. Lipton, D. J. Rose and
    R. E. Tarjan, SIAM J. Numer. Anal. 16, 346, 1979).
    """
    home = np.empty(len(surface.tails), dtype=np.int64)
    for number, face in enumerate(surface.faces):
        home[list(face)] = number
    ones = np.ones(len(home) // 2)
    shape = (len(surface.faces),) * 2
    across = scipy.sparse.coo_matrix((ones, (home[0::2], home[1::2])), shape=shape).tocsr()
    return _halved(across + across.T, np.arange(len(surface.faces)), random)


def _halved(across: Any, faces: Ints, random: np.random.Generator) -> Region:
    if len(faces) <= LEAF:
        return Region(faces)
    start = int(random.integers(len(faces)))
    one = _farthest(_distances(across, start))
    from_one = _distances(across, one)
    from_other = _distances(across, _farthest(from_one))
    order = np.lexsort((from_one, from_one - from_other))
    middle = len(order) // 2
    halves = (np.sort(order[:middle]), np.sort(order[middle:]))
    return Region(
        faces, tuple(_halved(across[half][:, half], faces[half], random) for half in halves)
    )


def _farthest(distances: Ints) -> int:
    return int(np.argmax(distances))


def _distances(across: Any, start: int) -> Ints:
    """Steps from a face to all others; to another part, more than there are faces."""
    steps = csgraph.dijkstra(across, directed=False, indices=start, unweighted=True)
    known = np.where(np.isinf(steps), across.shape[0] + 1, steps)
    return np.asarray(known, dtype=np.int64)
