"""How the kernels are compiled: without the interpreter's lock, and once per version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(function: Callable[..., Any]) -> Any:
    """`function` compiled when it is first called; kept on disk where there is a place for it."""
    try:
        return njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # No folder can be written: compiled again in every process.
        return njit(nogil=True, error_model="numpy")(function)
