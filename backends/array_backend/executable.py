"""A program on the arrays of any library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Executable, Instructions
from tnlearn.errors import RangeError
from tnlearn.values import LogValue
from tnlearn_backends.array_backend import reading, wire
from tnlearn_backends.array_backend.arithmetic import added, quotient
from tnlearn_backends.array_backend.careful import Careful
from tnlearn_backends.array_backend.failures import watched
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import Array, device_of, is_complex
from tnlearn_backends.array_backend.packing import packed
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.quick import Quick
from tnlearn_backends.array_backend.ranges import Bounds, bounds_of
from tnlearn_backends.array_backend.scaled import Scaled, measured
from tnlearn_backends.array_backend.slicing import InSlices, constantly
from tnlearn_backends.array_backend.steps import Layout


class Inputs(Sequence[Scaled]):
    """Packed tensors, and the bounds that a schedule needs of them; None if they are too wide."""

    __slots__ = ("bounds", "tensors")

    def __init__(self, tensors: Iterable[Scaled], bounds: Bounds | None) -> None:
        self.tensors, self.bounds = tuple(tensors), bounds

    def __len__(self) -> int:
        return len(self.tensors)

    @overload
    def __getitem__(self, position: int) -> Scaled: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[Scaled, ...]: ...
    def __getitem__(self, position: int | slice) -> Scaled | tuple[Scaled, ...]:
        return self.tensors[position]


@dataclass(frozen=True)
class Guarded:
    """Runs as scheduled for some bounds, and where that would lose an entry again, with care."""

    quick: Quick
    careful: Careful
    bounds: Bounds

    def run(self, inputs: Sequence[Scaled]) -> Scaled:
        """The value."""
        value = self.quick.run(inputs, self.bounds)
        return self.careful.run(inputs) if value is None else value

    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, list[Scaled | None]]:
        """The value, and the gradient with respect to each input."""
        value, seed, gradient = self.quick.run_with_gradient(inputs, self.bounds, cotangent)
        if value is not None and gradient is not None:
            return value, gradient
        # A cotangent that was asked for already may have been of consequence.
        known = cotangent if seed is None else partial(constantly, seed)
        return self.careful.run_with_gradient(inputs, known)


class ArrayExecutable(Executable):
    """See `tnlearn.backend.Executable`.

    Programs run as they were scheduled (`quick`), which loses no entry of inputs that are not too
    far apart; where it might, the run is done again step by step (`careful`).
    """

    def __init__(self, library: Library, instructions: Instructions, dtype: str) -> None:
        self._library, self._instructions, self._dtype = library, instructions, dtype
        layout = Layout(instructions)
        self._leading = [layout.leading(labels) for labels in instructions.labels]

    @cached_property
    def _quick(self) -> Quick:
        return Quick(self._library, self._instructions, self._dtype)

    @cached_property
    def _careful(self) -> Careful:
        return Careful(self._instructions)

    @watched
    def pack(self, arrays: Sequence[Any], check_finite: bool) -> Inputs:
        library = self._library
        device = library.common_device(arrays)
        joined = partial(library.joined, device=device)
        given, dtype = self._instructions.inputs, self._dtype
        return self._inputs(packed(arrays, given, self._leading, joined, dtype, check_finite))

    def _inputs(self, tensors: Iterable[Scaled]) -> Inputs:
        found = tuple(tensors)
        return Inputs(found, bounds_of(found, limits(self._dtype)))

    def _slices(self, inputs: Sequence[Scaled]) -> InSlices:
        """The program as it is best run on these inputs."""
        bounds = inputs.bounds if isinstance(inputs, Inputs) else None
        runner = self._careful if bounds is None else Guarded(self._quick, self._careful, bounds)
        return InSlices(self._instructions, runner)

    @watched
    def run(self, inputs: Sequence[Scaled], slices: range) -> Scaled:
        return self._slices(inputs).run(inputs, slices)

    @watched
    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, Sequence[Scaled | None]]:
        runner = self._slices(inputs).runner
        return runner.run_with_gradient(inputs, lambda value: self._beside(cotangent(value), value))

    @watched
    def gradient(
        self, inputs: Sequence[Scaled], cotangent: Scaled, slices: range
    ) -> Sequence[Scaled | None]:
        return self._slices(inputs).gradient(inputs, self._beside(cotangent, inputs[0]), slices)

    @watched
    def record(self, inputs: Sequence[Scaled], number: int = 0) -> list[Scaled]:
        return self._careful.record(self._slices(inputs).one(inputs, number))

    @watched
    def entries(self, tensor: Scaled, where: Sequence[Any]) -> LogValue:
        found = reading.log(reading.entries(tensor, where))
        if isinstance(found.log, float):
            return found
        to_host = self._library.to_host
        return LogValue(to_host(found.phase), to_host(found.log))

    @watched
    def scale(self, array: Any) -> Scaled:
        array = self._library.placed(array, self._library.common_device([array]))
        high = limits(self._dtype).high
        nonnegative = not is_complex(array) and bool(self._library.xp.all(array >= 0))
        return measured(Scaled(array, 0, -2 * high, high + 1, nonnegative), high // 8)

    def _beside(self, tensor: Scaled, other: Scaled) -> Scaled:
        """A tensor where another is."""
        device = device_of(other.mantissa)
        if device_of(tensor.mantissa) == device:
            return tensor
        exponent = tensor.exponent
        if not isinstance(exponent, int):
            exponent = self._library.placed(exponent, device)
        mantissa = self._library.placed(tensor.mantissa, device)
        return tensor._replace(mantissa=mantissa, exponent=exponent)

    @watched
    def divide(self, cotangent: Scaled, value: Scaled) -> Scaled:
        if not bool(self._library.xp.all(value.mantissa != 0)):
            raise RangeError("the value is zero somewhere, so its logarithm has no gradient")
        return quotient(self._beside(cotangent, value), value)

    @watched
    def add(self, first: Scaled, second: Scaled) -> Scaled:
        return added(first, second)

    @watched
    def plain(self, tensor: Scaled) -> Array:
        return reading.plain(tensor)

    @watched
    def unpack(self, tensors: Sequence[Scaled | None]) -> list[Any]:
        return [None if tensor is None else reading.plain(tensor) for tensor in tensors]

    @watched
    def log(self, tensor: Scaled) -> LogValue:
        return reading.log(tensor)

    @watched
    def send(self, tensors: Sequence[Scaled | None]) -> tuple[Any, list[npt.NDArray[Any]]]:
        """Through the host: that is what an executor of other processes asks for."""
        headers, arrays = wire.sent(tensors)
        whole = isinstance(tensors, Inputs)
        return [whole, headers], [self._library.to_host(array) for array in arrays]

    @watched
    def receive(
        self, header: Any, arrays: list[npt.NDArray[np.generic]]
    ) -> Sequence[Scaled | None]:
        whole, headers = header
        device = self._library.device()
        here = [self._library.from_host(array, device) for array in arrays]
        tensors = wire.received(headers, here)
        return self._inputs(t for t in tensors if t is not None) if whole else tensors
