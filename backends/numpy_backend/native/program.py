"""A program in native code, for every size of its batch, and the arrays it runs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Instructions
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.compiled import prepare, run_tape, survey_inputs
from tnlearn_backends.numpy_backend.native.intrinsics import gemm_address
from tnlearn_backends.numpy_backend.native.tape import write_tape
from tnlearn_backends.numpy_backend.native.tensors import Inputs, Tensors, Where
from tnlearn_backends.numpy_backend.scaled import Scaled, limits

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
        prepare(dtype.name)
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
        self._tape = tape = write_tape(program, batch)
        self._program = program
        self._batch = batch
        self._dtype = dtype
        self._real = np.zeros(1, dtype).real.dtype
        self._width = dtype.itemsize // self._real.itemsize
        self._limits = limits(dtype)
        limit = self._limits
        self._gemm = gemm_address(dtype.name)
        self._one = np.array([1, 0], dtype)
        self._nothing = np.empty(1, dtype)
        self._nothing_real = self._nothing.view(self._real)
        sizes = np.array([size for _, size in program.sliced], np.int64)
        self._code = (tape.rows, tape.pool, tape.shapes)
        self._slices = (sizes, tape.shifts)
        self._last = (limit.low, limit.high, limit.bits, self._gemm, self._one)
        self._arenas: list[tuple[Array, Array]] = []
        count = len(program.inputs)
        whole = list(program.whole)
        if program.batch is not None and batch is not None:
            whole[program.batch] = batch
        shapes = [tuple(whole[i] for i in labels) for labels in program.labels]
        axes = [place.axes for place in tape.places]
        where = Where(tape.offsets, shapes, axes, leading, range(len(tape.places)))
        if tape.whole:
            where = where.total({slot: at for slot, (at, _) in tape.whole.items()})
        self._where = where
        self._inputs = where.of(range(count))
        self._starts = np.array([*tape.offsets[:count], tape.inputs], np.int64)
        self._logs = np.array([given.log for given in program.inputs])
        self._conj = np.array([given.conj for given in program.inputs])
        # Logarithms are real even where the tensors are complex.
        self._alike = self._width == 1 or not self._logs.any()
        self._moved = [k for k in range(count) if not self._inputs.in_order(k)]

    def pack(self, arrays: Sequence[Array], check_finite: bool) -> Inputs | None:
        """The inputs side by side; None if one is not finite, or too wide for one exponent."""
        if self._moved:
            arrays = list(arrays)
            for k in self._moved:
                arrays[k] = arrays[k].transpose(self._inputs.axes[k])
        data = self._joined(arrays)
        ranges = np.empty((len(arrays), 4), np.int64)
        fine = survey_inputs(
            data.view(self._real),
            self._starts,
            self._width,
            self._logs,
            self._conj,
            check_finite,
            self._limits.low,
            self._limits.spread,
            ranges,
        )
        return Inputs(data, ranges, self._inputs, self._batch) if fine else None

    def _joined(self, arrays: Sequence[Any]) -> Array:
        """The entries of all arrays, one after another."""
        if self._alike:
            try:
                # For many small arrays several times as fast as NumPy's own.
                return np.frombuffer(bytearray().join(arrays), self._dtype)
            except TypeError:  # The entries of an array are not next to each other.
                pass
        return np.concatenate(arrays, axis=None).astype(self._dtype, copy=False)

    def run(self, inputs: Inputs, slices: range) -> Scaled | None:
        """The value, or None if a step needs more care than this."""
        call = self._call(inputs)
        tape = self._tape
        last = len(tape.rows) if tape.whole else tape.forward
        fine = call.run(0, tape.constant, last, slices)
        call.close()
        return call.tensor(self._program.value) if fine else None

    def run_with_gradient(
        self, inputs: Inputs, cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled | None, Scaled | None, Tensors | None]:
        """The value, its cotangent, and the gradient: None from where more care is needed."""
        call, tape = self._call(inputs), self._tape
        if not call.run(0, 0, tape.forward, range(1)):
            return None, None, None
        value = call.tensor(self._program.value)
        seed = cotangent(value)
        if not call.plant(seed):
            return value, seed, None
        fine = call.run(tape.forward, tape.forward, len(tape.rows), range(1))
        call.close()
        return value, seed, call.gradient() if fine else None

    def gradient(self, inputs: Inputs, cotangent: Scaled, slices: range) -> Tensors | None:
        """The gradient, or None if a step needs more care than this."""
        call, tape = self._call(inputs), self._tape
        if not call.plant(cotangent):
            return None
        fine = call.run(0, tape.constant, len(tape.rows), slices)
        call.close()
        return call.gradient() if fine else None

    def _call(self, inputs: Inputs) -> _Call:
        return _Call(self, inputs)


class _Call:
    """The arrays of one running call."""

    def __init__(self, program: Sized, inputs: Inputs) -> None:
        tape = program._tape
        self._sized = program
        self._inputs = inputs.data
        self._ranges = np.empty((len(tape.places) + len(tape.whole), 4), np.int64)
        self._ranges[: len(inputs.ranges)] = inputs.ranges
        try:
            self._arena, self._real_arena = program._arenas.pop()
        except IndexError:
            self._arena = np.empty(tape.arena or 1, program._dtype)
            self._real_arena = self._arena.view(program._real)
        self._results = np.empty(tape.results or 1, program._dtype)
        self._seed = self._totals = program._nothing
        self._real_totals = program._nothing_real
        if tape.whole:
            self._totals = np.zeros(tape.totals, program._dtype)
            self._real_totals = self._totals.view(program._real)
            self._ranges[len(tape.places) :] = columns.NOTHING, 0, 0, 1

    def run(self, begin: int, middle: int, end: int, slices: range) -> bool:
        """Run some rows, those after the middle for every slice; False if one gave up."""
        program = self._sized
        row = run_tape(
            *program._code,
            *(begin, middle, end, slices.start, slices.stop),
            *program._slices,
            *(self._arena, self._results, self._inputs, self._seed, self._totals),
            *(self._real_arena, self._results.view(program._real), self._real_totals),
            self._ranges,
            *program._last,
        )
        return bool(row == columns.DONE)

    def plant(self, seed: Scaled) -> bool:
        """Take a cotangent; False if its entries are too far apart."""
        if seed.wide or not isinstance(seed.exponent, int):
            return False
        self._seed = np.ascontiguousarray(seed.mantissa).reshape(-1)
        slot = self._sized._program.seed
        self._ranges[slot] = seed.exponent, seed.low, seed.high, seed.nonnegative
        return True

    def tensor(self, slot: int) -> Scaled:
        """What a slot of the results holds."""
        found: Scaled = self._tensors((slot,))[0]
        return found

    def gradient(self) -> Tensors:
        """The gradient with respect to each input."""
        return self._tensors(self._sized._program.gradients)

    def _tensors(self, slots: Sequence[int | None]) -> Tensors:
        program = self._sized
        if not program._tape.whole:
            return Tensors(self._results, self._ranges, program._where.of(slots))
        numbers = {slot: k for k, slot in enumerate(program._tape.whole)}
        ranges = self._ranges[: len(program._tape.places)]
        for slot, k in numbers.items():
            ranges[slot] = self._ranges[len(program._tape.places) + k]
        return Tensors(self._totals, ranges, program._where.of(slots))

    def close(self) -> None:
        """Leave the arena to the next call."""
        if self._arena.nbytes <= KEPT_BYTES and len(self._sized._arenas) < KEPT:
            self._sized._arenas.append((self._arena, self._real_arena))
