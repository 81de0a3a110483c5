"""Patterns of spins that a memory is to hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.physics.parameters import Array, array_of

Patterns = npt.NDArray[np.int8]


def patterns_of(given: npt.ArrayLike) -> Patterns:
    """Patterns as a read-only array of -1 and +1, shape (n_patterns, n_sites)."""
    table = array_of(given, "the array of patterns")
    if table.ndim != 2 or 0 in table.shape:
        raise ModelError(f"patterns need shape (n_patterns, n_sites), got {table.shape}")
    wrong = np.argwhere(~np.isin(table, (-1, 1)))
    if len(wrong):
        row, column = wrong[0].tolist()
        raise ModelError(f"pattern {row} has {table[row, column]} at {column}: give -1 and +1 only")
    patterns = table.astype(np.int8)
    patterns.flags.writeable = False
    return patterns


def inverse_overlaps(patterns: Patterns) -> Array:
    """The inverse of ``C_{mu nu} = xi^mu.xi^nu / N``, shape (n_patterns, n_patterns).

    Raises
    ------
    ModelError
        If the patterns are linearly dependent.
    """
    xi = patterns.astype(float)
    rank = int(np.linalg.matrix_rank(xi))
    if rank < len(xi):
        raise ModelError(
            f"the {len(xi)} patterns are linearly dependent, of rank {rank}: the pseudo-inverse "
            "rule needs independent ones"
        )
    inverse = np.linalg.inv(xi @ xi.T / xi.shape[1])
    return np.asarray((inverse + inverse.T) / 2.0)
