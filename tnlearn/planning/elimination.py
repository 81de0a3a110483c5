"""Orders that sum out one index after another: strong where an index is on many tensors."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from random import Random

from tnlearn.planning.structure import Structure

#: Pairs of neighbours that may be looked at; a denser network gets no order here.
MOST_PAIRS = 5_000_000
#: Of more tensors on one index, the two smallest are joined instead of the best pair.
MOST_COMPARED = 32


def elimination_path(
    structure: Structure, random: Random | None = None
) -> list[tuple[int, int]] | None:
    """An order by bucket elimination, or None where the network is too dense to look.

    The index that leaves the smallest tensor is summed first: the tensors that carry it are
    joined, and the result goes back (Dechter 1999, doi:10.1016/S0004-3702(99)00059-4, with the
    minimum-weight rule of Kjaerulff 1990). What pairs of tensors tell a greedy search says
    little about an index on twenty tensors; here the index itself is the question.

    Parameters
    ----------
    structure : Structure
    random : random.Random, optional
        Shifts every index's rank by up to one bit; by default none is shifted.

    Notes
    -----
    Cost is the sum over indices of the number of their neighbours squared.
    """
    graph = _Neighbours(structure, random)
    if not graph.is_sparse():
        return None
    tensors = _Tensors(structure, graph.bits)
    for index in graph.eliminated():
        tensors.join(tensors.carriers[index])
    if not graph.is_sparse():
        return None
    tensors.join(tensors.live)
    return tensors.path


class _Neighbours:
    """Which indices stand together on a tensor, as far as they are not summed yet."""

    def __init__(self, structure: Structure, random: Random | None) -> None:
        self.bits = [math.log2(max(size, 1)) for size in structure.sizes]
        # Indices of one position change no size, and a tensor may carry thousands of them.
        self.terms = [[i for i in term if self.bits[i]] for term in structure.reduced]
        self.random = random
        self.opened = set(structure.output)
        self.spent = sum(len(term) ** 2 for term in self.terms)

    def is_sparse(self) -> bool:
        """Whether there is no more to look at than can be afforded."""
        return self.spent <= MOST_PAIRS

    def eliminated(self) -> Iterator[int]:
        """The indices to sum, in order; ends early where it becomes too dense."""
        around: dict[int, set[int]] = {}
        for term in self.terms:
            for index in term:
                around.setdefault(index, set()).update(term)
        weight = {a: sum(self.bits[b] for b in found) for a, found in around.items()}
        queue = [(self._shifted(weight[a]), a) for a in sorted(around) if a not in self.opened]
        rank = {index: shifted for shifted, index in queue}
        heapq.heapify(queue)
        while queue and self.is_sparse():
            shifted, index = heapq.heappop(queue)
            if rank.get(index) != shifted:
                continue  # It has been given another rank since.
            del rank[index]
            yield index
            rest = around.pop(index) - {index}
            self.spent += len(rest) ** 2
            for other in rest:
                weight[other] += sum(self.bits[i] for i in rest - around[other]) - self.bits[index]
                around[other] |= rest
                around[other].discard(index)
                if other in rank:
                    rank[other] = self._shifted(weight[other])
                    heapq.heappush(queue, (rank[other], other))

    def _shifted(self, weight: float) -> float:
        return weight + (self.random.random() if self.random else 0.0)


class _Tensors:
    """The tensors that are left, and the order in which they were joined."""

    def __init__(self, structure: Structure, bits: list[float]) -> None:
        self.bits = bits
        self.opened = set(structure.output)
        self.live = {number: frozenset(term) for number, term in enumerate(structure.reduced)}
        self.carriers: list[dict[int, None]] = [{} for _ in bits]
        for number, term in self.live.items():
            for index in term:
                self.carriers[index][number] = None
        self.made = len(self.live)
        self.path: list[tuple[int, int]] = []

    def join(self, numbers: Iterable[int]) -> None:
        """Join these tensors pair by pair, from the smallest."""
        queue = [(self._width(self.live[number]), number) for number in numbers]
        heapq.heapify(queue)
        while len(queue) > 1:
            _, first = heapq.heappop(queue)
            if len(queue) > MOST_COMPARED:
                _, second = heapq.heappop(queue)
            else:
                place = min(range(len(queue)), key=lambda k: self._joined(first, queue[k][1]))
                _, second = queue.pop(place)
                heapq.heapify(queue)
            heapq.heappush(queue, (self._pair(first, second), self.made - 1))

    def _joined(self, first: int, second: int) -> tuple[float, int]:
        return self._width(self.live[first] | self.live[second]), second

    def _width(self, indices: Iterable[int]) -> float:
        return sum(self.bits[i] for i in indices)

    def _pair(self, first: int, second: int) -> float:
        """Make one tensor of two, and say how wide it is."""
        both = self.live.pop(first) | self.live.pop(second)
        kept = []
        for index in both:
            carriers = self.carriers[index]
            carriers.pop(first, None)
            carriers.pop(second, None)
            if carriers or index in self.opened:
                carriers[self.made] = None
                kept.append(index)
        self.live[self.made] = frozenset(kept)
        self.path.append((first, second))
        self.made += 1
        return self._width(kept)
