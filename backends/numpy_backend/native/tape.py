"""A program becomes a tape: every step in its best form, every tensor at a place in the arena."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Add, Contract, Expand, Instruction, Instructions, Labels, Reduce
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.arena import Arena
from tnlearn_backends.numpy_backend.native.forms import Dim, Form, best, fused
from tnlearn_backends.numpy_backend.native.orders import (
    Touches,
    by_touch,
    candidates,
    next_touches,
    unreadiness,
)

Ints = npt.NDArray[np.int64]

#: Operations of a step from which a copy of a factor in another order may pay, and the
#: nanoseconds it takes for each entry.
MANY, COPY = 1e5, 1.2
#: Entries of an input from which its axes are put in order when it is packed.
LARGE = 64


class Place(NamedTuple):
    """How a tensor lies in memory: the axes in order, and the stride of every label."""

    axes: tuple[int, ...]
    strides: Mapping[int, int]
    size: int


@dataclass(frozen=True, eq=False)
class Tape:
    """A program for one size of the batch.

    Attributes
    ----------
    rows, pool, shapes : arrays
        See `columns`.
    forward : int
        How many rows are the forward sweep.
    places : list of Place
        How every slot lies.
    spaces, offsets : lists of int
        Where every slot is.
    arena, inputs, results : int
        Entries of the three arrays.
    """

    rows: Ints
    pool: Ints
    shapes: npt.NDArray[np.int32]
    forward: int
    places: Sequence[Place]
    spaces: Sequence[int]
    offsets: Sequence[int]
    arena: int
    inputs: int
    results: int


def write_tape(instructions: Instructions, sizes: Sequence[int]) -> Tape:
    """The tape of a program, at given sizes of all labels."""
    return _Writer(instructions, sizes).tape()


class _Writer:
    def __init__(self, instructions: Instructions, sizes: Sequence[int]) -> None:
        self.program = instructions
        self.sizes = sizes
        self.steps: tuple[Instruction, ...] = (*instructions.forward, *instructions.backward)
        self.touches = next_touches(instructions, self.steps)
        self.places: list[Place | None] = [None] * len(instructions.labels)
        self.rows: list[_Row] = []
        self.fixed = _fixed(instructions, self.steps)

    def size(self, labels: Iterable[int]) -> int:
        """Entries of a tensor with these labels."""
        return math.prod(self.sizes[label] for label in labels)

    def tape(self) -> Tape:
        program, count = self.program, len(self.program.inputs)
        for slot in range(count):
            self.places[slot] = self._input(slot)
        self.places[program.seed] = self._in_order(program.seed)
        for step in program.forward:
            self._write(step)
        forward = len(self.rows)
        for step in program.backward:
            self._write(step)
        return self._assembled(forward)

    def _input(self, slot: int) -> Place:
        labels = self.program.labels[slot]
        if len(set(labels)) < len(labels) or slot in self.fixed or self.size(labels) < LARGE:
            return self._in_order(slot)
        return self._laid(slot, by_touch(labels, self.touches[slot]))

    def _in_order(self, slot: int) -> Place:
        return self._laid(slot, self.program.labels[slot])

    def _laid(self, slot: int, order: Labels) -> Place:
        """A slot with its axes in this order, the last one fastest."""
        labels = self.program.labels[slot]
        strides: dict[int, int] = {}
        stride = 1
        for label in reversed(order):
            # The diagonal of a repeated index steps along all its axes at once.
            strides[label] = strides.get(label, 0) + stride
            stride *= self.sizes[label]
        axes = range(len(labels)) if order == labels else (labels.index(i) for i in order)
        return Place(tuple(axes), strides, stride)

    def _held(self, slot: int) -> Place:
        place = self.places[slot]
        assert place is not None, f"slot {slot} is read before it is written"
        return place

    def _write(self, step: Instruction) -> None:
        match step:
            case Contract():
                self._contract(step)
            case Add():
                place = self.places[step.target] = self._in_order(step.target)
                self.rows.append(_Row(step.target, place.size, step.sources, None, add=step))
            case Reduce() | Expand():
                self._single(step)

    def _order_of(self, slot: int) -> Labels:
        """Labels of a slot as they lie."""
        labels = self.program.labels[slot]
        return tuple(labels[axis] for axis in self._held(slot).axes)

    def _contract(self, step: Contract) -> None:
        labels, target = self.program.labels, step.target
        options = [labels[target]]
        if target not in self.fixed:
            first, second = self._order_of(step.first), self._order_of(step.second)
            options = candidates(labels[target], first, second, self.touches[target], self.size)
        chosen = min((self._way(step, order) for order in options), key=lambda way: way.cost)
        self.places[target] = chosen.place
        terms = self.size(set(labels[step.first]).difference(labels[target]))
        pair = [step.first, step.second]
        for k, copy in enumerate(chosen.copies):
            if copy is not None:
                pair[k] = self._copied(pair[k], copy)
        if chosen.form.swapped:
            pair.reverse()
        growth = terms.bit_length()
        self.rows.append(
            _Row(target, chosen.place.size, tuple(pair), chosen.form, growth, terms > 1)
        )

    def _way(self, step: Contract, order: Labels) -> _Way:
        """The step with the axes of the target in this order, and factors copied if that pays."""
        place = self._laid(step.target, order)
        a, b = self._held(step.first), self._held(step.second)
        later = 0.0
        if step.target not in self.fixed:
            later = unreadiness(order, self.touches[step.target], self.size)
        form = self._form(a, b, place)
        ways = [_Way(form.cost + later, place, form, (None, None))]
        labels = set(a.strides) | set(b.strides)
        if self.size(labels) >= MANY:
            tidy_a, tidy_b = self._tidied(step, order)
            for one, other in ((tidy_a, None), (None, tidy_b), (tidy_a, tidy_b)):
                form = self._form(one or a, other or b, place)
                extra = COPY * ((a.size if one else 0) + (b.size if other else 0))
                ways.append(_Way(form.cost + later + extra, place, form, (one, other)))
        return min(ways, key=lambda way: way.cost)

    def _tidied(self, step: Contract, order: Labels) -> tuple[Place, Place]:
        """Both factors as batches of matrices: what is shared, what is kept, what is summed."""
        a, b = self._order_of(step.first), self._order_of(step.second)
        shared = tuple(i for i in order if i in a and i in b)
        summed = tuple(i for i in (a if self.size(a) > self.size(b) else b) if i not in order)
        summed = tuple(i for i in summed if i in a and i in b)
        rows = tuple(i for i in order if i in a and i not in b)
        columns = tuple(i for i in order if i in b and i not in a)
        first = self._laid(step.first, shared + rows + summed)
        return first, self._laid(step.second, shared + summed + columns)

    def _form(self, a: Place, b: Place | None, c: Place) -> Form:
        labels = dict.fromkeys([*a.strides, *(b.strides if b else ()), *c.strides])
        get_b: Mapping[int, int] = b.strides if b else {}
        return best(
            fused(
                Dim(self.sizes[i], a.strides.get(i, 0), get_b.get(i, 0), c.strides.get(i, 0))
                for i in labels
            )
        )

    def _copied(self, slot: int, place: Place) -> int:
        """A slot of its own for a copy in another order."""
        self.places.append(place)
        copy = len(self.places) - 1
        self.rows.append(_Row(copy, place.size, (slot,), self._form(self._held(slot), None, place)))
        return copy

    def _single(self, step: Reduce | Expand) -> None:
        labels, target, source = self.program.labels, step.target, step.source
        order = labels[target]
        if target not in self.fixed and len(set(order)) == len(order):
            order = by_touch(order, self.touches[target])
        place = self.places[target] = self._laid(target, order)
        form = self._form(self._held(source), None, place)
        terms = self.size(set(labels[source]).difference(labels[target]))
        fills = len(set(labels[target])) < len(labels[target])
        growth = terms.bit_length() if terms > 1 else 0
        self.rows.append(
            _Row(target, place.size, (source,), form, growth, terms > 1, fills=fills)
        )

    def _assembled(self, forward: int) -> Tape:
        program = self.program
        kept = {program.value, *(g for g in program.gradients if g is not None)}
        places = [self._held(slot) if self.places[slot] else Place((), {}, 0)
                  for slot in range(len(self.places))]
        where = Arena(len(program.inputs), [place.size for place in places], kept)
        where.hold_inputs()
        uses = _last_uses(self.rows, program.seed, forward)
        for number, row in enumerate(self.rows):
            if number == forward and program.backward:
                where.take(program.seed)
            where.take(row.target)
            for slot in uses[number]:
                where.free(slot)
        if not program.backward:
            where.take(program.seed)
        code = _Code(where)
        for row in self.rows:
            code.add(row)
        return Tape(
            rows=np.array(code.rows, np.int64).reshape(-1, columns.WIDTH),
            pool=np.array(code.pool or [0], np.int64),
            shapes=np.array(code.shapes or [(0,) * 8], np.int32),
            forward=forward,
            places=places,
            spaces=where.spaces,
            offsets=where.offsets,
            arena=where.arena,
            inputs=where.inputs,
            results=where.results,
        )


class _Way(NamedTuple):
    cost: float
    place: Place
    form: Form
    copies: tuple[Place | None, Place | None]


class _Row(NamedTuple):
    """One row of the tape, before it is known where its tensors are."""

    target: int
    size: int
    sources: tuple[int, ...]
    form: Form | None
    growth: int = 0
    cancels: bool = False
    fills: bool = False
    add: Add | None = None


@dataclass
class _Code:
    """The numbers of the tape."""

    where: Arena
    rows: list[list[int]] = field(default_factory=list)
    pool: list[int] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def add(self, row: _Row) -> None:
        where, numbers = self.where, [0] * columns.WIDTH
        numbers[columns.TARGET] = row.target
        numbers[columns.TARGET_IN] = where.spaces[row.target]
        numbers[columns.TARGET_AT] = where.offsets[row.target]
        numbers[columns.TARGET_SIZE] = row.size
        numbers[columns.POOL] = len(self.pool)
        numbers[columns.SECOND] = -1
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

    def _product(self, row: _Row, form: Form, numbers: list[int]) -> None:
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
        numbers[columns.SHAPE] = len(self.shapes)
        self.pool.extend(form.pool)
        if form.shape:
            self.shapes.append(form.shape)


def _fixed(instructions: Instructions, steps: Iterable[Instruction]) -> set[int]:
    """Slots whose axes lie as their labels say: results, and what is added up."""
    fixed = {instructions.value, instructions.seed}
    fixed.update(slot for slot in instructions.gradients if slot is not None)
    for step in steps:
        if isinstance(step, Add):
            fixed.update(step.sources)
    return fixed


def _last_uses(rows: Sequence[_Row], seed: int, forward: int) -> list[list[int]]:
    """For each row, the slots that no later row reads."""
    last: dict[int, int] = {}
    for number, row in enumerate(rows):
        for slot in (row.target, *row.sources):
            last[slot] = number
    free: list[list[int]] = [[] for _ in rows]
    for slot, number in last.items():
        free[number].append(slot)
    return free


def buffer(size: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Room for so many numbers."""
    return np.empty(max(size, 1), dtype)
