"""Input arrays into scaled tensors, all of them in a few passes over one array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from tnlearn.backend import Input
from tnlearn.errors import DataError
from tnlearn_backends.array_backend.arithmetic import conjugated
from tnlearn_backends.array_backend.feeding import split
from tnlearn_backends.array_backend.namespaces import Array, is_complex, namespace
from tnlearn_backends.array_backend.powers import limits, parts, smallest
from tnlearn_backends.array_backend.reading import LN2
from tnlearn_backends.array_backend.scaled import ZERO, Scaled, gathered, measured

#: ln 2 in two parts, the first with so few bits that its multiples by an exponent are exact.
LN2_HIGH = 0.693145751953125
LN2_LOW = 1.42860682030941723212e-6


class Group(NamedTuple):
    """Arrays side by side in one: a copy of those that were given, where the program computes.

    Attributes
    ----------
    flat : array
        All entries.
    shapes : sequence of tuples of int
    names : sequence of str
        For messages.
    leading : sequence of (int or None)
        The axis of each that is the batch.
    """

    flat: Array
    shapes: Sequence[tuple[int, ...]]
    names: Sequence[str]
    leading: Sequence[int | None]

    def each(self, flat: Array) -> list[Array]:
        """Entries like those of `flat`, array by array."""
        return split(namespace(flat), flat, self.shapes)


def packed(
    arrays: Sequence[Array],
    inputs: Sequence[Input],
    leading: Sequence[int | None],
    joined: Any,
    dtype: str,
    check_finite: bool,
) -> tuple[Scaled, ...]:
    """The tensors that `arrays` stand for: copied once, their magnitudes bounded.

    Parameters
    ----------
    arrays, inputs, leading : sequences
        One per tensor; `leading` is the axis that is the batch.
    joined : callable
        Many arrays one after another in a new one, flat, where the program computes.
    dtype : str
        Of the program.
    check_finite : bool
        Look for nan and inf.

    Raises
    ------
    DataError
        If `check_finite` and an array holds nan or inf, or a log tensor nan or ``+inf``.
    """
    result: dict[int, Scaled] = {}
    for log, pack in ((False, _pack_plain), (True, _pack_logs)):
        chosen = [k for k, given in enumerate(inputs) if given.log is log]
        if not chosen:
            continue
        group = Group(
            joined([arrays[k] for k in chosen]),
            [tuple(arrays[k].shape) for k in chosen],
            [inputs[k].name for k in chosen],
            [leading[k] for k in chosen],
        )
        result |= zip(chosen, pack(group, dtype, check_finite), strict=True)
    for k, given in enumerate(inputs):
        if given.conj:
            result[k] = conjugated(result[k])
    return tuple(result[k] for k in range(len(inputs)))


def _pack_plain(group: Group, dtype: str, check_finite: bool) -> list[Scaled]:
    xp = namespace(group.flat)
    flat = xp.astype(group.flat, getattr(xp, dtype), copy=False)
    sizes = parts(flat)
    top, least = float(xp.max(sizes)), float(smallest(sizes))
    if not math.isfinite(top):
        if check_finite:
            _complain(group, xp.isfinite(flat), "")
        top = least = 1.0
    low, high = _bounds(least, top)
    pairs = zip(group.each(flat), group.leading, strict=True)
    if max(high, -low) > limits(flat.dtype).high // 4:
        return [
            measured(Scaled(entries, 0, low, high, _nonnegative(entries), leading))
            for entries, leading in pairs
        ]
    nonnegative = _nonnegative(flat)
    return [Scaled(entries, 0, low, high, nonnegative, leading) for entries, leading in pairs]


def _bounds(least: float, top: float) -> tuple[int, int]:
    """Powers of two around magnitudes; of nothing but zeros any will do."""
    return (math.frexp(least)[1] - 1, math.frexp(top)[1]) if top > 0 else (0, 0)


def _nonnegative(array: Array) -> bool:
    return not is_complex(array) and bool(namespace(array).all(array >= 0))


def _pack_logs(group: Group, dtype: str, check_finite: bool) -> list[Scaled]:
    xp = namespace(group.flat)
    logs = xp.astype(group.flat, xp.float64)
    top = float(xp.max(logs))
    if check_finite and not top < math.inf:
        fine = xp.isfinite(logs) | (logs == -math.inf)
        _complain(group, fine, " or -inf (the logarithm of zero)")
    bottom = _lowest(logs)
    if max(top, -bottom) > limits(dtype).high // 4 * LN2:
        pairs = zip(group.each(logs), group.leading, strict=True)
        return [_from_logs(entries, dtype, leading) for entries, leading in pairs]
    low, high = math.floor(bottom / LN2) - 1, math.floor(max(top, bottom) / LN2) + 1
    entries = group.each(xp.astype(xp.exp(logs), getattr(xp, dtype)))
    real = not dtype.startswith("complex")
    pairs = zip(entries, group.leading, strict=True)
    return [Scaled(array, 0, low, high, real, leading) for array, leading in pairs]


def _lowest(logs: Array) -> float:
    """The least of some logarithms of numbers above zero, 0 if there are none."""
    xp = namespace(logs)
    found = float(xp.min(xp.where(logs > -math.inf, logs, math.inf)))
    return found if found < math.inf else 0.0


def _from_logs(logs: Array, dtype: str, leading: int | None) -> Scaled:
    """A tensor by its logarithms, of whatever magnitude."""
    xp, real = namespace(logs), not dtype.startswith("complex")
    top, bottom, kind = float(xp.max(logs)), _lowest(logs), getattr(xp, dtype)
    if top == -math.inf:
        return Scaled(xp.zeros_like(logs, dtype=kind), 0, 0, 0, real, leading)
    if top - bottom > limits(dtype).spread * LN2:
        powers = xp.floor(xp.where(logs > -math.inf, logs, 0.0) / LN2)
        mantissa = xp.astype(_exponential(logs, powers), kind)
        powers = xp.where(logs > -math.inf, xp.astype(powers, xp.int64), ZERO)
        return gathered(mantissa, powers, real, leading)
    power = math.floor(top / LN2)
    low = math.floor(bottom / LN2) - power - 1
    mantissa = xp.astype(_exponential(logs, float(power)), kind)
    return Scaled(mantissa, power, low, 1, real, leading)


def _exponential(logs: Array, powers: Any) -> Array:
    """``exp(logs) / 2**powers``, in [1, 2) where the power is that of the entry."""
    return namespace(logs).exp((logs - powers * LN2_HIGH) - powers * LN2_LOW)


def _complain(group: Group, fine: Array, besides: str) -> None:
    """Say which entry is not finite, if one is not."""
    xp = namespace(fine)
    if xp.all(fine):
        return
    at = int(xp.argmin(xp.astype(fine, xp.int64)))
    sizes = [math.prod(shape) for shape in group.shapes]
    number = next(k for k, end in enumerate(accumulate(sizes)) if at < end)
    place, name = at - sum(sizes[:number]), group.names[number]
    kind = complex if is_complex(group.flat) else float
    value = kind(group.flat[at])
    raise DataError(
        f"tensor {name!r} holds {value} at flat position {place}: entries must be finite{besides}"
    )
