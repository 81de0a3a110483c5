"""Inputs put side by side in one array, in the order and the form that a tape reads them in."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Input
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.numpy_backend.native import columns, objects
from tnlearn_backends.numpy_backend.native.compiled import Kernels
from tnlearn_backends.numpy_backend.native.tensors import Inputs, Where

Array = npt.NDArray[Any]

#: Entries of all inputs up to which looking at them one by one is what packing takes longest for.
SMALL = 2**14


class Packing:
    """How the inputs of a program are packed at one size of the batch.

    Parameters
    ----------
    given : sequence of Input
    where : Where
        How they are to lie.
    starts : array of int64
        Where each begins, and where the last ends.
    dtype : dtype
    batch : int, optional
        The size of the batch.
    kernels : Kernels
    """

    def __init__(
        self,
        given: Sequence[Input],
        where: Where,
        starts: npt.NDArray[np.int64],
        dtype: np.dtype[Any],
        batch: int | None,
        kernels: Kernels,
    ) -> None:
        count = len(given)
        self._where, self._starts, self._dtype, self._batch = where, starts, dtype, batch
        self._kernels = kernels
        self._logs = np.array([tensor.log for tensor in given], np.int64)
        self._conj = np.array([tensor.conj for tensor in given], np.int64)
        # Logarithms are real even where the tensors are complex.
        self._alike = dtype.kind != "c" or not self._logs.any()
        self._moved = [k for k in range(count) if not where.in_order(k)]
        small = bool(starts[-1] <= SMALL)
        self._collects = small and self._alike and not self._moved and objects.known()
        self._shapes = np.array(
            [size for shape in where.shapes[:count] for size in shape] or [0], np.int64
        )
        self._ranks = np.array([len(shape) for shape in where.shapes[:count]], np.int64)
        self._header = self._told()

    def _told(self) -> array[int]:
        """What the kernels are told; see `columns`."""
        header, limit = array("q", bytes(8 * columns.PACKING)), limits(self._dtype)
        header[columns.STARTS] = self._starts.ctypes.data
        header[columns.LOGS] = self._logs.ctypes.data
        header[columns.CONJ] = self._conj.ctypes.data
        header[columns.COUNT] = len(self._logs)
        header[columns.LEAST_POWER] = limit.low
        header[columns.SPREAD] = limit.spread
        header[columns.ARRAY_TYPE] = id(np.ndarray)
        header[columns.DTYPE_OF] = id(self._dtype)
        header[columns.RANKS] = self._ranks.ctypes.data
        header[columns.SHAPES] = self._shapes.ctypes.data
        return header

    def collected(self, arrays: Sequence[Any], check_finite: bool) -> Inputs | None:
        """Arrays nobody has looked at yet; None if one is not just as it should be.

        For few entries in many arrays: one call looks at them, copies them and surveys them.
        """
        count = len(self._logs)
        if not self._collects or len(arrays) != count:
            return None
        data, ranges = np.empty(self._starts[-1], self._dtype), np.empty((count + 1, 4), np.int64)
        items = [*arrays, data, ranges]
        header = array("q", self._header)
        header[columns.LIST] = id(items)
        header[columns.CHECK] = int(check_finite)
        if not self._kernels.collect(header.buffer_info()[0]):
            return None
        return Inputs(data, header[columns.ENTRIES], ranges, self._where, self._batch)

    def packed(self, arrays: Sequence[Array], check_finite: bool) -> Inputs | None:
        """Arrays of the right shapes; None if one is not finite, or too wide for one exponent."""
        if self._moved:
            arrays = list(arrays)
            for k in self._moved:
                arrays[k] = arrays[k].transpose(self._where.axes[k])
        data = self._joined(arrays)
        ranges = np.empty((len(arrays) + 1, 4), np.int64)
        address = data.ctypes.data
        header = array("q", self._header)
        header[columns.ENTRIES] = address
        header[columns.SURVEYED] = ranges.ctypes.data
        header[columns.CHECK] = int(check_finite)
        if not self._kernels.survey(header.buffer_info()[0]):
            return None
        return Inputs(data, address, ranges, self._where, self._batch)

    def received(self, data: Array, ranges: npt.NDArray[np.int64]) -> Inputs:
        """What another process packed."""
        data = np.ascontiguousarray(data)
        return Inputs(data, data.ctypes.data, ranges, self._where, self._batch)

    def _joined(self, arrays: Sequence[Any]) -> Array:
        """The entries of all arrays, one after another."""
        if self._alike:
            try:
                # For many small arrays several times as fast as NumPy's own.
                return np.frombuffer(bytearray().join(arrays), self._dtype)
            except TypeError:  # The entries of an array are not next to each other.
                pass
        return np.concatenate(arrays, axis=None).astype(self._dtype, copy=False)
