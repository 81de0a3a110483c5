"""A program on NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Executable, Instructions
from tnlearn.errors import RangeError
from tnlearn.values import LogValue
from tnlearn_backends.numpy_backend import scaled
from tnlearn_backends.numpy_backend.careful import Careful
from tnlearn_backends.numpy_backend.packing import packed
from tnlearn_backends.numpy_backend.scaled import Scaled
from tnlearn_backends.numpy_backend.steps import Layout


class NumpyExecutable(Executable):
    """See `tnlearn.backend.Executable`."""

    def __init__(self, instructions: Instructions, dtype: np.dtype[Any]) -> None:
        self._instructions = instructions
        self._dtype = dtype
        layout, count = Layout(instructions), len(instructions.inputs)
        self._leading = [layout.leading(labels) for labels in instructions.labels[:count]]
        self._careful = Careful(instructions)

    def pack(self, arrays: Sequence[Any], check_finite: bool) -> tuple[Scaled, ...]:
        inputs = self._instructions.inputs
        return packed(arrays, inputs, self._leading, self._dtype, check_finite)

    def run(self, inputs: Sequence[Scaled]) -> Scaled:
        return self._careful.run(inputs)

    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, list[Scaled | None]]:
        return self._careful.run_with_gradient(inputs, cotangent)

    def record(self, inputs: Sequence[Scaled]) -> list[Scaled]:
        return self._careful.record(inputs)

    def entries(self, tensor: Scaled, where: Sequence[Any]) -> LogValue:
        exponent = tensor.exponent
        if not isinstance(exponent, int):
            exponent = np.broadcast_to(exponent, tensor.mantissa.shape)[tuple(where)]
        chosen = np.asarray(tensor.mantissa[tuple(where)])
        return scaled.log(Scaled(chosen, exponent, tensor.low, tensor.high, tensor.nonnegative))

    def scale(self, array: Any) -> Scaled:
        mantissa = np.asarray(array, dtype=self._dtype)
        low, high = -2 * scaled.limits(self._dtype).high, scaled.limits(self._dtype).high + 1
        return scaled.measured(Scaled(mantissa, 0, low, high, False))

    def divide(self, cotangent: Scaled, value: Scaled) -> Scaled:
        c, v = scaled.widened(cotangent), scaled.widened(value)
        if not np.all(v.mantissa):
            raise RangeError("the value is zero somewhere, so its logarithm has no gradient")
        return scaled.gathered(
            c.mantissa / v.mantissa,
            np.asarray(c.exponent - v.exponent),
            c.nonnegative and v.nonnegative,
            value.leading,
        )

    def take(self, tensor: Scaled, positions: Mapping[int, int]) -> Scaled:
        key = _key(positions, tensor.mantissa.ndim)
        exponent = tensor.exponent
        if not isinstance(exponent, int):
            exponent = np.broadcast_to(exponent, tensor.mantissa.shape)[key]
        return replace(tensor, mantissa=tensor.mantissa[key], exponent=exponent)

    def place(
        self, tensor: Scaled, positions: Mapping[int, int], sizes: Mapping[int, int]
    ) -> Scaled:
        key = _key(positions, tensor.mantissa.ndim)
        shape = [sizes.get(k, size) for k, size in enumerate(tensor.mantissa.shape)]
        tensor = scaled.widened(tensor)
        mantissa = np.zeros(shape, dtype=tensor.mantissa.dtype)
        exponent = np.full(shape, scaled.ZERO, dtype=np.int64)
        mantissa[key], exponent[key] = tensor.mantissa, tensor.exponent
        return scaled.gathered(mantissa, exponent, tensor.nonnegative, tensor.leading)

    def add(self, first: Scaled, second: Scaled) -> Scaled:
        return scaled.added(first, second)

    def plain(self, tensor: Scaled) -> npt.NDArray[Any]:
        return scaled.plain(tensor)

    def log(self, tensor: Scaled) -> LogValue:
        return scaled.log(tensor)


def _key(positions: Mapping[int, int], rank: int) -> tuple[slice, ...]:
    return tuple(
        slice(positions[k], positions[k] + 1) if k in positions else slice(None)
        for k in range(rank)
    )
