"""Places in memory: every tensor gets room for as long as it is needed."""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Sequence

from tnlearn_backends.numpy_backend.native.columns import ARENA, INPUTS, RESULTS, SEEDS

#: Entries to whose multiples places are rounded: whole lines of the cache.
ALIGNED = 8


class Arena:
    """Where each slot is: inputs and results side by side, all others by turns in one array.

    Attributes
    ----------
    spaces, offsets : list of int
        Of each slot.
    arena, inputs, results : int
        Entries of the three arrays.
    """

    def __init__(self, inputs: int, seed: int, sizes: Sequence[int], kept: Collection[int]) -> None:
        self.sizes = list(sizes)
        self.spaces = [RESULTS if slot in kept else ARENA for slot in range(len(sizes))]
        self.offsets = [-1] * len(sizes)
        self.arena = self.inputs = self.results = 0
        self._free: list[tuple[int, int]] = []
        # Inputs lie one after another, without gaps: they are packed in one go.
        for slot in range(inputs):
            self.spaces[slot], self.offsets[slot] = INPUTS, self.inputs
            self.inputs += self.sizes[slot]
        self.spaces[seed], self.offsets[seed] = SEEDS, 0

    def take(self, slot: int) -> None:
        """Room for a tensor."""
        if self.offsets[slot] >= 0:
            return
        size = -(-max(self.sizes[slot], 1) // ALIGNED) * ALIGNED
        if self.spaces[slot] == RESULTS:
            self.offsets[slot] = self.results
            self.results += size
            return
        fitting = [(length, at) for at, length in self._free if length >= size]
        if fitting:
            length, at = min(fitting)
            self._free.remove((at, length))
            if length > size:
                insort(self._free, (at + size, length - size))
        else:
            at = self._end()
            self.arena = max(self.arena, at + size)
        self.offsets[slot] = at

    def free(self, slot: int) -> None:
        """The room of a tensor that is no longer needed."""
        if self.spaces[slot] != ARENA:
            return
        size = -(-max(self.sizes[slot], 1) // ALIGNED) * ALIGNED
        at = self.offsets[slot]
        merged: list[tuple[int, int]] = []
        insort(self._free, (at, size))
        for start, length in self._free:
            if merged and merged[-1][0] + merged[-1][1] == start:
                merged[-1] = (merged[-1][0], merged[-1][1] + length)
            else:
                merged.append((start, length))
        self._free = merged

    def _end(self) -> int:
        """Where the arena must grow: at its end, or at the free room that is there."""
        if self._free and sum(self._free[-1]) == self.arena:
            at, _ = self._free.pop()
            return at
        return self.arena
