"""The kernels as plain functions of one address: what is compiled."""

from __future__ import annotations

from typing import Any

from numba import cfunc, types

from tnlearn_backends.numpy_backend.algebras import engine

HEADER = types.int64(types.CPointer(types.int64))


def run_entry(_key: str) -> Any:
    """Of `engine.run`."""

    @cfunc(HEADER)
    def run(header):  # type: ignore[no-untyped-def]
        return engine.run(header)

    return run


def add_entry(_key: str) -> Any:
    """Of `engine.add`."""

    @cfunc(HEADER)
    def add(header):  # type: ignore[no-untyped-def]
        return engine.add(header)

    return add
