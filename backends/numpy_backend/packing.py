"""Input arrays into scaled tensors, all of them in a few passes over one buffer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Input
from tnlearn.errors import DataError
from tnlearn_backends.numpy_backend.scaled import LN2, ZERO, Scaled, gathered, limits, parts

Array = npt.NDArray[Any]

#: ln 2 in two parts, the first with so few bits that its multiples by an exponent are exact.
LN2_HIGH = 0.693145751953125
LN2_LOW = 1.42860682030941723212e-6


def packed(
    arrays: Sequence[Array],
    inputs: Sequence[Input],
    leading: Sequence[int | None],
    dtype: np.dtype[Any],
    check_finite: bool,
) -> tuple[Scaled, ...]:
    """The tensors that `arrays` stand for: copied once, their magnitudes bounded.

    Raises
    ------
    DataError
        If `check_finite` and an array holds nan or inf, or a log tensor nan or ``+inf``.
    """
    result: list[Scaled | None] = [None] * len(inputs)
    for log, pack in ((False, _pack_plain), (True, _pack_logs)):
        chosen = [k for k, given in enumerate(inputs) if given.log is log]
        if chosen:
            buffer = np.concatenate([arrays[k].reshape(-1) for k in chosen])
            starts = np.cumsum([0] + [arrays[k].size for k in chosen])
            if check_finite:
                _check_finite(buffer, starts, [inputs[k] for k in chosen])
            shapes = [arrays[k].shape for k in chosen]
            of = [inputs[k] for k in chosen]
            some = pack(buffer, starts, shapes, of, [leading[k] for k in chosen], dtype)
            for k, tensor in zip(chosen, some, strict=True):
                result[k] = tensor
    return tuple(tensor for tensor in result if tensor is not None)


def _check_finite(buffer: Array, starts: Array, inputs: Sequence[Input]) -> None:
    allowed = np.isneginf(buffer) if inputs[0].log else np.False_
    bad = ~(np.isfinite(buffer) | allowed)
    if bad.any():
        place = int(bad.argmax())
        which = int(np.searchsorted(starts, place, side="right")) - 1
        raise DataError(
            f"tensor {inputs[which].name!r} holds {buffer[place]} at flat position "
            f"{place - int(starts[which])}: entries must be finite"
            + (" or -inf (the logarithm of zero)" if inputs[0].log else "")
        )


def _pack_plain(
    buffer: Array,
    starts: Array,
    shapes: Sequence[tuple[int, ...]],
    inputs: Sequence[Input],
    leading: Sequence[int | None],
    dtype: np.dtype[Any],
) -> list[Scaled]:
    buffer = buffer.astype(dtype, copy=False)
    sizes = parts(buffer).reshape(len(buffer), -1)
    nonzero = np.where(sizes > 0, sizes, np.inf)
    highs = np.frexp(np.maximum.reduceat(sizes.max(axis=1), starts[:-1]))[1].tolist()
    smallest = np.minimum.reduceat(nonzero.min(axis=1), starts[:-1])
    lows = np.where(np.isinf(smallest), 0, np.frexp(smallest)[1] - 1).tolist()
    nonnegative = [False] * len(inputs)
    if dtype.kind != "c":
        nonnegative = (np.minimum.reduceat(buffer, starts[:-1]) >= 0).tolist()
    tensors = []
    places = starts.tolist()
    for k, given in enumerate(inputs):
        entries = buffer[places[k] : places[k + 1]].reshape(shapes[k])
        if given.conj:
            entries = np.asarray(entries.conj())
        tensors.append(Scaled(entries, 0, lows[k], highs[k], nonnegative[k], leading[k]))
    return tensors


def _pack_logs(
    buffer: Array,
    starts: Array,
    shapes: Sequence[tuple[int, ...]],
    inputs: Sequence[Input],
    leading: Sequence[int | None],
    dtype: np.dtype[Any],
) -> list[Scaled]:
    logs = buffer.astype("float64")
    there = np.isfinite(logs)
    tops = np.maximum.reduceat(np.where(there, logs, -np.inf), starts[:-1])
    bottoms = np.minimum.reduceat(np.where(there, logs, np.inf), starts[:-1])
    spread = limits(dtype).spread
    tensors = []
    for k in range(len(inputs)):
        entries = logs[starts[k] : starts[k + 1]].reshape(shapes[k])
        if tops[k] - bottoms[k] > spread * LN2:
            powers = np.floor(np.where(np.isneginf(entries), 0, entries) / LN2).astype(np.int64)
            mantissa = _exponential(entries, powers).astype(dtype)
            powers = np.where(mantissa != 0, powers, ZERO)
            tensors.append(gathered(mantissa, powers, True, leading[k]))
            continue
        power = int(np.floor(tops[k] / LN2)) if np.isfinite(tops[k]) else 0
        low = int(np.floor(bottoms[k] / LN2)) - power - 1 if np.isfinite(tops[k]) else 0
        mantissa = _exponential(entries, np.asarray(power)).astype(dtype)
        tensors.append(Scaled(mantissa, power, low, 1, dtype.kind != "c", leading[k]))
    return tensors


def _exponential(logs: Array, powers: Array) -> Array:
    """``exp(logs) / 2**powers``, in [1, 2) where the power is that of the entry."""
    return np.exp((logs - powers * LN2_HIGH) - powers * LN2_LOW)
