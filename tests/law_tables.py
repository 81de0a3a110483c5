"""The tables behind the laws of a backend: which there are, and how exact each precision is."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from tnlearn.backend import Backend, get_backend, installed
from tnlearn.errors import BackendError

Array: TypeAlias = np.ndarray[Any, Any]

#: Whatever is registered.
BACKENDS = sorted(installed())


def _reason(name: str) -> str | None:
    try:
        get_backend(name)
    except BackendError as error:
        return str(error)
    return None


#: Why some cannot be used here: their library, or their device, is not there.
ABSENT = {name: reason for name in BACKENDS if (reason := _reason(name)) is not None}

#: Error allowed, relative to the contraction of absolute values.
DTYPES = {"float32": 1e-5, "float64": 1e-13, "complex64": 1e-5, "complex128": 1e-13}


def on_host(backend: Backend, result: Any) -> Array:
    """A result, or a part of a LogValue, as a NumPy array."""
    return np.asarray(result if np.isscalar(result) else backend.to_host(result))
