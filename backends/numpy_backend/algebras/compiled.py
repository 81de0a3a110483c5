"""The kernels in machine code, kept and loaded as those of `native.compiled` are."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from tnlearn_backends.numpy_backend.native.compiled import Family, Kernel, loaded


class Kernels(NamedTuple):
    """The entry points for all algebras; see `columns` for the header they take."""

    run: Kernel
    add: Kernel


ALGEBRAS = Family(
    "tnlearn_backends.numpy_backend.algebras.entrypoints", Path(__file__).parent, Kernels._fields
)


@cache
def kernels() -> Kernels:
    """The kernels, which compute in float64."""
    return Kernels(*loaded(ALGEBRAS, "algebras"))
