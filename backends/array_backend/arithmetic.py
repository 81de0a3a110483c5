"""Sums and quotients of scaled tensors, entry by entry."""

from __future__ import annotations

from tnlearn_backends.array_backend.namespaces import Array, is_complex, like, namespace
from tnlearn_backends.array_backend.powers import Exponent, limits, shifted
from tnlearn_backends.array_backend.scaled import Scaled, gathered, measured, widened


def added(first: Scaled, second: Scaled) -> Scaled:
    """The sum of two tensors of one shape."""
    limit = limits(first.mantissa.dtype)
    nonnegative = first.nonnegative and second.nonnegative
    if not (first.wide or second.wide):
        top = larger(first.exponent, second.exponent)
        down = [tensor.exponent - top for tensor in (first, second)]
        lows = [t.low + lowest(d) for t, d in zip((first, second), down, strict=True)]
        high = max(first.high, second.high) + 1
        if min(lows) >= limit.low and high <= limit.high:
            total = shifted(first.mantissa, down[0]) + shifted(second.mantissa, down[1])
            low = min(lows) - (0 if nonnegative else limit.bits)
            return Scaled(total, top, low, high, nonnegative, first.leading)
    first, second = widened(first), widened(second)
    top = larger(first.exponent, second.exponent)
    total = shifted(first.mantissa, first.exponent - top)
    total = total + shifted(second.mantissa, second.exponent - top)
    return gathered(total, top, nonnegative, first.leading)


def larger(first: Exponent, second: Exponent) -> Exponent:
    """The larger of two exponents, position by position."""
    if isinstance(first, int) and isinstance(second, int):
        return max(first, second)
    array = second if isinstance(first, int) else first
    one, other = (like(e, array) if isinstance(e, int) else e for e in (first, second))
    return namespace(array).maximum(one, other)


def lowest(power: Exponent) -> int:
    """The least of some exponents."""
    return power if isinstance(power, int) else int(namespace(power).min(power))


def quotient(first: Scaled, second: Scaled) -> Scaled:
    """``first / second``, entry by entry; no entry of the second is zero."""
    limit = limits(first.mantissa.dtype)
    nonnegative = first.nonnegative and second.nonnegative
    low, high = first.low - second.high - 2, first.high - second.low + 2
    shared = isinstance(first.exponent, int) and isinstance(second.exponent, int)
    if shared and limit.low <= low <= high <= limit.high:
        result = first.mantissa / second.mantissa
        exponent = first.exponent - second.exponent
        return measured(Scaled(result, exponent, low, high, nonnegative, second.leading))
    first, second = widened(first), widened(second)
    power = first.exponent - second.exponent
    return gathered(first.mantissa / second.mantissa, power, nonnegative, second.leading)


def conjugated(tensor: Scaled) -> Scaled:
    """The conjugate of a tensor."""
    return tensor._replace(mantissa=conjugate(tensor.mantissa))


def conjugate(array: Array) -> Array:
    """The conjugate of an array; itself if it is real."""
    return namespace(array).conj(array) if is_complex(array) else array
