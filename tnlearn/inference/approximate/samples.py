"""Samples as users see them, and those of Markov chains, which say how much they count for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.inference.approximate.chains import draw
from tnlearn.inference.convergence import warn_unless
from tnlearn.network import HasNetwork, Index, Model, TensorNetwork


class Samples(np.ndarray[Any, Any]):
    """Samples that are not independent: an array with its pedigree.

    Attributes
    ----------
    method : str
        How they were drawn.
    effective_size : float
        Independent samples that say as much.
    converged : bool
        Whether the chains agree, and enough of their draws count.
    """

    method: str
    effective_size: float
    converged: bool

    def __array_finalize__(self, whole: Any) -> None:
        """A part of samples, or what is computed of them, is an array of the same pedigree."""
        self.method = getattr(whole, "method", "")
        self.effective_size = getattr(whole, "effective_size", 0.0)
        self.converged = getattr(whole, "converged", False)


def drawn_by_chains(
    thing: TensorNetwork | HasNetwork,
    size: int,
    method: str,
    seed: int | np.random.Generator | None,
    progress: bool,
    nothing: str,
) -> Samples:
    """Samples by Markov chains, in no order; see `chains.draw`."""
    drawn = draw(thing, size, method, nothing, seed=seed, progress=progress)
    total = max(map(len, drawn.columns.values()), default=0)
    rows = np.random.default_rng(0).permutation(total)[:size]
    columns = {index: column[rows] for index, column in drawn.columns.items()}
    found = in_values(thing, columns, size).view(Samples)
    found.method, found.converged = method, drawn.converged
    found.effective_size = min(drawn.effective_size, float(size))
    text = f"{method} did not converge: {size} samples count as {found.effective_size:.0f} or fewer"
    warn_unless(drawn.converged, text)
    return found


def in_values(
    thing: TensorNetwork | HasNetwork, columns: Mapping[Index, npt.NDArray[np.int64]], size: int
) -> npt.NDArray[Any]:
    """Positions of all indices in a model's own values, shape (size, n_sites)."""
    if not isinstance(thing, Model):
        given = list(columns.values())
        return np.stack(given, axis=1) if given else np.empty((size, 0), dtype=np.int64)
    values = [_table(thing.values(site)) for site in thing.sites]
    if len({value.dtype.kind in "UO" for value in values}) > 1:
        values = [value.astype(object) for value in values]  # Stacked, numbers would be texts.
    return np.stack([v[columns[site]] for site, v in zip(thing.sites, values, strict=True)], axis=1)


def _table(values: Sequence[Any]) -> npt.NDArray[Any]:
    """Values as an array of numbers or of texts; of anything else, or of both, as they are."""
    kinds = {np.asarray(value).dtype.kind for value in values if not np.iterable(value)}
    kinds |= {"U" if isinstance(value, str) else "O" for value in values if np.iterable(value)}
    if kinds <= set("biuf") or kinds == {"U"}:
        return np.asarray(values)
    table = np.empty(len(values), object)
    table[:] = values
    return table
