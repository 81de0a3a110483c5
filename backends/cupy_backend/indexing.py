"""Where an entry lies, as an expression of the variables of a kernel's loops."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tnlearn.backend import Labels


@dataclass(frozen=True)
class Flat:
    """One loop over all positions of some labels, the last of them running fastest.

    Attributes
    ----------
    variable : str
    labels : tuple of int
        All different.
    sizes : sequence of int
        Of every label of the program.
    """

    variable: str
    labels: Labels
    sizes: Sequence[int]

    @property
    def count(self) -> int:
        """How many positions there are."""
        return entries(self.labels, self.sizes)

    def digit(self, label: int) -> str:
        """The position of one label."""
        return self.offset({label: 1}) or "0"

    def offset(self, strides: Mapping[int, int]) -> str:
        """What the position adds to a place; nothing if it never does.

        Neighbours that lie as they run are one division, so that a matrix takes two.
        """
        runs: list[tuple[int, int, int]] = []  # Inner positions, size and stride.
        inner, joined = 1, False
        for label in reversed(self.labels):
            size, stride = self.sizes[label], strides.get(label, 0)
            if size > 1 and stride:
                before, length, step = runs[-1] if joined else (0, 0, 0)
                if joined and stride == step * length:
                    runs[-1] = (before, length * size, step)
                else:
                    runs.append((inner, size, stride))
            joined = bool(runs) and (joined if size == 1 else bool(stride))
            inner *= size
        return " + ".join(self._term(*run) for run in reversed(runs))

    def _term(self, inner: int, size: int, stride: int) -> str:
        term = self.variable if inner == 1 else f"{self.variable} / {inner}"
        if inner * size < self.count:
            term = f"{term} % {size}"
        return term if stride == 1 else f"({term}) * {stride}"


def entries(labels: Sequence[int], sizes: Sequence[int]) -> int:
    """Entries of an array with these labels on its axes."""
    return math.prod(sizes[label] for label in labels)


def strides(labels: Sequence[int], sizes: Sequence[int]) -> dict[int, int]:
    """How far the entry moves with each label, in an array in C order; diagonals add up."""
    found: dict[int, int] = {}
    stride = 1
    for label in reversed(labels):
        found[label] = found.get(label, 0) + stride
        stride *= sizes[label]
    return found


def added(*parts: str | int) -> str:
    """The sum of some expressions, without those that are nothing."""
    return " + ".join(str(part) for part in parts if part not in ("", 0)) or "0"


def in_batch(labels: Labels, sizes: Sequence[int], batch: int, flat: Flat, first: int = 0) -> str:
    """Where an entry of batch element ``b`` is, in an array that has the batch on some axis.

    The array begins after `first` entries of every batch element; the size of the batch is the
    variable ``batch``. Arrays without it are the same for all.
    """
    if batch not in labels:
        return added(flat.offset(strides(labels, sizes)))
    axis = labels.index(batch)
    outer, inner = labels[:axis], labels[axis + 1 :]
    size = entries(inner, sizes)
    far = flat.offset(strides(outer, sizes))
    return added(
        "b" if size == 1 else f"b * {size}",
        f"batch * {first}" if first else "",
        f"batch * (({far}) * {size})" if far else "",
        flat.offset(strides(inner, sizes)),
    )


def entry_in_batch(
    labels: Labels, sizes: Sequence[int], batch: int, number: int, first: int = 0
) -> str:
    """The same for one entry, by its number among those of a batch element."""
    if batch not in labels:
        return str(number)
    size = entries(labels[labels.index(batch) + 1 :], sizes)
    far = first + number // size * size
    return added(f"b * {size}", number % size, f"batch * {far}" if far else "")
