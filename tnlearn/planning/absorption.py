"""Tensors that are absorbed before any order is searched for: fields, evidence, probes.

A tensor whose indices all stand on another one is multiplied into it: that costs a pass over the
other one, and nothing gets larger. What is left has fewer tensors, so that a search gets further
with it in the same time, and no greedy choice is led astray by the small ones.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice

from tnlearn.planning.given import Path
from tnlearn.planning.structure import Structure

#: Carriers of an index that are looked at: it may be on all tensors there are.
LOOKED_AT = 64


@dataclass(frozen=True)
class Absorbed:
    """A structure after the steps that absorb.

    Attributes
    ----------
    structure : Structure
        Of the tensors left; indices are numbered as before.
    left : tuple of int
        Numbers of these tensors in a path of the structure given.
    path : path
        The steps taken.
    """

    structure: Structure
    left: tuple[int, ...]
    path: Path

    def then(self, path: Path) -> Path:
        """The steps taken, followed by a path of what is left, in the numbers of the former."""
        made = len(self.left) + 2 * len(self.path)  # Each step took one more than it left.
        numbers = (*self.left, *range(made, made + len(path)))
        return (*self.path, *((numbers[first], numbers[second]) for first, second in path))


def absorbed(structure: Structure) -> Absorbed:
    """Absorb all that can be, the smallest first, each by the smallest that has its indices.

    About linear time. Tensors without indices are left for the end.
    """
    tensors = _Tensors(structure)
    waiting = deque(sorted(tensors.live, key=tensors.size))
    while waiting:
        number = waiting.popleft()
        other = tensors.host(number)
        if other is not None:
            waiting.append(tensors.join(number, other))
    left = Structure(tuple(tensors.live.values()), structure.output, structure.sizes)
    return Absorbed(left, tuple(tensors.live), tuple(tensors.path))


class _Tensors:
    """The tensors that are left, and who carries each index."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.opened = set(structure.output)
        self.live = dict(enumerate(structure.reduced))
        self.carriers: list[dict[int, None]] = [{} for _ in structure.sizes]
        for number, term in self.live.items():
            for index in term:
                self.carriers[index][number] = None
        self.path: list[tuple[int, int]] = []

    def size(self, number: int) -> tuple[int, int]:
        """Entries of a tensor; of equal ones the first is the smallest."""
        return self.structure.elements(self.live[number]), number

    def host(self, number: int) -> int | None:
        """The smallest tensor with all indices of another; None if that is gone, or none has."""
        term = self.live.get(number)
        if not term:
            return None
        rarest = min(term, key=lambda index: len(self.carriers[index]))
        near = islice(self.carriers[rarest], LOOKED_AT)
        able = [k for k in near if k != number and set(term).issubset(self.live[k])]
        return min(able, key=self.size, default=None)

    def join(self, number: int, other: int) -> int:
        """Multiply a tensor into its host; the number of the result."""
        pair, term = {number, other}, self.live[other]
        kept = tuple(i for i in term if i in self.opened or not self.carriers[i].keys() <= pair)
        made = len(self.live) + 2 * len(self.path)
        for one in pair:
            for index in self.live.pop(one):
                del self.carriers[index][one]
        for index in kept:
            self.carriers[index][made] = None
        self.live[made] = kept
        self.path.append((number, other))
        return made
