"""The kernels, compiled once per version and kept on disk.

Numba looks only at the file of a cached function to see whether it changed, so the entry points
carry a fingerprint of all the files that are compiled into them.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
from numba import njit

from tnlearn_backends.numpy_backend.native import columns, engine, survey

#: Seconds of compiling after which a person is told what they are waiting for.
PATIENCE = 1.5


def _fingerprint() -> str:
    """A hash of the sources of all kernels."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.blake2b(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _entries(fingerprint: str) -> tuple[Any, Any]:
    @njit(nogil=True, cache=True)
    def run_tape(*arguments):  # type: ignore[no-untyped-def]
        assert fingerprint
        return engine.run(*arguments)

    @njit(nogil=True, cache=True)
    def survey_inputs(*arguments):  # type: ignore[no-untyped-def]
        assert fingerprint
        return survey.survey(*arguments)

    return run_tape, survey_inputs


run_tape, survey_inputs = _entries(_fingerprint())


@cache
def prepare(dtype: str) -> None:
    """Compile the kernels for a dtype, or load them from disk; say so if it takes a while."""
    timer = Timer(PATIENCE, _notice, (dtype,))
    timer.daemon = True
    timer.start()
    try:
        _warm(np.dtype(dtype))
    finally:
        timer.cancel()


def _notice(dtype: str) -> None:
    sys.stderr.write(
        f"tnlearn: compiling its kernels for {dtype}, once per version (about ten seconds) ...\n"
    )


def _warm(dtype: np.dtype[Any]) -> None:
    """Call every entry point on nothing."""
    one = np.array([1, 0], dtype)
    real = one.real.dtype
    ints, flags = np.zeros(1, np.int64), np.zeros(1, bool)
    ranges = np.zeros((1, 4), np.int64)
    run_tape(
        np.zeros((0, columns.WIDTH), np.int64),
        ints,
        np.zeros((1, 8), np.int32),
        *(0, 0, 0, 0, 1),
        ints[:0],
        np.zeros((1, 0), np.int64),
        *(one, one, one, one, one),
        *(one.view(real), one.view(real), one.view(real)),
        ranges,
        *(0, 0, 0, 0),
        one,
    )
    starts = np.array([0, 1], np.int64)
    survey_inputs(one.view(real), starts, 1, flags, flags, True, -1, 1, ranges)
