"""A program in native code, for every size of its batch, and the arrays it runs on."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Instructions
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.calm import Range
from tnlearn_backends.numpy_backend.native.compiled import Kernels, kernels
from tnlearn_backends.numpy_backend.native.helpers import WORTH_CALLING, helped, work_space
from tnlearn_backends.numpy_backend.native.packing import Packing
from tnlearn_backends.numpy_backend.native.tape import write_tape
from tnlearn_backends.numpy_backend.native.tensors import Inputs, Tensors, Where
from tnlearn_backends.numpy_backend.native.vectors import tile

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

#: Sizes of the batch for which a tape is kept.
TAPES = 8
#: Arenas of at most so many bytes are kept for the next call, so many of them.
KEPT_BYTES, KEPT = 2**26, 2


class NativeProgram:
    """The instructions as tapes; holds no data, may run in many threads at once."""

    def __init__(
        self, instructions: Instructions, leading: Sequence[int | None], dtype: np.dtype[Any]
    ) -> None:
        self._instructions = instructions
        self._dtype = dtype
        self._leading = leading
        self._tapes: dict[int | None, Sized] = {}

    def sized(self, batch: int | None) -> Sized:
        """The program at one size of the batch."""
        found = self._tapes.get(batch)
        if found is None:
            found = Sized(self._instructions, self._leading, self._dtype, batch)
            while len(self._tapes) >= TAPES:
                self._tapes.pop(next(iter(self._tapes)), None)
            self._tapes[batch] = found
        return found


class Sized:
    """A program at one size of the batch."""

    def __init__(
        self,
        program: Instructions,
        leading: Sequence[int | None],
        dtype: np.dtype[Any],
        batch: int | None,
    ) -> None:
        self.tape = tape = write_tape(program, batch)
        self.program = program
        self.kernels: Kernels = kernels(dtype.name)
        self.dtype = dtype
        self._limits = limits(dtype)
        self._one = np.array([1, 0], dtype)
        real = np.finfo(dtype).dtype
        self._strides = np.arange(columns.DEEP, dtype=np.int64) * tile(real.itemsize).rows
        self._sizes = np.array([size for _, size in program.sliced] or [0], np.int64)
        self.header = self._header()
        self.spaces: list[Workspace] = []
        count = len(program.inputs)
        whole = list(program.whole)
        if program.batch is not None and batch is not None:
            whole[program.batch] = batch
        shapes = [tuple(whole[i] for i in labels) for labels in program.labels]
        axes = [place.axes for place in tape.places]
        where = Where(tape.offsets, shapes, axes, leading, range(len(tape.places)))
        if tape.whole:
            where = where.total({slot: at for slot, (at, _) in tape.whole.items()})
        self.where = where
        self.gradients = where.of(program.gradients)
        starts = np.array([*tape.offsets[:count], tape.inputs], np.int64)
        self.packing = Packing(
            program.inputs, where.of(range(count)), starts, dtype, batch, self.kernels
        )
        self._alike_ranges: tuple[Range | None, Ints] = (None, starts)

    def _header(self) -> array[int]:
        """What every run is told; see `columns`."""
        tape, header = self.tape, array("q", bytes(8 * columns.HEADER))
        header[columns.TAPE] = tape.rows.ctypes.data
        header[columns.LOOPS_AT] = tape.pool.ctypes.data
        header[columns.ONE] = self._one.ctypes.data
        header[columns.STRIDES] = self._strides.ctypes.data
        header[columns.SLICED_SIZES] = self._sizes.ctypes.data
        header[columns.SLICED_STEPS] = tape.shifts.ctypes.data
        header[columns.SLICED] = len(self.program.sliced)
        header[columns.SLOTS] = len(tape.shifts)
        header[columns.LEAST] = self._limits.low
        header[columns.GREATEST] = self._limits.high
        header[columns.BITS] = self._limits.bits
        header[columns.THREADS] = 1
        return header

    def calm_range(self, inputs: Inputs, seed: Scaled | None = None) -> Range | None:
        """Bounds of all tensors if no step has to be looked at."""
        calm = self.tape.calm
        if calm is None:
            return None
        known, found = inputs.calm
        if known is not calm:
            found = calm.range(inputs.together, self._limits)
            inputs.calm = calm, found
        if found is None or seed is None:
            return found
        exponent, low, high, nonnegative = inputs.together
        low, high = low + min(seed.low, 0), high + max(seed.high, 0)
        together = exponent, low, high, nonnegative and seed.nonnegative
        found = calm.range(together, self._limits)
        # Whatever is computed from the cotangent has its exponent.
        return None if found is None else (int(seed.exponent), *found[1:])

    def alike(self, bounds: Range) -> Ints:
        """A table of the same bounds for every tensor; kept for the next call, and only read."""
        known, table = self._alike_ranges
        if known != bounds:
            table = np.array([bounds] * len(self.tape.places), np.int64)
            self._alike_ranges = bounds, table
        return table

    def run(self, inputs: Inputs, slices: range) -> Scaled | None:
        """The value, or None if a step needs more care than this."""
        call, tape = self._call(inputs), self.tape
        last = len(tape.rows) if tape.whole else tape.forward
        fine = call.run(0, tape.constant, last, slices)
        value = call.value() if fine else None
        call.close()
        return value

    def run_with_gradient(
        self, inputs: Inputs, cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled | None, Scaled | None, Tensors | None]:
        """The value, its cotangent, and the gradient: None from where more care is needed."""
        call, tape = self._call(inputs), self.tape
        if not call.run(0, 0, tape.forward, range(1)):
            return None, None, None
        value = call.value()
        seed = cotangent(value)
        if not call.plant(seed):
            return value, seed, None
        fine = call.run(tape.forward, tape.forward, len(tape.rows), range(1))
        gradient = call.gradient() if fine else None
        call.close()
        return value, seed, gradient

    def gradient(self, inputs: Inputs, cotangent: Scaled, slices: range) -> Tensors | None:
        """The gradient, or None if a step needs more care than this."""
        call, tape = self._call(inputs), self.tape
        if not call.plant(cotangent):
            return None
        fine = call.run(0, tape.constant, len(tape.rows), slices)
        gradient = call.gradient() if fine else None
        call.close()
        return gradient

    def _call(self, inputs: Inputs) -> Call:
        try:
            space = self.spaces.pop()
        except IndexError:
            space = Workspace(self)
        return Call(self, space, inputs)


class Workspace:
    """The arrays that calls take turns in: each running call has one of its own."""

    def __init__(self, program: Sized) -> None:
        tape = program.tape
        self.arena = np.empty(tape.arena or 1, program.dtype)
        self.results = np.empty(tape.results or 1, program.dtype)
        self.ranges = np.empty((len(tape.places) + len(tape.whole), 4), np.int64)
        self._shifts = np.zeros(len(self.ranges), np.int64)
        self._counter = np.zeros(columns.DEPTH, np.int64)
        self._work = work_space(np.finfo(program.dtype).dtype.itemsize if tape.multiplies else 0)
        self.header = header = array("q", program.header)
        header[columns.ARENA_AT] = self.arena.ctypes.data
        header[columns.RESULTS_AT] = self.results.ctypes.data
        header[columns.WORK_AT] = self._work.ctypes.data
        header[columns.RANGES] = self.ranges.ctypes.data
        header[columns.SHIFTS] = self._shifts.ctypes.data
        header[columns.COUNTER] = self._counter.ctypes.data
        self.address = header.buffer_info()[0]

    @property
    def nbytes(self) -> int:
        """Bytes of the larger arrays."""
        return self.arena.nbytes + self.results.nbytes


class Call:
    """One running call."""

    def __init__(self, program: Sized, space: Workspace, inputs: Inputs) -> None:
        tape, header = program.tape, space.header
        self._sized = program
        self._space = space
        self._inputs = inputs  # Held: the header knows only where they are.
        self._totals = space.results
        header[columns.INPUTS_AT] = inputs.address
        self._range = program.calm_range(inputs)
        header[columns.CALM] = int(self._range is not None)
        if self._range is None:
            space.ranges[: len(inputs)] = inputs.ranges[:-1]
        if tape.whole:
            self._totals = np.zeros(tape.totals, program.dtype)
            header[columns.TOTALS_AT] = self._totals.ctypes.data
            space.ranges[len(tape.places) :] = columns.NOTHING, 0, 0, 1

    def run(self, begin: int, middle: int, end: int, slices: range) -> bool:
        """Run some rows, those after the middle for every slice; False if one gave up."""
        space, header = self._space, self._space.header
        header[columns.BEGIN] = begin
        header[columns.MIDDLE] = middle
        header[columns.END] = end
        header[columns.FIRST_SLICE] = slices.start
        header[columns.LAST_SLICE] = slices.stop
        sized = self._sized
        if sized.tape.shared < WORTH_CALLING:
            return sized.kernels.run(space.address) == columns.DONE
        with helped(header, sized.kernels.assist, np.finfo(sized.dtype).dtype.itemsize):
            return sized.kernels.run(space.address) == columns.DONE

    def plant(self, seed: Scaled) -> bool:
        """Take a cotangent; False if its entries are too far apart."""
        if seed.wide or not isinstance(seed.exponent, int):
            return False
        self._seed = np.ascontiguousarray(seed.mantissa)
        header, ranges = self._space.header, self._space.ranges
        header[columns.SEEDS_AT] = self._seed.ctypes.data
        if self._range is not None:
            forward, self._range = self._range, self._sized.calm_range(self._inputs, seed)
            if self._range is None:
                header[columns.CALM] = 0
                ranges[:] = forward
        if self._range is None:
            slot = self._sized.program.seed
            ranges[slot] = seed.exponent, seed.low, seed.high, seed.nonnegative
        return True

    def value(self) -> Scaled:
        """The value."""
        program = self._sized
        slot, where = program.program.value, program.where
        row = slot
        if program.tape.whole:
            row = len(program.tape.places)
        found = self._range or self._space.ranges[row].tolist()
        exponent, low, high, nonnegative = found
        shape, at = where.shapes[slot], where.offsets[slot]
        if shape:
            entries = self._totals[at : at + math.prod(shape)].reshape(shape).copy()
        else:
            entries = np.array(self._totals[at])  # A third of the time.
        return Scaled(entries, exponent, low, high, bool(nonnegative), where.leading[slot])

    def gradient(self) -> Tensors:
        """The gradient with respect to each input."""
        program, space = self._sized, self._space
        if self._range is None:
            ranges = space.ranges[: len(program.tape.places)].copy()
        else:
            ranges = program.alike(self._range)
        if program.tape.whole:
            for number, slot in enumerate(program.tape.whole, start=len(ranges)):
                ranges[slot] = space.ranges[number]
            data = self._totals
        else:
            data = space.results.copy()
        return Tensors(data, ranges, program.gradients)

    def close(self) -> None:
        """Leave the arrays to the next call."""
        spaces = self._sized.spaces
        if self._space.nbytes <= KEPT_BYTES and len(spaces) < KEPT:
            spaces.append(self._space)
