"""Arguments of samplers, checked: wrong ones are refused before any work is done."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError


def whole(name: str, value: Any, least: int) -> int:
    """`value` as a whole number of at least `least`; DataTypeError or ModelError otherwise."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise DataTypeError(f"{name}={value!r} must be a whole number, not {type(value).__name__}")
    if value < least:
        raise ModelError(f"{name}={value} must be at least {least}")
    return int(value)


def real(name: str, value: Any) -> float:
    """`value` as a finite float; DataTypeError or ModelError otherwise."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise DataTypeError(f"{name}={value!r} must be a number, not {type(value).__name__}")
    if not math.isfinite(value):
        raise ModelError(f"{name}={value} must be finite")
    return float(value)


def positive(name: str, value: Any) -> float:
    """`value` as a finite float above 0; DataTypeError or ModelError otherwise."""
    number = real(name, value)
    if number <= 0:
        raise ModelError(f"{name}={value} must be above 0")
    return number


def shaped(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """`value` as an array of a shape; ModelError otherwise."""
    array = np.asarray(value)
    if array.shape != shape:
        raise ModelError(f"{name} has shape {array.shape}; it needs {shape}")
    return array
