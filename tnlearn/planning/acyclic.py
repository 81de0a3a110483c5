"""Orders for networks without loops, and for rings: exact, in linear time, with no search."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable

from tnlearn.planning.structure import Structure

#: How many neighbours are tried as the witness of an ear that has several indices.
WITNESSES = 16


def acyclic_path(structure: Structure) -> list[tuple[int, int]] | None:
    """An order of contraction from the leaves inwards, or None where the network has loops.

    Ears are removed one by one (Graham 1979; Yu and Ozsoyoglu 1979): a tensor whose summed
    indices all stand on one other tensor, its witness. What is left of a ring is cut open once.
    The witnesses form a tree, which is contracted towards the middle of its open indices;
    every tensor absorbs its branches from the widest bond to the narrowest, so a batch
    index never meets a full tensor before the bonds are gone.
    """
    edges = _Ears(structure).join_tree()
    return None if edges is None else _contract_tree(structure, edges)


class _Ears:
    """The state of the removal: which tensors still carry which summed indices."""

    def __init__(self, structure: Structure) -> None:
        opened = set(structure.output)
        self.bonds: list[set[int]] = []
        self.carriers: dict[int, dict[int, None]] = {}
        for number, term in enumerate(structure.reduced):
            self.bonds.append({i for i in term if i not in opened})
            for index in self.bonds[-1]:
                self.carriers.setdefault(index, {})[number] = None
        self.edges: list[tuple[int, int]] = []
        self.queue = deque(range(len(self.bonds)))

    def join_tree(self) -> list[tuple[int, int]] | None:
        """Edges (ear, witness) of the join forest, or None if loops remain."""
        self._remove_ears()
        for number, bonds in enumerate(self.bonds):
            if bonds:
                if not self._cut_ring(number):
                    return None
                self._remove_ears()
        return self.edges

    def _remove_ears(self) -> None:
        while self.queue:
            ear = self.queue.popleft()
            witness = self._witness(ear)
            if witness is not None:
                self.edges.append((ear, witness))
                self._drop(ear, self.bonds[ear])

    def _witness(self, ear: int) -> int | None:
        bonds = self.bonds[ear]
        if not bonds:
            return None
        rarest = min(bonds, key=lambda index: (len(self.carriers[index]), index))
        # From the back: ears are taken from the front, and a dict is slow to pass what is gone.
        for tried, other in enumerate(reversed(self.carriers[rarest])):
            if tried > WITNESSES:
                break
            if other != ear and (len(bonds) == 1 or bonds <= self.bonds[other]):
                return other
        return None

    def _cut_ring(self, start: int) -> bool:
        """Open the ring through `start`; False if what is left there is more than a ring."""
        here, previous = start, -1
        while True:
            bonds = self.bonds[here]
            if len(bonds) != 2 or any(len(self.carriers[i]) != 2 for i in bonds):
                return False
            around = [n for i in sorted(bonds) for n in self.carriers[i] if n != here]
            here, previous = around[0] if around[0] != previous else around[1], here
            if here == start:
                break
        self.edges.append((start, previous))
        self._drop(start, set(self.bonds[start]))
        return True

    def _drop(self, number: int, bonds: Iterable[int]) -> None:
        for index in bonds:
            rest = self.carriers[index]
            del rest[number]
            if len(rest) == 1:
                (last,) = rest
                self.bonds[last].discard(index)
                self.queue.append(last)
        self.bonds[number] = set()


def _contract_tree(structure: Structure, edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    neighbours = _neighbours(structure, edges)
    path: list[tuple[int, int]] = []
    made = list(range(len(neighbours)))
    parts: list[int] = []
    for root in _roots(structure, neighbours):
        for node, parent in _leaves_first(neighbours, root):
            for child in neighbours[node]:
                if child != parent:
                    path.append((made[node], made[child]))
                    made[node] = len(neighbours) + len(path) - 1
        parts.append(made[root])
    whole = parts[0]
    for part in parts[1:]:
        path.append((whole, part))
        whole = len(neighbours) + len(path) - 1
    return path


def _neighbours(structure: Structure, edges: list[tuple[int, int]]) -> list[list[int]]:
    """Neighbours in the join forest, those behind the widest bonds first."""
    opened = set(structure.output)
    inner = [[i for i in term if i not in opened] for term in structure.reduced]
    found: list[list[tuple[int, int]]] = [[] for _ in inner]
    for a, b in edges:
        shared = set(inner[a])
        width = structure.elements([i for i in inner[b] if i in shared])
        found[a].append((-width, b))
        found[b].append((-width, a))
    return [[node for _, node in sorted(pairs)] for pairs in found]


def _roots(structure: Structure, neighbours: list[list[int]]) -> list[int]:
    """One tensor of each part: the middle of its open indices.

    Messages towards it carry open indices along; at the middle, none carries most of them.
    """
    carriers = Counter(index for term in structure.reduced for index in term)
    opened = {index for index in structure.output if carriers[index] == 1}
    weights = [
        math.log2(max(structure.elements([i for i in term if i in opened]), 1))
        for term in structure.reduced
    ]
    seen = [False] * len(neighbours)
    roots: list[int] = []
    for start in range(len(neighbours)):
        if not seen[start]:
            part = _leaves_first(neighbours, start)
            for node, _ in part:
                seen[node] = True
            roots.append(_middle(part, weights))
    return roots


def _middle(part: list[tuple[int, int]], weights: list[float]) -> int:
    """The node of a tree whose heaviest branch is lightest."""
    below = {node: weights[node] for node, _ in part}
    heaviest = dict.fromkeys(below, 0.0)
    for node, parent in part[:-1]:
        below[parent] += below[node]
        heaviest[parent] = max(heaviest[parent], below[node])
    total = below[part[-1][0]]
    return min(below, key=lambda node: (max(heaviest[node], total - below[node]), node))


def _leaves_first(neighbours: list[list[int]], root: int) -> list[tuple[int, int]]:
    """The nodes of a tree with their parents (-1 for the root), children before parents."""
    order = [(root, -1)]
    for node, parent in order:
        order.extend((child, node) for child in neighbours[node] if child != parent)
    return order[::-1]
