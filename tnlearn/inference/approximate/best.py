"""The best states that a search has come by."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class Best:
    """The `k` best of all states that were offered; no two are the same.

    Parameters
    ----------
    k : int
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self._kept: dict[bytes, tuple[float, npt.NDArray[Any]]] = {}

    @property
    def energies(self) -> list[float]:
        """Of the states kept, the least first."""
        return [energy for energy, _ in self._kept.values()]

    @property
    def rows(self) -> npt.NDArray[Any]:
        """Their positions, shape (states, n_sites)."""
        return np.array([row for _, row in self._kept.values()])

    def offer(self, rows: npt.NDArray[Any], energies: npt.NDArray[np.float64]) -> bool:
        """Keep the best of these and of those kept; whether that changed anything."""
        before = self.energies
        for place in np.argsort(energies, kind="stable").tolist():
            row = np.ascontiguousarray(rows[place])
            self._kept.setdefault(row.tobytes(), (float(energies[place]), row))
        ranked = sorted(self._kept.items(), key=lambda item: item[1][0])
        self._kept = dict(ranked[: self._k])
        return self.energies != before
