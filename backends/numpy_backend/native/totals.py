"""Gradients of chunks of slices added up in place, so that a sum takes no memory of its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tnlearn_backends.array_backend.powers import Limits, limits, parts
from tnlearn_backends.numpy_backend.native.columns import EXPONENT, HIGH, LOW, NONNEGATIVE
from tnlearn_backends.numpy_backend.native.tensors import Tensors

Ints = npt.NDArray[np.int64]


def accumulated(totals: Tensors, more: Tensors) -> Tensors | None:
    """The sums of two gradients of one program, in the place of the first.

    None if entries of a tensor are too far apart for one exponent; both may then have been
    looked at, but are what they were.
    """
    limit = limits(totals.data.dtype)
    slots = np.array([*{slot for slot in totals.where.slots if slot is not None}], np.int64)
    ranges, others = totals.ranges[slots], more.ranges[slots]
    found = _sums(ranges, others, limit)
    if found is None:  # Bounds grow wider with every sum: now they are looked up.
        for tensors, table in ((totals, ranges), (more, others)):
            for row, slot in zip(table, slots, strict=True):
                row[LOW], row[HIGH] = _extent(tensors.entries(slot))
        found = _sums(ranges, others, limit)
    if found is None:
        return None
    for tensors, table in ((totals, ranges), (more, others)):
        down = table[:, EXPONENT] - found[:, EXPONENT]
        for k in np.flatnonzero(down):
            tensors.entries(slots[k])[...] *= 2.0 ** float(down[k])
    np.add(totals.data, more.data, out=totals.data)
    whole = totals.ranges.copy()
    whole[slots] = found
    return Tensors(totals.data, whole, totals.where)


def _sums(ranges: Ints, others: Ints, limit: Limits) -> Ints | None:
    """The ranges of sums, tensor by tensor; None if one is out of what a number can hold."""
    found = np.empty_like(ranges)
    top = np.maximum(ranges[:, EXPONENT], others[:, EXPONENT])
    low = np.minimum(*(table[:, LOW] + table[:, EXPONENT] - top for table in (ranges, others)))
    found[:, EXPONENT] = top
    found[:, HIGH] = np.maximum(ranges[:, HIGH], others[:, HIGH]) + 1
    found[:, NONNEGATIVE] = ranges[:, NONNEGATIVE] & others[:, NONNEGATIVE]
    # Terms may cancel, but sums of multiples of some 2**p are themselves multiples of it.
    found[:, LOW] = low - np.where(found[:, NONNEGATIVE], 0, limit.bits)
    fits = np.all(low >= limit.low) and np.all(found[:, HIGH] <= limit.high)
    return found if fits else None


def _extent(entries: npt.NDArray[np.inexact]) -> tuple[int, int]:
    """Powers of two that bound the magnitudes of what is not zero; zeros if nothing is."""
    sizes = parts(entries)
    largest = float(np.max(sizes, initial=0))
    if largest == 0:
        return 0, 0
    least = float(np.min(sizes, where=sizes > 0, initial=largest))
    return int(np.frexp(least)[1]) - 1, int(np.frexp(largest)[1])
