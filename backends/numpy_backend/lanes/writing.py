"""A program as code over rows: sums of products of numbers, one after another.

A row holds one number of many batch elements side by side, so whatever the network looks like,
the processor's vectors are full. Rows have their places by turns, as tensors have in an arena.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import (
    WHOLE_TERMS,
    Add,
    Contract,
    Instruction,
    Instructions,
    Labels,
    Reduce,
    needed,
    sources,
)
from tnlearn.planning.cost import PRODUCT
from tnlearn_backends.numpy_backend.lanes.columns import APART, LOAD, LOAD_SEED, ONES, ROW, STORE
from tnlearn_backends.numpy_backend.native.gaps import Gaps

Ints = npt.NDArray[np.int64]

#: Part of the terms that may be in products of matrices, which are better done as such.
IN_PRODUCTS = 0.25
#: Rows, columns and sums, all at least so many, of a product for every batch element that is better
#: done as one.
LARGE = 16
#: Terms for every number that is loaded or stored: of fewer, that is what takes longest.
TERMS_EACH = 2.0
#: Rows up to which they are in the nearer caches.
MOST_ROWS = 2**12


@dataclass(frozen=True, eq=False)
class Sheet:
    """A program written out.

    Attributes
    ----------
    code : array of int64
        See `columns`; a row is meant by where it begins in the arena.
    arena : int
        Numbers in all rows.
    moved : tuple of int
        Slots that the code loads and stores, as their entries follow each other in the table.
    terms : int
        Products that are added up for one batch element.
    """

    code: Ints
    arena: int
    moved: tuple[int, ...]
    terms: int


def written(program: Instructions, dtype: npt.DTypeLike) -> Sheet | None:
    """The program as code; None where it is better run in another way, or cannot be.

    That is where batch elements are added up, where tensors are so large that their products are
    those of matrices, and where there is no batch.
    """
    batch = program.batch
    steps = (*program.forward, *program.backward)
    if batch is None or program.sliced or not steps:
        return None
    results = _results(program)
    made = {step.target for step in steps}
    if not made.issuperset(results) or any(program.labels[k].count(batch) != 1 for k in results):
        return None
    if not _is_small(program, steps):
        return None
    writer = _Writer(program, np.dtype(dtype))
    sheet = writer.sheet(steps, results)
    worth = sheet.terms * writer.parts >= TERMS_EACH * writer.table
    return sheet if worth and writer.rows <= MOST_ROWS else None


def row_length(dtype: np.dtype[Any]) -> int:
    """Real numbers in a row."""
    return ROW // np.finfo(dtype).dtype.itemsize


def grid(labels: Sequence[int], sizes: Sequence[int]) -> dict[int, Ints]:
    """The position of each label, for all positions together, the last label fastest."""
    shape = [sizes[label] for label in labels]
    found = np.indices(shape).reshape(len(shape), math.prod(shape))
    return dict(zip(labels, found, strict=True))


def _results(program: Instructions) -> list[int]:
    """What the code hands over: the gradient where there is a reverse sweep, else the value."""
    if not program.backward:
        return [program.value]
    return list(dict.fromkeys(slot for slot in program.gradients if slot is not None))


def _is_small(program: Instructions, steps: Iterable[Instruction]) -> bool:
    """Whether a batch element has few terms, hardly any of them in products of matrices."""
    terms = products = 0
    labels, sizes, batch = program.labels, program.sizes, program.batch
    if any(size == 0 for label, size in enumerate(sizes) if label != batch):
        return False
    for step in steps:
        read = [label for slot in sources(step) for label in labels[slot]]
        if batch in read and batch not in labels[step.target]:
            return False
        count = math.prod(sizes[label] for label in {*read, *labels[step.target]} - {batch})
        terms += count
        if isinstance(step, Contract):
            products += count if _is_product(program, step) else 0
        if terms > 3 * WHOLE_TERMS:
            return False
    return products <= IN_PRODUCTS * terms


def _is_product(program: Instructions, step: Contract) -> bool:
    """Whether a step is a product of matrices worth the name."""
    labels, batch = program.labels, program.batch
    a, b, made = (set(labels[k]) for k in (step.first, step.second, step.target))
    sides = [
        math.prod(program.sizes[label] for label in side - {batch})
        for side in (a - b, b - a, (a & b) - made)
    ]
    if batch in a & b:
        return min(sides) >= LARGE
    # The batch elements are the rows of one matrix.
    return min(sides[1 if batch in a else 0], sides[2]) >= PRODUCT


class _Writer:
    """Writes steps; `places` are the first rows of slots."""

    def __init__(self, program: Instructions, dtype: np.dtype[Any]) -> None:
        self.program, self.parts = program, 1 + (dtype.kind == "c")
        self.length = row_length(dtype)
        self.places: dict[int, int] = {}
        self.gaps, self.rows = Gaps(), APART
        self.code: list[Ints] = []
        self.moved: list[int] = []
        self.table = self.terms = 0

    def sheet(self, steps: Sequence[Instruction], results: Sequence[int]) -> Sheet:
        """All steps of which something is read; results are handed over as they are made."""
        used = needed(steps, results)
        last = {slot: k for k, step in enumerate(used) for slot in (step.target, *sources(step))}
        given = {*range(len(self.program.inputs)), self.program.seed}
        for number, step in enumerate(used):
            for slot in dict.fromkeys(sources(step)):
                if slot in given and slot not in self.places:
                    self._place(slot)
                    self._move(LOAD_SEED if slot == self.program.seed else LOAD, slot)
            self._place(step.target)
            self._step(step)
            if step.target in results:
                self._move(STORE, step.target)
            for slot in {step.target, *sources(step)}:
                if last[slot] == number:
                    self.gaps.give(self.places[slot], self._size(slot))
        code, arena = np.concatenate(self.code), self.rows * self.length
        return Sheet(code, arena, tuple(self.moved), self.terms)

    def _inner(self, slot: int) -> Labels:
        return tuple(i for i in self.program.labels[slot] if i != self.program.batch)

    def _size(self, slot: int) -> int:
        return self.parts * math.prod(self.program.sizes[label] for label in self._inner(slot))

    def _place(self, slot: int) -> None:
        size = self._size(slot)
        at = self.gaps.take(size)
        if at is None:
            at = self.rows
            self.rows += size
        self.places[slot] = at

    def _move(self, word: int, slot: int) -> None:
        """Between the arena and the arrays."""
        size = self._size(slot)
        self.code.append(np.array([self.places[slot] * self.length, word, self.table, size]))
        self.moved.append(slot)
        self.table += size

    def _at(self, slot: int, where: Mapping[int, Ints]) -> Any:
        """The rows of a slot at some positions of its labels."""
        found: Any = self.places[slot]
        stride = self.parts
        for label in reversed(self._inner(slot)):
            found = found + stride * where[label]
            stride *= self.program.sizes[label]
        return found

    def _step(self, step: Instruction) -> None:
        """A step: every entry of its target is a sum."""
        made = self._inner(step.target)
        own = tuple(dict.fromkeys(made))
        if isinstance(step, Add):
            where = grid(own, self.program.sizes)
            terms = [np.broadcast_to(self._at(k, where), (_count(where),)) for k in step.sources]
            self._sums(self._at(step.target, where), np.stack(terms, 1), None, step.conj)
            return
        if isinstance(step, Contract | Reduce):
            read = [label for slot in sources(step) for label in self._inner(slot)]
            gone = tuple(label for label in dict.fromkeys(read) if label not in made)
            outer, inner = grid(own, self.program.sizes), grid(gone, self.program.sizes)
            where = {label: at[:, None] for label, at in outer.items()}
            where |= {label: at[None, :] for label, at in inner.items()}
            shape = (_count(outer), _count(inner))
            first, *second = (np.broadcast_to(self._at(k, where), shape) for k in sources(step))
            self._sums(self._at(step.target, outer), first, *second or (None,))
            return
        self._spread(step.target, step.source)

    def _spread(self, target: int, source: int) -> None:
        """Entries repeated, and placed on diagonals; zeros beside them."""
        sizes = [self.program.sizes[label] for label in self._inner(target)]
        axes = grid(range(len(sizes)), sizes)
        where: dict[int, Ints] = {}
        same = np.ones(math.prod(sizes), bool)
        for axis, label in enumerate(self._inner(target)):
            same &= where.setdefault(label, axes[axis]) == axes[axis]
        rows = self.places[target] + self.parts * np.arange(len(same))
        kept = {label: at[same] for label, at in where.items()}
        self._sums(rows[same], np.broadcast_to(self._at(source, kept), same.sum())[:, None], None)
        for part in range(self.parts):
            beside = (rows[~same] + part) * self.length
            self.code.append(np.stack([beside, 0 * beside, 0 * beside], 1).ravel())

    def _sums(
        self, target: Any, first: Ints, second: Ints | None, conj: Sequence[bool] = ()
    ) -> None:
        """Sums of products along the last axis; of a lone factor, of products with one."""
        target = np.broadcast_to(target, first.shape[:1])
        one = np.full_like(first, ONES)
        self.terms += first.size
        if self.parts == 1:
            self._write(target, [(first, one if second is None else second)], [])
        elif second is None:
            signs = np.array([*conj] or [False] * first.shape[1])
            plus, minus = first[:, ~signs] + 1, first[:, signs] + 1
            self._write(target, [(first, one)], [])
            ones = [np.full_like(rows, ONES) for rows in (plus, minus)]
            self._write(target + 1, [(plus, ones[0])], [(minus, ones[1])])
        else:
            self._write(target, [(first, second)], [(first + 1, second + 1)])
            self._write(target + 1, [(first, second + 1), (first + 1, second)], [])

    def _write(
        self, target: Ints, plus: Sequence[tuple[Ints, Ints]], minus: Sequence[tuple[Ints, Ints]]
    ) -> None:
        counts = [sum(one.shape[1] for one, _ in some) for some in (plus, minus)]
        words = np.stack([np.full_like(target, count) for count in counts], 1)
        pairs = [np.stack(pair, 2).reshape(len(target), -1) for pair in (*plus, *minus)]
        rows = np.hstack([target[:, None], *pairs]) * self.length
        self.code.append(np.hstack([rows[:, :1], words, rows[:, 1:]]).ravel())


def _count(where: Mapping[int, Ints]) -> int:
    return next((len(at) for at in where.values()), 1)
