"""What an order is judged by: its predicted seconds on a machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tnlearn.backend import Machine
from tnlearn.planning.cost import ITEM_BYTES, Cost, cost_of
from tnlearn.planning.structure import Structure
from tnlearn.planning.walk import Pair, walk


@dataclass(frozen=True)
class Judge:
    """A structure, and the precision and machine on which it will be contracted.

    The index of the batch, if there is one, has another size at every call: it is not sliced.
    """

    structure: Structure
    dtype: str
    machine: Machine
    batch: int | None = None

    def cost(self, pairs: Sequence[Pair], sliced: Sequence[int] = ()) -> Cost:
        """Of some steps, once for every position of the sliced indices."""
        return cost_of(self.structure, pairs, sliced, self.dtype, self.machine, self.batch)

    def seconds(self, path: Iterable[tuple[int, int]]) -> float:
        """Predicted seconds of an order, unsliced. Linear time."""
        return self.cost(walk(self.structure, path)).seconds

    def is_worth_refining(self, seconds: float) -> bool:
        """Whether arithmetic and traffic, which an order can change, outweigh the latencies."""
        steps = len(self.structure.inputs) - 1
        # The steps of a level may be one start, and there are at least so many levels.
        starts = steps.bit_length() if self.machine.grouped else steps
        return seconds > 1.25 * self.machine.seconds(0.0, 0.0, starts, self.dtype)

    def factors(self) -> tuple[int, int]:
        """How many multiply-adds take as long as an entry that is written, and read once again.

        First for steps that are matrix products, then for the others.
        """
        item = ITEM_BYTES[self.dtype]
        each = 8.0 if self.dtype.startswith("complex") else 2.0
        traffic = self.machine.seconds(0.0, 2.0 * item, 0, self.dtype)
        product = self.machine.seconds(each, 0.0, 0, self.dtype)
        small = self.machine.seconds(0.0, 0.0, 0, self.dtype, each)
        return max(1, round(traffic / product)), max(1, round(traffic / small))
