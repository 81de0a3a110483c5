"""Arrays that stay where they are, while what is in them changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tnlearn_backends.array_backend.namespaces import Array, name_of


class Feed:
    """Copies of some arrays, side by side in one array of every dtype.

    Other arrays of the same shapes are copied over all of them with two starts for a dtype.

    Parameters
    ----------
    xp : module
        The functions for the arrays.
    arrays : sequence of arrays

    Attributes
    ----------
    arrays : list of arrays
        The copies.
    """

    def __init__(self, xp: Any, arrays: Sequence[Array]) -> None:
        self._xp = xp
        self._members: dict[str, list[int]] = {}
        for k, array in enumerate(arrays):
            self._members.setdefault(name_of(array.dtype), []).append(k)
        self._flat = {name: self._joined(arrays, name) for name in self._members}
        self.arrays: list[Array] = [None] * len(arrays)
        for name, members in self._members.items():
            shapes = [tuple(arrays[k].shape) for k in members]
            for k, array in zip(members, split(xp, self._flat[name], shapes), strict=True):
                self.arrays[k] = array

    def fill(self, arrays: Sequence[Array]) -> None:
        """Copy others over the arrays."""
        for name, flat in self._flat.items():
            flat[...] = self._joined(arrays, name)

    def _joined(self, arrays: Sequence[Array], name: str) -> Array:
        return joined(self._xp, [arrays[k] for k in self._members[name]])


def joined(xp: Any, arrays: Sequence[Array]) -> Array:
    """Arrays one after another in a new one, flat."""
    return xp.concat([xp.reshape(array, (-1,)) for array in arrays])


def split(xp: Any, flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """The arrays of some shapes that lie one after another in a flat one."""
    found, start = [], 0
    for shape in shapes:
        end = start + math.prod(shape)
        found.append(xp.reshape(flat[start:end], shape))
        start = end
    return found
