"""Tensors as mantissas and exact powers of two, so that no value overflows or is flushed to zero.

A tensor is ``mantissa * 2**exponent``. The exponent is one integer, or one per batch element, or,
in a *wide* tensor, one per entry: the form in which a step is redone when entries of a common
exponent would be flushed to zero. Every tensor carries bounds on its mantissas, so that most
steps know without looking that nothing can be lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.values import LogValue, out_of_range

Array = npt.NDArray[Any]
Exponent = int | npt.NDArray[np.int64]

#: Exponent of a zero in a wide tensor: below all others, and far from overflowing when added.
ZERO = -(2**40)
LN2 = float(np.log(2.0))


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """A tensor ``mantissa * 2**exponent``.

    Attributes
    ----------
    mantissa : array
        float32, float64, complex64 or complex128.
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


@dataclass(frozen=True)
class Limits:
    """What a precision can hold.

    Attributes
    ----------
    low, high : int
        Parts in ``[2**low, 2**high]`` are normal numbers.
    bits : int
        Bits of a mantissa.
    spread : int
        Ratio, in powers of two, up to which entries of one tensor share an exponent.
    """

    low: int
    high: int
    bits: int
    spread: int


@cache
def limits(dtype: np.dtype[Any]) -> Limits:
    """The limits of a real or complex dtype."""
    info = np.finfo(dtype)
    return Limits(
        int(info.minexp), int(info.maxexp) - 1, int(info.nmant) + 1, -int(info.minexp) - 30
    )


def parts(array: Array) -> Array:
    """Magnitudes of an array of reals, or of real and imaginary parts along a last axis."""
    if array.dtype.kind == "c":
        pairs = np.ascontiguousarray(array).view(array.real.dtype)
        array = pairs.reshape(*array.shape, 2)
    return np.abs(array)


def magnitudes(array: Array) -> Array:
    """Magnitudes of an array of reals; of complex numbers, that of the larger part."""
    sizes = parts(array)
    return np.asarray(sizes.max(axis=-1)) if array.dtype.kind == "c" else sizes


def shifted(array: Array, power: Exponent) -> Array:
    """``array * 2**power``, exactly, up to underflow."""
    if isinstance(power, int):
        if power == 0:
            return array
        if abs(power) < limits(array.dtype).high:
            return np.asarray(array * array.real.dtype.type(2.0**power))
        power = np.asarray(power)
    power = np.clip(power, -5000, 5000).astype(np.int32)
    if array.dtype.kind != "c":
        return np.asarray(np.ldexp(array, power))
    result = np.empty(np.broadcast_shapes(array.shape, power.shape), dtype=array.dtype)
    result.real = np.ldexp(array.real, power)
    result.imag = np.ldexp(array.imag, power)
    return result


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
    if not sizes.size:
        return 0, 0
    largest, smallest = float(sizes.max()), float(sizes.min())
    if smallest == 0:
        smallest = float(sizes.min(where=sizes > 0, initial=np.inf))
    if largest == 0:
        return 0, 0
    return math.frexp(largest)[1], math.frexp(smallest)[1] - 1


def _measured_batch(tensor: Scaled, sizes: Array) -> Scaled:
    """`measured` with an exponent for every batch element."""
    axes = tuple(k for k in range(sizes.ndim) if k != tensor.leading)
    top = np.frexp(sizes.max(axis=axes, keepdims=True))[1].astype(np.int64)
    smallest = sizes.min(axis=axes, keepdims=True, where=sizes > 0, initial=np.inf)
    bottom = np.where(np.isinf(smallest), top, np.frexp(smallest)[1] - 1)
    low = int((bottom - top).min())
    if low < limits(tensor.mantissa.dtype).low:
        return widened(tensor)
    power = top.reshape(top.shape[: tensor.mantissa.ndim])
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
    power = np.frexp(largest)[1].astype(np.int64)
    exponents = np.where(largest > 0, exponent + power, ZERO)
    return Scaled(shifted(mantissa, -power), exponents, 0, 0, nonnegative, leading, True)


