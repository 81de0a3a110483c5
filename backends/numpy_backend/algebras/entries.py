"""Numbers into entries of an algebra, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Algebra
from tnlearn.errors import DataError

Array = npt.NDArray[Any]


def width(algebra: Algebra) -> int:
    """Numbers in an entry."""
    return algebra.parts[0] if algebra.parts else 1


def entries(numbers: Array, algebra: Algebra) -> Array:
    """Entries of shape ``numbers.shape + (width,)``.

    Inside, the best is always the largest; a number of its own is attained in one way.
    """
    found = np.empty((*numbers.shape, width(algebra)))
    if algebra.kind == "modular":
        found[..., 0] = np.mod(numbers, algebra.modulus)
        return found
    found[..., 0] = algebra.sign * numbers
    if algebra.kind == "count":
        found[..., 1] = found[..., 0] > -np.inf
    else:
        found[..., 1:] = -np.inf
    return found


def numbers(entries: Array, algebra: Algebra) -> Array:
    """What a user sees of entries: their parts on a last axis, if they have several."""
    found = entries.copy()
    if algebra.kind == "count":
        found[..., 0] *= algebra.sign
    elif algebra.sums_by_choice:
        found *= algebra.sign
    return found if algebra.parts else found[..., 0]


def check(array: Array, name: str, algebra: Algebra) -> None:
    """Refuse what the algebra cannot hold.

    Raises
    ------
    DataError
        For nan, for infinities but the algebra's zero, and for fractions where there are none.
    """
    fine = np.isfinite(array) | (array == algebra.zero)
    wanted = f"entries must be finite, or {algebra.zero}" if algebra.zero else "finite"
    if algebra.kind == "modular":
        with np.errstate(invalid="ignore"):
            fine &= np.floor(array) == array
        wanted = "entries must be integers"
    if not fine.all():
        at = tuple(int(k) for k in np.unravel_index(int(np.argmin(fine)), array.shape))
        raise DataError(f"tensor {name!r} holds {array[at]} at {at}: in {algebra.name} {wanted}")
