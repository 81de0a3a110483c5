"""Tensors as plain data on their way to another process, and back, without loss of a bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tnlearn_backends.array_backend.namespaces import Array
from tnlearn_backends.array_backend.scaled import Scaled


def sent(tensors: Iterable[Scaled | None]) -> tuple[list[Any], list[Array]]:
    """A header for every tensor, and the arrays of all: a mantissa, perhaps its exponents."""
    headers: list[Any] = []
    arrays: list[Array] = []
    for tensor in tensors:
        headers.append(None if tensor is None else _header(tensor))
        if tensor is not None:
            arrays.append(tensor.mantissa)
            if not isinstance(tensor.exponent, int):
                arrays.append(tensor.exponent)
    return headers, arrays


def received(headers: Sequence[Any], arrays: Iterable[Array]) -> list[Scaled | None]:
    """The tensors that were sent."""
    left = iter(arrays)
    return [None if header is None else _tensor(next(left), left, *header) for header in headers]


def present(tensors: Sequence[Array | None]) -> tuple[list[bool], list[Array]]:
    """Plain arrays: which are there, and those."""
    return [array is not None for array in tensors], [x for x in tensors if x is not None]


def placed(here: Sequence[bool], arrays: Iterable[Array]) -> list[Array | None]:
    """What was sent so: None where there was none."""
    left = iter(arrays)
    return [next(left) if found else None for found in here]


def sound(array: Array) -> Array:
    """An array like those made here: some transports leave entries across word boundaries.

    Native code reads whole words.
    """
    return np.require(array, requirements=("ALIGNED", "WRITEABLE"))


def _header(tensor: Scaled) -> list[Any]:
    exponent = int(tensor.exponent) if isinstance(tensor.exponent, int) else None
    bounds = [int(tensor.low), int(tensor.high)]
    return [exponent, *bounds, bool(tensor.nonnegative), tensor.leading, bool(tensor.wide)]


def _tensor(mantissa: Array, left: Any, exponent: int | None, *fields: Any) -> Scaled:
    return Scaled(mantissa, next(left) if exponent is None else exponent, *fields)
