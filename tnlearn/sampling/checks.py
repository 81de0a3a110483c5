"""Arrays that samplers are given, checked before any work is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError


def shaped(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """`value` as an array of a shape; ModelError otherwise."""
    array = np.asarray(value)
    if array.shape != shape:
        raise ModelError(f"{name} has shape {array.shape}; it needs {shape}")
    return array
