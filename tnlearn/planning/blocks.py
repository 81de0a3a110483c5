"""A forward sweep in blocks, to be walked back through: one block at a time is kept whole.

Between blocks only what later steps read is kept. A block that is too large is divided again, and
each level of blocks costs one more forward sweep (Griewank 1992, Optim. Methods Softw. 1, 35).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, pairwise

from tnlearn.errors import MemoryLimitError
from tnlearn.planning.cost import ITEM_BYTES, cut
from tnlearn.planning.plan import readable_bytes
from tnlearn.planning.scoring import Judge
from tnlearn.planning.slicing import ever_more
from tnlearn.planning.structure import Structure
from tnlearn.planning.sweep import Sweep
from tnlearn.planning.walk import Pair

#: Blocks of blocks, at most so deep, and into how many parts a block may be divided.
DEEPEST, PARTS = 3, (2, 3, 4, 6, 8, 12, 16, 24, 32)
#: What a backend may have of a block, and beside it of its largest tensor.
COPIES, WORKSPACE = 2, 3


@dataclass(frozen=True)
class Block:
    """Steps from `first` to before `last`: kept whole, or divided into `parts`."""

    first: int
    last: int
    parts: tuple[Block, ...] = ()


def fit_blocks(
    judge: Judge, sweep: Sweep, pairs: list[Pair], sliced: tuple[int, ...], limit: int
) -> tuple[tuple[int, ...], Block]:
    """Slices so many that the steps can be walked back within the limit, and the blocks then.

    Raises
    ------
    MemoryLimitError
        If no number of slices is enough.
    """
    item, least = ITEM_BYTES[judge.dtype], 0
    for chosen in ever_more(judge.structure, pairs, sliced, judge.batch):
        divide = _Divide(judge.structure, cut(judge.structure, chosen), sweep)
        room = limit // item - divide.given
        block = divide(0, len(sweep.steps), room, DEEPEST)
        if block is not None:
            return chosen, block
        least = min(least or divide.least, divide.least)
    raise MemoryLimitError(
        f"walking back through the contraction takes at least {readable_bytes(least * item)} "
        f"however it is sliced; the memory limit is {readable_bytes(limit)}: raise "
        "memory_limit, or make the network smaller"
    )


class _Divide:
    """Divides the steps of a slice; sizes are in entries."""

    def __init__(self, whole: Structure, inside: Structure, sweep: Sweep) -> None:
        self._sweep = sweep
        self._sizes = [inside.elements(term) for term in sweep.terms]
        made = [self._sizes[step.target] for step in sweep.steps]
        self._made = [0, *accumulate(made)]
        self._kept = self._between()
        # The inputs are packed, and cut for a slice.
        self.given = 2 * sum(whole.elements(sweep.terms[slot]) for slot in sweep.given)
        self.least = self.given + (COPIES + WORKSPACE) * max(made, default=0)

    def __call__(self, first: int, last: int, room: int, depth: int) -> Block | None:
        """The steps as one block, or as few parts as the room allows; None if it does not."""
        if self._whole(first, last) <= room:
            return Block(first, last)
        if depth == 0:
            return None
        for count in PARTS:
            at = self._bounds(first, last, count)
            left = room - sum(self._kept[k] for k in at[1:-1])
            if left < 0:
                return None
            parts = [self(a, b, left, depth - 1) for a, b in pairwise(at)]
            if None not in parts:
                return Block(first, last, tuple(part for part in parts if part is not None))
        return None

    def _whole(self, first: int, last: int) -> int:
        """Entries of all that some steps make, of what they read, and of a backend's copies."""
        targets = [self._sizes[step.target] for step in self._sweep.steps[first:last]]
        made = self._made[last] - self._made[first]
        return COPIES * made + self._kept[first] + WORKSPACE * max(targets, default=0)

    def _bounds(self, first: int, last: int, count: int) -> list[int]:
        """Where parts begin and end, that make about as much each."""
        low, made = self._made[first], self._made[last] - self._made[first]
        inner = {bisect_left(self._made, low + made * k // count) for k in range(1, count)}
        return [first, *sorted(k for k in inner if first < k < last), last]

    def _between(self) -> list[int]:
        """Entries of what was made before each step and is read from there on."""
        sweep = self._sweep
        change = [0] * (len(sweep.steps) + 2)
        for number, step in enumerate(sweep.steps):
            uses = sweep.uses.get(step.target)
            if uses:
                change[number + 1] += self._sizes[step.target]
                change[uses[-1] + 1] -= self._sizes[step.target]
        return list(accumulate(change))
