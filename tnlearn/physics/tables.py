"""Tables of conditional probabilities: every row sums to 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from tnlearn.errors import ModelError
from tnlearn.physics.parameters import Array, real_array

#: A row whose sum differs more from 1 is no rounding of probabilities.
TOLERANCE = 1e-9


def vector_of(given: Any, what: str, normalise: bool) -> Array:
    """Probabilities, shape (n,), that sum to 1."""
    vector = real_array(given, what)
    if vector.ndim != 1 or not vector.size:
        raise ModelError(f"{what} has shape {vector.shape}; it must be a vector of probabilities")
    found: Array = _normalised(vector[None], what, normalise)[0]
    return found


def table_of(given: Any, what: str, rows: int | None, normalise: bool) -> Array:
    """Conditional probabilities, shape (rows, n): entry [i, j] is p(j | i), each row sums to 1.

    Parameters
    ----------
    given : array_like
    what : str
        What a message calls it.
    rows : int or None
        How many rows there must be, if that is known.
    normalise : bool
        Divide every row by its sum, instead of refusing sums that are not 1.

    Returns
    -------
    array
        Read-only.

    Raises
    ------
    ModelError
        If the shape is another, an entry is negative or not finite, or a row does not sum to 1
        (or is all zeros).
    """
    table = real_array(given, what)
    if table.ndim != 2 or 0 in table.shape or (rows is not None and len(table) != rows):
        wanted = "a row" if rows is None else f"{rows} rows, one"
        raise ModelError(f"{what} has shape {table.shape}; it needs {wanted} for every condition")
    return _normalised(table, what, normalise)


def log_of(table: Array) -> Array:
    """Natural logarithms, -inf of zeros."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(table))


def _normalised(table: Array, what: str, normalise: bool) -> Array:
    for row, column in np.argwhere(~((table >= 0) & (table < np.inf))).tolist():
        raise ModelError(
            f"row {row} of {what} has the entry {table[row, column]} at {column}: probabilities "
            "are from 0 to 1"
        )
    sums = table.sum(axis=1)
    for row in np.flatnonzero(sums == 0 if normalise else abs(sums - 1) > TOLERANCE).tolist():
        raise ModelError(
            f"row {row} of {what} sums to {sums[row]:.12g}, not to 1"
            + ("" if normalise else ": give probabilities, or normalise=True")
        )
    if (sums == 1).all():
        return table
    # What rounding left is divided out as well, lest it add up along a chain.
    divided: Array = table / sums[:, None]
    divided.flags.writeable = False
    return divided
