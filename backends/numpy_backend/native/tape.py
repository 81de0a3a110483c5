"""A program becomes a tape: every step in its best form, every tensor at a place in the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Instructions, sources
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.arena import Arena
from tnlearn_backends.numpy_backend.native.calm import Calm, calm
from tnlearn_backends.numpy_backend.native.code import Code, last_uses
from tnlearn_backends.numpy_backend.native.dims import Dim, fused
from tnlearn_backends.numpy_backend.native.fusing import Step, fused_steps
from tnlearn_backends.numpy_backend.native.places import Place, Places
from tnlearn_backends.numpy_backend.native.rows import Rows

Ints = npt.NDArray[np.int64]


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
    places = Places(instructions, batch, in_order=not matrices)
    rows = Rows(places, matrices)
    changing = _changing(instructions)
    steps: Sequence[Step] = places.steps
    if matrices and not keep:
        constant = {step.target for step in instructions.forward} - changing
        steps = fused_steps(instructions, places.steps, places.fixed, constant, places.size)
    backward = {step.target for step in instructions.backward}
    for step in steps:
        if step.target not in changing and step.target not in backward:
            rows.write(step)
    once = len(rows.rows)
    for step in steps:
        if step.target in changing:
            rows.write(step)
    forward = len(rows.rows)
    for step in steps:
        if step.target in backward:
            rows.write(step)
    return _assembled(rows, once, forward, keep)


def _changing(program: Instructions) -> set[int]:
    """Slots of the forward sweep that differ between slices: all, where there are none."""
    if not program.sliced:
        return {step.target for step in program.forward}
    sliced = {label for label, _ in program.sliced}
    count = len(program.inputs)
    found = {slot for slot in range(count) if sliced.intersection(program.labels[slot])}
    for step in program.forward:
        if found.intersection(sources(step)):
            found.add(step.target)
    return found


def _assembled(rows: Rows, constant: int, forward: int, keep: bool) -> Tape:
    """The rows as numbers, every tensor at a place in the arena."""
    program = rows.places.program
    results = list(dict.fromkeys(slot for slot in program.gradients if slot is not None))
    if not program.backward:
        results = [program.value]
    kept = {*results, program.value}
    if keep:
        kept.update(row.target for row in rows.rows)
    places = [place or Place((), {}, 0) for place in rows.places.places]
    where = Arena(len(program.inputs), program.seed, [place.size for place in places], kept)
    uses = last_uses(rows.rows, constant, rows.root)
    where.place([rows.root(row.target) for row in rows.rows], uses)
    for slot in rows.joined:
        where.join(slot, rows.root(slot))
    code = Code(where)
    for row in rows.rows:
        code.add(row)
    totals = _totals(rows.places, results, code) if program.sliced else {}
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
        shifts=_shifts(rows.places, list(totals)),
        shared=code.shared,
        calm=calm(program, rows.rows),
    )


def _totals(places: Places, results: Sequence[int], code: Code) -> dict[int, tuple[int, Place]]:
    """Rows that add what a slice found to the totals, which lie side by side."""
    totals: dict[int, tuple[int, Place]] = {}
    at = 0
    for number, slot in enumerate(results, start=len(places.places)):
        part, whole = places.held(slot), places.in_order(slot, places.whole)
        dims = fused(
            Dim(places.sizes[label], part.strides[label], 0, whole.strides[label])
            for label in part.strides
        )
        code.add_total(slot, number, at, whole.size, dims)
        totals[slot] = at, whole
        at += whole.size
    return totals


def _shifts(places: Places, totals: Sequence[int]) -> Ints:
    """For every slot and every total: how much further on the next slice begins."""
    program = places.program
    found = np.zeros((len(places.places) + len(totals), len(program.sliced)), np.int64)
    for column, (label, _) in enumerate(program.sliced):
        for slot in (*range(len(program.inputs)), program.seed):
            found[slot, column] = places.held(slot).strides.get(label, 0)
        for number, slot in enumerate(totals, start=len(places.places)):
            place = places.in_order(slot, places.whole)
            found[number, column] = place.strides.get(label, 0)
    return found
