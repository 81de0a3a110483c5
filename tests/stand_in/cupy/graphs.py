"""Streams and graphs of the stand-in: functions are noted one by one, and called again.

Called again they read and write the very same memory, whatever it holds by then. While a stream is
recorded, what waits for the host, sends it anything or takes anything from there, and cuBLAS, are
refused, as by CuPy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np


class _Here(threading.local):
    """Of a thread: its streams, and what was called on the one that is recorded."""

    def __init__(self) -> None:
        self.streams = [Stream(ptr=0)]
        self.noted: list[Callable[[], None]] | None = None


def note(call: Callable[[], Any], given: Any, result: Any) -> None:
    """A function was called, and gave arrays of NumPy, or none."""
    if _here.noted is None:
        return
    read = [a for a in _leaves(given) if isinstance(a, np.ndarray)]
    old = [a for a in _leaves(result) if isinstance(a, np.ndarray)]
    if old and all(any(np.may_share_memory(a, b) for b in read) for a in old):
        return  # The same memory, seen another way.

    def again() -> None:
        for a, new in zip(old, _leaves(call()), strict=True):
            a[...] = new

    _here.noted.append(again)


def refuse(what: str, error: type[Exception] = RuntimeError) -> None:
    """What is not permitted while a stream is recorded."""
    if _here.noted is not None:
        raise error(f"the current stream is capturing, so {what} is disallowed")


def _leaves(found: Any) -> Iterator[Any]:
    if isinstance(found, tuple | list):
        for part in found:
            yield from _leaves(part)
    elif found is not None:
        yield found


class Stream:
    """All is done when it is started, on whichever stream."""

    def __init__(self, non_blocking: bool = False, ptr: int = 2) -> None:
        self.ptr, self._capturing = ptr, False

    def __enter__(self) -> Stream:
        _here.streams.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _here.streams.pop()

    def record(self) -> Stream:
        return self

    def wait_event(self, event: Stream) -> None:
        assert isinstance(event, Stream)

    def synchronize(self) -> None:
        refuse("waiting for a stream")

    def is_capturing(self) -> bool:
        assert self.ptr > 1
        return self._capturing

    def begin_capture(self) -> None:
        assert self.ptr > 1
        self._capturing, _here.noted = True, []

    def end_capture(self) -> Any:
        calls, _here.noted, self._capturing = _here.noted, None, False
        assert calls is not None

        def launch() -> None:
            refuse("a graph")
            for call in calls:
                call()

        return SimpleNamespace(launch=launch)


_here = _Here()


def get_current_stream() -> Stream:
    return _here.streams[-1]


class MemoryPool:
    """What arrays are made of is NumPy's business."""

    def malloc(self, size: int) -> object:
        return SimpleNamespace(size=size)


@contextmanager
def using_allocator(allocator: Callable[[int], object]) -> Iterator[None]:
    assert allocator(8) is not None
    yield
