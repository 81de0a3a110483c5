"""Energies that depend on a few overlaps, as a network that counts spins instead of pairing them.

Sites whose columns of patterns agree up to a sign are of one kind: overlaps depend on how many
spins of every kind are aligned, and on nothing else. So a chain of tensors counts the aligned
spins of each kind, and one tensor on the counts holds the energy: ``prod_t (n_t + 1)`` entries
for kinds of n_t sites, where the graph of all pairs costs 2**N.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tnlearn.network import Index, Tensor, TensorNetwork
from tnlearn.physics.parameters import Array

#: Most entries of the tensors that count, and of the one with the energies: 64 MiB.
LARGEST = 2**23


@dataclass(frozen=True, eq=False)
class Kind:
    """Sites whose spins enter all overlaps alike, up to a sign.

    Attributes
    ----------
    sites : list of int
    signs : list of int
        +1 where a site's column of patterns is the first one's, -1 where it is the opposite.
    column : array, shape (n_patterns,)
        That of the first site.
    """

    sites: list[int]
    signs: list[int]
    column: Array

    def counting(self) -> Iterator[Tensor]:
        """Tensors that forbid all counts but the right one: entries 0, or inf.

        The first site is its own count. Others are on the count before, the site, and the count
        after, which is called ``("count", site)``.
        """
        before: Index = self.sites[0]
        for k, (site, sign) in enumerate(zip(self.sites, self.signs, strict=True)):
            if k == 0:
                continue
            energies = np.full((k + 1, 2, k + 2), np.inf)
            counts = np.arange(k + 1)
            for position in (0, 1):
                energies[counts, position, counts + (position == (sign > 0))] = 0.0
            after = ("count", site)
            yield Tensor(energies, (before, site, after), f"count to {site}")
            before = after

    @property
    def count(self) -> Index:
        """The index of the number of aligned spins, of size ``len(sites) + 1``."""
        return ("count", self.sites[-1]) if len(self.sites) > 1 else self.sites[0]

    @property
    def overlaps(self) -> Array:
        """Sums of pattern times spin over the sites, shape (len(sites) + 1, n_patterns)."""
        n = len(self.sites)
        totals: Array = np.outer(2.0 * np.arange(n + 1) - n, self.column)
        return totals


class Counts:
    """The kinds of the sites of some patterns.

    Parameters
    ----------
    patterns : array, shape (n_patterns, n_sites)
        Entries -1 and +1.
    """

    def __init__(self, patterns: npt.NDArray[np.int8]) -> None:
        gauge = patterns[0]
        found: dict[bytes, list[int]] = {}
        for site, column in enumerate((patterns * gauge).T):
            found.setdefault(column.tobytes(), []).append(site)
        self.kinds = [
            Kind(sites, [int(gauge[i] * gauge[sites[0]]) for i in sites],
                 patterns[:, sites[0]].astype(float))
            for sites in found.values()
        ]  # fmt: skip

    @cached_property
    def pays(self) -> bool:
        """Whether counting is cheaper than all pairs, and fits."""
        sizes = [len(kind.sites) for kind in self.kinds]
        joint = sum(np.log2(size + 1.0) for size in sizes)
        largest = float(np.log2(LARGEST))
        if joint >= min(sum(sizes), largest):
            return False
        counting = sum(2 * (k + 1) * (k + 2) for size in sizes for k in range(1, size))
        return counting <= LARGEST

    def energies(self, energy: Callable[[Array], Array]) -> TensorNetwork:
        """The network of an energy of the overlaps, on all sites: tensors are added.

        Parameters
        ----------
        energy : callable
            From sums of pattern times spin, shape (n, n_patterns), to energies, shape (n,).
        """
        totals = np.zeros((1, len(self.kinds[0].column)))
        for kind in self.kinds:
            own = kind.overlaps
            totals = (totals[:, None] + own).reshape(-1, own.shape[1])
        shape = [len(kind.sites) + 1 for kind in self.kinds]
        counts = [kind.count for kind in self.kinds]
        whole = Tensor(energy(totals).reshape(shape), counts, "energy of the counts")
        return TensorNetwork([*(t for kind in self.kinds for t in kind.counting()), whole])
