"""A program in native code, for every size of its batch, and the arrays it runs on."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Instructions
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.numpy_backend.lanes.batches import Batches, Sheets
from tnlearn_backends.numpy_backend.lanes.writing import row_length
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.calm import Range
from tnlearn_backends.numpy_backend.native.compiled import Kernels, kernels
from tnlearn_backends.numpy_backend.native.helpers import WORTH_CALLING
from tnlearn_backends.numpy_backend.native.packing import Packing
from tnlearn_backends.numpy_backend.native.running import Call, Workspace
from tnlearn_backends.numpy_backend.native.tape import write_tape
from tnlearn_backends.numpy_backend.native.tensors import Inputs, Tensors, Where
from tnlearn_backends.numpy_backend.native.vectors import tile

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

#: Sizes of the batch for which a tape is kept.
TAPES = 8
#: Batch elements that were computed on tapes until a program is written out over lanes: what that
#: takes is gained by so many.
WORTH_WRITING = 2**13

INPUTS_AT, SEEDS_AT, CALM = columns.INPUTS_AT, columns.SEEDS_AT, columns.CALM
SPAN = slice(columns.BEGIN, columns.LAST_SLICE + 1)


class NativeProgram:
    """The instructions as tapes; holds no data, may run in many threads at once."""

    def __init__(
        self, instructions: Instructions, leading: Sequence[int | None], dtype: np.dtype[Any]
    ) -> None:
        self._instructions = instructions
        self._dtype = dtype
        self._leading = leading
        self._tapes: dict[int | None, Sized] = {}
        self._seen = 0

    @cached_property
    def _sheets(self) -> Sheets:
        return Sheets.of(self._instructions, self._dtype)

    def sized(self, batch: int | None) -> Sized:
        """The program at one size of the batch."""
        found = self._tapes.get(batch)
        if found is None:
            found = Sized(self._instructions, self._leading, self._dtype, batch)
            while len(self._tapes) >= TAPES:
                self._tapes.pop(next(iter(self._tapes)), None)
            self._tapes[batch] = found
        return found

    def at_work(self, batch: int | None) -> Sized:
        """The same for a run: what has computed so much is written out over lanes."""
        found = self.sized(batch)
        if batch is not None and found.batches is None and batch >= row_length(self._dtype):
            self._seen += batch
            if self._seen > WORTH_WRITING:
                found.batches = Batches(found, self._sheets)
        return found

    def release(self) -> None:
        """Give back the arenas that no call is using."""
        for sized in list(self._tapes.values()):
            sized.release()


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
        self.batch = batch
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
        self._once = array("q", [0, tape.constant, tape.forward, 0, 1])
        self._both = array("q", [0, len(tape.rows), len(tape.rows), 0, 1])
        self._one_at = self._one.ctypes.data
        self._number_at = self._short()
        self._alike_ranges: tuple[Range | None, Ints] = (None, starts)
        self.batches: Batches | None = None

    def _short(self) -> int | None:
        """Where the value is in the results, if it is one number that one thread computes."""
        tape, value = self.tape, self.program.value
        if self.program.sliced or self.where.shapes[value] or tape.shared >= WORTH_CALLING:
            return None
        return tape.offsets[value]

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
        value = None if self.batches is None else self.batches.value(inputs)
        if value is not None:
            return value
        call, tape = self._call(inputs), self.tape
        last = len(tape.rows) if tape.whole else tape.forward
        fine = call.run(0, tape.constant, last, slices)
        value = call.value() if fine else None
        call.close()
        return value

    def number(self, inputs: Inputs) -> Array | None:
        """The value of a closed network where no range is looked at; None if it is not so easy.

        For a small network calling takes longer than computing, so this is the short way.
        """
        at = self._number_at
        if at is None or self.calm_range(inputs) is None:
            return None
        space = self._space()
        header = space.header
        header[INPUTS_AT], header[CALM] = inputs.address, 1
        header[SPAN] = self._once
        self.kernels.run(space.address)
        value = np.array(space.results[at])
        space.leave(self.spaces)
        return value

    def number_and_gradient(self, inputs: Inputs) -> tuple[Array, Tensors] | None:
        """The same with the gradient, both sweeps in one."""
        at = self._number_at
        bounds = None if at is None else self.calm_range(inputs)
        if at is None or bounds is None:
            return None
        space = self._space()
        header = space.header
        header[INPUTS_AT], header[SEEDS_AT], header[CALM] = inputs.address, self._one_at, 1
        header[SPAN] = self._both
        self.kernels.run(space.address)
        value, gradient = np.array(space.results[at]), space.results.copy()
        space.leave(self.spaces)
        return value, Tensors(gradient, self.alike(bounds), self.gradients)

    def release(self) -> None:
        """Give back the arenas that no call is using."""
        self.spaces.clear()
        if self.batches is not None:
            self.batches.release()

    def _space(self) -> Workspace:
        try:
            return self.spaces.pop()
        except IndexError:
            return Workspace(self)

    def run_with_gradient(
        self, inputs: Inputs, cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled | None, Scaled | None, Tensors | None]:
        """The value, its cotangent, and the gradient: None from where more care is needed."""
        batches, seed = self.batches, None
        if batches is not None and batches.has_gradient:
            value = batches.value(inputs)
            if value is not None:
                seed = cotangent(value)
                found = batches.gradient(inputs, seed)
                if found is not None:
                    return value, seed, found
        call, tape = self._call(inputs), self.tape
        if not call.run(0, 0, tape.forward, range(1)):
            return None, seed, None
        value = call.value()
        seed = cotangent(value) if seed is None else seed  # It is asked for once.
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
        return Call(self, self._space(), inputs)
