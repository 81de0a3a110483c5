"""A program in another algebra, at one size of its batch: its tape, and the arrays it runs on."""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Algebra, Instructions
from tnlearn_backends.numpy_backend.algebras import columns
from tnlearn_backends.numpy_backend.algebras.compiled import kernels
from tnlearn_backends.numpy_backend.algebras.entries import entries, width
from tnlearn_backends.numpy_backend.algebras.inputs import Inputs
from tnlearn_backends.numpy_backend.native import columns as plain
from tnlearn_backends.numpy_backend.native.tape import Tape, write_tape

Array = npt.NDArray[Any]

KINDS = {
    "best": columns.BEST,
    "modular": columns.MODULAR,
    "count": columns.COUNT,
    "list": columns.LIST,
}


def header_of(algebra: Algebra) -> array[int]:
    """What kernels are told, with nothing but the algebra filled in."""
    header = array("q", bytes(8 * columns.HEADER))
    header[columns.ALGEBRA] = KINDS[algebra.kind]
    header[columns.NUMBERS] = width(algebra)
    header[columns.MODULUS] = algebra.modulus
    return header


def added(total: Array, part: Array, algebra: Algebra) -> Array:
    """The sum of two tensors of one shape, entry by entry; the width is the last axis."""
    total, part = np.array(total, order="C"), np.ascontiguousarray(part)
    header = header_of(algebra)
    header[plain.TOTALS_AT] = total.ctypes.data
    header[plain.INPUTS_AT] = part.ctypes.data
    header[columns.ADDED] = total.size // width(algebra)
    kernels().add(header.buffer_info()[0])
    return total


class Sized:
    """A program at one size of its batch; holds no data, may run in many threads at once."""

    def __init__(
        self, program: Instructions, algebra: Algebra, batch: int | None, keep: bool
    ) -> None:
        self._program, self._algebra = program, algebra
        self._tape: Tape = write_tape(program, batch, matrices=False, keep=keep)
        self._width = width(algebra)
        one = np.array(1.0 if algebra.kind == "modular" else 0.0)
        self._one = entries(one, algebra).reshape(1, -1)
        self._zero = entries(np.array(algebra.zero), algebra)
        self._lengths = np.array([size for _, size in program.sliced] or [0], np.int64)
        self._header = self._filled(header_of(algebra))
        self._whole, self._sizes = list(program.whole), list(program.sizes)
        if program.batch is not None and batch is not None:
            self._whole[program.batch] = self._sizes[program.batch] = batch

    def _filled(self, header: array[int]) -> array[int]:
        """With what every run is told."""
        tape = self._tape
        header[plain.TAPE] = tape.rows.ctypes.data
        header[plain.LOOPS_AT] = tape.pool.ctypes.data
        header[plain.ONE] = self._one.ctypes.data
        header[plain.SLICED_SIZES] = self._lengths.ctypes.data
        header[plain.SLICED_STEPS] = tape.shifts.ctypes.data
        header[plain.SLICED] = len(self._program.sliced)
        header[plain.SLOTS] = len(tape.shifts)
        return header

    def run(self, inputs: Inputs, slices: range) -> Array:
        """The value, added up over some slices; the width is its last axis."""
        tape, value = self._tape, self._program.value
        last = len(tape.rows) if tape.whole else tape.forward
        results, totals = self._run(inputs, (0, tape.constant, last), slices)
        if tape.whole:
            shape = [self._whole[label] for label in self._program.labels[value]]
            return totals.reshape(*shape, self._width)
        return self._slot(value, results)

    def record(self, inputs: Inputs, number: int) -> list[Array]:
        """What every slot holds in one slice; the width is the last axis."""
        tape, program = self._tape, self._program
        span = (0, tape.constant, tape.forward)
        results, _ = self._run(inputs, span, range(number, number + 1))
        sliced = [label for label, _ in program.sliced]
        sizes = [size for _, size in program.sliced]
        at = dict(zip(sliced, np.unravel_index(number, sizes) if sizes else (), strict=True))
        slots = [self._cut(slot, inputs, at) for slot in range(len(inputs))]
        made = [step.target for step in program.forward if step.target < program.seed]
        # Copies: who keeps a few of them should not keep all.
        return slots + [self._slot(slot, results).copy() for slot in made]

    def _run(
        self, inputs: Inputs, span: tuple[int, int, int], slices: range
    ) -> tuple[Array, Array]:
        tape = self._tape
        arena = np.empty((tape.arena or 1, self._width))
        results = np.empty((tape.results or 1, self._width))
        totals = np.empty((tape.totals or 1, self._width))
        totals[:] = self._zero
        shifts, counter = np.zeros(len(tape.shifts), np.int64), np.zeros(plain.DEPTH, np.int64)
        header = array("q", self._header)
        header[plain.BEGIN], header[plain.MIDDLE], header[plain.END] = span
        header[plain.FIRST_SLICE], header[plain.LAST_SLICE] = slices.start, slices.stop
        header[plain.ARENA_AT] = arena.ctypes.data
        header[plain.RESULTS_AT] = results.ctypes.data
        header[plain.INPUTS_AT] = inputs.data.ctypes.data
        header[plain.TOTALS_AT] = totals.ctypes.data
        header[plain.SHIFTS] = shifts.ctypes.data
        header[plain.COUNTER] = counter.ctypes.data
        kernels().run(header.buffer_info()[0])
        return results, totals

    def _slot(self, slot: int, results: Array) -> Array:
        """A result, in the order of its labels."""
        place, at = self._tape.places[slot], self._tape.offsets[slot]
        shape = [self._sizes[label] for label in self._program.labels[slot]]
        held = results[at : at + math.prod(shape)]
        held = held.reshape(*(shape[axis] for axis in place.axes), self._width)
        return held.transpose(*np.argsort(place.axes).astype(int), len(shape))

    def _cut(self, slot: int, inputs: Inputs, at: dict[int, Any]) -> Array:
        """The part of an input that is in a slice, sliced axes at size 1."""
        labels = self._program.labels[slot]
        key = (slice(at[i], at[i] + 1) if i in at else slice(None) for i in labels)
        where: tuple[Any, ...] = (*key, ...)
        part: Array = inputs[slot][where]
        return part
