"""What goes wrong on a device, said in the library's own errors: no memory left, busy, lost."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from tnlearn.errors import BackendError, MemoryLimitError, TnlearnError

MEMORY = "has no memory left"
LOST = "is lost: start the process again"
#: What is the matter, and what to do -> what CUDA's names and messages of such errors have in them.
FAILURES = {
    MEMORY: ("out of memory", "alloc_failed", "memoryallocation", "can't allocate memory"),
    "is busy, another process has it for itself: use another device, or wait": (
        "devicesunavailable",
        "busy or unavailable",
    ),
    "is gone, none is found any more: start the process again": (
        "nodevice",
        "no cuda-capable device",
    ),
    "cannot be used, its driver is older than CUDA: update it": ("driver version is insufficient",),
    LOST: (
        "launchfailure",
        "unspecified launch failure",
        "illegaladdress",
        "illegal memory access",
        "eccuncorrectable",
        "devicelost",
        "launchtimeout",
    ),
}

Function = TypeVar("Function", bound=Callable[..., Any])


def watched(function: Function) -> Function:
    """A method of something with a `_library`, whose device's failures are errors of ours."""

    @functools.wraps(function)
    def run(self: Any, *given: Any, **options: Any) -> Any:
        try:
            return function(self, *given, **options)
        except TnlearnError:
            raise
        except Exception as error:
            complain(self._library.name, error)

    return run  # type: ignore[return-value]


def complain(name: str, error: Exception) -> NoReturn:
    """Raise what a failure of a device means; the error itself if it is something else.

    Raises
    ------
    MemoryLimitError
        If the device has no memory left.
    BackendError
        If the device is busy, lost or gone.
    """
    text = f"{type(error).__name__}: {error}".lower()
    matter = next((what for what, signs in FAILURES.items() if any(s in text for s in signs)), None)
    if matter is None or not isinstance(error, (RuntimeError, MemoryError)):
        raise error
    if matter == MEMORY:
        raise MemoryLimitError(
            f"the device of {name} {MEMORY} ({_first_line(error)}): plan with a smaller "
            "memory_limit, which makes slices, or free what else is held there"
        ) from error
    raise BackendError(f"the device of {name} {matter} ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
