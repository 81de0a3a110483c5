"""Tensors as mantissas and exact powers of two, so that no value overflows or is flushed to zero.

A tensor is ``mantissa * 2**exponent``. The exponent is one integer, or one per batch element, or,
in a *wide* tensor, one per entry: the form in which a step is redone when entries of a common
exponent would be flushed to zero. Every tensor carries bounds on its mantissas, so that most
steps know without looking that nothing can be lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from tnlearn_backends.array_backend.namespaces import Array, namespace
from tnlearn_backends.array_backend.powers import (
    Exponent,
    exponents,
    limits,
    magnitudes,
    parts,
    shifted,
    smallest,
)

#: Exponent of a zero in a wide tensor: below all others, and far from overflowing when added.
ZERO = -(2**40)


class Scaled(NamedTuple):
    """A tensor ``mantissa * 2**exponent``; a tuple, as one is made in every call.

    Attributes
    ----------
    mantissa : array
        float32, float64, complex64 or complex128, of any library.
    exponent : int, or array of int64 that broadcasts against `mantissa`
        One for all, one per position of axis `leading`, or (`wide`) one per entry.
    low, high : int
        Every nonzero real or imaginary part of the mantissas lies in ``[2**low, 2**high]``.
    nonnegative : bool
        No mantissa is negative or complex, so that no sum of products can cancel.
    leading : int or None
        The axis that is the batch, if the tensor has it.
    wide : bool
        One exponent per entry, and mantissas in [1/2, 1).
    """

    mantissa: Array
    exponent: Exponent
    low: int
    high: int
    nonnegative: bool
    leading: int | None = None
    wide: bool = False


def batch_of(tensors: Iterable[Scaled]) -> int:
    """The size of the batch; 0 if no tensor has one."""
    found = (t.mantissa.shape[t.leading] for t in tensors if t.leading is not None)
    return int(next(found, 0))


def measured(tensor: Scaled, slack: int = 0) -> Scaled:
    """The same tensor with exact bounds and its largest mantissa within ``2**slack`` of one.

    Batch elements get exponents of their own only where one would not do, and a tensor whose
    entries are too far apart even for that becomes wide.
    """
    if tensor.wide:
        return tensor
    sizes = parts(tensor.mantissa)
    top, bottom = _extent(sizes)
    span = bottom - top
    if span < limits(tensor.mantissa.dtype).low // (1 if tensor.leading is None else 2):
        return widened(tensor) if tensor.leading is None else _measured_batch(tensor, sizes)
    if abs(top) <= slack:
        return rebounded(tensor, bottom, top)
    mantissa = shifted(tensor.mantissa, -top)
    fields = (tensor.nonnegative, tensor.leading)
    return Scaled(mantissa, tensor.exponent + top, span, 0, *fields)


def rebounded(tensor: Scaled, low: int, high: int) -> Scaled:
    """The same tensor with other bounds."""
    fields = (tensor.nonnegative, tensor.leading, tensor.wide)
    return Scaled(tensor.mantissa, tensor.exponent, low, high, *fields)


def _extent(sizes: Array) -> tuple[int, int]:
    """Powers of two that bound the nonzero magnitudes from above and below; zeros if none."""
    if not math.prod(sizes.shape):
        return 0, 0
    xp = namespace(sizes)
    largest, least = float(xp.max(sizes)), float(xp.min(sizes))
    if least == 0:
        least = float(smallest(sizes))
    if largest == 0:
        return 0, 0
    return math.frexp(largest)[1], math.frexp(least)[1] - 1


def _measured_batch(tensor: Scaled, sizes: Array) -> Scaled:
    """`measured` with an exponent for every batch element."""
    xp = namespace(sizes)
    axes = tuple(k for k in range(sizes.ndim) if k != tensor.leading)
    top = exponents(xp.max(sizes, axis=axes, keepdims=True))
    least = smallest(sizes, axis=axes, keepdims=True)
    none = least >= 2.0 ** limits(sizes.dtype).high
    bottom = xp.where(none, top, exponents(least) - 1)
    low = int(xp.min(bottom - top))
    if low < limits(tensor.mantissa.dtype).low:
        return widened(tensor)
    power = xp.reshape(top, top.shape[: tensor.mantissa.ndim])
    mantissa = shifted(tensor.mantissa, -power)
    fields = (tensor.nonnegative, tensor.leading)
    return Scaled(mantissa, tensor.exponent + power, low, 0, *fields)


def widened(tensor: Scaled) -> Scaled:
    """The same tensor with one exponent per entry."""
    if tensor.wide:
        return tensor
    return _wide(tensor.mantissa, tensor.exponent, tensor.nonnegative, tensor.leading)


def _wide(mantissa: Array, exponent: Exponent, nonnegative: bool, leading: int | None) -> Scaled:
    largest = magnitudes(mantissa)
    power = exponents(largest)
    whole = namespace(power).where(largest > 0, exponent + power, ZERO)
    return Scaled(shifted(mantissa, -power), whole, 0, 0, nonnegative, leading, True)


def gathered(mantissa: Array, exponent: Array, nonnegative: bool, leading: int | None) -> Scaled:
    """Entries with an exponent each, as a tensor that shares exponents if that loses nothing."""
    tensor = _wide(mantissa, exponent, nonnegative, leading)
    powers, xp = tensor.exponent, namespace(mantissa)
    if not math.prod(powers.shape):
        return Scaled(tensor.mantissa, 0, 0, 0, nonnegative, leading)
    axes = tuple(k for k in range(powers.ndim) if k != leading)
    top = xp.max(powers, axis=axes, keepdims=True)
    bottom = xp.min(xp.where(powers > ZERO, powers, -ZERO), axis=axes, keepdims=True)
    spread = max(int(xp.max(top - bottom)), 0)
    if spread > limits(mantissa.dtype).spread:
        return tensor
    top = xp.where(top > ZERO, top, 0)
    sizes = parts(tensor.mantissa)
    low = math.frexp(min(float(smallest(sizes)), 0.5))[1] - 1 - spread
    shared = top if leading is not None else int(xp.max(top))
    return Scaled(shifted(tensor.mantissa, powers - top), shared, low, 0, nonnegative, leading)