def gathered(mantissa: Array, exponent: Array, nonnegative: bool, leading: int | None) -> Scaled:
    """Entries with an exponent each, as a tensor that shares exponents if that loses nothing."""
    tensor = _wide(mantissa, exponent, nonnegative, leading)
    powers = np.asarray(tensor.exponent)
    axes = tuple(k for k in range(powers.ndim) if k != leading)
    top = powers.max(axis=axes, keepdims=True, initial=ZERO)
    bottom = powers.min(axis=axes, keepdims=True, where=powers > ZERO, initial=-ZERO)
    spread = int(np.max(top - bottom, initial=0))
    if spread > limits(mantissa.dtype).spread:
        return tensor
    top = np.where(top > ZERO, top, 0)
    power = np.maximum(powers - top, -5000)
    sizes = parts(tensor.mantissa)
    smallest = float(sizes.min(where=sizes > 0, initial=0.5))
    low = int(np.frexp(smallest)[1]) - 1 - max(spread, 0)
    shared = top if leading is not None else int(top.max())
    return Scaled(shifted(tensor.mantissa, power), shared, low, 0, nonnegative, leading)


def added(first: Scaled, second: Scaled) -> Scaled:
    """The sum of two tensors of one shape."""
    limit = limits(first.mantissa.dtype)
    nonnegative = first.nonnegative and second.nonnegative
    if not (first.wide or second.wide):
        top = np.maximum(first.exponent, second.exponent)
        down = [np.asarray(t.exponent - top) for t in (first, second)]
        lows = [t.low + int(d.min()) for t, d in zip((first, second), down, strict=True)]
        high = max(first.high, second.high) + 1
        if min(lows) >= limit.low and high <= limit.high:
            total = np.asarray(shifted(first.mantissa, down[0]) + shifted(second.mantissa, down[1]))
            low = min(lows) - (0 if nonnegative else limit.bits)
            exponent = top if np.ndim(top) else int(top)
            return Scaled(total, exponent, low, high, nonnegative, first.leading)
    first, second = widened(first), widened(second)
    top = np.maximum(first.exponent, second.exponent)
    total = shifted(first.mantissa, first.exponent - top)
    total = np.asarray(total + shifted(second.mantissa, second.exponent - top))
    return gathered(total, top, nonnegative, first.leading)


def quotient(first: Scaled, second: Scaled) -> Scaled:
    """``first / second``, entry by entry; no entry of the second is zero."""
    limit = limits(first.mantissa.dtype)
    nonnegative = first.nonnegative and second.nonnegative
    low, high = first.low - second.high - 2, first.high - second.low + 2
    shared = isinstance(first.exponent, int) and isinstance(second.exponent, int)
    if shared and limit.low <= low <= high <= limit.high:
        result = np.asarray(first.mantissa / second.mantissa)
        exponent = first.exponent - second.exponent
        return measured(Scaled(result, exponent, low, high, nonnegative, second.leading))
    first, second = widened(first), widened(second)
    power = np.asarray(first.exponent - second.exponent)
    return gathered(first.mantissa / second.mantissa, power, nonnegative, second.leading)


def plain(tensor: Scaled) -> Array:
    """The tensor as plain numbers; RangeError where its largest magnitude is out of range."""
    limit = limits(tensor.mantissa.dtype)
    if isinstance(tensor.exponent, int):
        if tensor.exponent == 0:
            return tensor.mantissa.copy()
        if limit.low <= tensor.low + tensor.exponent <= tensor.high + tensor.exponent <= limit.high:
            return shifted(tensor.mantissa, tensor.exponent)
    largest = magnitudes(tensor.mantissa)
    powers = np.where(largest > 0, np.frexp(largest)[1] + np.int64(1) * tensor.exponent, ZERO)
    top = int(powers.max(initial=ZERO))
    if top > limit.high + 1 or ZERO < top <= limit.low:
        at = np.unravel_index(int(powers.argmax()), powers.shape)
        raise out_of_range(float(np.asarray(log(tensor).log)[at]))
    return shifted(tensor.mantissa, tensor.exponent)


def log(tensor: Scaled) -> LogValue:
    """The tensor as phases and natural logarithms of magnitudes."""
    double = tensor.mantissa.astype(
        "complex128" if tensor.mantissa.dtype.kind == "c" else "float64"
    )
    exponent: Array | int = tensor.exponent
    if double.dtype.kind == "c":
        # Scale first: the magnitude of a subnormal number would lose its phase.
        power = np.frexp(magnitudes(double))[1]
        double = shifted(double, -power)
        exponent = exponent + power
    size = np.abs(double)
    with np.errstate(divide="ignore"):
        logs = np.log(size) + np.where(size > 0, exponent, 0) * LN2
    phase = np.sign(double) if double.dtype.kind != "c" else double / np.where(size > 0, size, 1)
    return LogValue(phase, logs) if logs.ndim else LogValue(phase.item(), logs.item())
