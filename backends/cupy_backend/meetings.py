"""Where the threads of a warp wait for each other: only where one reads what another wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tnlearn_backends.cupy_backend.arena import Arena
from tnlearn_backends.cupy_backend.task import Task


class Meetings:
    """Where threads must wait: what was written or read since they did so last."""

    def __init__(self, task: Task, arena: Arena) -> None:
        self.task, self.arena = task, arena
        self.written: list[range] = []
        self.read: list[range] = []

    def before(self, reads: Iterable[int], writes: Iterable[int]) -> Iterator[str]:
        """A meeting before a step, if it takes one."""
        read, written = self._ranges(reads), self._ranges(writes)
        if _overlap(read, self.written) or _overlap(written, [*self.read, *self.written]):
            yield "__syncwarp();"
            self.read, self.written = [], []
        self.read += read
        self.written += written

    def _ranges(self, slots: Iterable[int]) -> list[range]:
        places, size = self.arena.places, self.task.entries
        return [range(places[k], places[k] + size(k)) for k in slots if k in places]


def _overlap(some: Sequence[range], others: Sequence[range]) -> bool:
    return any(a.start < b.stop and b.start < a.stop for a in some for b in others)
