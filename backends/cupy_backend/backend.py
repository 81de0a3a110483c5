"""The backend of CuPy, for machines with a CUDA device."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tnlearn.backend import SUM_PRODUCT, Algebra, Executable, Instructions, Machine
from tnlearn.errors import BackendError
from tnlearn_backends.array_backend.backend import ArrayBackend
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.machines import CARD
from tnlearn_backends.cupy_backend.small_networks import SmallNetworks

#: The card, with own kernels for batches of small programs.
MACHINE = replace(CARD, whole=True)
#: Of products of float32 where somebody asked for it: ten bits of a mantissa.
TF32 = "in TF32, with relative errors of 5e-4"


class CupyBackend(ArrayBackend):
    """CuPy; see `tnlearn.backend.Backend` for the laws.

    Arrays are computed with on CuPy's current device (`cupy.cuda.Device`), where those of the host
    go; arrays on another one are refused.

    Raises
    ------
    ImportError
        If CuPy is not installed, or finds no device.
    """

    name = "cupy"
    shipped = MACHINE

    def __init__(self) -> None:
        try:
            import cupy
        except ImportError as error:
            advice = "pip install 'tnlearn-engine[cuda12]', or [cuda13] for CUDA 13"
            raise ImportError(f"{error}; {advice}") from error
        try:
            found = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise ImportError(f"CuPy finds no CUDA device ({error})") from error
        if not found:
            raise ImportError("CuPy finds no CUDA device")
        runtime = cupy.cuda.runtime.runtimeGetVersion()
        cuda = f"{runtime // 1000}.{runtime % 1000 // 10}"
        self._versions = {"cupy": str(cupy.__version__), "cuda": cuda}

    @property
    def library(self) -> Library:
        """CuPy."""
        from tnlearn_backends.cupy_backend.library import CUPY

        return CUPY

    def compile(
        self, instructions: Instructions, dtype: str, algebra: Algebra = SUM_PRODUCT
    ) -> Executable:
        """The instructions, ready to run; one launch for a large batch of small networks."""
        if algebra != SUM_PRODUCT or instructions.batch is None:
            return super().compile(instructions, dtype, algebra)
        from tnlearn_backends.cupy_backend.launching import build_for_entries

        return SmallNetworks(self.library, instructions, dtype, build_for_entries)

    def asarray(self, data: Any, dtype: str) -> Any:
        """`data` as an array on the current device; BackendError if it is on another one."""
        library = self.library
        if library.holds(data) and data.device != (here := library.device()):
            raise BackendError(
                f"an array is on {data.device}, and CuPy computes on its current device, {here}: "
                f"call within `with cupy.cuda.Device({data.device.id}):`, nothing is moved unless "
                "you do"
            )
        return super().asarray(data, dtype)

    def free_bytes(self) -> int:
        """What the device has free, and what CuPy's pool holds for nobody."""
        import cupy

        pool = cupy.get_default_memory_pool()
        free = int(cupy.cuda.runtime.memGetInfo()[0]) + int(pool.free_bytes())
        limit = int(pool.get_limit())
        return min(free, limit - int(pool.used_bytes())) if limit else free

    @property
    def machine(self) -> Machine:
        """The machine model with which plans for this backend are costed."""
        return MACHINE

    @property
    def versions(self) -> Mapping[str, str]:
        """The libraries behind the backend and their versions."""
        # Read by CuPy itself at its first product of two matrices; nobody else turns it on.
        if os.environ.get("CUPY_TF32", "0") not in ("", "0"):
            return {**self._versions, "float32 products": TF32}
        return self._versions
