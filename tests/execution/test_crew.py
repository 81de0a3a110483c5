"""Chunks on executors that fail, break, forget and never end: what is retried, cancelled, kept."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from tnlearn.execution.crew import RETRIES, Reply, in_order

pytestmark = pytest.mark.filterwarnings("error")

CHUNKS = [range(k, k + 1) for k in range(20)]
WANTED = [[10 * k] for k in range(20)]


def chunk_sum(chunk: range) -> list[int]:
    return [10 * sum(chunk)]


@dataclass
class Sums:
    """Work whose chunks are numbers; `remote` is what the executor is given to run."""

    remote: Callable[[range, bool], Any] = lambda chunk, loaded: chunk_sum(chunk)
    computed_here: list[int] = field(default_factory=list)
    loads: int = 0

    def here(self, chunk: range) -> list[int]:
        self.computed_here.append(chunk.start)
        return chunk_sum(chunk)

    def submit(self, executor: Any, chunk: range, serial: int, loaded: bool) -> Any:
        self.loads += loaded
        return executor.submit(self.remote, chunk, loaded)

    def read(self, returned: Any) -> Reply:
        return returned if isinstance(returned, Reply) else Reply("somebody", returned)


class Inline:
    """Runs a task when it is submitted; `before` may raise in its place, or break the executor."""

    def __init__(self, before: Callable[[int], None] = lambda number: None) -> None:
        self.before = before
        self.submitted = 0

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.submitted += 1
        try:
            self.before(self.submitted)
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)
        return future


def results(executor: Any, work: Sums) -> list[Any]:
    return list(in_order(executor, work, CHUNKS))


def test_results_come_in_order_from_an_executor_that_shuffles() -> None:
    def late(chunk: range, loaded: bool) -> list[int]:
        time.sleep(0.002 * (chunk.start % 3))
        return chunk_sum(chunk)

    with ThreadPoolExecutor(4) as pool:
        assert results(pool, Sums(late)) == WANTED


def test_a_chunk_that_fails_once_is_sent_again() -> None:
    def stumble(number: int) -> None:
        if number == 3:
            raise OSError("the network was away")

    executor, work = Inline(stumble), Sums()
    assert results(executor, work) == WANTED
    assert executor.submitted == len(CHUNKS) + 1
    assert work.computed_here == []


def test_a_chunk_that_always_fails_is_computed_here() -> None:
    def remote(chunk: range, loaded: bool) -> list[int]:
        if chunk.start == 7:
            raise ValueError("not this one")
        return chunk_sum(chunk)

    executor, work = Inline(), Sums(remote)
    with pytest.warns(UserWarning, match=r"chunk 7 failed 3 times .*ValueError: not this one"):
        assert results(executor, work) == WANTED
    assert work.computed_here == [7]
    assert executor.submitted == len(CHUNKS) + RETRIES


@pytest.mark.parametrize("after", [0, 1, 10, 19])
def test_a_broken_executor_leaves_the_rest_to_us(after: int) -> None:
    def breaks(number: int) -> None:
        if number > after:
            raise BrokenExecutor("a worker was killed")

    work = Sums()
    with pytest.warns(UserWarning, match=r"cannot be used any more .*a worker was killed"):
        assert results(Inline(breaks), work) == WANTED
    assert work.computed_here == list(range(after, 20))


def test_an_executor_that_is_shut_down_leaves_all_to_us() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    work = Sums()
    with pytest.warns(UserWarning, match=r"RuntimeError: .*; 20 of 20 chunks are"):
        assert results(pool, work) == WANTED
    assert work.computed_here == list(range(20))


def test_chunks_that_somebody_cancels_are_sent_again() -> None:
    class Canceller(Inline):
        def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
            future = super().submit(function, *arguments)
            if self.submitted == 5:
                future = Future()
                future.cancel()
            return future

    work = Sums()
    assert results(Canceller(), work) == WANTED
    assert work.computed_here == []


class Workers:
    """Idle workers take tasks in the order of submission; each has a memory of its own."""

    def __init__(self, count: int, loads: list[str]) -> None:
        self._pool = ThreadPoolExecutor(count)
        self._own = threading.local()
        self._loads = loads

    def submit(self, function: Callable[..., Any], /, chunk: range, loaded: bool) -> Future[Any]:
        return self._pool.submit(self._run, function, chunk, loaded)

    def _run(self, function: Callable[..., Any], chunk: range, loaded: bool) -> Any:
        name = threading.current_thread().name
        if loaded:
            self._own.has = True
            self._loads.append(name)
        if not getattr(self._own, "has", False):
            return Reply(name, None)
        time.sleep(0.01)
        return Reply(name, function(chunk, loaded))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_workers_are_sent_the_arrays_once(count: int) -> None:
    loads: list[str] = []
    workers, work = Workers(count, loads), Sums()
    for _ in range(3):
        assert results(workers, work) == WANTED
    # Seldom a worker that has them is quicker than the one that asked.
    assert len(loads) <= count + (count > 1)


def test_a_lost_load_is_sent_again() -> None:
    """The only worker forgets everything now and then, as one that is started anew does."""
    has, taken = False, 0

    def remote(chunk: range, loaded: bool) -> Any:
        nonlocal has, taken
        taken += 1
        has = (has and taken % 9 != 0) or loaded
        return Reply("the only one", chunk_sum(chunk) if has else None)

    work = Sums(remote)
    assert results(Inline(), work) == WANTED
    assert work.computed_here == []
    assert 2 <= work.loads <= 8


class Never(Inline):
    """Computes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.futures: list[Future[Any]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


@pytest.fixture
def interrupt() -> Iterator[None]:
    """Ctrl-C, soon; a process that was started in the background would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    yield
    timer.cancel()
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupt")
def test_ctrl_c_cancels_what_is_pending() -> None:
    executor = Never()
    with pytest.raises(KeyboardInterrupt):
        results(executor, Sums())
    assert len(executor.futures) == len(CHUNKS)
    assert all(future.cancelled() for future in executor.futures)


@pytest.mark.usefixtures("interrupt")
def test_ctrl_c_waits_for_at_most_one_chunk() -> None:
    begun: list[int] = []
    free = threading.Event()

    def slow(chunk: range, loaded: bool) -> list[int]:
        begun.append(chunk.start)
        free.wait(30)
        return chunk_sum(chunk)

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            results(pool, Sums(slow))
        free.set()
    assert begun == [0]


def test_an_interrupted_worker_interrupts_us() -> None:
    def interrupted(number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        results(Inline(interrupted), Sums())


def test_leaving_early_cancels_the_rest() -> None:
    executor = Never()
    parts = in_order(executor, Sums(), CHUNKS)
    threading.Timer(0.05, lambda: executor.futures[0].set_result([0])).start()
    assert next(parts) == [0]
    parts.close()  # type: ignore[attr-defined]
    assert all(future.cancelled() for future in executor.futures[1:])
