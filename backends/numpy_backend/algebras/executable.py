"""A program in another algebra on NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Algebra, Executable, Instructions, Reduce
from tnlearn.errors import BackendError
from tnlearn.values import LogValue
from tnlearn_backends.array_backend import wire
from tnlearn_backends.numpy_backend.algebras.entries import check, entries, numbers
from tnlearn_backends.numpy_backend.algebras.inputs import Inputs, laid

if TYPE_CHECKING:
    from tnlearn_backends.numpy_backend.algebras.program import Sized

Array = npt.NDArray[Any]

#: Sizes of the batch for which a tape is kept.
TAPES = 8


class AlgebraExecutable(Executable):
    """See `tnlearn.backend.Executable`. A tensor is an array of entries, parts on the last axis."""

    def __init__(self, instructions: Instructions, algebra: Algebra) -> None:
        self._instructions = instructions
        self._algebra = algebra
        self._tapes: dict[tuple[int | None, bool], Sized] = {}

    @cached_property
    def _copied(self) -> Instructions:
        """The instructions; a lone tensor, which is its own value, is copied into one."""
        program = self._instructions
        if program.value >= len(program.inputs):
            return program
        new = len(program.labels)
        labels = (*program.labels, program.labels[program.value])
        step = Reduce(new, program.value)
        return replace(program, labels=labels, value=new, forward=(*program.forward, step))

    def _sized(self, inputs: Inputs, keep: bool = False) -> Sized:
        # Imported late: the compiler behind it is slow to import.
        from tnlearn_backends.numpy_backend.algebras.program import Sized

        batch = self._batch(inputs.shapes)
        found = self._tapes.get((batch, keep))
        if found is None:
            found = Sized(self._copied, self._algebra, batch, keep)
            while len(self._tapes) >= TAPES:
                self._tapes.pop(next(iter(self._tapes)), None)
            self._tapes[batch, keep] = found
        return found

    def pack(self, arrays: Sequence[Any], check_finite: bool) -> Sequence[Any]:
        if check_finite:
            for array, given in zip(arrays, self._instructions.inputs, strict=True):
                check(array, given.name, self._algebra)
        flat = np.concatenate(arrays, axis=None, dtype=np.float64)
        return Inputs(entries(flat, self._algebra), [array.shape for array in arrays])

    def run(self, inputs: Sequence[Any], slices: range) -> Array:
        held = laid(inputs)
        return self._sized(held).run(held, slices)

    def record(self, inputs: Sequence[Any], number: int = 0) -> list[Array]:
        held = laid(inputs)
        return self._sized(held, keep=True).record(held, number)

    def _batch(self, shapes: Sequence[tuple[int, ...]]) -> int | None:
        """The size of the batch."""
        label = self._instructions.batch
        pairs = zip(shapes, self._instructions.labels, strict=False)
        return next((shape[term.index(label)] for shape, term in pairs if label in term), None)

    def scale(self, array: Any) -> Array:
        return entries(np.asarray(array, dtype=np.float64), self._algebra)

    def add(self, first: Array, second: Array) -> Array:
        from tnlearn_backends.numpy_backend.algebras.program import added

        return added(first, second, self._algebra)

    def plain(self, tensor: Array) -> Array:
        return numbers(tensor, self._algebra)

    def unpack(self, tensors: Sequence[Any]) -> list[Any]:
        return [None if tensor is None else self.plain(tensor) for tensor in tensors]

    def send(self, tensors: Sequence[Any]) -> tuple[Any, list[Array]]:
        if isinstance(tensors, Inputs):
            return {"shapes": [list(shape) for shape in tensors.shapes]}, [tensors.data]
        return wire.present(tensors)

    def receive(self, header: Any, arrays: list[Array]) -> Sequence[Any]:
        if isinstance(header, dict):
            (data,) = arrays
            shapes = [tuple(shape) for shape in header["shapes"]]
            return Inputs(wire.sound(np.ascontiguousarray(data)), shapes)
        return wire.placed(header, map(wire.sound, arrays))

    def run_with_gradient(
        self, inputs: Sequence[Any], cotangent: Callable[[Any], Any]
    ) -> tuple[Any, Sequence[Any]]:
        self._refuse("gradients")

    def gradient(self, inputs: Sequence[Any], cotangent: Any, slices: range) -> Sequence[Any]:
        self._refuse("gradients")

    def entries(self, tensor: Any, where: Sequence[Any]) -> LogValue:
        if not self._algebra.sums_by_choice:
            self._refuse("logarithms")
        values = tensor[(*where, ...)]
        if not self._algebra.parts:
            values = values[..., 0]
        return LogValue(np.isfinite(values).astype(float), values)

    def divide(self, cotangent: Any, value: Any) -> Any:
        self._refuse("division")

    def log(self, tensor: Any) -> LogValue:
        self._refuse("logarithms")

    def _refuse(self, wanted: str) -> NoReturn:
        raise BackendError(f"there is no such thing as {wanted} in {self._algebra.name}")
