"""Contractions of tensors as they lie, by cuTENSOR, where it is installed beside CuPy."""

from __future__ import annotations

import threading
from typing import Any

import cupy

from tnlearn.backend import Labels

try:
    # The library itself is looked for when this is imported.
    from cupy_backends.cuda.libs.cutensor import CuTensorError
    from cupyx import cutensor
except ImportError:
    cutensor = None

#: CuPy keeps descriptors by the addresses of others, in dicts that all threads share.
_LOCK = threading.Lock()


def available() -> bool:
    """Whether cuTENSOR is there, and knows the current device."""
    return cutensor is not None and bool(cutensor.check_availability("contraction"))


def contract(a: Any, first: Labels, b: Any, second: Labels, result: Labels) -> Any:
    """The product of two tensors, summed over labels that are not in the result.

    In full precision: for float32, CuPy asks for sums of float32, never for TF32. None where
    cuTENSOR does not know how.
    """
    sizes = dict(zip((*first, *second), (*a.shape, *b.shape), strict=True))
    # Repeated entries, all at one address, are no tensor to cuTENSOR.
    a, b = (cupy.ascontiguousarray(x) if 0 in x.strides else x for x in (a, b))
    found = cupy.empty([sizes[label] for label in result], a.dtype)
    try:
        with _LOCK:
            return cutensor.contraction(1.0, a, first, b, second, 0.0, found, result)
    except CuTensorError:
        return None
