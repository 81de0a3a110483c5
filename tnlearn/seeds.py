"""Seeds, checked where they come in."""

from __future__ import annotations

import operator
from typing import Any, TypeAlias

import numpy as np

from tnlearn.errors import DataTypeError

#: What chance can be begun with; None is begun afresh.
Seed: TypeAlias = int | np.random.Generator | None


def generator_of(seed: Any) -> np.random.Generator:
    """The generator that a seed begins; one that is given is used as it is, and moves on.

    Raises
    ------
    DataTypeError
        If that is no seed.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise DataTypeError(
            f"the seed is {seed!r}; give a whole number from 0, a numpy.random.Generator, or None"
        ) from None


def number_of(seed: Any) -> int:
    """A seed that is a number, as searches for an order need: their results are kept by it.

    Raises
    ------
    DataTypeError
        If it is none.
    """
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**32:
        raise DataTypeError(f"the seed is {seed!r}; give a whole number from 0 to 2**32 - 1")
    return number
