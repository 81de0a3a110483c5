"""A process of its own for what may take too much memory or time, or crash.

What runs there is a generator, and each of its values is computed when it is asked for: all that
passes between two values is "go on" and the value itself. The process is forked, so that it has
whatever its parent had, networks and plans, without sending or copying them.
"""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tnlearn.planning.memory import available_bytes
from tnlearn.planning.plan import readable_bytes

T = TypeVar("T")

#: Seconds between two looks at a process: in so many it can fill some 0.2 GiB, and a look takes
#: some 1e-4 s of the core.
INTERVAL = 0.1
#: Bytes of the machine that are left free, whatever a process may take.
RESERVE = 2**29
#: A process that waits (for a lock, or because others use the core) is given so many times its
#: seconds by the clock.
PATIENCE = 10.0


class StoppedError(Exception):
    """There is no value; the message is the status of the row."""


class Confined(Iterator[Any]):
    """The values of a generator that runs in a process of its own.

    Parameters
    ----------
    values : iterator
        Its values must be picklable.
    memory : int
        Bytes that the process may hold, those that it shares with its parent included.
    seconds : float
        Of processor time that each value may take.
    """

    def __init__(self, values: Iterator[Any], memory: int, seconds: float) -> None:
        self._memory, self._seconds = memory, seconds
        context = get_context("fork")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(values, other, self._pipe), daemon=True
        )
        self._process.start()
        self._seen = psutil.Process(self._process.pid)
        other.close()

    def __next__(self) -> Any:
        """The next value.

        Raises
        ------
        StoppedError
            If the process raised, crashed, or was stopped because it took too much.
        """
        try:
            # Looked up before: a core that both share is the process's own from "go on".
            used = _processor_seconds(self._seen)
            self._pipe.send(None)
            self._wait(used)
            fine, value = self._pipe.recv()
        except (EOFError, OSError, psutil.NoSuchProcess):
            self._process.join()
            raise StoppedError(_crash(self._process.exitcode)) from None
        if not fine:
            raise StoppedError(value)
        return value

    def close(self) -> None:
        """End the process; what it held is free when this returns."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _wait(self, used: float) -> None:
        """Until there is a value to read, or the process has ended."""
        start = time.perf_counter()
        while not self._pipe.poll(INTERVAL):
            excess = ""
            with suppress(psutil.Error):  # It has just ended: the pipe will say so.
                excess = self._excess(time.perf_counter() - start, used)
            if excess:
                self.close()
                raise StoppedError(excess)

    def _excess(self, waited: float, used: float) -> str:
        """What the process takes too much of, in words; empty if nothing."""
        held = self._seen.memory_info().rss
        if held > self._memory:
            return f"over {readable_bytes(self._memory)}"
        if available_bytes() < RESERVE:
            return f"out of memory: {readable_bytes(held)} were too much beside the others"
        if _processor_seconds(self._seen) - used > self._seconds:
            return f"over {self._seconds:g} s"
        if waited > PATIENCE * self._seconds:
            return f"over {PATIENCE * self._seconds:g} s by the clock"
        return ""


def call(function: Callable[[], T], memory: int, seconds: float) -> T:
    """What a function returns, computed in a process of its own that then ends.

    Raises
    ------
    StoppedError
    """
    with closing(Confined((function() for _ in range(1)), memory, seconds)) as process:
        result: T = next(process)
    return result


def failure(error: BaseException) -> str:
    """An exception as a status."""
    first_line = (str(error).splitlines() or [""])[0]
    if isinstance(error, StoppedError):
        return first_line
    return f"failed: {type(error).__name__}: {first_line[:120]}"


def _serve(values: Iterator[Any], pipe: Connection, other: Connection) -> None:
    """The life of the process: it ends when nobody is left who could ask."""
    other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent is told, and ends this one.
    gc.freeze()  # What the parent holds is not gone through again and again.
    with suppress(OSError):  # Should the kernel have to choose, it is this one and not the run.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with suppress(EOFError, ConnectionError):
        while True:
            pipe.recv()
            try:
                reply = (True, next(values))
            except Exception as error:  # Whatever a library raises is a result.
                reply = (False, failure(error))
            pipe.send(reply)


def _processor_seconds(seen: psutil.Process) -> float:
    times = seen.cpu_times()
    return float(times.user + times.system)


def _crash(code: int | None) -> str:
    if code is None or code >= 0:
        return f"crashed: exit code {code}"
    return f"crashed: {signal.Signals(-code).name}"
