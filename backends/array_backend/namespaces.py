"""Which library an array belongs to, and what the standard leaves to each.

All that is written here and beside it keeps to the Python array API standard (version 2024.12,
data-apis.org/array-api), so that it runs on any library that has it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any


def namespace(array: Array) -> Any:
    """The functions for an array; NumPy's own for those of NumPy."""
    found = _NAMESPACES.get(type(array))
    return _found(array) if found is None else found


#: Type of array -> its functions, for those that were met.
_NAMESPACES: dict[Any, Any] = {np.ndarray: np}


def _found(array: Array) -> Any:
    xp: Any = np
    if not isinstance(array, (np.ndarray, np.generic)):
        # Imported late: NumPy needs none of it.
        from array_api_compat import array_namespace

        xp = array_namespace(array)
    _NAMESPACES[type(array)] = xp
    return xp


def device_of(array: Array) -> Any:
    """Where an array is, as its library says it."""
    return array.device


def name_of(dtype: Any) -> str:
    """Name of a dtype of any library: "float64" of ``torch.float64``, too."""
    return _name_of(type(dtype).__module__, dtype)


@cache
def _name_of(library: str, dtype: Any) -> str:
    # Dtypes of different libraries must not be compared; with their names in front they are not.
    return str(dtype).rpartition(".")[2]


def is_complex(array: Array) -> bool:
    """Whether the entries are complex."""
    return name_of(array.dtype).startswith("complex")


def real_name(array: Array) -> str:
    """Name of the dtype of the parts of the entries."""
    return "float32" if name_of(array.dtype) in ("float32", "complex64") else "float64"


def like(values: Any, array: Array, dtype: Any = None) -> Array:
    """Numbers, or an array on the host, as an array where another one is."""
    xp = namespace(array)
    return xp.asarray(values, dtype=dtype or array.dtype, device=device_of(array))


def copied(array: Array) -> Array:
    """A copy of an array where it is, whatever the default device of its library."""
    return namespace(array).asarray(array, copy=True, device=device_of(array))
