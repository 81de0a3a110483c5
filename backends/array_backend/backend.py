"""A backend of any array library: arrays in and out, programs compiled."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import SUM_PRODUCT, Algebra, Executable, Instructions
from tnlearn.errors import BackendError
from tnlearn_backends.array_backend.best_executable import BestExecutable
from tnlearn_backends.array_backend.decomposing import DecomposingBackend
from tnlearn_backends.array_backend.executable import ArrayExecutable
from tnlearn_backends.array_backend.failures import watched
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import name_of

#: Kind of algebra -> why programs over arrays do not have it.
GAPS = {
    "count": "numbers of ways need an own kernel: two arrays at every entry, compared and added",
    "list": "lists of the best few need an own kernel: a sort at every entry",
    "modular": "residues need an own kernel: a remainder after every 32 terms of a sum",
}


class ArrayBackend(DecomposingBackend):
    """A backend whose arrays have the functions of the Python array API standard.

    A subclass says its `name`, `machine` and `versions`, as any backend, and its `library`.
    """

    gaps = GAPS

    @property
    def _library(self) -> Library:
        return self.library

    @property
    @abstractmethod
    def library(self) -> Library:
        """The library that holds the arrays."""

    @watched
    def asarray(self, data: Any, dtype: str) -> Any:
        """`data` as an array of the library; what is one already stays where it is."""
        library = self.library
        if library.holds(data):
            kept = name_of(data.dtype) == dtype
            return data if kept else library.xp.astype(data, getattr(library.xp, dtype))
        if not self.holds(data):
            raise BackendError(
                f"the {self.name} backend cannot hold a {type(data).__module__}."
                f"{type(data).__name__}: convert it to {library.name}, or use its own backend"
            )
        return library.from_host(np.array(data, dtype), library.device())

    def holds(self, data: Any) -> bool:
        """Whether `data` is of the host, or of the library."""
        return self.library.holds(data) or super().holds(data)

    @watched
    def to_host(self, array: Any) -> npt.NDArray[Any]:
        """An array of the library as one of NumPy: the one way to the host."""
        return self.library.to_host(array)

    def compile(
        self, instructions: Instructions, dtype: str, algebra: Algebra = SUM_PRODUCT
    ) -> Executable:
        """The instructions, ready to run in `dtype` (float64 for other algebras)."""
        if algebra == SUM_PRODUCT:
            return ArrayExecutable(self.library, instructions, dtype)
        if algebra.kind in self.gaps:
            raise BackendError(
                f"the {self.name} backend does not know {algebra.name}: {self.gaps[algebra.kind]}; "
                "backend='numpy' does"
            )
        return BestExecutable(self.library, instructions, algebra)
