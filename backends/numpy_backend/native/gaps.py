"""Gaps in memory, found by their length and by their place: there may be 100,000."""

from __future__ import annotations

from bisect import bisect_left, insort


class Gaps:
    """Places that are free, no two of them side by side.

    Two sorted lists hold the same gaps, so that none is looked for one by one.
    """

    def __init__(self) -> None:
        self._by_place: list[tuple[int, int]] = []
        self._by_length: list[tuple[int, int]] = []

    def take(self, size: int) -> int | None:
        """The place of so many entries, the first in the shortest gap that has room; or None."""
        k = bisect_left(self._by_length, (size,))
        if k == len(self._by_length):
            return None
        length, at = self._by_length[k]
        self._remove(at, length)
        if length > size:
            self._insert(at + size, length - size)
        return at

    def give(self, at: int, size: int) -> None:
        """A place is free again, joined with the gaps beside it."""
        k = bisect_left(self._by_place, (at,))
        after, before = self._by_place[k : k + 1], self._by_place[max(0, k - 1) : k]
        for place, length in after:
            if place == at + size:
                self._remove(place, length)
                size += length
        for place, length in before:
            if place + length == at:
                self._remove(place, length)
                at, size = place, length + size
        self._insert(at, size)

    def _insert(self, at: int, length: int) -> None:
        insort(self._by_place, (at, length))
        insort(self._by_length, (length, at))

    def _remove(self, at: int, length: int) -> None:
        del self._by_place[bisect_left(self._by_place, (at, length))]
        del self._by_length[bisect_left(self._by_length, (length, at))]
