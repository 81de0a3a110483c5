"""Exact powers of two: taken out of numbers and put back, on any array library."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tnlearn_backends.array_backend.namespaces import (
    Array,
    device_of,
    is_complex,
    like,
    name_of,
    namespace,
    real_name,
)

#: A power of two: one for all entries, or an array of int64 that broadcasts against them.
Exponent = Any


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
    least : int
        ``2**least`` is the smallest number above zero.
    """

    low: int
    high: int
    bits: int
    spread: int
    least: int


def limits(dtype: Any) -> Limits:
    """The limits of a real or complex dtype of any library."""
    return _limits(name_of(dtype))


@cache
def _limits(name: str) -> Limits:
    info = np.finfo(name)
    low, high, bits = int(info.minexp), int(info.maxexp) - 1, int(info.nmant) + 1
    return Limits(low, high, bits, -low - 30, low - bits + 1)


def parts(array: Array) -> Array:
    """Magnitudes of an array of reals, or of real and imaginary parts along a last axis."""
    xp = namespace(array)
    if is_complex(array):
        array = xp.stack([xp.real(array), xp.imag(array)], axis=-1)
    return xp.abs(array)


def magnitudes(array: Array) -> Array:
    """Magnitudes of an array of reals; of complex numbers, that of the larger part."""
    sizes = parts(array)
    return namespace(array).max(sizes, axis=-1) if is_complex(array) else sizes


def smallest(sizes: Array, **options: Any) -> Array:
    """The least magnitude above zero, ``2**high`` or more if there is none."""
    xp = namespace(sizes)
    # In PyTorch a choice takes far longer than a sum.
    large = 2.0 ** limits(sizes.dtype).high
    return xp.min(sizes + xp.astype(sizes == 0, sizes.dtype) * large, **options)


def exponents(sizes: Array) -> Array:
    """The integers e with ``2**(e-1) <= sizes < 2**e``, and 0 of zero, as int64."""
    xp = namespace(sizes)
    if hasattr(xp, "frexp"):  # Not in the standard; where it is, it is the same function.
        return xp.astype(xp.frexp(sizes)[1], xp.int64)
    limit = limits(sizes.dtype)
    there = xp.where(sizes > 0, sizes, 1.0)
    # The logarithm may be rounded up or down to an integer: one above or below the right one.
    near = xp.astype(xp.floor(xp.log2(there)), xp.int64) + 1
    near = _within(near, limit.least + 1, limit.high + 1)
    scaled = shifted(there, -near)
    near = near + xp.astype(scaled >= 1, xp.int64) - xp.astype(scaled < 0.5, xp.int64)
    return xp.where(sizes > 0, near, 0)


def shifted(array: Array, power: Exponent) -> Array:
    """``array * 2**power``, exactly, up to underflow."""
    limit = limits(array.dtype)
    if isinstance(power, int):
        if power == 0:
            return array
        if abs(power) < limit.high:
            return array * 2.0**power
        power = like(power, array, namespace(array).int64)
    table = _table(array)
    # Two factors, each of them a float, reach from the largest number to below the smallest.
    power = _within(power, 2 * limit.least, 2 * limit.high)
    half = power // 2
    return array * table[half - 2 * limit.least] * table[power - half - 2 * limit.least]


def _within(values: Array, low: int, high: int) -> Array:
    """Values, or the bound that they are beyond.

    The method, where there is one: the function for CuPy chooses entries by masks, which counts
    them on the host.
    """
    if hasattr(values, "clip"):
        return values.clip(low, high)
    return namespace(values).clip(values, low, high)


def factors(power: Array, array: Array) -> Array:
    """``2**power`` for `array` to be multiplied with, as near as a float comes."""
    return _table(array)[power - 2 * limits(array.dtype).least]


#: Library, precision and device -> `_table`. A device by its name: CuPy's cannot be hashed.
_TABLES: dict[tuple[str, str, str], Array] = {}


def _table(array: Array) -> Array:
    """Powers of two for an array, where it is.

    Beyond those that its precision holds they are 0, and the largest that it holds.
    A library's own powers may be a rounding off.
    """
    xp, name, device = namespace(array), real_name(array), device_of(array)
    key = (xp.__name__, name, str(device))
    found = _TABLES.get(key)
    if found is None:
        limit = limits(name)
        powers = np.arange(2 * limit.least, 2 * limit.high + 1)
        table = np.ldexp(1.0, np.minimum(powers, limit.high)).astype(name)
        found = _TABLES[key] = xp.asarray(table, device=device)
    return found
