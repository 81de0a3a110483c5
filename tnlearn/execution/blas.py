"""One thread for linear algebra while slices run: workers must not fight for the cores.

Matrix products round differently with another number of threads, so slices are always computed
with one, with an executor or without: that is what makes their sums the same, bit for bit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any


class _Limit:
    """How many threads of this process are inside, and how to undo the limit.

    Libraries of linear algebra have one setting per process: the first thread in sets it, the
    last one out puts back what there was.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.inside = 0
        self.undo: Any = None


_limit = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold the libraries of linear algebra to one thread; any number of threads may be inside."""
    limit = _limit
    with limit.lock:
        if limit.inside == 0:
            limit.undo = _controller(len(sys.modules)).limit(limits=1, user_api="blas")
        limit.inside += 1
    try:
        yield
    finally:
        with limit.lock:
            limit.inside -= 1
            if limit.inside == 0:
                limit.undo.restore_original_limits()


@lru_cache(maxsize=1)
def _controller(modules: int) -> Any:
    """The libraries that are loaded; sought again once more modules are, which may bring some."""
    from threadpoolctl import ThreadpoolController  # Late: few programs are sliced.

    return ThreadpoolController()


def _forget() -> None:
    """Start afresh in a forked child: no other thread of its parent lives on in it."""
    global _limit
    _limit = _Limit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
