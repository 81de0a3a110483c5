"""The numbers on the tape: rows whose tensors have places become columns and loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tnlearn.backend import Add
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.arena import Arena
from tnlearn_backends.numpy_backend.native.dims import PARTS, Dim, Dims, count, leading
from tnlearn_backends.numpy_backend.native.forms import Form

#: Nanoseconds of a step from which threads share it.
WORTH_SHARING = 5e4


class Row(NamedTuple):
    """One row of the tape, before it is known where its tensors are."""

    target: int
    size: int
    sources: tuple[int, ...]
    form: Form | None
    growth: int = 0
    cancels: bool = False
    fills: bool = False
    add: Add | None = None
    into: int = -1


@dataclass
class Code:
    """The numbers of the tape, and nanoseconds of steps that threads may share."""

    where: Arena
    rows: list[list[int]] = field(default_factory=list)
    pool: list[int] = field(default_factory=list)
    shared: float = 0.0

    def add(self, row: Row) -> None:
        """Append a row, and its loops to the pool."""
        where, numbers = self.where, [0] * columns.WIDTH
        numbers[columns.TARGET] = row.target
        numbers[columns.TARGET_IN] = where.spaces[row.target]
        numbers[columns.TARGET_AT] = where.offsets[row.target]
        numbers[columns.TARGET_SIZE] = row.size
        numbers[columns.POOL] = len(self.pool)
        numbers[columns.SECOND] = -1
        numbers[columns.INTO] = row.into
        if row.add is not None:
            numbers[columns.KIND] = columns.SUM
            numbers[columns.GROWTH] = len(row.sources).bit_length()
            self.pool.append(len(row.sources))
            for slot, conj in zip(row.add.sources, row.add.conj, strict=True):
                self.pool += [slot, where.spaces[slot], where.offsets[slot], int(conj)]
        else:
            assert row.form is not None
            self._product(row, row.form, numbers)
        self.rows.append(numbers)

    def add_total(self, slot: int, number: int, at: int, size: int, dims: Dims) -> None:
        """A row that adds a slot to its total."""
        numbers = [0] * columns.WIDTH
        numbers[columns.KIND] = columns.TOTAL
        numbers[columns.TARGET], numbers[columns.TARGET_AT] = number, at
        numbers[columns.TARGET_SIZE], numbers[columns.FIRST] = size, slot
        numbers[columns.FIRST_IN] = self.where.spaces[slot]
        numbers[columns.FIRST_AT] = self.where.offsets[slot]
        numbers[columns.FIRST_SIZE] = self.where.sizes[slot]
        numbers[columns.SECOND] = numbers[columns.INTO] = -1
        numbers[columns.POOL] = len(self.pool)
        *outer, run = sorted(dims or [Dim(1, 1, 0, 1)], key=lambda dim: -dim.c)
        self.pool += [len(outer), run.size, run.a, run.c]
        for dim in outer:
            self.pool.extend(dim)
        self.rows.append(numbers)

    def _product(self, row: Row, form: Form, numbers: list[int]) -> None:
        where = self.where
        for k, slot in enumerate(row.sources):
            numbers[columns.FIRST + k] = slot
            numbers[columns.FIRST_IN + k] = where.spaces[slot]
            numbers[columns.FIRST_AT + k] = where.offsets[slot]
            numbers[columns.FIRST_SIZE + k] = where.sizes[slot]
        numbers[columns.KIND] = form.kind
        numbers[columns.GROWTH] = row.growth
        numbers[columns.CANCELS] = int(row.cancels)
        numbers[columns.FILLS] = int(row.fills)
        self.pool.extend(form.pool())
        shared = leading(form.outer, PARTS) if form.cost >= WORTH_SHARING else 0
        numbers[columns.SHARED_LOOPS] = shared
        numbers[columns.PARTS] = count(form.outer[:shared])
        self.shared += form.cost if shared else 0.0


def last_uses(rows: Sequence[Row], constant: int, root: Callable[[int], int]) -> list[list[int]]:
    """For each row, the slots that no later row reads, nor the next slice.

    Of slots that are in one place the `root` stands for all.
    """
    last: dict[int, int] = {}
    for number, row in enumerate(rows):
        for slot in (row.target, *row.sources):
            last[root(slot)] = number
    made = {root(row.target) for row in rows[:constant]}
    free: list[list[int]] = [[] for _ in rows]
    for slot, number in last.items():
        if number < constant or slot not in made:
            free[number].append(slot)
    return free
