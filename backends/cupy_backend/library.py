"""CuPy as an array library."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import cupy
import numpy.typing as npt
from array_api_compat import cupy as xp

from tnlearn_backends.array_backend.library import Library, Recorder
from tnlearn_backends.cupy_backend.contracting import available, contract
from tnlearn_backends.cupy_backend.recording import FUNCTIONS, OWN, can_record, mark, record


def _from_host(array: npt.NDArray[Any], device: Any) -> Any:
    with device:
        return cupy.array(array, order="C")


@cache
def _recorder() -> Recorder:
    own = replace(CUPY, xp=FUNCTIONS, matmul=OWN.matmul, contract=None)
    return Recorder(own, record, mark)


#: Products are in full precision unless CuPy was told otherwise (`CUPY_TF32`).
CUPY: Library = Library(
    name="cupy",
    xp=xp,
    kind=cupy.ndarray,
    matmul=cupy.matmul,
    device=cupy.cuda.Device,
    from_host=_from_host,
    to_host=cupy.asnumpy,
    contract=contract if available() else None,
    recorder=lambda device: _recorder() if can_record() else None,
)
