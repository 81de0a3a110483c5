"""Arrays in and out of NumPy, and what this kind of machine can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import SUM_PRODUCT, Algebra, Executable, Instructions, Machine
from tnlearn.errors import BackendError
from tnlearn_backends.array_backend.decomposing import DecomposingBackend
from tnlearn_backends.numpy_backend.algebras.executable import AlgebraExecutable
from tnlearn_backends.numpy_backend.executable import NumpyExecutable

#: One core of a common server: shipped, so that everyone gets the same plans.
MACHINE = Machine("one x86-64 core", flops=8e10, bandwidth=1e10, latency=5e-8, small_flops=2e10)


class NumpyBackend(DecomposingBackend):
    """NumPy on the processor; see `tnlearn.backend.Backend` for the laws."""

    name = "numpy"

    @property
    def machine(self) -> Machine:
        """The machine model with which plans for this backend are costed."""
        return MACHINE

    @property
    def versions(self) -> Mapping[str, str]:
        """The libraries behind the backend and their versions."""
        return {"numpy": np.__version__}

    def asarray(self, data: Any, dtype: str) -> npt.NDArray[Any]:
        """`data` as a NumPy array; arrays on a device are refused, not moved."""
        try:
            return np.asarray(data, dtype=dtype)
        except (TypeError, RuntimeError) as error:
            raise BackendError(
                f"the numpy backend cannot hold a {type(data).__module__}."
                f"{type(data).__name__} ({error}); move it to the host first"
            ) from error

    def to_host(self, array: Any) -> npt.NDArray[Any]:
        """The array itself."""
        return np.asarray(array)

    def compile(
        self, instructions: Instructions, dtype: str, algebra: Algebra = SUM_PRODUCT
    ) -> Executable:
        """The instructions, ready to run in `dtype`; every algebra is known."""
        if algebra != SUM_PRODUCT:
            return AlgebraExecutable(instructions, algebra)
        return NumpyExecutable(instructions, np.dtype(dtype))
