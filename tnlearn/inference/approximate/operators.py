"""Tables as matrix product operators: what multiplies the edge of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Singular values of a table below this part of the largest are none.
NONE = 1e-16


def star(
    centre: int,
    tables: Sequence[tuple[tuple[int, ...], Array]],
    places: Mapping[int, int],
    size: int,
) -> tuple[int, list[Array]]:
    """Tables over one variable and at most one other each, all together.

    The position of the variable is carried along the operator's bonds in both directions.

    Parameters
    ----------
    centre : int
        The variable on all of them.
    tables : sequence of (scope, array)
        An axis per variable of the scope.
    places : mapping from variable to int
        Where the cores stand.
    size : int
        Positions of the variable.

    Returns
    -------
    int, list of array
        Where the operator begins, and its arrays (left, position, right).
    """
    here, own = places[centre], np.ones(size)
    others: dict[int, Array] = {}
    for scope, table in tables:
        if len(scope) == 1:
            own = own * table
            continue
        other = scope[1] if scope[0] == centre else scope[0]
        oriented = table if scope[0] == centre else table.T
        others[places[other]] = others.get(places[other], 1.0) * oriented
    first, last = min([here, *others]), max([here, *others])
    carried, found = np.eye(size), []
    for place in range(first, last + 1):
        if place == here:
            core = carried[:, :, None] * carried[None, :, :] * own[None, :, None]
        else:
            rows = others.get(place, np.ones((size, 1)))
            core = carried[:, None, :] * rows.T[None, :, :]
        core = core.sum(axis=0, keepdims=True) if place == first else core
        found.append(core.sum(axis=2, keepdims=True) if place == last else core)
    return first, found


def train(scope: Sequence[int], table: Array, places: Mapping[int, int]) -> tuple[int, list[Array]]:
    """One table over any variables, split from the first place to the last.

    Exact up to rounding (Oseledets 2011, SIAM J. Sci. Comput. 33, 2295, algorithm 1). Otherwise
    as `star`.
    """
    order = sorted(range(len(scope)), key=lambda axis: places[scope[axis]])
    where = [places[scope[axis]] for axis in order]
    rest, left, found = np.transpose(table, order), 1, []
    sizes = rest.shape
    for (place, following), size in zip(pairwise(where), sizes, strict=False):
        u, s, vh = np.linalg.svd(rest.reshape(left * size, -1), full_matrices=False)
        kept = max(1, int((s > NONE * s[0]).sum()))
        found.append(u[:, :kept].reshape(left, size, kept))
        between = np.eye(kept)[:, None, :]
        found += [between] * (following - place - 1)
        rest, left = s[:kept, None] * vh[:kept], kept
    found.append(rest.reshape(left, -1, 1))
    return where[0], found
