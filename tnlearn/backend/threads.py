"""How many threads a backend may compute with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: What other libraries of linear algebra heed, too.
VARIABLE = "OMP_NUM_THREADS"

_alone: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it `threads` says 1: for workers, who share the cores with each other."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def threads() -> int:
    """The cores this process may use, at most ``OMP_NUM_THREADS`` where that is set."""
    if _alone.get():
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said = os.environ.get(VARIABLE, "").split(",")[0]
    limit = int(said) if said.isdecimal() and int(said) > 0 else cores or 1
    return min(cores or 1, limit)
