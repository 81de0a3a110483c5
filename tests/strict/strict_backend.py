"""The strict implementation of the array API standard as a backend, for the tests alone.

It has no function beyond the standard and converts nothing to NumPy by itself, so what runs on it
runs on any library that keeps to the standard, on a device too.
"""

from __future__ import annotations

from collections.abc import Mapping

import array_api_strict as xp
import numpy as np

from tnlearn.backend import Machine
from tnlearn_backends.array_backend.backend import ArrayBackend
from tnlearn_backends.array_backend.library import Library

HOST = xp.Device("CPU_DEVICE")
MACHINE = Machine("one x86-64 core", flops=5e10, bandwidth=1e10, latency=1e-4, grouped=True)


class StrictBackend(ArrayBackend):
    name = "strict"
    machine = MACHINE

    @property
    def library(self) -> Library:
        return LIBRARY

    @property
    def versions(self) -> Mapping[str, str]:
        return {"array-api-strict": xp.__version__}


LIBRARY = Library(
    name="array-api-strict",
    xp=xp,
    kind=type(xp.zeros(())),
    matmul=xp.matmul,
    device=lambda: HOST,
    from_host=lambda array, device: xp.asarray(np.array(array), device=device),
    to_host=lambda array: np.from_dlpack(xp.asarray(array, copy=True)),
    host=HOST,
)
