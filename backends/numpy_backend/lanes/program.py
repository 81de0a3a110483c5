"""A program over lanes at one size of its batch: where entries are, and the blocks of a run."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import WHOLE_TERMS, Instructions, threads
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.numpy_backend.lanes import columns
from tnlearn_backends.numpy_backend.lanes.compiled import kernel
from tnlearn_backends.numpy_backend.lanes.writing import Sheet, grid, row_length
from tnlearn_backends.numpy_backend.native.helpers import WORTH_CALLING, helpers
from tnlearn_backends.numpy_backend.native.places import Place

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

#: Nanoseconds that a term takes for a block, about.
TERM = 8.0


def apart(dtype: np.dtype[Any]) -> int:
    """How many powers of two numbers may be from one, so that no sum of products is lost.

    A product of two is normal then, and so many can be added up. What cancels is seen, as it is
    below all that is allowed.
    """
    limit = limits(dtype)
    return (min(-limit.low, limit.high) - WHOLE_TERMS.bit_length()) // 2


class Lanes:
    """A program written out, at one size of its batch. Runs may overlap.

    Parameters
    ----------
    sheet : Sheet
    program : Instructions
    places : sequence of Place
        How slots lie in the arrays of inputs, cotangent and results.
    offsets : sequence of int
        Where they begin.
    dtype : dtype
    batch : int

    Attributes
    ----------
    apart : int
        Powers of two that numbers may be from one.
    """

    def __init__(
        self,
        sheet: Sheet,
        program: Instructions,
        places: Sequence[Place],
        offsets: Sequence[int],
        dtype: np.dtype[Any],
        batch: int,
    ) -> None:
        real = np.finfo(dtype).dtype
        self._kernel, self._real = kernel(real.name), real
        self._code, self._arena, self._batch = sheet.code, sheet.arena, batch
        self._length = row_length(dtype)
        self._blocks = -(-batch // self._length)
        self.apart = apart(dtype)
        self._nanoseconds = sheet.terms * TERM * self._blocks
        sizes = list(program.sizes)
        assert program.batch is not None
        sizes[program.batch] = batch
        parts = dtype.itemsize // real.itemsize
        self._table = np.concatenate(
            [
                _entries(program.labels[k], places[k], offsets[k], sizes, program.batch, parts)
                for k in sheet.moved
            ]
        )
        self._spare: list[Array] = []

    def run(self, inputs: int, seeds: int, results: Array, looks: bool) -> bool:
        """All blocks, on as many threads as there may be; False if a number might be lost.

        Parameters
        ----------
        inputs, seeds : int
            Addresses.
        results : array
            Is written to.
        looks : bool
            Whether numbers that are made have to be looked at. Those that are given must be
            within `apart`.
        """
        count = threads() if self._nanoseconds >= WORTH_CALLING else 1
        bounds = np.linspace(0, self._blocks, min(count, self._blocks) + 1).astype(int).tolist()
        header = array("q", bytes(8 * columns.HEADER))
        header[columns.INPUTS_AT], header[columns.SEEDS_AT] = inputs, seeds
        header[columns.RESULTS_AT] = results.ctypes.data
        header[columns.CODE_AT] = self._code.ctypes.data
        header[columns.TABLE_AT] = self._table.ctypes.data
        header[columns.WORDS], header[columns.BATCH] = len(self._code), self._batch
        header[columns.LOOK] = int(looks)
        spans = list(pairwise(bounds))
        pool = helpers(len(spans) - 1) if len(spans) > 1 else None
        others = [pool.submit(self._some, header, *span) for span in spans[1:]] if pool else []
        try:
            fine = [self._some(header, *spans[0])]
        finally:
            fine += [other.result() for other in others]
        return all(fine)

    def release(self) -> None:
        """Give back the arenas that no run is using."""
        self._spare.clear()

    def _some(self, header: array[int], first: int, stop: int) -> bool:
        """Some blocks, in an arena of their own; whether all numbers are near enough to one."""
        try:
            arena = self._spare.pop()
        except IndexError:
            arena = np.empty(self._arena, self._real)
        own = array("q", header)
        own[columns.ARENA_AT] = arena.ctypes.data
        own[columns.FIRST], own[columns.STOP] = first, stop
        self._kernel(own.buffer_info()[0])
        apart = self.apart
        rows = arena.reshape(-1, self._length)[: columns.APART]
        top, least = rows[columns.LARGEST].max(), rows[columns.SMALLEST].min()
        self._spare.append(arena)
        return bool(top <= 2.0**apart and least >= 2.0**-apart)


def _entries(
    labels: Sequence[int], place: Place, first: int, sizes: Sequence[int], batch: int, parts: int
) -> Ints:
    """For every entry of a batch element where the first one is, and how far the next."""
    strides, stride = [0] * len(labels), 1
    for axis in reversed(place.axes):
        strides[axis] = stride
        stride *= sizes[labels[axis]]
    own = [axis for axis, label in enumerate(labels) if label != batch]
    where = grid(own, [sizes[label] for label in labels])
    base = np.full(max((len(at) for at in where.values()), default=1), first)
    for axis, at in where.items():
        base = base + strides[axis] * at
    step = sum(strides[axis] for axis, label in enumerate(labels) if label == batch)
    base = (parts * base[:, None] + np.arange(parts)).ravel()
    return np.stack([base, np.full_like(base, parts * step)], 1)
