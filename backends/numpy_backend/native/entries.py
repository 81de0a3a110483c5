"""The kernels as plain functions of one address: what is compiled, for each kind of number."""

from __future__ import annotations

from typing import Any

from numba import cfunc, types

from tnlearn_backends.numpy_backend.native import collecting, crew, engine, survey

#: Kinds of entries, of their parts, and how many parts an entry has.
KINDS = {
    "float32": (types.float32, types.float32, 1),
    "float64": (types.float64, types.float64, 1),
    "complex64": (types.complex64, types.float32, 2),
    "complex128": (types.complex128, types.float64, 2),
}


def run_entry(dtype: str) -> Any:
    """Of `engine.run`."""
    kind, real, _ = KINDS[dtype]

    @cfunc(types.int64(types.CPointer(types.int64)))
    def run(header):  # type: ignore[no-untyped-def]
        return engine.run(header, kind, real)

    return run


def assist_entry(dtype: str) -> Any:
    """Of `crew.assist`."""
    kind, real, _ = KINDS[dtype]

    @cfunc(types.int64(types.CPointer(types.int64)))
    def help_out(header):  # type: ignore[no-untyped-def]
        return crew.assist(header, kind, real)

    return help_out


def survey_entry(dtype: str) -> Any:
    """Of `survey.survey`."""
    _, real, width = KINDS[dtype]

    @cfunc(types.int64(types.CPointer(types.int64)))
    def look(header):  # type: ignore[no-untyped-def]
        return 1 if survey.survey(header, real, width) else 0

    return look


def collect_entry(dtype: str) -> Any:
    """Of `collecting.collect`, then `survey.survey`."""
    kind, real, width = KINDS[dtype]
    size = kind.bitwidth // 8

    @cfunc(types.int64(types.CPointer(types.int64)))
    def look(header):  # type: ignore[no-untyped-def]
        if not collecting.collect(header, kind, size):
            return 0
        return 1 if survey.survey(header, real, width) else 0

    return look
