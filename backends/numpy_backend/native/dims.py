"""A step as a set of loops, one per index, each with a stride in both factors and in the target."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

#: Parts into which a step that several threads may share is divided, at least.
PARTS = 8
#: Entries of a tensor that is not in the nearer caches.
FAR = 2**16


class Dim(NamedTuple):
    """A loop: how often, and its strides in the two factors and the target; 0 where it is not."""

    size: int
    a: int
    b: int
    c: int


Dims: TypeAlias = tuple[Dim, ...]


def fused(dims: Iterable[Dim]) -> Dims:
    """Loops of size one left out, and two made one where the strides allow it."""
    groups: dict[tuple[bool, bool, bool], list[Dim]] = {}
    for dim in dims:
        if dim.size != 1:
            groups.setdefault((dim.a > 0, dim.b > 0, dim.c > 0), []).append(dim)
    result: list[Dim] = []
    for group in groups.values():
        group.sort(key=lambda d: (d.c, d.a, d.b), reverse=True)
        last = group[0]
        for dim in group[1:]:
            size, a, b, c = dim
            if (last.a, last.b, last.c) == (a * size, b * size, c * size):
                last = Dim(last.size * size, a, b, c)
            else:
                result.append(last)
                last = dim
        result.append(last)
    return tuple(result)


def swap(dims: Iterable[Dim]) -> Dims:
    """The factors change places."""
    return tuple(Dim(size, b, a, c) for size, a, b, c in dims)


def count(dims: Iterable[Dim]) -> int:
    """Turns of all loops together."""
    return math.prod(dim.size for dim in dims)


def leading(dims: Sequence[Dim], turns: int) -> int:
    """How many of the outermost loops have at least so many turns together; all if none do."""
    for number in range(len(dims)):
        if count(dims[:number]) >= turns:
            return number
    return len(dims)


def offsets(dims: Sequence[Dim]) -> npt.NDArray[np.int64]:
    """Offsets in the three tensors, shape (3, turns), at every turn, the last loop fastest."""
    found = np.zeros((3, 1), np.int64)
    for size, *strides in dims:
        steps = np.arange(size) * np.array(strides)[:, None]
        found = (found[:, :, None] + steps[:, None, :]).reshape(3, -1)
    return found
