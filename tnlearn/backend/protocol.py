"""What a backend must supply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from tnlearn.backend.algebra import SUM_PRODUCT, Algebra
from tnlearn.backend.instructions import Instructions
from tnlearn.errors import BackendError
from tnlearn.values import LogValue

#: A tensor as a backend computes with it: mantissas and powers of two, in a form of its own.
Scaled: TypeAlias = Any

#: Entries of its largest tensor up to which a step is small, and steps that are alike which are
#: worth being stacked: what a `grouped` machine starts together.
STACKED_ENTRIES, STACKED_STEPS = 2**12, 4
#: Size of a batch, and multiply-adds and steps for one of its elements, of which a machine that
#: runs `whole` programs makes one start.
LEAST_BATCH, WHOLE_TERMS, WHOLE_STEPS = 2**8, 2**14, 600


@dataclass(frozen=True)
class Machine:
    """What a machine can do, for predicting seconds from counts.

    Attributes
    ----------
    name : str
        What the numbers describe.
    flops : float
        Real float64 operations a second in a large matrix product; float32 runs at twice that.
    bandwidth : float
        Bytes a second in a large copy, reads and writes counted.
    latency : float
        Seconds to start one step.
    small_flops : float, optional
        Real operations a second, in any precision, of steps that are no matrix products: those
        whose rows, columns or sums are too few to fill the machine. By default as `flops`.
    transfer : float, optional
        Bytes a second between the host and the machine, where it has a memory of its own.
    memory : float, optional
        Bytes of that memory.
    grouped : bool
        Small steps that are alike, and of which none waits for another, are started together.
    whole : bool
        A large batch of small programs is started once, and moves nothing but inputs and results.
    """

    name: str
    flops: float
    bandwidth: float
    latency: float
    small_flops: float | None = None
    transfer: float | None = None
    memory: float | None = None
    grouped: bool = False
    whole: bool = False

    def seconds(
        self, flops: float, moved: float, starts: float, dtype: str, small: float = 0.0
    ) -> float:
        """Seconds for `starts` starts of steps, `moved` bytes and `flops + small` operations.

        Of these, `flops` are in matrix products and `small` in other steps.
        """
        products = self.flops * (2 if dtype in ("float32", "complex64") else 1)
        others = products if self.small_flops is None else self.small_flops
        arithmetic = flops / products + small / others
        return arithmetic + moved / self.bandwidth + starts * self.latency


class Backend(ABC):
    """An array library and the machine it runs on.

    Laws: ``to_host(asarray(x, dtype))`` equals ``x`` cast to `dtype`; a compiled program gives
    the value and gradient of `tests/reference.py` within rounding of `dtype`.
    """

    name: str
    #: Kinds of `Algebra` that programs of this backend do not have, each with the reason.
    gaps: Mapping[str, str] = MappingProxyType({})
    #: The machine model that is known where the backend itself cannot be used, if there is one.
    shipped: ClassVar[Machine | None] = None

    @property
    @abstractmethod
    def machine(self) -> Machine:
        """The machine model with which plans for this backend are costed."""

    @property
    @abstractmethod
    def versions(self) -> Mapping[str, str]:
        """The libraries behind the backend and their versions."""

    @abstractmethod
    def asarray(self, data: Any, dtype: str) -> Any:
        """`data` as an array of this backend.

        Raises
        ------
        BackendError
            If `data` lives elsewhere and would have to be moved.
        """

    def holds(self, data: Any) -> bool:
        """Whether `asarray` takes `data`: arrays of the host, as here, or also some of its own."""
        return isinstance(data, np.ndarray) or not hasattr(data, "__dlpack__")

    @abstractmethod
    def to_host(self, array: Any) -> npt.NDArray[Any]:
        """An array of this backend as a NumPy array."""

    def free_bytes(self) -> int | None:
        """Bytes that are free where arrays go by default; None, as here, if that is the host."""
        return None

    def log_to_host(self, value: LogValue) -> LogValue:
        """A value whose phases and logarithms are NumPy arrays, or numbers."""
        if isinstance(value.log, float):
            return value
        return LogValue(self.to_host(value.phase), self.to_host(value.log))

    @abstractmethod
    def compile(
        self, instructions: Instructions, dtype: str, algebra: Algebra = SUM_PRODUCT
    ) -> Executable:
        """The instructions, ready to run in `dtype` (float64 for other algebras).

        Raises
        ------
        BackendError
            If the algebra is one of the `gaps`.
        """

    def svd(self, matrix: Any) -> tuple[Any, Any, Any]:
        """Factors ``u, s, vh`` with ``matrix = u @ diag(s) @ vh``, on the matrix's device.

        As many singular values as the short side has entries, in falling order. Laws: the product
        is the matrix, and columns of ``u`` and rows of ``vh`` are orthonormal, within rounding: a
        backend looks before it returns, and tries another way where a library failed. Of a stack
        of matrices it gives stacks. Entries of any magnitude; nan and inf raise DataError.
        """
        raise BackendError(f"the {self.name} backend has no decompositions")

    def qr(self, matrix: Any) -> tuple[Any, Any]:
        """Factors ``q, r``: orthonormal columns, and a triangle. Otherwise as `svd`."""
        raise BackendError(f"the {self.name} backend has no decompositions")

    def eigh(self, matrix: Any) -> tuple[Any, Any]:
        """Eigenvalues in rising order, and eigenvectors as columns. Otherwise as `svd`."""
        raise BackendError(f"the {self.name} backend has no decompositions")


class Executable(ABC):
    """A compiled program: holds no data, may run in many threads at once.

    Laws, for packed inputs ``x`` and all slices: ``run(x, slices)`` is the value; with a
    cotangent ``c``, ``gradient(x, c, slices)`` is for every input the derivative of
    ``sum(c * value)`` by its entries. Sums over parts of the slices add up to the same.

    In other algebras sums and products are theirs, and there are no gradients, logarithms or
    divisions; `pack` and `scale` take numbers, see `tnlearn.backend.Algebra`.
    """

    @abstractmethod
    def pack(self, arrays: Sequence[Any], check_finite: bool) -> Sequence[Scaled]:
        """Input arrays, of the right shapes and dtype, in the backend's own form.

        Raises
        ------
        DataError
            If `check_finite` and an array holds nan or inf (but for ``-inf`` as a zero's
            logarithm, and the zero of an algebra); in modular arithmetic, what is no integer.
        """

    def collect(
        self, arrays: Sequence[Any], check_finite: bool
    ) -> tuple[Sequence[Scaled], int | None] | None:
        """A short way to `pack` arrays that nobody has looked at yet, and the size of the batch.

        None, as here, wherever one of them is not just as `pack` takes it: then they are looked
        at one by one, so that the error says which.
        """
        return None

    @abstractmethod
    def run(self, inputs: Sequence[Scaled], slices: range) -> Scaled:
        """The sum of the value over some slices, zero where they do not reach."""

    def number(self, inputs: Sequence[Scaled]) -> Any:
        """``plain(run(inputs, range(1)))``, for programs without slices."""
        return self.plain(self.run(inputs, range(1)))

    def number_and_gradient(
        self, inputs: Sequence[Scaled], one: Scaled
    ) -> tuple[Any, Sequence[Scaled | None]]:
        """The same with the gradient, of a closed network; the cotangent is the number one."""
        value, gradient = self.run_with_gradient(inputs, lambda _value: one)
        return self.plain(value), gradient

    @abstractmethod
    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, Sequence[Scaled | None]]:
        """The value, and the gradient with respect to each input (None for constants).

        For programs without slices. The cotangent is asked for once, when the value is known.
        """

    @abstractmethod
    def gradient(
        self, inputs: Sequence[Scaled], cotangent: Scaled, slices: range
    ) -> Sequence[Scaled | None]:
        """The gradient for a cotangent of the whole value, summed over some slices."""

    @abstractmethod
    def record(self, inputs: Sequence[Scaled], number: int = 0) -> list[Scaled]:
        """What every slot holds after the forward instructions of one slice, inputs included."""

    @abstractmethod
    def entries(self, tensor: Scaled, where: Sequence[Any]) -> LogValue:
        """The entries ``tensor[where]``, with an integer array on the host for every axis.

        The result is on the host too: it is for algorithms that walk through a few entries there.
        In algebras that choose, a value stands for a logarithm, negated if the smallest is best;
        parts of an entry are on a last axis.
        """

    @abstractmethod
    def scale(self, array: Any) -> Scaled:
        """An array as a tensor of this backend, say a cotangent."""

    @abstractmethod
    def divide(self, cotangent: Scaled, value: Scaled) -> Scaled:
        """``cotangent / value``, entry by entry; a zero value raises RangeError."""

    @abstractmethod
    def add(self, first: Scaled, second: Scaled) -> Scaled:
        """The sum of two tensors of one shape."""

    def accumulate(
        self, totals: Sequence[Scaled | None], parts: Sequence[Scaled | None]
    ) -> Sequence[Scaled | None]:
        """Sums, position by position; None where either is. Totals may be overwritten."""
        return [
            None if total is None or part is None else self.add(total, part)
            for total, part in zip(totals, parts, strict=True)
        ]

    def release(self) -> None:  # noqa: B027 - most keep nothing
        """Give back the memory that is kept for the next call."""

    @abstractmethod
    def plain(self, tensor: Scaled) -> Any:
        """A tensor as an array of plain numbers; RangeError where none can hold the largest."""

    @abstractmethod
    def unpack(self, tensors: Sequence[Scaled | None]) -> list[Any]:
        """Many tensors at once, as `plain` has each; None where there is none."""

    @abstractmethod
    def log(self, tensor: Scaled) -> LogValue:
        """A tensor as phases and natural logarithms of magnitudes."""

    def send(self, tensors: Sequence[Scaled | None]) -> tuple[Any, list[npt.NDArray[Any]]]:
        """Packed inputs, or results, for another process: what JSON can hold, and NumPy arrays.

        Laws: for ``y = receive(*send(x))``, of an executable compiled from the same instructions,
        ``run(y, slices)`` has the bits of ``run(x, slices)``, and likewise for gradients.
        """
        raise BackendError("this backend cannot send its tensors to other processes yet")

    def receive(self, header: Any, arrays: list[npt.NDArray[Any]]) -> Sequence[Scaled | None]:
        """What was sent."""
        raise BackendError("this backend cannot receive tensors from other processes yet")
