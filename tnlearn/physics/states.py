"""States as a user writes them, and as positions along the indices of a network."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.network import as_states
from tnlearn.physics.parameters import array_of

#: A row for every state, a column for every site.
Positions = npt.NDArray[np.int64]


def table_of(states: npt.ArrayLike, sites: Sequence[Hashable]) -> npt.NDArray[Any]:
    """States as an array of shape (n_states, n_sites)."""
    return as_states(array_of(states, "the array of states"), len(sites))


def positions_of_spins(states: npt.ArrayLike, sites: Sequence[Hashable]) -> Positions:
    """Positions 0 and 1 of spins -1 and +1."""
    spins = table_of(states, sites)
    if not np.isin(spins, (-1, 1)).all():
        raise ModelError("states must hold -1 and +1 only (spin = 2 * bit - 1)")
    return (spins > 0).astype(np.int64)


def positions_of_numbers(
    states: npt.ArrayLike, sites: Sequence[Hashable], sizes: int | Sequence[int]
) -> Positions:
    """Whole numbers from 0 up, which are their own positions.

    Parameters
    ----------
    states : array_like, shape (n_states, n_sites)
    sites : sequence
        The sites of the columns.
    sizes : int or sequence of int
        How many values the sites have.

    Raises
    ------
    ModelError
        If the shape is wrong, or a site is at something other than 0, ..., size - 1.
    """
    table = table_of(states, sites)
    bounds = np.broadcast_to(np.asarray(sizes), (len(sites),))
    floor = np.floor(table) if table.dtype.kind == "f" else table
    wrong = ~((table == floor) & (table >= 0) & (table < bounds))
    if wrong.any():
        row, column = (int(k) for k in np.argwhere(wrong)[0])
        raise ModelError(
            f"state {row} has site {sites[column]!r} at {table[row, column].item()}; its values "
            f"are 0 to {bounds[column] - 1}"
        )
    return table.astype(np.int64)


def check_site(site: Hashable, known: bool, model: object) -> None:
    """Refuse what is no site."""
    if not known:
        raise ModelError(f"{site!r} is no site of {model!r}")
