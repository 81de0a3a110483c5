"""When no step can leave the range of numbers, whatever it is: then none is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tnlearn.backend import Add, Contract, Instructions
from tnlearn_backends.array_backend.powers import Limits
from tnlearn_backends.numpy_backend.native.code import Row

#: Slots of a program that is worth a look: of more, each is a small part of a long run, and to
#: know which inputs every one holds would take their square in memory.
MOST_SLOTS = 2**13

#: The range of every tensor of a calm run: exponent, bounds, and whether none is negative.
Range = tuple[int, int, int, bool]


class Calm(NamedTuple):
    """By how much a program widens the range of the product of all its inputs.

    Every tensor is a sum of products of inputs, none of them more than once: so the lowest powers
    of two of all inputs together, those of sums that may cancel, and the highest, those of sums
    that grow, bound every entry.

    Attributes
    ----------
    growth : int
        Bits by which sums grow, in all steps together.
    cancelling : int
        Steps whose terms may cancel.
    """

    growth: int
    cancelling: int

    def range(self, together: Sequence[int], limits: Limits) -> Range | None:
        """Bounds of every tensor; None if steps have to be looked at one by one.

        Parameters
        ----------
        together : sequence of int
            Of all inputs together, as `survey` finds it.
        limits : Limits
            Of the numbers.
        """
        exponent, low, high, nonnegative = together
        if not nonnegative:
            low -= 2 * limits.bits * self.cancelling
        high += self.growth
        if exponent or low < limits.low or high > limits.high:
            return None
        return 0, low, high, bool(nonnegative)


def calm(program: Instructions, rows: Sequence[Row]) -> Calm | None:
    """What the rows of a program do to ranges; None if that is not so simple."""
    if program.sliced or len(program.labels) > MOST_SLOTS or not _once(program):
        return None
    return Calm(sum(row.growth for row in rows), sum(row.cancels for row in rows))


def _once(program: Instructions) -> bool:
    """Whether no tensor holds the product of an input with itself."""
    held = [0] * len(program.labels)
    for slot in (*range(len(program.inputs)), program.seed):
        held[slot] = 1 << slot
    for step in (*program.forward, *program.backward):
        match step:
            case Contract():
                if held[step.first] & held[step.second]:
                    return False
                held[step.target] = held[step.first] | held[step.second]
            case Add():
                for source in step.sources:
                    held[step.target] |= held[source]
            case _:
                held[step.target] = held[step.source]
    return True
