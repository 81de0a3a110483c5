"""Recordings without a device: what was recorded is computed again, into the arrays of the first.

While it is recorded nobody may look: a number that goes to the host, or comes from there, is an
error, as it is on a device. After a run all that a recording holds is spoiled, so that who still
reads it is found out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import array_api_strict as xp
import pytest
import strict_backend

from tnlearn_backends.array_backend.feeding import Feed
from tnlearn_backends.array_backend.library import Function, Recorder

ARRAY = type(xp.zeros(()))
#: What takes a number, or a whole array, to the host.
LOOKS = ("__bool__", "__int__", "__float__", "__complex__", "__index__", "__dlpack__")


class Shim:
    """What a library's `recorder` may be; `records` and `replays` are counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records = self.replays = 0
        self._here = threading.local()
        for name in LOOKS:
            monkeypatch.setattr(ARRAY, name, self._guarded(getattr(ARRAY, name)))
        monkeypatch.setattr(xp, "asarray", self._guarded(xp.asarray, ARRAY))
        monkeypatch.setattr(ARRAY, "__getitem__", self._unmasked(ARRAY.__getitem__))

    def __call__(self, device: Any) -> Recorder:
        return Recorder(strict_backend.LIBRARY, self.record, self.mark)

    def record(
        self, function: Function, arrays: list[Any]
    ) -> tuple[list[Any], Callable[[list[Any]], None]]:
        self.records += 1
        feed = Feed(xp, arrays)
        function(feed.arrays)  # Tables of powers of two are made, as by any run.
        with self.recording():
            results = function(feed.arrays)
        held = [*results, *feed.arrays]
        self._used().extend(held)

        def replay(others: list[Any]) -> None:
            self.replays += 1
            self._used().extend(held)
            feed.fill(others)
            with self.recording():
                again = function(feed.arrays)
            for old, new in zip(results, again, strict=True):
                if old._array.flags.writeable:  # else repeated entries of another
                    old[...] = new

        return results, replay

    def mark(self, device: Any) -> Callable[[], None]:
        for array in self._used():
            if array._array.flags.writeable:
                array[...] = xp.zeros(array.shape, dtype=array.dtype)
        self._used().clear()
        return lambda: None

    def _used(self) -> list[Any]:
        """What the run of this thread holds."""
        if not hasattr(self._here, "used"):
            self._here.used = []
        found: list[Any] = self._here.used
        return found

    @contextmanager
    def recording(self) -> Iterator[None]:
        self._here.on = True
        try:
            yield
        finally:
            self._here.on = False

    def _guarded(self, right: Callable[..., Any], *fine: type) -> Callable[..., Any]:
        def look(first: Any, *others: Any, **options: Any) -> Any:
            if getattr(self._here, "on", False) and not isinstance(first, fine):
                raise RuntimeError(f"{right.__name__} is not permitted while recording")
            return right(first, *others, **options)

        return look

    def _unmasked(self, right: Callable[..., Any]) -> Callable[..., Any]:
        def getitem(array: Any, key: Any) -> Any:
            if getattr(self._here, "on", False) and getattr(key, "dtype", None) == xp.bool:
                raise RuntimeError("a mask is not permitted while recording")
            return right(array, key)

        return getitem
