"""Tensors side by side in one array, as a native program takes and returns them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.reading import plain
from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.numpy_backend.native.calm import Calm, Range
from tnlearn_backends.numpy_backend.native.columns import EXPONENT, HIGH, LOW, NONNEGATIVE

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Where:
    """How some slots lie in an array: the offset, shape, order of axes and batch axis of each.

    Attributes
    ----------
    offsets, shapes, axes, leading : sequences
        Of every slot of a program.
    slots : sequence of (int or None)
        Those meant.
    """

    offsets: Sequence[int]
    shapes: Sequence[tuple[int, ...]]
    axes: Sequence[tuple[int, ...]]
    leading: Sequence[int | None]
    slots: Sequence[int | None] = ()

    def of(self, slots: Sequence[int | None]) -> Where:
        """The same for some slots."""
        return Where(self.offsets, self.shapes, self.axes, self.leading, tuple(slots))

    def total(self, offsets: Mapping[int, int]) -> Where:
        """The same, but some slots elsewhere, their axes in order."""
        found, axes = list(self.offsets), list(self.axes)
        for slot, at in offsets.items():
            found[slot], axes[slot] = at, tuple(range(len(self.shapes[slot])))
        return Where(found, self.shapes, axes, self.leading, self.slots)

    def in_order(self, slot: int) -> bool:
        """Whether the axes of a slot lie in their own order."""
        return self.axes[slot] == tuple(range(len(self.axes[slot])))


class Tensors(Sequence[Any]):
    """`Scaled` tensors in one array; `None` stands for one that is not there.

    Attributes
    ----------
    data : array
        All entries.
    ranges : array of int64, shape (slots, 4)
        Exponents and bounds: see `columns`.
    where : Where
        Which, and how they lie.
    """

    __slots__ = ("data", "ranges", "where")

    def __init__(self, data: Array, ranges: npt.NDArray[np.int64], where: Where) -> None:
        self.data = data
        self.ranges = ranges
        self.where = where

    def __len__(self) -> int:
        return len(self.where.slots)

    def entries(self, slot: int) -> Array:
        """The entries of a slot, side by side as they lie."""
        at = self.where.offsets[slot]
        return self.data[at : at + math.prod(self.where.shapes[slot])]

    @overload
    def __getitem__(self, position: int) -> Any: ...
    @overload
    def __getitem__(self, position: slice) -> list[Any]: ...
    def __getitem__(self, position: int | slice) -> Scaled | list[Scaled | None] | None:
        if isinstance(position, slice):
            return [self[k] for k in range(*position.indices(len(self)))]
        slot = self.where.slots[position]
        if slot is None:
            return None
        where = self.where
        shape, entries = where.shapes[slot], self.entries(slot)
        if where.in_order(slot):
            entries = entries.reshape(shape)
        else:
            axes = where.axes[slot]
            entries = entries.reshape([shape[axis] for axis in axes]).transpose(np.argsort(axes))
        ranges = self.ranges[slot].tolist()
        return Scaled(
            entries,
            ranges[EXPONENT],
            ranges[LOW],
            ranges[HIGH],
            bool(ranges[NONNEGATIVE]),
            where.leading[slot],
        )


def together(tensors: Tensors) -> list[Array | None]:
    """All tensors as plain numbers, at a few operations each.

    Raises
    ------
    RangeError
        If the largest magnitude of one is out of range.
    """
    where, limit = tensors.where, limits(tensors.data.dtype)
    tiny = 2.0**limit.low
    found: list[Array | None] = []
    table = tensors.ranges.tolist()
    for position, slot in enumerate(where.slots):
        if slot is None:
            found.append(None)
            continue
        exponent, _, high, _ = table[slot]
        result = tensors.entries(slot).reshape(where.shapes[slot]).copy()
        if exponent:
            fits = abs(exponent) < limit.high and high + exponent <= limit.high
            if fits:
                result *= 2.0**exponent
                fits = bool(np.max(np.abs(result.real), initial=0) > tiny)
            if not fits:  # Rarely: then it is looked at in full.
                result = plain(tensors[position])
        found.append(result)
    return found


class Inputs(Tensors):
    """The tensors a program starts from.

    Attributes
    ----------
    address : int
        Where the entries are in memory.
    batch : int or None
        The size of the batch.
    together : list of int
        The range of the product of all, as `survey` finds it.
    calm : tuple
        A program, and the bounds of its tensors on these inputs; of the last one that asked.
    """

    __slots__ = ("address", "batch", "calm", "together")

    def __init__(
        self,
        data: Array,
        address: int,
        ranges: npt.NDArray[np.int64],
        where: Where,
        batch: int | None,
    ) -> None:
        super().__init__(data, ranges, where)
        self.address = address
        self.batch = batch
        self.together: list[int] = ranges[-1].tolist()
        self.calm: tuple[Calm | None, Range | None] = (None, None)

    @property
    def extent(self) -> Range:
        """The largest exponent, but for its sign, and bounds that hold for every tensor."""
        exponent, low, high, nonnegative = self.ranges[:-1].T
        return int(abs(exponent).max()), int(low.min()), int(high.max()), bool(nonnegative.all())
