"""Recordings on a device by CuPy's graphs."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cupy
from array_api_compat import cupy as xp

from tnlearn_backends.array_backend.feeding import Feed
from tnlearn_backends.array_backend.library import Function, Replay
from tnlearn_backends.cupy_backend.launching import build
from tnlearn_backends.cupy_backend.recordable import Recordable

#: Functions that may be recorded, in place of CuPy's.
OWN = Recordable(cupy, build, lambda array: int(array.data.ptr))
FUNCTIONS = SimpleNamespace(**{**vars(xp), "concat": OWN.concat, "stack": OWN.stack})


def can_record() -> bool:
    """Whether nobody else is recording what we start."""
    stream = cupy.cuda.get_current_stream()
    # The first two are defaults, which cannot be recorded and may not be asked.
    return stream.ptr in (0, 1) or not stream.is_capturing()


def record(function: Function, arrays: list[Any]) -> tuple[list[Any], Replay]:
    """See `Recorder.record`."""
    device, pool = arrays[0].device, cupy.cuda.MemoryPool()
    kept: list[Any] = []  # The memory of all that is recorded is nobody else's, as long as it is.

    def keep(size: int) -> Any:
        kept.append(pool.malloc(size))
        return kept[-1]

    with device:
        here, side = cupy.cuda.get_current_stream(), cupy.cuda.Stream(non_blocking=True)
        side.wait_event(here.record())
        with side, cupy.cuda.using_allocator(pool.malloc):
            feed = Feed(xp, arrays)
            function(feed.arrays)  # Kernels are compiled by a run that is not recorded.
            side.synchronize()
            side.begin_capture()
            try:
                with cupy.cuda.using_allocator(keep):
                    results = function(feed.arrays)
            finally:
                graph = side.end_capture()

    def replay(others: list[Any]) -> None:
        assert kept, "results have memory"
        with device:
            feed.fill(others)
            graph.launch()

    return results, replay


def mark(device: Any) -> Callable[[], None]:
    """See `Recorder.mark`."""
    with device:
        event = cupy.cuda.get_current_stream().record()

    def settle() -> None:
        with device:
            cupy.cuda.get_current_stream().wait_event(event)

    return settle
