"""CuPy as an array library."""

from __future__ import annotations

from typing import Any

import cupy
import numpy.typing as npt
from array_api_compat import cupy as xp

from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.cupy_backend.contracting import available, contract


def _from_host(array: npt.NDArray[Any], device: Any) -> Any:
    with device:
        return cupy.array(array, order="C")


#: Products are in full precision unless CuPy was told otherwise (`CUPY_TF32`).
CUPY = Library(
    name="cupy",
    xp=xp,
    kind=cupy.ndarray,
    matmul=cupy.matmul,
    device=cupy.cuda.Device,
    from_host=_from_host,
    to_host=cupy.asnumpy,
    contract=contract if available() else None,
)
