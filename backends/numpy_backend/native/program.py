"""A program in native code, for every size of its batch, and the arrays it runs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Instructions
from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.engine import run
from tnlearn_backends.numpy_backend.native.intrinsics import gemm_address
from tnlearn_backends.numpy_backend.native.tape import Tape, write_tape
from tnlearn_backends.numpy_backend.scaled import Scaled, limits

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

#: Sizes of the batch for which a tape is kept.
TAPES = 8
#: Arenas of at most so many bytes are kept for the next call.
KEPT = 2**26


class Tensors(Sequence[Scaled | None]):
    """Tensors side by side in one array, as a program takes and returns them.

    Attributes
    ----------
    data : array
        All entries.
    ranges : array of int64, shape (n, 4)
        Exponents and bounds: see `columns`.
    """

    def __init__(self, data: Array, ranges: Ints, where: Where) -> None:
        self.data = data
        self.ranges = ranges
        self.where = where

    def __len__(self) -> int:
        return len(self.where.shapes)

    @overload
    def __getitem__(self, position: int) -> Scaled | None: ...
    @overload
    def __getitem__(self, position: slice) -> list[Scaled | None]: ...
    def __getitem__(self, position: int | slice) -> Scaled | None | list[Scaled | None]:
        if isinstance(position, slice):
            return [self[k] for k in range(*position.indices(len(self)))]
        where = self.where
        slot, shape = where.slots[position], where.shapes[position]
        if slot is None:
            return None
        at, axes = where.offsets[position], where.axes[position]
        size = int(np.prod(shape, dtype=np.int64))
        laid = self.data[at : at + size].reshape([shape[axis] for axis in axes])
        ranges = self.ranges[slot].tolist()
        return Scaled(
            laid.transpose(np.argsort(axes)),
            ranges[columns.EXPONENT],
            ranges[columns.LOW],
            ranges[columns.HIGH],
            bool(ranges[columns.NONNEGATIVE]),
            where.leading[position],
        )


@dataclass(frozen=True, eq=False)
class Where:
    """How `Tensors` lie: for each the column of its range, offset, shape and order of axes."""

    slots: Sequence[int | None]
    offsets: Sequence[int]
    shapes: Sequence[tuple[int, ...]]
    axes: Sequence[tuple[int, ...]]
    leading: Sequence[int | None]


class NativeProgram:
    """The instructions as tapes; holds no data, may run in many threads at once."""

    def __init__(
        self, instructions: Instructions, leading: Sequence[int | None], dtype: np.dtype[Any]
    ) -> None:
        self.instructions = instructions
        self._dtype = dtype
        self._leading = leading
        self._tapes: dict[int | None, Sized] = {}

    def sized(self, batch: int | None) -> Sized:
        """The program at one size of the batch."""
        found = self._tapes.get(batch)
        if found is None:
            found = Sized(self.instructions, self._leading, self._dtype, batch)
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
        sizes = list(program.sizes)
        if program.batch is not None and batch is not None:
            sizes[program.batch] = batch
        self.batch = batch
        self.tape: Tape = write_tape(program, sizes)
        self._program = program
        self._dtype = dtype
        limit = limits(dtype)
        self._limits = (limit.low, limit.high, limit.bits)
        self._gemm = gemm_address(dtype.name)
        self._one = np.array([1, 0], dtype)
        self._slots = len(self.tape.places)
        self._shapes = [tuple(sizes[i] for i in labels) for labels in program.labels]
        self._leading = leading
        self._arenas: list[Array] = []

    @cached_property
    def inputs(self) -> Where:
        """How the inputs lie."""
        return self._where(range(len(self._program.inputs)))

    @cached_property
    def gradients(self) -> Where:
        """How the gradients lie."""
        return self._where(self._program.gradients)

    def run(self, inputs: Tensors) -> Scaled | None:
        """The value, or None if a step needs more care than this."""
        results, ranges = self._room(inputs)
        arena = self._arena()
        fine = self._run(0, self.tape.forward, arena, inputs, results, ranges)
        self._release(arena)
        return self._value(inputs, results, ranges) if fine else None

    def run_with_gradient(
        self, inputs: Tensors, cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, Tensors | None, Scaled | None]:
        """The value, the gradient, and the cotangent where the gradient needs more care."""
        raise NotImplementedError

    def _room(self, inputs: Tensors) -> tuple[Array, Ints]:
        ranges = np.empty((self._slots, 4), np.int64)
        ranges[: len(inputs.ranges)] = inputs.ranges
        return np.empty(max(self.tape.results, 1), self._dtype), ranges

    def _run(
        self, first: int, last: int, arena: Array, inputs: Tensors, results: Array, ranges: Ints
    ) -> bool:
        tape, real = self.tape, self._dtype.type(0).real.dtype
        row = run(
            tape.rows,
            tape.pool,
            tape.shapes,
            first,
            last,
            arena,
            inputs.data,
            results,
            (arena.view(real), results.view(real)),
            ranges,
            self._limits,
            self._gemm,
            self._one,
        )
        return bool(row == columns.DONE)

    def _value(self, inputs: Tensors, results: Array, ranges: Ints) -> Scaled:
        slot = self._program.value
        tensors = Tensors(results, ranges, self._where([slot]))
        value = tensors[0]
        assert value is not None
        return value

    def _arena(self) -> Array:
        try:
            return self._arenas.pop()
        except IndexError:
            return np.empty(max(self.tape.arena, 1), self._dtype)

    def _release(self, arena: Array) -> None:
        if arena.nbytes <= KEPT and len(self._arenas) < 2:
            self._arenas.append(arena)

    def _where(self, slots: Sequence[int | None]) -> Where:
        tape, known = self.tape, [0 if slot is None else slot for slot in slots]
        return Where(
            slots=list(slots),
            offsets=[tape.offsets[slot] for slot in known],
            shapes=[self._shapes[slot] for slot in known],
            axes=[tape.places[slot].axes for slot in known],
            leading=[self._leading[slot] for slot in known],
        )
