"""A program: a plan compiled by a backend, run as often as you like with new arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from tnlearn.backend import Backend, Executable, Input, Instructions, Scaled
from tnlearn.errors import DataError, DataTypeError, MemoryLimitError
from tnlearn.execution.arguments import Arguments
from tnlearn.execution.lowering import lower
from tnlearn.execution.slices import Slices
from tnlearn.planning import Plan
from tnlearn.values import LogValue

#: A cotangent, or how to find it from the value once that is known.
Cotangent: TypeAlias = "Any | Callable[[Any], Any]"


@dataclass(frozen=True, eq=False)
class Packed:
    """Arrays, one per tensor of a network, in a backend's own form.

    Attributes
    ----------
    tensors : sequence
        None stands for the gradient of a constant.
    batch : int or None
        Size of the batch index, for programs that have one.
    """

    tensors: Sequence[Scaled | None]
    batch: int | None


@dataclass(frozen=True, eq=False)
class Record:
    """Every tensor of one forward sweep: what the slots of `instructions` hold."""

    instructions: Instructions
    slots: tuple[Scaled, ...]
    executable: Executable

    def entries(self, slot: int, where: Sequence[Any]) -> LogValue:
        """The entries of a slot's tensor at ``where``, an integer array for every axis."""
        return self.executable.entries(self.slots[slot], where)


