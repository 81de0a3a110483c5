"""Any discrete model as a list of energy tables, and at every site those that touch it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.network import HasEnergies, Tensor
from tnlearn.sampling.interface import Positions

#: Positions are held in 8 bits.
MOST_VALUES = 127


class Lists(NamedTuple):
    """The tables one after the other, as the kernels read them.

    Attributes
    ----------
    entries : array of float64
        Of all tables, energy; the first axis of a table changes slowest.
    bases : array of int64, shape (n_tables,)
        Where the entries of a table begin.
    axes : array of int64, shape (n_tables + 1,)
        Table t has the axes ``axes[t]`` to ``axes[t + 1]``.
    owners, strides : array of int64, shape (n_axes,)
        The site of an axis, and how far apart its entries are.
    touching : array of int64, shape (n_sites + 1,)
        Site i is on the axes ``places[touching[i]]`` to ``places[touching[i + 1]]``.
    places, tables : array of int64, shape (n_axes,)
        Those axes, and the table of each.
    """

    entries: npt.NDArray[np.float64]
    bases: npt.NDArray[np.int64]
    axes: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
    strides: npt.NDArray[np.int64]
    touching: npt.NDArray[np.int64]
    places: npt.NDArray[np.int64]
    tables: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tables:
    """A model whose energy is a sum of table entries; inf forbids.

    Attributes
    ----------
    sites : tuple
    beta : float
        Inverse temperature, 1 / energy.
    choices : tuple of arrays
        The values of every site.
    lists : Lists
    """

    sites: tuple[Hashable, ...]
    beta: float
    choices: tuple[npt.NDArray[Any], ...]
    lists: Lists

    def energies(self, positions: Positions) -> npt.NDArray[np.float64]:
        """Energies, shape (chains,), of positions, shape (chains, n_sites)."""
        from tnlearn.sampling.kernels import tables as kernels

        rows = np.ascontiguousarray(positions.T)
        found: npt.NDArray[np.float64] = kernels.energies(rows, *self.lists[:5])
        return found

    def values(self, positions: Positions) -> npt.NDArray[Any]:
        """The model's own values."""
        columns = [choice[column] for choice, column in zip(self.choices, positions.T, strict=True)]
        return np.stack(columns, axis=1)

    def positions(self, values: npt.NDArray[Any]) -> Positions:
        """Positions of the model's own values; ModelError for a value that a site does not have."""
        found = np.empty(values.shape, np.int8)
        for k, (site, choice) in enumerate(zip(self.sites, self.choices, strict=True)):
            number = {value: position for position, value in enumerate(choice.tolist())}
            for row, value in enumerate(values[:, k].tolist()):
                if value not in number:
                    raise ModelError(f"start has {value!r} at {site!r}, which has {list(number)}")
                found[row, k] = number[value]
        return found

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of values of every site."""
        return tuple(len(choice) for choice in self.choices)


def tables_of(model: HasEnergies, beta: float) -> Tables:
    """The tables of a model; cost linear in their entries.

    Raises
    ------
    ModelError
        If a site has more than 127 values, or a table is on an index that is no site.
    """
    choices = tuple(np.asarray(model.values(site)) for site in model.sites)
    for site, choice in zip(model.sites, choices, strict=True):
        if len(choice) > MOST_VALUES:
            raise ModelError(f"site {site!r} has {len(choice)} values: at most {MOST_VALUES}")
    number = {site: k for k, site in enumerate(model.sites)}
    lists = _lists(model.energies(), number)
    return Tables(tuple(model.sites), beta, choices, lists)


def _lists(tensors: Iterable[Tensor], number: dict[Hashable, int]) -> Lists:
    entries: list[npt.NDArray[np.float64]] = []
    bases, axes, owners, strides, tables = [0], [0], [], [], []
    for table, tensor in enumerate(tensors):
        for index in tensor.indices:
            if index not in number:
                raise ModelError(f"tensor {tensor.name!r} is on {index!r}, which is no site")
        data = np.array(tensor.data, np.float64, order="C")
        steps: dict[Hashable, int] = {}
        for index, stride in zip(tensor.indices, data.strides, strict=True):
            # An index that is there twice takes the diagonal: its strides add.
            steps[index] = steps.get(index, 0) + stride // data.itemsize
        entries.append(data.ravel())
        bases.append(bases[-1] + data.size)
        axes.append(axes[-1] + len(steps))
        owners += [number[index] for index in steps]
        strides += list(steps.values())
        tables += [table] * len(steps)
    order = np.argsort(np.array(owners, np.int64), kind="stable")
    touching = np.searchsorted(np.array(owners, np.int64)[order], np.arange(len(number) + 1))
    return Lists(
        np.concatenate(entries) if entries else np.empty(0),
        np.array(bases[:-1], np.int64),
        np.array(axes, np.int64),
        np.array(owners, np.int64),
        np.array(strides, np.int64),
        touching.astype(np.int64),
        order.astype(np.int64),
        np.array(tables, np.int64)[order],
    )
