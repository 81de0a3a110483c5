"""A process that takes too much, fails or crashes is a status, and harms nobody."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks import confined
from benchmarks.confined import Confined, StoppedError, call

ROOT = Path(__file__).parents[2]
MUCH = 2**40


def status_of(function: Callable[[], object], memory: int = MUCH, seconds: float = 60) -> str:
    with pytest.raises(StoppedError) as caught:
        call(function, memory, seconds)
    return str(caught.value)


def fill() -> None:
    held = []
    while True:
        held.append(np.ones(2**17))


def spin() -> None:
    while True:
        pass


def test_values_are_computed_one_by_one_elsewhere() -> None:
    def values() -> Iterator[tuple[int, int, float]]:
        for number in range(3):
            yield number, os.getpid(), time.monotonic()

    with closing(Confined(values(), MUCH, 60)) as process:
        first, before, second = next(process), time.monotonic(), next(process)
    assert (first[0], second[0]) == (0, 1)
    assert first[1] == second[1] != os.getpid()
    assert first[2] < before < second[2]


def test_large_values_come_back_whole() -> None:
    assert call(lambda: np.arange(10**6), MUCH, 60).sum() == 499999500000


def test_too_much_memory_is_a_status() -> None:
    limit = psutil.Process().memory_info().rss + 2**26
    status = status_of(fill, memory=limit)
    assert status.startswith("over ")
    assert status.endswith("iB")


def test_the_last_memory_of_the_machine_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "available_bytes", lambda: confined.RESERVE - 1)
    assert status_of(fill).startswith("out of memory: ")


def test_too_much_time_is_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    assert status_of(lambda: time.sleep(60), seconds=0.1) == "over 1 s by the clock"
    monkeypatch.setattr(confined, "PATIENCE", 100.0)  # On a busy machine it may take a while.
    assert status_of(spin, seconds=0.2) == "over 0.2 s"


def crash() -> None:
    faulthandler.disable()  # pytest's would tell everybody about it
    ctypes.string_at(0)


def test_a_crash_is_a_status() -> None:
    assert status_of(crash) == "crashed: SIGSEGV"
    assert status_of(lambda: os.kill(os.getpid(), signal.SIGKILL)) == "crashed: SIGKILL"
    assert status_of(lambda: os._exit(3)) == "crashed: exit code 3"


def test_an_exception_is_a_status_of_one_line() -> None:
    def fail() -> None:
        raise KeyError("no such kernel\nsecond line")

    assert status_of(fail).startswith("failed: KeyError: 'no such kernel")
    assert "\n" not in status_of(fail)


def test_a_process_that_is_closed_is_gone() -> None:
    others = set(psutil.Process().children())  # Of tests before this one.
    process = Confined(iter([os.getpid()]), MUCH, 60)
    children = set(psutil.Process().children()) - others
    assert len(children) == 1
    process.close()
    assert all(not child.is_running() for child in children)


ABANDON = """
import os
from benchmarks.confined import Confined
others = [Confined(iter([0]), 2**40, 60) for _ in range(3)]
print(*(other._process.pid for other in others), flush=True)
os.kill(os.getpid(), 9)
"""


def test_processes_end_with_the_one_that_asked(tmp_path: Path) -> None:
    with (tmp_path / "numbers").open("w+") as file:  # A pipe would wait for them to end.
        command = [sys.executable, "-c", ABANDON]
        subprocess.run(command, cwd=ROOT, stdout=file, check=False)
        file.seek(0)
        left = [int(word) for word in file.read().split()]
    assert len(left) == 3
    stop = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for pid in left) and time.monotonic() < stop:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in left)
