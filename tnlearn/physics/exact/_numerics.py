"""What the exact solutions share: safe logarithms, counting of states, argument checks."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError

LOG_2 = math.log(2.0)
#: Beyond this, products such as ``2 * n * beta * coupling`` could leave the range of a float.
_LARGEST_REDUCED = 1e200
#: 2**24 energies are 128 MiB and, for a vectorised model, seconds of work.
_MOST_STATES = 2**24


def log_2cosh(x: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """``ln(2 cosh x)``, elementwise."""
    size = np.abs(np.asarray(x, dtype=np.float64))
    return size + np.log1p(np.exp(-2.0 * size))


def log_2sinh(x: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """``ln|2 sinh x|``, elementwise; -inf at 0."""
    size = np.abs(np.asarray(x, dtype=np.float64))
    with np.errstate(divide="ignore"):
        return size + np.log(-np.expm1(-2.0 * size))


def log1mexp(log_x: float) -> float:
    """``ln(1 - exp(-x))`` from ``ln x``, so that `x` itself may underflow or overflow."""
    if log_x < -40.0:
        return log_x
    return math.log(-math.expm1(-math.exp(min(log_x, 7.0))))


def log_sum_exp(logs: npt.ArrayLike, signs: npt.ArrayLike = 1.0) -> float:
    """``ln sum_i signs_i exp(logs_i)``, of a sum >= 0; -inf if every term is zero."""
    terms = np.asarray(logs, dtype=np.float64)
    largest = float(np.max(terms))
    if largest == -math.inf:
        return -math.inf
    return largest + math.log(float(np.sum(signs * np.exp(terms - largest))))


def reduced(name: str, energy: float, beta: float) -> float:
    """``beta * energy``, dimensionless; refuses what is not a finite real number."""
    try:
        factors = {name: float(energy), "beta": float(beta)}
    except (TypeError, ValueError):
        raise DataTypeError(
            f"{name} and beta must be real numbers, got {energy!r} and {beta!r}; "
            "this closed form has one value for all sites or bonds"
        ) from None
    for label, value in factors.items():
        if not math.isfinite(value):
            raise ModelError(f"{label} must be finite, got {value}")
    product = factors[name] * factors["beta"]
    if abs(product) > _LARGEST_REDUCED:
        raise ModelError(
            f"beta * {name} is {product:g}, beyond {_LARGEST_REDUCED:g}; use a smaller beta"
        )
    return product


def size(name: str, value: int, at_least: int) -> int:
    """`value` as an int that is no smaller than `at_least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise DataTypeError(f"{name} must be an integer, got {value!r}") from None
    if number < at_least:
        raise ModelError(f"{name} must be at least {at_least}, got {number}")
    return number


def state_count(radices: Sequence[int]) -> int:
    """Count the states of sites with these numbers of values."""
    count = math.prod(radices)
    if not 0 < count <= _MOST_STATES:
        number = f"{count:,}" if count < 10**18 else f"about 10**{math.log10(count):.0f}"
        raise ModelError(
            f"{len(radices)} sites have {number} states and brute force lists 1 to "
            f"{_MOST_STATES:,}; take fewer sites, or contract: tnlearn.log_partition(model), "
            "tnlearn.marginals(model)"
        )
    return count


def digits_of(radices: Sequence[int], start: int, stop: int) -> Iterator[npt.NDArray[np.int64]]:
    """For each site, its value index in the states numbered `start` to `stop` - 1."""
    index, stride = np.arange(start, stop), math.prod(radices)
    for radix in radices:
        stride //= radix
        yield index // stride % radix
