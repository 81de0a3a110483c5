"""Programs that choose the best of sums: max-plus and min-plus, on the arrays of any library.

Inside, the best is always the largest: for the smallest, numbers are negated on the way in and out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Algebra, Executable, Instructions
from tnlearn.errors import BackendError, DataError
from tnlearn.values import LogValue
from tnlearn_backends.array_backend import wire
from tnlearn_backends.array_backend.careful import last_uses
from tnlearn_backends.array_backend.failures import watched
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import Array, copied, namespace
from tnlearn_backends.array_backend.products import laid_out, spread
from tnlearn_backends.array_backend.reading import taken
from tnlearn_backends.array_backend.reshaping import ordered, route
from tnlearn_backends.array_backend.slicing import filled, key_of, positions
from tnlearn_backends.array_backend.steps import Layout, Product, Step, Sum


class BestExecutable(Executable):
    """See `tnlearn.backend.Executable`. A tensor is an array of values; no value at all is -inf."""

    def __init__(self, library: Library, instructions: Instructions, algebra: Algebra) -> None:
        self._library, self._program, self._algebra = library, instructions, algebra
        self._layout = layout = Layout(instructions)
        self._steps = [layout.step(step) for step in instructions.forward]
        self._dead = last_uses(instructions.forward, {instructions.value})

    @watched
    def pack(self, arrays: Sequence[Any], check_finite: bool) -> Sequence[Array]:
        library = self._library
        device = library.common_device(arrays)
        placed = [library.placed(array, device) for array in arrays]
        if check_finite:
            for array, given in zip(placed, self._program.inputs, strict=True):
                self._check(array, given.name)
        return [self.scale(array) for array in placed]

    def _check(self, array: Array, name: str) -> None:
        xp, zero = self._library.xp, self._algebra.zero
        if not xp.all(xp.isfinite(array) | (array == zero)):
            raise DataError(
                f"tensor {name!r} holds nan or an infinity: in {self._algebra.name} entries must "
                f"be finite, or {zero}"
            )

    @watched
    def run(self, inputs: Sequence[Array], slices: range) -> Array:
        program, total = self._program, None
        labels = program.labels[program.value]
        for position in positions(program, slices):
            value = self._given(self._run(inputs, position, self._dead), program.value)
            if any(label in position for label in labels):
                pairs = zip(labels, value.shape, strict=True)
                shape = [program.whole[label] if label in position else n for label, n in pairs]
                value = filled(shape, -math.inf, value, key_of(labels, position))
            total = value if total is None else self.add(total, value)
        return total

    @watched
    def record(self, inputs: Sequence[Array], number: int = 0) -> list[Array]:
        (position,) = positions(self._program, range(number, number + 1))
        nothing: list[tuple[int, ...]] = [()] * len(self._steps)
        slots = self._run(inputs, position, nothing)
        there = [k for k, array in enumerate(slots) if array is not None]
        return [self._given(slots, slot) for slot in there]

    def _run(
        self,
        inputs: Sequence[Array],
        position: Mapping[int, int],
        dead: Sequence[tuple[int, ...]],
    ) -> list[Array | None]:
        """What the slots hold after all steps of one slice."""
        labels = self._program.labels
        slots: list[Any] = [array[key_of(labels[k], position)] for k, array in enumerate(inputs)]
        slots += [None] * (len(labels) - len(inputs))
        for step, free in zip(self._steps, dead, strict=True):
            slots[step.target] = _result(step, slots)
            for slot in free:
                slots[slot] = None
        return slots

    def _given(self, slots: Sequence[Array | None], slot: int) -> Array:
        """What a slot holds, its axes in the order of its labels."""
        order = self._layout.restored(slot)
        return slots[slot] if order is None else self._library.xp.permute_dims(slots[slot], order)

    @watched
    def scale(self, array: Any) -> Array:
        xp = self._library.xp
        return copied(self._algebra.sign * xp.astype(array, xp.float64))

    @watched
    def add(self, first: Array, second: Array) -> Array:
        return self._library.xp.maximum(first, second)

    @watched
    def plain(self, tensor: Array) -> Array:
        return self._algebra.sign * tensor

    @watched
    def unpack(self, tensors: Sequence[Array | None]) -> list[Any]:
        return [None if tensor is None else self.plain(tensor) for tensor in tensors]

    @watched
    def entries(self, tensor: Array, where: Sequence[Any]) -> LogValue:
        values = self._library.to_host(taken(tensor, where))
        return LogValue(np.isfinite(values).astype(float), values)

    @watched
    def send(self, tensors: Sequence[Array | None]) -> tuple[Any, list[npt.NDArray[Any]]]:
        """Through the host: that is what an executor of other processes asks for."""
        here, arrays = wire.present(tensors)
        return here, [self._library.to_host(array) for array in arrays]

    @watched
    def receive(self, header: Any, arrays: list[npt.NDArray[Any]]) -> Sequence[Array | None]:
        device = self._library.device()
        return wire.placed(header, (self._library.from_host(array, device) for array in arrays))

    def run_with_gradient(
        self, inputs: Sequence[Any], cotangent: Callable[[Any], Any]
    ) -> tuple[Any, Sequence[Any]]:
        self._refuse("gradients")

    def gradient(self, inputs: Sequence[Any], cotangent: Any, slices: range) -> Sequence[Any]:
        self._refuse("gradients")

    def divide(self, cotangent: Any, value: Any) -> Any:
        self._refuse("division")

    def log(self, tensor: Any) -> LogValue:
        self._refuse("logarithms")

    def _refuse(self, wanted: str) -> NoReturn:
        raise BackendError(f"there is no such thing as {wanted} in {self._algebra.name}")


def _result(step: Step, slots: Sequence[Any]) -> Array:
    match step:
        case Product():
            return _product(slots[step.first.slot], slots[step.second.slot], step)
        case Sum():
            way = route(step.axes, step.result)
            view = ordered(slots[step.source], way)
            return namespace(view).max(view, axis=way.gone) if way.gone else view
        case _:
            raise AssertionError("a value takes no other steps")


def _product(first: Array, second: Array, step: Product) -> Array:
    """``C[b, i, j] = max_k A[b, i, k] + B[b, k, j]``, term by term: each a pass over the result."""
    if step.terms == 1:
        return spread(first, step.first) + spread(second, step.second)
    xp = namespace(first)
    a, b = laid_out(first, step.first), laid_out(second, step.second)
    best = a[:, :, :1] + b[:, :1, :]
    for k in range(1, a.shape[2]):
        best = xp.maximum(best, a[:, :, k : k + 1] + b[:, k : k + 1, :])
    return xp.reshape(best, step.shape)
