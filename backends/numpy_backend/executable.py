"""A program on NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Executable, Instructions
from tnlearn.errors import RangeError
from tnlearn.values import LogValue
from tnlearn_backends.array_backend import reading, wire
from tnlearn_backends.array_backend.arithmetic import added, quotient
from tnlearn_backends.array_backend.careful import Careful
from tnlearn_backends.array_backend.packing import packed
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.scaled import Scaled, measured
from tnlearn_backends.array_backend.slicing import InSlices
from tnlearn_backends.array_backend.steps import Layout
from tnlearn_backends.numpy_backend.native.tensors import Inputs, Tensors, together
from tnlearn_backends.numpy_backend.native.totals import accumulated

if TYPE_CHECKING:
    from tnlearn_backends.numpy_backend.native.program import NativeProgram


class NumpyExecutable(Executable):
    """See `tnlearn.backend.Executable`.

    Programs run in native code, which shares one exponent among the entries of a tensor. Where
    that would lose an entry the run is given up and done again step by step in NumPy, with
    whatever exponents it takes.
    """

    def __init__(self, instructions: Instructions, dtype: np.dtype[Any]) -> None:
        self._instructions = instructions
        self._dtype = dtype
        layout = Layout(instructions)
        self._leading = [layout.leading(labels) for labels in instructions.labels]
        # A lone tensor is its own value: there is nothing to run.
        self._runs = instructions.value >= len(instructions.inputs)

    @cached_property
    def _native(self) -> NativeProgram:
        # Imported late: the compiler behind it is slow to import.
        from tnlearn_backends.numpy_backend.native.program import NativeProgram

        return NativeProgram(self._instructions, self._leading, self._dtype)

    @cached_property
    def _careful(self) -> Careful:
        return Careful(self._instructions)

    @cached_property
    def _slices(self) -> InSlices:
        return InSlices(self._instructions, self._careful)

    def pack(self, arrays: Sequence[Any], check_finite: bool) -> Sequence[Scaled]:
        if self._runs:
            inputs = self._native.sized(self._batch(arrays)).packing.packed(arrays, check_finite)
            if inputs is not None:
                return inputs
        given, leading = self._instructions.inputs, self._leading
        return packed(arrays, given, leading, _joined, self._dtype.name, check_finite)

    def collect(
        self, arrays: Sequence[Any], check_finite: bool
    ) -> tuple[Sequence[Scaled], int | None] | None:
        try:
            batch = self._batch(arrays)
        except (AttributeError, IndexError, TypeError):  # Not even arrays.
            return None
        if batch == 0 or not self._runs:
            return None
        inputs = self._native.sized(batch).packing.collected(arrays, check_finite)
        return None if inputs is None else (inputs, batch)

    def run(self, inputs: Sequence[Scaled], slices: range) -> Scaled:
        if isinstance(inputs, Inputs):
            value = self._native.at_work(inputs.batch).run(inputs, slices)
            if value is not None:
                return value
        return self._slices.run(inputs, slices)

    def number(self, inputs: Sequence[Scaled]) -> Any:
        if isinstance(inputs, Inputs):
            found = self._native.sized(inputs.batch).number(inputs)
            if found is not None:
                return found
        return super().number(inputs)

    def number_and_gradient(
        self, inputs: Sequence[Scaled], one: Scaled
    ) -> tuple[Any, Sequence[Scaled | None]]:
        if isinstance(inputs, Inputs):
            found = self._native.sized(inputs.batch).number_and_gradient(inputs)
            if found is not None:
                return found
        return super().number_and_gradient(inputs, one)

    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, Sequence[Scaled | None]]:
        if isinstance(inputs, Inputs):
            sized = self._native.at_work(inputs.batch)
            value, seed, gradient = sized.run_with_gradient(inputs, cotangent)
            if value is not None and gradient is not None:
                return value, gradient
            if seed is not None:
                # It was asked for already, and may have been of consequence.
                return self._careful.run_with_gradient(inputs, lambda _value: seed)
        return self._careful.run_with_gradient(inputs, cotangent)

    def gradient(
        self, inputs: Sequence[Scaled], cotangent: Scaled, slices: range
    ) -> Sequence[Scaled | None]:
        if isinstance(inputs, Inputs):
            gradient = self._native.sized(inputs.batch).gradient(inputs, cotangent, slices)
            if gradient is not None:
                return gradient
        return self._slices.gradient(inputs, cotangent, slices)

    def _batch(self, arrays: Sequence[Any]) -> int | None:
        """The size of the batch."""
        if self._instructions.batch is None:
            return None
        pairs = zip(arrays, self._leading, strict=False)
        return next((array.shape[axis] for array, axis in pairs if axis is not None), None)

    def record(self, inputs: Sequence[Scaled], number: int = 0) -> list[Scaled]:
        return self._careful.record(self._slices.one(inputs, number))

    def entries(self, tensor: Scaled, where: Sequence[Any]) -> LogValue:
        return reading.log(reading.entries(tensor, where))

    def scale(self, array: Any) -> Scaled:
        mantissa, high = np.asarray(array, dtype=self._dtype), limits(self._dtype).high
        nonnegative = mantissa.dtype.kind == "f" and bool(np.all(mantissa >= 0))
        return measured(Scaled(mantissa, 0, -2 * high, high + 1, nonnegative), high // 8)

    def divide(self, cotangent: Scaled, value: Scaled) -> Scaled:
        if not np.all(value.mantissa):
            raise RangeError("the value is zero somewhere, so its logarithm has no gradient")
        return quotient(cotangent, value)

    def add(self, first: Scaled, second: Scaled) -> Scaled:
        return added(first, second)

    def accumulate(
        self, totals: Sequence[Scaled | None], parts: Sequence[Scaled | None]
    ) -> Sequence[Scaled | None]:
        if type(totals) is Tensors and type(parts) is Tensors:
            found = accumulated(totals, parts)
            if found is not None:
                return found
        return super().accumulate(totals, parts)

    def release(self) -> None:
        if self._runs:
            self._native.release()

    def plain(self, tensor: Scaled) -> npt.NDArray[Any]:
        if type(tensor.exponent) is int and tensor.exponent == 0:
            return np.array(tensor.mantissa)  # As nearly always: nothing is to be looked at.
        return np.asarray(reading.plain(tensor))

    def unpack(self, tensors: Sequence[Scaled | None]) -> list[Any]:
        if type(tensors) is Tensors:
            return together(tensors)
        return [None if tensor is None else reading.plain(tensor) for tensor in tensors]

    def log(self, tensor: Scaled) -> LogValue:
        return reading.log(tensor)

    def send(self, tensors: Sequence[Scaled | None]) -> tuple[Any, list[npt.NDArray[Any]]]:
        if isinstance(tensors, Inputs):
            return {"batch": tensors.batch}, [tensors.data, tensors.ranges]
        return wire.sent(tensors)

    def receive(self, header: Any, arrays: list[npt.NDArray[Any]]) -> Sequence[Scaled | None]:
        if isinstance(header, dict):
            return self._native.sized(header["batch"]).packing.received(*map(wire.sound, arrays))
        return wire.received(header, map(wire.sound, arrays))


def _joined(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(arrays, axis=None)
