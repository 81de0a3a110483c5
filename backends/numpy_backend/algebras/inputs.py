"""The tensors a program starts from, side by side in one array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, overload

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Inputs(Sequence[Any]):
    """Tensors one after another in one array, their axes in order.

    Attributes
    ----------
    data : array, shape (entries, width)
        All of them.
    shapes : sequence of tuples of int
        Of every tensor, the width left out.
    """

    __slots__ = ("_starts", "data", "shapes")

    def __init__(self, data: Array, shapes: Sequence[tuple[int, ...]]) -> None:
        self.data, self.shapes = data, shapes
        # Added up once: each of 100,000 tensors may be asked for.
        self._starts = [*accumulate(map(math.prod, shapes), initial=0)]

    def __len__(self) -> int:
        return len(self.shapes)

    @overload
    def __getitem__(self, position: int) -> Any: ...
    @overload
    def __getitem__(self, position: slice) -> list[Any]: ...
    def __getitem__(self, position: int | slice) -> Any:
        if isinstance(position, slice):
            return [self[k] for k in range(*position.indices(len(self)))]
        number = range(len(self))[position]
        part = self.data[self._starts[number] : self._starts[number + 1]]
        return part.reshape(*self.shapes[number], self.data.shape[-1])


def laid(tensors: Sequence[Array]) -> Inputs:
    """Tensors, a copy, side by side."""
    if isinstance(tensors, Inputs):
        return tensors
    width = tensors[0].shape[-1]
    data = np.concatenate([tensor.reshape(-1, width) for tensor in tensors])
    return Inputs(data, [tensor.shape[:-1] for tensor in tensors])
