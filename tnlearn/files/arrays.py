"""Arrays on their way into a file: each array in memory is written once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tnlearn.errors import FormatError
from tnlearn.files.checks import whole

Array: TypeAlias = npt.NDArray[Any]


class Arrays:
    """The arrays of a file, numbered in the order in which they are added.

    Attributes
    ----------
    all : list of arrays
    """

    def __init__(self) -> None:
        self.all: list[Array] = []
        self._numbers: dict[tuple[Any, ...], int] = {}

    def add(self, array: Array) -> int:
        """The number of `array`; the same for all views of the same entries in memory."""
        place = array.__array_interface__["data"][0]
        key = (place, array.shape, array.strides, array.dtype.str)
        number = self._numbers.setdefault(key, len(self.all))
        if number == len(self.all):
            self.all.append(array)
        return number


def array_at(arrays: Sequence[Array], number: Any, dtypes: Sequence[str] | None = None) -> Array:
    """The array of that number, which must be of one of `dtypes` if these are given."""
    array = arrays[whole(number, "the number of an array", len(arrays) - 1)]
    if dtypes is not None and array.dtype.name not in dtypes:
        raise FormatError(f"array {number} is of {np.dtype(array.dtype)}, not {', '.join(dtypes)}")
    return array
