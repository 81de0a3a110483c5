"""A program becomes a tape: every step in its best form, every tensor at a place in the arena."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tnlearn.backend import (
    Add,
    Contract,
    Expand,
    Instruction,
    Instructions,
    Labels,
    Reduce,
    sources,
)
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.arena import Arena
from tnlearn_backends.numpy_backend.native.calm import Calm, calm
from tnlearn_backends.numpy_backend.native.code import Code, Row, last_uses
from tnlearn_backends.numpy_backend.native.dims import Dim, Dims, fused
from tnlearn_backends.numpy_backend.native.forms import Form, best, into
from tnlearn_backends.numpy_backend.native.fusing import Multiply, Step, fused_steps
from tnlearn_backends.numpy_backend.native.orders import (
    Future,
    by_touch,
    candidates,
    next_touches,
)

Ints = npt.NDArray[np.int64]

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
    rows, pool : arrays
        See `columns`.
    constant, forward : int
        Up to which row the steps are the same in all slices, and up to which they are the
        forward sweep.
    places : list of Place
        How every slot lies.
    spaces, offsets : lists of int
        Where every slot is.
    arena, inputs, results, totals : int
        Entries of the arrays.
    whole : dict from slot to (int, Place)
        Where the total over the slices of a result is, and how it lies.
    shifts : array of int64, shape (slots, sliced labels)
        How much further on the parts of whole tensors begin for each step along a sliced label.
    shared : float
        Nanoseconds, as predicted, of steps that threads may share.
    calm : Calm or None
        By how much ranges may widen in all.
    """

    rows: Ints
    pool: Ints
    constant: int
    forward: int
    places: Sequence[Place]
    spaces: Sequence[int]
    offsets: Sequence[int]
    arena: int
    inputs: int
    results: int
    totals: int
    whole: Mapping[int, tuple[int, Place]]
    shifts: Ints
    shared: float
    calm: Calm | None

    @property
    def multiplies(self) -> bool:
        """Whether a step is a product of matrices, which needs work space."""
        return bool((self.rows[:, columns.KIND] == columns.PANELS).any())


def write_tape(
    instructions: Instructions,
    batch: int | None,
    *,
    matrices: bool = True,
    keep: bool = False,
) -> Tape:
    """The tape of a program, at a given size of the batch.

    Parameters
    ----------
    instructions : Instructions
    batch : int, optional
    matrices : bool
        Matrix products may be used, and large inputs laid out for them, as they are for plain
        sums and products; otherwise inputs lie as they are given.
    keep : bool
        All intermediates are results, whose places are not used again.
    """
    return _Writer(instructions, batch, matrices, keep).tape()


