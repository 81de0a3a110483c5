"""Chunks of work on somebody's executor: who has the arrays, what failed, what comes next.

Nothing is known of the executor but PEP 3148's `submit`: neither how many workers it has, nor
which of them will take a task. So tasks go without arrays, and a worker that lacks them says so;
the chunk is then sent again with them, unless enough loads are on their way already.
"""

from __future__ import annotations

import warnings
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Protocol, TypeAlias

from tnlearn.backend import Scaled

#: Times that a failed chunk is sent again before it is computed in this process.
RETRIES = 2
#: Seconds after which a waiting process looks up, since on Windows Ctrl-C does not wake it.
PATIENCE = 1

#: What a chunk gives: the value alone, or the gradient by each input.
Tensors: TypeAlias = Sequence[Scaled | None]


class Submits(Protocol):
    """An executor as PEP 3148 has it, or what of it is used here."""

    def submit(self, fn: Any, /, *args: Any) -> Any:
        """Run ``fn(*args)`` somewhere, some time; returns a future."""


class Reply(NamedTuple):
    """What a task gave: the tensors, or None from a worker that has not got the arrays."""

    worker: str
    tensors: Any | None


class Work(Protocol):
    """Chunks as an executor is given them."""

    def here(self, chunk: range) -> Tensors:
        """Compute a chunk in this thread."""

    def submit(self, executor: Submits, chunk: range, serial: int, loaded: bool) -> Any:
        """Have an executor compute a chunk, giving it the arrays if `loaded`."""

    def read(self, returned: Any) -> Reply:
        """What a task returned."""


def in_order(executor: Submits, work: Work, chunks: Sequence[range]) -> Iterator[Tensors]:
    """The results of all chunks, in their order; closing it cancels what has not begun.

    A chunk that fails is sent again, and at last computed here. Where the executor itself is
    broken all that is left is computed here.
    """
    crew = _Crew(executor, work, chunks)
    try:
        for number in range(len(chunks)):
            while number not in crew.results:
                crew.step()
            yield crew.results.pop(number)
    finally:
        crew.cancel()


class _Sent(NamedTuple):
    """A chunk on its way, how many tasks were submitted before, and whether arrays are with it."""

    number: int
    serial: int
    loaded: bool


class _Crew:
    """The chunks of one run: to do, under way, and done."""

    def __init__(self, executor: Submits, work: Work, chunks: Sequence[range]) -> None:
        self._executor: Submits | None = executor
        self._work = work
        self._chunks = chunks
        self._todo = deque(range(len(chunks)))
        self._flying: dict[Any, _Sent] = {}
        self._landed: SimpleQueue[Any] = SimpleQueue()
        self._serials = count()
        self._lacking: set[str] = set()  # workers that had no arrays when last heard of
        self._failures: Counter[int] = Counter()
        self._warned = False
        self.results: dict[int, Tensors] = {}

    def step(self) -> None:
        """Submit all there is to do, and wait until one more task has ended."""
        while self._todo and self._executor is not None:
            self._submit(self._todo.popleft(), loaded=False)
        if self._executor is None:
            self._compute(self._todo.popleft())
            return
        future = self._next()
        sent = self._flying.pop(future)
        try:
            reply = self._work.read(future.result())
        except BrokenExecutor as error:
            self._todo.append(sent.number)
            self._give_up(error)
        except Exception as error:
            self._failed(sent.number, error)
        else:
            self._take(sent, reply)

    def cancel(self) -> None:
        """Cancel what is under way; what a worker has begun it will end, for nobody."""
        for future in self._flying:
            future.cancel()

    def _submit(self, number: int, loaded: bool) -> None:
        serial = next(self._serials)
        assert self._executor is not None
        try:
            future = self._work.submit(self._executor, self._chunks[number], serial, loaded)
        except Exception as error:  # It is shut down or broken, and says so in its own way.
            self._todo.append(number)
            self._give_up(error)
        else:
            self._flying[future] = _Sent(number, serial, loaded)
            future.add_done_callback(self._landed.put)

    def _next(self) -> Any:
        while True:
            try:
                return self._landed.get(timeout=PATIENCE)
            except Empty:
                continue

    def _take(self, sent: _Sent, reply: Reply) -> None:
        if reply.tensors is not None:
            self._lacking.discard(reply.worker)
            self.results[sent.number] = reply.tensors
            return
        self._lacking.add(reply.worker)
        if self._wants_load(sent.serial):
            self._submit(sent.number, loaded=True)
        else:
            self._todo.append(sent.number)

    def _wants_load(self, refused: int) -> bool:
        """Whether one more load must be sent, a worker having refused the task of that serial.

        Tasks are taken in the order of their serials, more or less. So loads before it have
        been taken by others, each of which lacks nothing any more.
        """
        loads = [sent.serial for sent in self._flying.values() if sent.loaded]
        queued = sum(serial > refused for serial in loads)
        taken = len(loads) - queued
        return queued == 0 or queued < len(self._lacking) - taken

    def _failed(self, number: int, error: Exception) -> None:
        self._failures[number] += 1
        if self._failures[number] <= RETRIES:
            self._todo.append(number)
            return
        if not self._warned:
            _warn(f"chunk {number} failed {RETRIES + 1} times on the executor", error, "such are")
            self._warned = True
        self._compute(number)

    def _give_up(self, error: Exception) -> None:
        self.cancel()
        self._todo = deque(sorted([*self._todo, *(sent.number for sent in self._flying.values())]))
        self._flying.clear()
        self._executor = None
        left = f"{len(self._todo)} of {len(self._chunks)} chunks are"
        _warn("the executor cannot be used any more", error, left)

    def _compute(self, number: int) -> None:
        self.results[number] = self._work.here(self._chunks[number])


def _warn(what: str, error: Exception, which: str) -> None:
    text = f"{what} ({type(error).__name__}: {error}); {which} computed in this process"
    warnings.warn(text, stacklevel=2)
