"""Threads that take parts of the large steps of a run."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from tnlearn.backend import threads
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.compiled import Kernel
from tnlearn_backends.numpy_backend.native.dims import PARTS

#: Nanoseconds of shared steps, as predicted, for which helpers are called.
WORTH_CALLING = 1e6

_pool: ThreadPoolExecutor | None = None


@contextmanager
def helped(header: array[int], assist: Kernel, itemsize: int) -> Iterator[None]:
    """Within it, runs of the program of a header are shared by as many threads as there may be.

    More than a step has parts, at least, would only wait.

    Parameters
    ----------
    header : array of int64
        Of the run; see `columns`.
    assist : callable
        The kernel for the kind of number.
    itemsize : int
        Bytes of the real parts of the entries.
    """
    count = min(threads(), PARTS) - 1
    if count < 1:
        yield
        return
    crew = np.zeros(columns.CREW, np.int64)
    header[columns.THREADS], header[columns.CREW_AT] = 1 + count, crew.ctypes.data
    working = [helpers(count).submit(_help, header, assist, itemsize) for _ in range(count)]
    try:
        yield
    finally:
        crew[columns.TICKET] = columns.STOPPED
        for future in working:
            # Those that have not begun never do; the others use the arrays until they are home.
            if not future.cancel():
                future.result()
        header[columns.THREADS], header[columns.CREW_AT] = 1, 0


def _help(header: Sequence[int], assist: Kernel, itemsize: int) -> None:
    """Take parts, with work space of one's own."""
    work, counter = work_space(itemsize), np.zeros(columns.DEPTH, np.int64)
    own = array("q", header)
    own[columns.WORK_AT], own[columns.COUNTER] = work.ctypes.data, counter.ctypes.data
    assist(own.buffer_info()[0])


def work_space(itemsize: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Room for what matrix products gather, from the beginning of a line of the cache on."""
    space = np.empty(columns.WORK * itemsize // 8 + 8)
    return space[-space.ctypes.data % 64 // 8 :]


def helpers(count: int) -> ThreadPoolExecutor:
    """Threads that stay, as many as were first asked for."""
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(count, thread_name_prefix="tnlearn")
    return _pool


def _forget() -> None:
    """Start afresh in a forked child: the threads of its parent do not live on in it."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