class Program:
    """What `tnlearn.compile` returns; it holds no data and may be called from many threads.

    Attributes
    ----------
    plan : Plan
        The order, slices and cost.
    dtype : str
        Precision of the arithmetic and of the results.
    """

    def __init__(
        self,
        plan: Plan,
        backend: Backend,
        inputs: Sequence[Input],
        batch: int | None,
        sharing: Sequence[Hashable],
        constants: frozenset[int],
        progress: bool,
    ) -> None:
        self.plan = plan
        self.dtype = plan.dtype
        self._backend = backend
        self._inputs = tuple(inputs)
        self._batch = batch
        self._sharing = tuple(sharing)
        self._arguments = Arguments(inputs, plan.structure, batch, sharing, plan.dtype, backend)
        self._constants = constants
        self._empty = 0 in (d for k, d in enumerate(plan.structure.sizes) if k != batch)
        self.instructions = self._lower(with_gradient=False)
        self._executable: Executable = backend.compile(self.instructions, plan.dtype)
        self._slices = Slices(self.instructions.slices, progress)

    @cached_property
    def _executable_with_gradient(self) -> Executable:
        # Lowered on first use: the reverse sweep has twice the steps of the value alone.
        return self._backend.compile(self._lower(with_gradient=True), self.dtype)

    def _lower(self, with_gradient: bool) -> Instructions:
        plan = self.plan
        sharing: Sequence[Hashable] | None = self._sharing if with_gradient else None
        if sharing and plan.sliced:
            # Summed after the slices: the same entry may be in different slices of two inputs.
            sharing = range(len(self._inputs))
        return lower(
            plan.structure,
            plan.sliced,
            plan.pairs,
            self._inputs,
            self._batch,
            sharing,
            self._constants,
        )

    def pack(self, arrays: Sequence[Any], *, check_finite: bool = True) -> Packed:
        """Arrays in the order of the network's tensors, checked and copied once.

        Parameters
        ----------
        arrays : sequence of array_like
            One per tensor, of the shape that tensor had; the batch index may have any size,
            the same on all. Tensors that share a parameter are given the same array. For a
            conjugated tensor give the array that is to be conjugated, for a log tensor the
            logarithms.
        check_finite : bool
            Raise if an array holds nan or inf.

        Raises
        ------
        DataError
            If the number of arrays or a shape is wrong, an entry is not finite, or tensors that
            share a parameter are given different arrays.
        DataTypeError
            If an array is of a kind or precision that the program's dtype would lose.
        """
        held, batch = self._arguments.checked(arrays)
        if self._empty or batch == 0:
            return Packed(held, batch)
        return Packed(self._executable.pack(held, check_finite), batch)

    def unpack(self, gradient: Packed, *, log: bool = False) -> list[Any]:
        """A gradient as one array per tensor (None for constants), or one LogValue with `log`.

        Raises
        ------
        RangeError
            If the entries of an array are beyond the range of its dtype.
        """
        read = self._executable.log if log else self._executable.plain
        return [None if tensor is None else read(tensor) for tensor in gradient.tensors]

    def __call__(self, x: Packed | Sequence[Any]) -> Any:
        """The value: an array whose axes are the output, 0-d for a closed network.

        Raises
        ------
        RangeError
            If the largest magnitude is beyond the range of the dtype.
        """
        return self._executable.plain(self._value(self._packed(x)))

    def log(self, x: Packed | Sequence[Any]) -> LogValue:
        """The value as phases and natural logarithms of magnitudes."""
        return self._executable.log(self._value(self._packed(x)))

    def value_and_gradient(
        self, x: Packed | Sequence[Any], cotangent: Cotangent | None = None
    ) -> tuple[Any, Packed]:
        """The value and its gradient by all inputs at once, in one reverse sweep.

        Parameters
        ----------
        x : Packed, or sequence of array_like
        cotangent : array_like or callable, optional
            For open outputs: ``c`` of the output's shape, and the gradient is that of
            ``sum(c * value)``. A callable is given the value and returns ``c``, so that the
            gradient of a loss takes one pass.

        Returns
        -------
        value : array
        gradient : Packed
            ``program.unpack(gradient)`` gives an array like each input. The derivative is the
            plain one, not conjugated. Where a parameter stands conjugated as well, it is the
            ``g`` for which ``d Re(value) = Re(sum(g * dA))``; PyTorch's gradient of a real loss
            is ``conj(g)``.
        """
        executable = self._executable
        plain: list[Any] = []

        def seed(value: Scaled) -> Scaled:
            plain.append(executable.plain(value))
            return self._seed(cotangent(plain[0]) if callable(cotangent) else cotangent, plain[0])

        packed = self._packed(x)
        _, gradient = self._value_and_gradient(packed, seed)
        return plain[0], Packed(gradient, packed.batch)

    def log_value_and_gradient(
        self, x: Packed | Sequence[Any], cotangent: Cotangent | None = None
    ) -> tuple[LogValue, Packed]:
        """The logarithm of the value and its gradient, both safe at any magnitude.

        For open outputs the gradient is that of ``sum(c * log(value))`` with the cotangent
        ``c``; parameters as for `value_and_gradient`, a callable being given the LogValue.
        ``program.unpack(gradient, log=True)`` gives the gradient as LogValues.

        Raises
        ------
        RangeError
            If the value is zero: its logarithm has no gradient.
        """
        executable = self._executable
        logs: list[LogValue] = []

        def seed(value: Scaled) -> Scaled:
            logs.append(executable.log(value))
            given = cotangent(logs[0]) if callable(cotangent) else cotangent
            return executable.divide(self._seed(given, logs[0].log), value)

        packed = self._packed(x)
        _, gradient = self._value_and_gradient(packed, seed)
        return logs[0], Packed(gradient, packed.batch)

    def record(self, x: Packed | Sequence[Any]) -> Record:
        """Run forward and keep every intermediate, for algorithms that walk the tree.

        Raises
        ------
        MemoryLimitError
            If the plan is sliced: the intermediates of all slices are never there together.
        """
        if self.plan.sliced:
            raise MemoryLimitError(
                f"the plan runs in {self.plan.cost.slices:,} slices, so its intermediates cannot "
                "be kept; compile with a larger memory_limit"
            )
        packed = self._packed(x)
        if self._empty or packed.batch == 0:
            raise DataError("an index has size 0, so there is nothing to record")
        slots = self._executable.record(packed.tensors)
        return Record(self.instructions, tuple(slots), self._executable)

    def _value(self, packed: Packed) -> Scaled:
        if self._empty or packed.batch == 0:
            return self._zeros(self._output_shape(packed.batch))
        return self._slices.value(self._executable, packed.tensors)

    def _value_and_gradient(
        self, packed: Packed, seed: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, Sequence[Scaled | None]]:
        if self._empty or packed.batch == 0:
            value = self._zeros(self._output_shape(packed.batch))
            seed(value)
            return value, [
                None if array is None or k in self._constants else self._zeros(array.shape)
                for k, array in enumerate(packed.tensors)
            ]
        value, gradients = self._slices.value_and_gradient(
            self._executable, self._executable_with_gradient, packed.tensors, seed
        )
        return value, self._shared(gradients) if self.plan.sliced else gradients

    def _shared(self, gradients: Sequence[Scaled | None]) -> list[Scaled | None]:
        """Gradients summed over the inputs that share a parameter."""
        totals: dict[Hashable, Scaled] = {}
        for key, gradient in zip(self._sharing, gradients, strict=True):
            if gradient is not None:
                total = totals.get(key)
                totals[key] = gradient if total is None else self._executable.add(total, gradient)
        return [
            None if gradient is None else totals[key]
            for key, gradient in zip(self._sharing, gradients, strict=True)
        ]

    def _seed(self, cotangent: Any, value: Any) -> Scaled:
        shape = tuple(np.shape(value))
        if cotangent is None:
            if shape:
                raise DataError(
                    f"the network has open indices, its value has shape {shape}: give a "
                    "cotangent of that shape"
                )
            cotangent = np.ones(())
        if tuple(np.shape(cotangent)) != shape:
            raise DataError(
                f"the cotangent has shape {tuple(np.shape(cotangent))} but the value {shape}"
            )
        if np.iscomplexobj(cotangent) and not self.dtype.startswith("complex"):
            raise DataTypeError(
                f"the cotangent is complex, but the program computes in {self.dtype}"
            )
        if isinstance(cotangent, (np.ndarray, float)) and not np.all(np.isfinite(cotangent)):
            raise DataError("the cotangent holds nan or inf: it must be finite")
        return self._executable.scale(self._backend.asarray(cotangent, self.dtype))

    def _zeros(self, shape: Sequence[int]) -> Scaled:
        return self._executable.scale(self._backend.asarray(np.zeros(shape), self.dtype))

    def _output_shape(self, batch: int | None) -> tuple[int, ...]:
        structure = self.plan.structure
        return tuple(
            structure.sizes[i] if i != self._batch or batch is None else batch
            for i in structure.output
        )

    def _packed(self, x: Packed | Sequence[Any]) -> Packed:
        packed = x if isinstance(x, Packed) else self.pack(x)
        if len(packed.tensors) != len(self._inputs):
            raise DataError(
                f"{len(packed.tensors)} arrays were packed, by another program; this one's "
                f"network has {len(self._inputs)} tensors"
            )
        return packed
