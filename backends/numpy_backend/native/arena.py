"""Places in memory: every tensor gets room for as long as it is needed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from tnlearn_backends.numpy_backend.native.columns import ARENA, INPUTS, RESULTS, SEEDS
from tnlearn_backends.numpy_backend.native.gaps import Gaps

#: Entries to whose multiples places are rounded: whole lines of the cache.
ALIGNED = 8
#: Tensors that are placed with all others in view, the largest first.
CAREFUL = 512


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
        # Inputs lie one after another, without gaps: they are packed in one go.
        for slot in range(inputs):
            self.spaces[slot], self.offsets[slot] = INPUTS, self.inputs
            self.inputs += self.sizes[slot]
        self.spaces[seed], self.offsets[seed] = SEEDS, 0

    def place(self, made: Sequence[int], gone: Sequence[Sequence[int]]) -> None:
        """Room for every tensor, from the row that makes it to the one that is its last.

        Parameters
        ----------
        made : sequence of int
            The slot that each row makes.
        gone : sequence of sequences of int
            The slots that nothing reads after each row.
        """
        for slot in dict.fromkeys(made):
            if self.spaces[slot] == RESULTS:
                self.offsets[slot] = self.results
                self.results += self._room(slot)
        lives = _lives(made, gone)
        here = [slot for slot in lives if self.spaces[slot] == ARENA]
        # Those of one size as they come, which for them alone wastes nothing.
        largest = sorted(here, key=lambda slot: (-self.sizes[slot], lives[slot]))[:CAREFUL]
        self._place_largest(largest, lives)
        self._place_rest(made, gone, set(here).difference(largest))

    def join(self, slot: int, root: int) -> None:
        """A slot in the place of another, which is not needed any more."""
        self.spaces[slot], self.offsets[slot] = self.spaces[root], self.offsets[root]

    def _room(self, slot: int) -> int:
        return -(-max(self.sizes[slot], 1) // ALIGNED) * ALIGNED

    def _place_largest(self, slots: Sequence[int], lives: dict[int, tuple[int, int]]) -> None:
        """Each at the lowest place that is free all its life, the largest first.

        Pisarchyk and Lee (2020), arXiv:2001.03288, greedy by size.
        """
        count = len(slots)
        first, last, low, high = (np.zeros(count, np.int64) for _ in range(4))
        for number, slot in enumerate(slots):
            begin, end = lives[slot]
            together = np.flatnonzero((first[:number] <= end) & (last[:number] >= begin))
            order = together[np.argsort(low[together], kind="stable")]
            at, size = 0, self._room(slot)
            for start, stop in zip(low[order].tolist(), high[order].tolist(), strict=True):
                if start - at >= size:
                    break
                at = max(at, stop)
            first[number], last[number], low[number], high[number] = begin, end, at, at + size
            self.offsets[slot] = at
            self.arena = max(self.arena, at + size)

    def _place_rest(
        self, made: Sequence[int], gone: Sequence[Sequence[int]], slots: set[int]
    ) -> None:
        """The many small ones by turns behind the large: the tightest gap that fits."""
        gaps = Gaps()
        for slot, dead in zip(made, gone, strict=True):
            if slot in slots and self.offsets[slot] < 0:
                self.offsets[slot] = self._take(self._room(slot), gaps)
            for other in dead:
                if other in slots:
                    gaps.give(self.offsets[other], self._room(other))

    def _take(self, size: int, gaps: Gaps) -> int:
        at = gaps.take(size)
        if at is None:
            at = self.arena
            self.arena += size
        return at


def _lives(made: Sequence[int], gone: Sequence[Sequence[int]]) -> dict[int, tuple[int, int]]:
    """The first and last row of every slot."""
    begin: dict[int, int] = {}
    for row, slot in enumerate(made):
        begin.setdefault(slot, row)
    end = {slot: row for row, slots in enumerate(gone) for slot in slots}
    return {slot: (row, end.get(slot, len(made))) for slot, row in begin.items()}
