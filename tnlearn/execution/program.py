"""A program: a plan compiled by a backend, run as often as you like with new arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from tnlearn.backend import (
    SUM_PRODUCT,
    Algebra,
    Backend,
    Executable,
    Input,
    Scaled,
)
from tnlearn.errors import DataError, PlanError
from tnlearn.execution.arguments import Arguments
from tnlearn.execution.backwards import Walker
from tnlearn.execution.cotangents import Cotangent, checked
from tnlearn.execution.crew import Submits
from tnlearn.execution.packed import Packed
from tnlearn.execution.recipe import Compiled, Recipe
from tnlearn.execution.sharing import Sharing
from tnlearn.execution.slices import Slices
from tnlearn.planning import Plan
from tnlearn.values import LogValue


class Program:
    """What `tnlearn.compile` returns; it holds no data and may be called from many threads.

    Attributes
    ----------
    plan : Plan
        The order, slices and cost.
    backend : tnlearn.backend.Backend
        Whose arrays it gives; its `to_host` and `log_to_host` make them NumPy's.
    dtype : str
        Precision of the arithmetic and of the results.
    algebra : Algebra
        What it adds and multiplies with; results in other algebras than sum-product are float64.
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
        executor: Submits | None = None,
        algebra: Algebra = SUM_PRODUCT,
    ) -> None:
        self.plan = plan
        self.algebra = algebra
        self._is_plain = algebra == SUM_PRODUCT
        self.backend = backend
        self._inputs = tuple(inputs)
        self._batch = batch
        self._shared = Sharing(tuple(sharing), constants)
        self._recipe = recipe = Recipe(
            plan, self._inputs, batch, self._shared.keys, constants, backend.name, algebra=algebra
        )
        self.dtype = recipe.dtype
        self._arguments = Arguments(inputs, plan.structure, batch, sharing, self.dtype, backend)
        self._constants = constants
        self._empty = 0 in (d for k, d in enumerate(plan.structure.sizes) if k != batch)
        self._progress = progress
        self._executor = executor
        compiled = Compiled(recipe, backend)
        self.instructions = compiled.instructions
        self._executable: Executable = compiled.value
        self._slices = Slices(compiled, progress, executor)

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
        if not (self._empty or self._arguments.shared):
            found = self._executable.collect(arrays, check_finite)
            if found is not None:
                return Packed(*found)
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
        if not log:
            return self._executable.unpack(gradient.tensors)
        read = self._executable.log
        return [None if tensor is None else read(tensor) for tensor in gradient.tensors]

    def __call__(self, x: Packed | Sequence[Any]) -> Any:
        """The value: an array whose axes are the output, 0-d for a closed network.

        In algebras whose entries have several parts these are on a last axis.

        Raises
        ------
        RangeError
            If the largest magnitude is beyond the range of the dtype.
        """
        packed = self._packed(x)
        if self._empty or packed.batch == 0:
            return self._executable.plain(self._value(packed))
        return self._slices.number(packed.tensors)

    def log(self, x: Packed | Sequence[Any]) -> LogValue:
        """The value as phases and natural logarithms of magnitudes."""
        self._check_plain("logarithm")
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
        self._check_plain("gradient")
        packed, executable = self._packed(x), self._executable
        if cotangent is None and not (self._empty or self.plan.structure.output):
            value, gradient = self._slices.number_and_gradient(packed.tensors, self._unit)
            return value, Packed(self._joined(gradient), packed.batch)
        plain: list[Any] = []

        def seed(value: Scaled) -> Scaled:
            plain.append(executable.plain(value))
            return self._seed(cotangent(plain[0]) if callable(cotangent) else cotangent, plain[0])

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
        self._check_plain("gradient")
        executable = self._executable
        logs: list[LogValue] = []

        def seed(value: Scaled) -> Scaled:
            logs.append(executable.log(value))
            given = cotangent(logs[0]) if callable(cotangent) else cotangent
            return executable.divide(self._seed(given, logs[0].log), value)

        packed = self._packed(x)
        _, gradient = self._value_and_gradient(packed, seed)
        return logs[0], Packed(gradient, packed.batch)

    def hvp(
        self,
        arrays: Sequence[Any],
        directions: Sequence[Any],
        cotangent: Any = None,
    ) -> tuple[Any, Packed]:
        """The second derivative in a direction: the product of the Hessian and a vector.

        Parameters
        ----------
        arrays : sequence of array_like
            Where, as for `pack`.
        directions : sequence of array_like
            One like each array; those of constants are not looked at. Tensors that share a
            parameter are given the same direction, log tensors one of their logarithms.
        cotangent : array_like, optional
            For open outputs: derivatives are those of ``sum(cotangent * value)``.

        Returns
        -------
        derivative : array
            Of the value along the direction, in the shape of the output.
        product : Packed
            ``program.unpack(product)`` gives the derivative of the gradient along the direction,
            an array like each input. About four times the arithmetic of a gradient, in more and
            smaller steps.

        Raises
        ------
        DataError, DataTypeError
            As for `pack`.
        """
        self._check_plain("second derivative")
        packed = self._with_directions(arrays, directions)
        executable = self._executable
        plain: list[Any] = []

        def seed(value: Scaled) -> Scaled:
            plain.append(executable.plain(value))
            return self._seed(cotangent, plain[0])

        _, product = self._second(packed, seed)
        return plain[0], Packed(product, packed.batch)

    def log_hvp(self, arrays: Sequence[Any], directions: Sequence[Any]) -> tuple[LogValue, Packed]:
        """The second derivative of the logarithm of a closed network, at any magnitude.

        ``d^2 log V = d^2 V / V - d log V d log V``: fluctuations, susceptibilities, the Fisher
        information. Arguments are those of `hvp`; ``program.unpack(product, log=True)`` gives the
        product as LogValues.

        Raises
        ------
        RangeError
            If the value is zero: its logarithm has no derivative.
        """
        self._check_plain("second derivative")
        if self.plan.structure.output:
            raise DataError("log_hvp is for closed networks: this one has open indices")
        packed, executable = self._with_directions(arrays, directions), self._executable
        one = self._seed(None, np.zeros(()))
        x = self.pack(arrays)
        value = self._value(x)
        inverse = executable.divide(one, value)
        derivative, first = self._second(packed, lambda _value: inverse)
        slope = executable.divide(derivative, value)
        minus = executable.divide(self._seed(-np.ones(()), np.zeros(())), inverse)
        _, second = self._value_and_gradient(x, lambda _value: executable.divide(slope, minus))
        return executable.log(slope), Packed(executable.accumulate(first, second), packed.batch)

    @cached_property
    def walker(self) -> Walker:
        """For algorithms that walk back through the forward sweep of a closed network.

        Raises
        ------
        MemoryLimitError
            If that keeps the plan's memory limit in no number of slices.
        """
        return Walker(self._recipe, self.backend, self._progress, self._executor)

    @property
    def gradient_plan(self) -> Plan:
        """The plan of the value and the gradient together: print it for what these take.

        Intermediates that the memory limit has no room for are computed again, or the plan has
        more slices than that of the value. A gradient over slices comes after the value, whose
        own cost is in `plan`.

        Raises
        ------
        MemoryLimitError
            If no number of slices keeps the limit.
        """
        return self._recipe.gradient_plan()

    def _value(self, packed: Packed) -> Scaled:
        if self._empty or packed.batch == 0:
            return self._zeros(self._shape(self.plan.structure.output, packed.batch))
        return self._slices.value(packed.tensors)

    def _value_and_gradient(
        self, packed: Packed, seed: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, Sequence[Scaled | None]]:
        if self._empty or packed.batch == 0:
            value = self._zeros(self._shape(self.plan.structure.output, packed.batch))
            seed(value)
            return value, [
                None if array is None or k in self._constants else self._zeros(array.shape)
                for k, array in enumerate(packed.tensors)
            ]
        value, gradients = self._slices.value_and_gradient(packed.tensors, seed)
        return value, self._joined(gradients)

    def _joined(self, gradients: Sequence[Scaled | None]) -> Sequence[Scaled | None]:
        """With the gradients of tensors that share a parameter added up, as slices do not."""
        if self._slices.reverse_plan.sliced:
            return self._shared.summed(gradients, self._executable.add)
        return gradients

    @cached_property
    def _second_slices(self) -> Slices:
        # Lowered on first use, like the reverse sweep.
        recipe = replace(self._recipe, second=True)
        compiled = Compiled(recipe.for_gradient(), self.backend)
        return Slices(compiled, self._progress, self._executor)

    def _with_directions(self, arrays: Sequence[Any], directions: Sequence[Any]) -> Packed:
        """Arrays and directions as the program of the second derivative takes them."""
        held, batch = self._arguments.checked(arrays)
        moving = [k for k in range(len(held)) if k not in self._constants]
        if not moving:
            raise DataError("all tensors are constants: there is nothing to differentiate by")
        if len(directions) != len(held):
            raise DataError(f"{len(held)} arrays but {len(directions)} directions were given")
        given = [directions[k] if k in moving else array for k, array in enumerate(held)]
        checked, other = self._arguments.checked(given)
        if other != batch:
            raise DataError(f"the batch has size {batch} in the arrays but {other} in directions")
        whole = [*held, *(checked[k] for k in moving)]
        if self._empty or batch == 0:
            return Packed(whole, batch)
        return Packed(self._second_slices.pack(whole), batch)

    def _second(
        self, packed: Packed, seed: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, list[Scaled | None]]:
        """The derivative along the directions, and that of the gradient by every input."""
        structure, batch = self.plan.structure, packed.batch
        found: Sequence[Scaled | None] = [None] * len(self._inputs)
        if self._empty or batch == 0:
            value = self._zeros(self._shape(structure.output, batch))
            seed(value)
        else:
            value, every = self._second_slices.value_and_gradient(packed.tensors, seed)
            found = every[: len(self._inputs)]
            if self._second_slices.reverse_plan.sliced:
                found = self._shared.summed(found, self._executable.add)
            else:
                found = self._shared.filled(found)
        # The value may be linear in a tensor: there its second derivative is nothing.
        return value, [
            self._zeros(self._shape(structure.inputs[k], batch))
            if product is None and k not in self._constants
            else product
            for k, product in enumerate(found)
        ]

    def _seed(self, cotangent: Any, value: Any) -> Scaled:
        if cotangent is None and not np.shape(value):
            return self._unit
        given = checked(cotangent, value, self.dtype)
        return self._executable.scale(self.backend.asarray(given, self.dtype))

    @cached_property
    def _unit(self) -> Scaled:
        """The cotangent of a closed network."""
        return self._executable.scale(self.backend.asarray(np.ones(()), self.dtype))

    def _zeros(self, shape: Sequence[int]) -> Scaled:
        zeros = np.full(shape, self.algebra.zero)
        return self._executable.scale(self.backend.asarray(zeros, self.dtype))

    def _check_plain(self, wanted: str) -> None:
        if not self._is_plain:
            raise PlanError(
                f"there is no {wanted} in {self.algebra.name}: compile with algebra='sum-product'"
            )

    def _shape(self, term: Sequence[int], batch: int | None) -> tuple[int, ...]:
        sizes = self.plan.structure.sizes
        return tuple(sizes[i] if i != self._batch or batch is None else batch for i in term)

    def _packed(self, x: Packed | Sequence[Any]) -> Packed:
        packed = x if isinstance(x, Packed) else self.pack(x)
        if len(packed.tensors) != len(self._inputs):
            raise DataError(
                f"{len(packed.tensors)} arrays were packed, by another program; this one's "
                f"network has {len(self._inputs)} tensors"
            )
        return packed
