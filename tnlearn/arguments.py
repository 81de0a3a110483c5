"""Numbers that are given, checked where they come in: wrong ones are refused before any work."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from tnlearn.errors import DataTypeError, ModelError


def whole(name: str, value: Any, least: int) -> int:
    """`value` as a whole number of at least `least`; DataTypeError or ModelError otherwise."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise DataTypeError(f"{name}={value!r} must be a whole number, not {type(value).__name__}")
    if value < least:
        raise ModelError(f"{name}={value} must be at least {least}")
    return int(value)


def number(name: str, value: Any) -> float:
    """`value` as a float, which may be infinite; DataTypeError otherwise."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise DataTypeError(f"{name}={value!r} must be a number, not {type(value).__name__}")
    return float(value)


def real(name: str, value: Any) -> float:
    """`value` as a finite float; DataTypeError or ModelError otherwise."""
    found = number(name, value)
    if not math.isfinite(found):
        raise ModelError(f"{name}={value} must be finite")
    return found


def positive(name: str, value: Any) -> float:
    """`value` as a finite float above 0; DataTypeError or ModelError otherwise."""
    found = real(name, value)
    if found <= 0:
        raise ModelError(f"{name}={value} must be above 0")
    return found
