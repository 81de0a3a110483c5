"""The tables behind the laws of a backend: which there are, and how exact each precision is."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from tnlearn.backend import Backend, installed

Array: TypeAlias = np.ndarray[Any, Any]

#: Every test that takes a `backend` runs on each of these: whatever is registered.
BACKENDS = sorted(installed())

#: Error allowed, relative to the contraction of absolute values.
DTYPES = {"float32": 1e-5, "float64": 1e-13, "complex64": 1e-5, "complex128": 1e-13}


def on_host(backend: Backend, result: Any) -> Array:
    """A result, or a part of a LogValue, as a NumPy array."""
    return np.asarray(result if np.isscalar(result) else backend.to_host(result))
