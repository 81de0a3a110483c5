"""Parts of a factor graph in which nothing is loose: connected, and no node with one neighbour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Region = frozenset[int]
Neighbours = Sequence[Sequence[int]]


class TooMany(Exception):  # noqa: N818
    """There are more regions, or more paths to try, than wanted."""


def core(neighbours: Neighbours) -> Region:
    """The nodes that are left when those with fewer than two neighbours are taken off."""
    degrees = [len(some) for some in neighbours]
    loose = [node for node, degree in enumerate(degrees) if degree < 2]
    gone = set(loose)
    while loose:
        for other in neighbours[loose.pop()]:
            degrees[other] -= 1
            if degrees[other] < 2 and other not in gone:
                gone.add(other)
                loose.append(other)
    return frozenset(range(len(degrees))) - gone


def regions(neighbours: Neighbours, size: int, most: int, paths: int) -> list[Region]:
    """All regions up to a number of nodes, ascending in that number.

    Every such region grows from a cycle by ears: paths of new nodes that end where they meet the
    region, or themselves.

    Parameters
    ----------
    neighbours : sequence of sequence of int
        By node.
    size : int
        Nodes of a region at most.
    most, paths : int
        Regions, and steps along paths.

    Raises
    ------
    TooMany
        If there are more.
    """
    found: set[Region] = set()
    left = paths

    def step() -> None:
        nonlocal left
        left -= 1
        if left < 0 or len(found) > most:
            raise TooMany

    for node in range(len(neighbours)):
        _cycles(neighbours, node, size, found.add, step)
    waiting = list(found)
    while waiting:
        region = waiting.pop()

        def grown(ear: Region, region: Region = region) -> None:
            whole = region | ear
            if whole not in found:
                found.add(whole)
                waiting.append(whole)

        _ears(neighbours, region, size - len(region), grown, step)
    return sorted(found, key=lambda region: (len(region), sorted(region)))


def _cycles(
    neighbours: Neighbours,
    start: int,
    size: int,
    found: Callable[[Region], object],
    step: Callable[[], None],
) -> None:
    """Cycles of which `start` is the least node."""
    distances = _distances(neighbours, start, size // 2)
    path = [start]

    def walk() -> None:
        step()
        for node in neighbours[path[-1]]:
            if node == start and len(path) > 2 and path[1] < path[-1]:
                found(frozenset(path))
            near = len(path) + distances.get(node, size) <= size
            if near and node > start and node not in path:
                path.append(node)
                walk()
                path.pop()

    walk()


def _distances(neighbours: Neighbours, start: int, most: int) -> dict[int, int]:
    """Of the nodes from `start` on that are near it."""
    distances, edge = {start: 0}, [start]
    for distance in range(1, most + 1):
        edge = [n for node in edge for n in neighbours[node] if n > start]
        edge = [node for node in dict.fromkeys(edge) if node not in distances]
        distances |= dict.fromkeys(edge, distance)
    return distances


def _ears(
    neighbours: Neighbours,
    region: Region,
    room: int,
    found: Callable[[Region], object],
    step: Callable[[], None],
) -> None:
    """Paths of new nodes, from the region to where they meet it or themselves."""
    path: list[int] = []

    def walk(last: int) -> None:
        step()
        met = [node for node in neighbours[last] if node in region or node in path]
        if len(met) > 1:
            found(frozenset(path))
        elif len(path) < room:
            for node in neighbours[last]:
                if node not in region and node not in path:
                    path.append(node)
                    walk(node)
                    path.pop()

    if room > 0:
        for node in dict.fromkeys(n for inner in region for n in neighbours[inner]):
            if node not in region:
                path = [node]
                walk(node)
