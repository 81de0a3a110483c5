"""From orders to one that fits the memory limit: as it is, sliced, or refused with the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tnlearn.errors import MemoryLimitError
from tnlearn.planning.cost import Cost, cut, least_bytes
from tnlearn.planning.given import Path
from tnlearn.planning.plan import readable_bytes, readable_seconds
from tnlearn.planning.refinement import Refinement
from tnlearn.planning.schedule import least_memory
from tnlearn.planning.scoring import Judge
from tnlearn.planning.slicing import MOST_SLICES, given_back, next_index, slice_once, slice_to_fit
from tnlearn.planning.walk import Pair, walk

#: Orders that are looked at.
MOST_ORDERS = 3
#: A longer search does not save a quick order that needs so many times the limit, and so many
#: slices. Of an 8 x 8 grid it has made 256 slices of a number without end, at 19 times.
HOPELESS, HOPELESS_SLICES = 64, 2**30


@dataclass(frozen=True)
class Fitted:
    """An order with its steps and cost.

    Attributes
    ----------
    path, pairs, sliced, cost
        As in `Plan`.
    is_first : bool
        Whether it is the best that was found, whole: the one for every limit that it keeps.
    """

    path: Path
    pairs: list[Pair]
    sliced: tuple[int, ...]
    cost: Cost
    is_first: bool = False


def fit(
    judge: Judge, paths: Sequence[Path], limit: int, *, rounds: int, as_given: bool, seed: int
) -> Fitted:
    """The order of fewest predicted seconds that fits the limit.

    Parameters
    ----------
    judge : Judge
    paths : sequence of paths
        Best first.
    limit : int
        Bytes.
    rounds : int
        Rounds of refinement to spend on an order as its indices are sliced.
    as_given : bool
        Whether the steps must stay in their order.
    seed : int

    Raises
    ------
    MemoryLimitError
        If no slicing fits, or it would take more than 2**20 slices.
    """
    whole = [
        costed(judge, walk(judge.structure, path), ()) if as_given else _reordered(judge, path, ())
        for path in paths[:MOST_ORDERS]
    ]
    for number, fitted in enumerate(whole):
        if fitted.cost.peak_bytes <= limit:
            return replace(fitted, is_first=number == 0)
    tried = [_sliced(judge, fitted, limit, seed) for fitted in whole]
    if rounds:
        tried += [_refined(judge, fitted, limit, rounds, seed) for fitted in whole[:1]]
    best = min(tried, key=lambda f: (f.cost.peak_bytes > limit, f.cost.seconds))
    if best.cost.peak_bytes > limit:
        raise MemoryLimitError(_refusal(whole[0].cost, limit, best.cost))
    return best


def refuse_what_cannot_fit(judge: Judge, limit: int) -> None:
    """Raise if the inputs and the result alone are over the limit, whatever the order."""
    least = least_bytes(judge.structure, judge.dtype)
    if least > limit:
        raise MemoryLimitError(
            f"the tensors and the result alone take {readable_bytes(least)}; the memory limit is "
            f"{readable_bytes(limit)}: raise memory_limit, or make the network smaller"
        )


def refuse_what_is_hopeless(judge: Judge, limit: int, path: Path) -> None:
    """Raise if a quick order is so far from fitting that no search will find one that does.

    A long search for the sake of a refusal would be time wasted.
    """
    whole = _reordered(judge, path, ())
    least = whole.cost.peak_bytes // HOPELESS_SLICES  # No tensor is cut into more than the slices.
    if least > limit:
        at_best = replace(whole.cost, slices=HOPELESS_SLICES, peak_bytes=least)
        raise MemoryLimitError(_refusal(whole.cost, limit, at_best))
    if whole.cost.peak_bytes > HOPELESS * limit:
        _, sliced = slice_once(judge, whole.pairs, limit, HOPELESS_SLICES)
        if sliced.peak_bytes > limit:
            raise MemoryLimitError(_refusal(whole.cost, limit, sliced))


def _refusal(whole: Cost, limit: int, best: Cost) -> str:
    return (
        f"this contraction needs {readable_bytes(whole.peak_bytes)} and "
        f"{whole.flops:.2e} flops ({readable_seconds(whole.seconds)} predicted); the "
        f"memory limit is {readable_bytes(limit)} and {best.slices:,} slices "
        f"still take {readable_bytes(best.peak_bytes)}: raise memory_limit, search "
        "longer (search='thorough'), or make the network smaller"
    )


def costed(judge: Judge, pairs: list[Pair], sliced: Sequence[int]) -> Fitted:
    """The pairs and what they cost, sliced."""
    cost = judge.cost(pairs, sliced)
    path = tuple((pair.first, pair.second) for pair in pairs)
    return Fitted(path, pairs, tuple(sliced), cost)


def _reordered(judge: Judge, path: Path, sliced: Sequence[int]) -> Fitted:
    """The order with its steps rearranged for the least memory in a slice."""
    inside = cut(judge.structure, sliced)
    return costed(judge, least_memory(inside, walk(inside, path)), sliced)


def _sliced(judge: Judge, whole: Fitted, limit: int, seed: int) -> Fitted:
    sliced, cost = slice_to_fit(judge, whole.pairs, limit, seed)
    return Fitted(whole.path, whole.pairs, sliced, cost)


def _refined(judge: Judge, whole: Fitted, limit: int, rounds: int, seed: int) -> Fitted:
    """The order sliced, and refined for what the sliced indices leave after each of them."""
    sliced: list[int] = []
    found = whole
    while True:
        if rounds:
            inside = replace(judge, structure=cut(judge.structure, sliced))
            tree = Refinement(inside, found.path)
            tree.improve(seed + rounds)
            rounds -= 1
            found = _reordered(judge, tree.path, sliced)
        else:
            found = costed(judge, found.pairs, sliced)
        if found.cost.peak_bytes <= limit or found.cost.slices > MOST_SLICES:
            break
        index = next_index(judge.structure, found.pairs, sliced, judge.batch)
        if index is None:
            break
        sliced.append(index)
    if found.cost.peak_bytes > limit:
        return found
    kept, cost = given_back(judge, found.pairs, found.sliced, limit, found.cost)
    return Fitted(found.path, found.pairs, kept, cost)
