"""The kernel in machine code, kept and loaded as those of `native.compiled` are."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tnlearn_backends.numpy_backend.native.compiled import Family, Kernel, loaded

LANES = Family("tnlearn_backends.numpy_backend.lanes.entrypoints", Path(__file__).parent, ("run",))


@cache
def kernel(real: str) -> Kernel:
    """The kernel for a kind of real number."""
    (found,) = loaded(LANES, real)
    return found
