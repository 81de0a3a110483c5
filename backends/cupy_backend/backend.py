"""CuPy's arrays, and what a graphics card can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from tnlearn.backend import Machine
from tnlearn_backends.array_backend.backend import ArrayBackend
from tnlearn_backends.array_backend.library import Library

try:
    import cupy
    from array_api_compat import cupy as xp
except ImportError as error:
    raise ImportError(
        f"{error}; pip install 'tnlearn-engine[cuda12]', or [cuda13] for CUDA 13"
    ) from error

#: A common graphics card: shipped, so that everyone gets the same plans. A step is a few launches.
MACHINE = Machine("an NVIDIA A100", flops=9.7e12, bandwidth=1.2e12, latency=5e-5, small_flops=1e12)


class CupyBackend(ArrayBackend):
    """CuPy; see `tnlearn.backend.Backend` for the laws.

    Arrays of the host go to CuPy's current device (`cupy.cuda.Device`).

    Raises
    ------
    ImportError
        If there is no device.
    """

    name = "cupy"

    def __init__(self) -> None:
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise ImportError(f"CuPy finds no CUDA device ({error})") from error
        if not count:
            raise ImportError("CuPy finds no CUDA device")

    @property
    def library(self) -> Library:
        """CuPy."""
        return LIBRARY

    @property
    def machine(self) -> Machine:
        """The machine model with which plans for this backend are costed."""
        return MACHINE

    @property
    def versions(self) -> Mapping[str, str]:
        """The libraries behind the backend and their versions."""
        runtime = cupy.cuda.runtime.runtimeGetVersion()
        return {"cupy": cupy.__version__, "cuda": f"{runtime // 1000}.{runtime % 1000 // 10}"}


def _from_host(array: npt.NDArray[Any], device: Any) -> Any:
    with device:
        return cupy.array(array, order="C")


LIBRARY = Library(
    name="cupy",
    xp=xp,
    kind=cupy.ndarray,
    matmul=cupy.matmul,
    device=cupy.cuda.Device,
    from_host=_from_host,
    to_host=cupy.asnumpy,
)
