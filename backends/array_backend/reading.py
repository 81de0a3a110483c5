"""Scaled tensors as what a user reads: plain numbers, or phases and logarithms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tnlearn.values import LogValue, out_of_range
from tnlearn_backends.array_backend.namespaces import Array, copied, is_complex, like, namespace
from tnlearn_backends.array_backend.powers import exponents, limits, magnitudes, shifted
from tnlearn_backends.array_backend.scaled import ZERO, Scaled

LN2 = math.log(2.0)


def plain(tensor: Scaled) -> Array:
    """The tensor as plain numbers; RangeError where its largest magnitude is out of range."""
    limit, xp = limits(tensor.mantissa.dtype), namespace(tensor.mantissa)
    if isinstance(tensor.exponent, int):
        if tensor.exponent == 0:
            return copied(tensor.mantissa)
        if limit.low <= tensor.low + tensor.exponent <= tensor.high + tensor.exponent <= limit.high:
            return like(shifted(tensor.mantissa, tensor.exponent), tensor.mantissa)
    if math.prod(tensor.mantissa.shape):
        largest = magnitudes(tensor.mantissa)
        powers = xp.where(largest > 0, exponents(largest) + tensor.exponent, ZERO)
        top = int(xp.max(powers))
        if top > limit.high + 1 or ZERO < top <= limit.low:
            at = int(xp.argmax(xp.reshape(powers, (-1,))))
            logs = xp.reshape(like(_logarithms(tensor)[1], powers, xp.float64), (-1,))
            raise out_of_range(float(logs[at]))
    return copied(shifted(tensor.mantissa, tensor.exponent))


def log(tensor: Scaled) -> LogValue:
    """The tensor as phases and natural logarithms of magnitudes."""
    phase, logs = _logarithms(tensor)
    if logs.ndim:
        return LogValue(phase, logs)
    return LogValue(complex(phase) if is_complex(tensor.mantissa) else float(phase), float(logs))


def entries(tensor: Scaled, where: Sequence[Any]) -> Scaled:
    """The entries at some positions, given by an integer array on the host for every axis."""
    array, exponent = tensor.mantissa, tensor.exponent
    if not isinstance(exponent, int):
        exponent = taken(namespace(exponent).broadcast_to(exponent, array.shape), where)
    return Scaled(taken(array, where), exponent, tensor.low, tensor.high, tensor.nonnegative)


def taken(array: Array, where: Sequence[Any]) -> Array:
    """The entries of an array at some positions, given on the host."""
    if not where:
        return array
    xp = namespace(array)
    at = np.asarray(np.ravel_multi_index(tuple(map(np.asarray, where)), array.shape))
    flat = like(np.reshape(at, -1), array, xp.int64)
    return xp.reshape(xp.take(xp.reshape(array, (-1,)), flat, axis=0), at.shape)


def _logarithms(tensor: Scaled) -> tuple[Array, Array]:
    xp = namespace(tensor.mantissa)
    exponent, complex_ = tensor.exponent, is_complex(tensor.mantissa)
    double = xp.astype(tensor.mantissa, xp.complex128 if complex_ else xp.float64)
    if complex_:
        # Scale first: the magnitude of a subnormal number would lose its phase.
        power = exponents(magnitudes(double))
        double, exponent = shifted(double, -power), exponent + power
    size = xp.abs(double)
    there = size > 0
    safe = xp.where(there, size, 1.0)
    whole = xp.astype(exponent, xp.float64) if not isinstance(exponent, int) else float(exponent)
    logs = xp.where(there, xp.log(safe) + whole * LN2, -math.inf)
    return double / safe if complex_ else xp.sign(double), logs
