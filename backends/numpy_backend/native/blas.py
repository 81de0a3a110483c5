"""Where BLAS's matrix product is: SciPy exports it, for whatever BLAS it is built with."""

from __future__ import annotations

import ctypes
from functools import cache

#: BLAS's matrix product by the kind of number.
GEMM = {"float32": "sgemm", "float64": "dgemm", "complex64": "cgemm", "complex128": "zgemm"}


@cache
def gemm_address(dtype: str) -> int:
    """The address of the matrix product of a dtype."""
    import scipy.linalg.cython_blas as blas

    capsule = blas.__pyx_capi__[GEMM[dtype]]
    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer(capsule, name(capsule)))