class _Writer:
    def __init__(
        self, instructions: Instructions, batch: int | None, matrices: bool, keep: bool
    ) -> None:
        self.program = instructions
        self.matrices, self.keep = matrices, keep
        self.sizes, self.whole = list(instructions.sizes), list(instructions.whole)
        if instructions.batch is not None and batch is not None:
            self.sizes[instructions.batch] = self.whole[instructions.batch] = batch
        self.steps: tuple[Instruction, ...] = (*instructions.forward, *instructions.backward)
        self.touches = next_touches(instructions, self.steps)
        self.places: list[Place | None] = [None] * len(instructions.labels)
        self.rows: list[Row] = []
        self.roots: dict[int, int] = {}
        self.fixed = _fixed(instructions, self.steps)
        self.uses = _first_uses(self.steps)

    def size(self, labels: Iterable[int]) -> int:
        """Entries of a tensor with these labels."""
        return math.prod(self.sizes[label] for label in labels)

    def tape(self) -> Tape:
        program = self.program
        for slot in range(len(program.inputs)):
            self.places[slot] = self._input(slot)
        self.places[program.seed] = self._in_order(program.seed, self.whole)
        changing = self._changing()
        backward = {step.target for step in program.backward}
        once: list[Step] = []
        again: list[Step] = []
        reverse: list[Step] = []
        for step in self._steps(changing):
            kind = reverse if step.target in backward else again
            (kind if step.target in changing or kind is reverse else once).append(step)
        for step in once:
            self._write(step)
        constant = len(self.rows)
        for step in again:
            self._write(step)
        forward = len(self.rows)
        for step in reverse:
            self._write(step)
        return self._assembled(constant, forward)

    def _steps(self, changing: set[int]) -> list[Step]:
        """The steps, some of them fused."""
        if self.keep or not self.matrices:
            return list(self.steps)
        constant = {step.target for step in self.program.forward} - changing
        return fused_steps(self.program, self.steps, self.fixed, constant, self.size)

    def _root(self, slot: int) -> int:
        """The first slot in the place of this one."""
        while slot in self.roots:
            slot = self.roots[slot]
        return slot

    def _changing(self) -> set[int]:
        """Slots that differ between slices: all, where there are none."""
        program = self.program
        if not program.sliced:
            return {step.target for step in program.forward}
        sliced = {label for label, _ in program.sliced}
        count = len(program.inputs)
        found = {slot for slot in range(count) if sliced.intersection(program.labels[slot])}
        for step in program.forward:
            if found.intersection(sources(step)):
                found.add(step.target)
        return found

    def _input(self, slot: int) -> Place:
        labels = self.program.labels[slot]
        # Whole sizes: the value and the gradient read the same inputs, maybe in other slices.
        small = slot in self.fixed or math.prod(self.whole[label] for label in labels) < LARGE
        if len(set(labels)) < len(labels) or small or not self.matrices:
            return self._in_order(slot, self.whole)
        return self._laid(slot, by_touch(labels, self.touches[slot]), self.whole)

    def _in_order(self, slot: int, sizes: Sequence[int]) -> Place:
        return self._laid(slot, self.program.labels[slot], sizes)

    def _laid(self, slot: int, order: Labels, sizes: Sequence[int] | None = None) -> Place:
        """A slot with its axes in this order, the last one fastest."""
        sizes = sizes or self.sizes
        strides: dict[int, int] = {}
        stride = 1
        for label in reversed(order):
            # The diagonal of a repeated index steps along all its axes at once.
            strides[label] = strides.get(label, 0) + stride
            stride *= sizes[label]
        return Place(self._axes(slot, order), strides, stride)

    def _axes(self, slot: int, order: Labels) -> tuple[int, ...]:
        """The axes of a slot in the order of these labels."""
        labels = self.program.labels[slot]
        axes = range(len(labels)) if order == labels else (labels.index(i) for i in order)
        return tuple(axes)

    def _held(self, slot: int) -> Place:
        place = self.places[slot]
        assert place is not None, f"slot {slot} is read before it is written"
        return place

    def _write(self, step: Step) -> None:
        match step:
            case Contract():
                self._contract(step)
            case Multiply():
                self._multiply(step)
            case Add():
                place = self.places[step.target] = self._in_order(step.target, self.sizes)
                self.rows.append(Row(step.target, place.size, step.sources, None, add=step))
            case Reduce() | Expand():
                self._single(step)

    def _order_of(self, slot: int) -> Labels:
        """Labels of a slot as they lie."""
        labels = self.program.labels[slot]
        return tuple(labels[axis] for axis in self._held(slot).axes)

    def _future(self, slot: int) -> Future:
        """What happens to a slot next, as far as that is known."""
        use, labels = self.uses.get(slot), self.program.labels
        if use is None:
            return Future(self.touches[slot], (), labels[slot])
        other = use.second if use.first == slot else use.first
        beside = by_touch(labels[other], self.touches[other])
        if self.places[other] is not None:
            beside = self._order_of(other)
        return Future(self.touches[slot], beside, labels[use.target])

    def _contract(self, step: Contract) -> None:
        labels, target = self.program.labels, step.target
        a, b = self._held(step.first), self._held(step.second)
        chosen = self._laid(target, labels[target])
        form = self._form(a, b, chosen)
        if target not in self.fixed:
            first, second = self._order_of(step.first), self._order_of(step.second)
            future, least = self._future(target), math.inf
            for order in candidates(labels[target], first, second, future, self.size):
                place = self._laid(target, order)
                found = self._form(a, b, place)
                cost = found.cost + future.unreadiness(order, self.size)
                if cost < least:
                    chosen, form, least = place, found, cost
        self.places[target] = chosen
        terms = self.size(set(labels[step.first]).difference(labels[target]))
        pair = (step.second, step.first) if form.swapped else (step.first, step.second)
        self.rows.append(Row(target, chosen.size, pair, form, terms.bit_length(), terms > 1))

    def _multiply(self, step: Multiply) -> None:
        labels, target = self.program.labels, step.target
        place = self._held(step.into)
        form = into(self._dims(self._held(step.first), self._held(step.second), place))
        if form is None:
            self._contract(step.product)
            self._contract(Contract(target, step.product.target, step.into))
            return
        self.places[target] = Place(self._axes(target, self._order_of(step.into)), *place[1:])
        self.roots[target] = step.into
        terms = self.size(set(labels[step.first]).difference(labels[target]))
        pair = (step.second, step.first) if form.swapped else (step.first, step.second)
        growth, cancels = terms.bit_length(), terms > 1
        self.rows.append(Row(target, place.size, pair, form, growth, cancels, into=step.into))

    def _form(self, a: Place, b: Place | None, c: Place) -> Form:
        return best(self._dims(a, b, c), self.matrices)

    def _dims(self, a: Place, b: Place | None, c: Place) -> Dims:
        """The loops of a step on tensors that lie so."""
        labels = dict.fromkeys([*a.strides, *(b.strides if b else ()), *c.strides])
        get_b: Mapping[int, int] = b.strides if b else {}
        return fused(
            Dim(self.sizes[i], a.strides.get(i, 0), get_b.get(i, 0), c.strides.get(i, 0))
            for i in labels
        )

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
        self.rows.append(Row(target, place.size, (source,), form, growth, terms > 1, fills=fills))

    def _assembled(self, constant: int, forward: int) -> Tape:
        program = self.program
        results = list(dict.fromkeys(slot for slot in program.gradients if slot is not None))
        if not program.backward:
            results = [program.value]
        kept = {*results, program.value}
        if self.keep:
            kept.update(row.target for row in self.rows)
        places = [place or Place((), {}, 0) for place in self.places]
        sizes = [place.size for place in places]
        where = Arena(len(program.inputs), program.seed, sizes, kept)
        uses = last_uses(self.rows, constant, self._root)
        where.place([self._root(row.target) for row in self.rows], uses)
        for slot in self.roots:
            where.join(slot, self._root(slot))
        code = Code(where)
        for row in self.rows:
            code.add(row)
        totals: dict[int, tuple[int, Place]] = {}
        if program.sliced:
            totals = self._totals(results, code)
        return Tape(
            rows=np.array(code.rows, np.int64).reshape(-1, columns.WIDTH),
            pool=np.array(code.pool or [0], np.int64),
            constant=constant,
            forward=forward,
            places=places,
            spaces=where.spaces,
            offsets=where.offsets,
            arena=where.arena,
            inputs=where.inputs,
            results=where.results,
            totals=sum(place.size for _, place in totals.values()),
            whole=totals,
            shifts=self._shifts(list(totals)),
            shared=code.shared,
            calm=calm(program, self.rows),
        )

    def _totals(self, results: Sequence[int], code: Code) -> dict[int, tuple[int, Place]]:
        """Rows that add what a slice found to the totals, which lie side by side."""
        totals: dict[int, tuple[int, Place]] = {}
        at = 0
        for number, slot in enumerate(results):
            part, whole = self._held(slot), self._in_order(slot, self.whole)
            dims = fused(
                Dim(self.sizes[label], part.strides[label], 0, whole.strides[label])
                for label in part.strides
            )
            code.add_total(slot, len(self.places) + number, at, whole.size, dims)
            totals[slot] = at, whole
            at += whole.size
        return totals

    def _shifts(self, totals: Sequence[int]) -> Ints:
        """For every slot and every total: how much further on the next slice begins."""
        program, sliced = self.program, [label for label, _ in self.program.sliced]
        found = np.zeros((len(self.places) + len(totals), len(sliced)), np.int64)
        for column, label in enumerate(sliced):
            for slot in (*range(len(program.inputs)), program.seed):
                found[slot, column] = self._held(slot).strides.get(label, 0)
            for number, slot in enumerate(totals, start=len(self.places)):
                place = self._in_order(slot, self.whole)
                found[number, column] = place.strides.get(label, 0)
        return found


def _fixed(instructions: Instructions, steps: Iterable[Instruction]) -> set[int]:
    """Slots whose axes lie as their labels say: results, and what is added up."""
    fixed = {instructions.value, instructions.seed}
    fixed.update(slot for slot in instructions.gradients if slot is not None)
    for step in steps:
        if isinstance(step, Add):
            fixed.update(step.sources)
    return fixed


def _first_uses(steps: Sequence[Instruction]) -> dict[int, Contract]:
    """For each slot, the product in which it is first."""
    found: dict[int, Contract] = {}
    for step in steps:
        if isinstance(step, Contract):
            found.setdefault(step.first, step)
            found.setdefault(step.second, step)
    return found
