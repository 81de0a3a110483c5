"""The cotangent a reverse sweep starts from, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tnlearn.errors import DataError, DataTypeError
from tnlearn.execution.arguments import is_complex

#: A cotangent, or how to find it from the value once that is known.
Cotangent: TypeAlias = "Any | Callable[[Any], Any]"


def checked(cotangent: Any, value: Any, dtype: str) -> Any:
    """The cotangent of a value.

    Raises
    ------
    DataError
        If there is none, it has not the shape of the value, or is not finite.
    DataTypeError
        If it is complex and the program is not.
    """
    shape = tuple(np.shape(value))
    if cotangent is None:
        raise DataError(
            f"the network has open indices, its value has shape {shape}: give a "
            "cotangent of that shape"
        )
    if tuple(np.shape(cotangent)) != shape:
        raise DataError(
            f"the cotangent has shape {tuple(np.shape(cotangent))} but the value {shape}"
        )
    if is_complex(cotangent) and not dtype.startswith("complex"):
        raise DataTypeError(f"the cotangent is complex, but the program computes in {dtype}")
    if isinstance(cotangent, (np.ndarray, float)) and not np.all(np.isfinite(cotangent)):
        raise DataError("the cotangent holds nan or inf: it must be finite")
    return cotangent
