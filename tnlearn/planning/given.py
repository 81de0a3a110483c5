"""Orders that someone else made, in opt_einsum's form: checked, and numbered our way."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from tnlearn.errors import PlanError

#: Pairs of tensors to join: the inputs are 0, 1, ..., and step k makes tensor ``inputs + k``.
Path: TypeAlias = tuple[tuple[int, int], ...]


def from_linear(path: Iterable[Sequence[int]], count: int) -> Path:
    """A path in opt_einsum's form, positions among the `count` tensors that are left, by number.

    Steps of one, two or more tensors are taken. O(n log n) for n tensors.

    Raises
    ------
    PlanError
        If it is no such path, or does not join all tensors into one.
    """
    steps = list(path)
    live = _Live(count, len(steps))
    numbered: list[list[int]] = []
    for step in steps:
        positions = _positions(step, live.left)
        # From the back, so that the positions before stay what they are.
        numbered.append([live.take(position) for position in reversed(positions)][::-1])
        live.add()
    return as_pairs(numbered, count)


class _Live:
    """The tensors that are left, in order: a binary indexed tree (Fenwick 1994) of counts."""

    def __init__(self, count: int, steps: int) -> None:
        self.left = self.made = count
        self.top = 1 << (count + steps).bit_length()
        self.counts = [0] * (self.top + 1)
        for number in range(1, self.top + 1):
            # Node j counts the j & -j numbers up to j.
            self.counts[number] = max(min(number, count) - (number - (number & -number)), 0)

    def take(self, position: int) -> int:
        """Remove the tensor at a position, and say its number."""
        before, step = 0, self.top
        while step:
            if before + step <= self.top and self.counts[before + step] <= position:
                before += step
                position -= self.counts[before]
            step >>= 1
        self._change(before, -1)
        return before

    def add(self) -> None:
        """Append the tensor that was just made."""
        self._change(self.made, 1)
        self.made += 1

    def _change(self, number: int, by: int) -> None:
        self.left += by
        node = number + 1
        while node <= self.top:
            self.counts[node] += by
            node += node & -node


def _positions(step: Sequence[int], left: int) -> list[int]:
    """The positions of one step in order, checked."""
    try:
        positions = sorted(operator.index(position) for position in step)
    except TypeError:
        raise PlanError(f"step {step!r} of the path is no sequence of whole numbers") from None
    if not positions or positions[0] < 0 or positions[-1] >= left:
        raise PlanError(f"step {tuple(step)} of the path is out of range: {left} tensors are left")
    if len(set(positions)) < len(positions):
        raise PlanError(f"step {tuple(step)} of the path takes a tensor twice")
    return positions


def as_pairs(steps: Iterable[Sequence[int]], count: int) -> Path:
    """Steps of one, two or more tensors as pairs; step k makes tensor ``count + k`` in both."""
    number: dict[int, int] = {k: k for k in range(count)}
    made = count
    pairs: list[tuple[int, int]] = []
    for step in steps:
        try:
            whole, *rest = [number.pop(k) for k in dict.fromkeys(step)]
        except KeyError as error:
            raise PlanError(f"the path takes tensor {error} twice, or before it is made") from None
        for part in rest:
            pairs.append((whole, part))
            whole = count + len(pairs) - 1
        number[made] = whole
        made += 1
    left = sorted(number.values())
    if len(left) != 1:
        raise PlanError(f"the path leaves {len(left)} tensors; it must join them all into one")
    return tuple(pairs)
