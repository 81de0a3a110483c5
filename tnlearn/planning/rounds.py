"""Orders of few rounds: neighbours are joined in pairs, all over a tree or ring at once.

From the leaves inwards a chain of n tensors takes n steps, one after another. In rounds it takes
about log2(n) levels of products that do not wait for each other, which a machine that starts
alike steps together runs in as many starts: leaves are raked and chains compressed (Miller and
Reif 1985). Products of matrices take the place of those with vectors, so there is more arithmetic.
"""

from __future__ import annotations

from itertools import chain, islice

from tnlearn.planning.structure import Structure

#: Carriers of an index that are looked at: those joined in this round are the last.
LOOKED_AT = 16

Path = tuple[tuple[int, int], ...]


def in_rounds(structure: Structure) -> Path | None:
    """An order in which no result is larger than the larger of its factors; None if none is.

    Each round joins disjoint pairs of neighbours. About n log2(n) time for a tree or ring.
    """
    rounds = _Rounds(structure)
    while len(rounds.live) > 1:
        if not rounds.join_neighbours():
            return None
    return tuple(rounds.path)


class _Rounds:
    """The tensors that are left, and who carries each index."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.path: list[tuple[int, int]] = []
        self.made = len(structure.inputs)
        self.opened = set(structure.output)
        self.live = dict(enumerate(structure.reduced))
        self.carriers: dict[int, dict[int, None]] = {}
        for number, term in self.live.items():
            for index in term:
                self.carriers.setdefault(index, {})[number] = None

    def join_neighbours(self) -> bool:
        """One round; False if no two of them can be joined."""
        waiting, joined = dict.fromkeys(self.live), False
        for number in list(self.live):
            if number in waiting:
                other = self._partner(number, waiting)
                if other is not None:
                    del waiting[number], waiting[other]
                    self._join(number, other)
                    joined = True
        return joined

    def _partner(self, number: int, waiting: dict[int, None]) -> int | None:
        """The next neighbour that is free, if the product is no larger than a factor."""
        here = self.structure.elements(self.live[number])
        around = (islice(self.carriers[index], LOOKED_AT) for index in self.live[number])
        near = dict.fromkeys(chain.from_iterable(around))
        if not near:  # A number stands alone, like the parts of a network that is in parts.
            near = dict.fromkeys(other for other in waiting if not self.live[other])
        for other in near:
            if other != number and other in waiting:
                there = self.structure.elements(self.live[other])
                if self.structure.elements(self._result(number, other)) <= max(here, there):
                    return other
        return None

    def _result(self, one: int, other: int) -> tuple[int, ...]:
        pair = {one, other}
        both = dict.fromkeys((*self.live[one], *self.live[other]))
        return tuple(i for i in both if i in self.opened or not self.carriers[i].keys() <= pair)

    def _join(self, one: int, other: int) -> None:
        result = self._result(one, other)
        for index in dict.fromkeys((*self.live[one], *self.live[other])):
            carriers = self.carriers[index]
            carriers.pop(one, None)
            carriers.pop(other, None)
            if index in result:
                carriers[self.made] = None
        del self.live[one], self.live[other]
        self.live[self.made] = result
        self.path.append((one, other))
        self.made += 1
