"""The kernel as a plain function of one address, for each kind of number: what is compiled."""

from __future__ import annotations

from typing import Any

from numba import cfunc, types

from tnlearn_backends.numpy_backend.lanes import engine

KINDS = {"float32": types.float32, "float64": types.float64}


def run_entry(key: str) -> Any:
    """Of `engine.run`."""
    real = KINDS[key]

    @cfunc(types.int64(types.CPointer(types.int64)))
    def run(header):  # type: ignore[no-untyped-def]
        return engine.run(header, real)

    return run
