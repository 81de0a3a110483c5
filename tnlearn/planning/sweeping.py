"""From a sweep to one that fits the memory limit: as it is, computing again, sliced, or refused.

A reverse sweep reads what the forward sweep made, last to first, and so holds far more than the
forward sweep alone. What does not fit is given up and computed again, or the plan is sliced more:
whichever is predicted to take less time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tnlearn.errors import MemoryLimitError
from tnlearn.planning.cost import ITEM_BYTES, Cost, cut
from tnlearn.planning.launches import is_whole
from tnlearn.planning.plan import readable_bytes
from tnlearn.planning.recomputation import Schedule, scheduled
from tnlearn.planning.scoring import Judge
from tnlearn.planning.slicing import ever_more
from tnlearn.planning.sweep import Load, Sweep, least_of, load_of
from tnlearn.planning.walk import Pair

#: Most seconds spent on computing again, in those of the forward sweep.
PATIENCE = 3.0
#: Part of the room that is filled: gaps are left between tensors that come and go.
FILLED = 7 / 8


@dataclass(frozen=True)
class FittedSweep:
    """A sweep that keeps the limit.

    Attributes
    ----------
    sliced : tuple of int
        Indices held at one position at a time.
    order : tuple of int
        Numbers of the steps as they run; one that runs again is there again.
    cost : Cost
        Of the sweep alone, all slices included.
    """

    sliced: tuple[int, ...]
    order: tuple[int, ...]
    cost: Cost


def fit_sweep(
    judge: Judge,
    sweeps: Callable[[bool], Sweep],
    pairs: Sequence[Pair],
    sliced: Sequence[int],
    limit: int,
) -> FittedSweep:
    """The sweep in the fewest predicted seconds that keep the limit.

    Parameters
    ----------
    judge : Judge
    sweeps : callable
        The sweep of a plan that is sliced (True), or not.
    pairs : sequence of Pair
    sliced : sequence of int
        Indices that the plan slices anyhow; more may be added.
    limit : int
        Bytes.

    Raises
    ------
    MemoryLimitError
        If no slicing fits.
    """
    best: FittedSweep | None = None
    least = math.inf
    for chosen in ever_more(judge.structure, pairs, sliced, judge.batch):
        sweep = sweeps(bool(chosen))
        least = min(least, _least(judge, sweep, chosen, limit))
        found = keep_limit(judge, sweep, chosen, limit)
        if found is not None and (best is None or found.cost.seconds < best.cost.seconds):
            best = found
        elif best is not None:
            return best
        if best is not None and len(best.order) == len(sweep.steps):
            return best  # Nothing is computed twice; slices would only add to it.
    if best is None:
        raise MemoryLimitError(_refusal(judge, sweeps(bool(sliced)), sliced, limit, least))
    return best


def keep_limit(judge: Judge, sweep: Sweep, sliced: Sequence[int], limit: int) -> FittedSweep | None:
    """The sweep with these slices and no others; None if it does not fit."""
    inside = cut(judge.structure, sliced)
    sizes = [inside.elements(term) for term in sweep.terms]
    room = limit // ITEM_BYTES[judge.dtype] - _elsewhere(judge, sweep, sizes, sliced)
    if least_of(sweep, sizes) > room:
        return None
    load = load_of(sweep, judge, inside, sliced)
    found = scheduled(load, math.inf, 0.0)
    if found is None or found.peak > room * FILLED:
        forward = math.fsum(load.seconds[: sweep.forward])
        found = scheduled(load, room * FILLED, PATIENCE * forward)
    return None if found is None else _fitted(judge, load, found, sliced)


def fits_for_sure(judge: Judge, sweep: Sweep, sliced: Sequence[int], limit: int) -> bool:
    """Whether all that is ever made fits together; much faster than finding out what is held."""
    inside = cut(judge.structure, sliced)
    count = 2 * sum(inside.elements(term) for term in sweep.terms)
    count += 4 * sum(judge.structure.elements(sweep.terms[k]) for k in sweep.given | sweep.results)
    return count * ITEM_BYTES[judge.dtype] <= limit


def _fitted(judge: Judge, load: Load, found: Schedule, sliced: Sequence[int]) -> FittedSweep:
    slices = judge.structure.elements(sliced)
    held = _elsewhere(judge, load.sweep, load.sizes, sliced) + found.peak
    starts = round(math.fsum(load.starts[number] for number in found.order)) * slices
    moved = math.fsum(load.moved[number] for number in found.order) * slices
    seconds = found.seconds * slices
    flops = math.fsum(load.flops[number] for number in found.order) * slices
    if _is_whole(judge, load, sliced):
        # The value, and then the gradient, which makes the value again.
        handed = load.sweep.given | load.sweep.results
        starts, moved = 2, 2.0 * ITEM_BYTES[judge.dtype] * sum(load.sizes[k] for k in handed)
        seconds = judge.machine.seconds(0.0, moved, starts, judge.dtype, flops)
    cost = Cost(
        flops=flops,
        bytes_moved=moved,
        peak_bytes=held * ITEM_BYTES[judge.dtype],
        width=math.log2(max(1, *load.sizes)),
        slices=slices,
        starts=starts,
        seconds=seconds,
    )
    return FittedSweep(tuple(sliced), found.order, cost)


def _is_whole(judge: Judge, load: Load, sliced: Sequence[int]) -> bool:
    """Whether the value is one start on the judge's machine, and its gradient another."""
    sweep, each = load.sweep, 8.0 if judge.dtype.startswith("complex") else 2.0
    terms = math.fsum(load.flops[: sweep.forward]) / each
    one = is_whole(judge.machine, judge.structure, judge.batch, terms, sweep.forward)
    return one and not sliced and not sweep.sums(judge.batch)


def _elsewhere(judge: Judge, sweep: Sweep, sizes: Sequence[int], sliced: Sequence[int]) -> int:
    """Entries of the inputs and of the results; `sizes` are those in a slice.

    Results are handed over as copies; those of slices are added up to a third.
    """
    whole = judge.structure
    results = sum(whole.elements(sweep.terms[slot]) for slot in sweep.results)
    here = sum(sizes[slot] for slot in sweep.results)
    given = sum(whole.elements(sweep.terms[slot]) for slot in sweep.given)
    return given + here + (3 * results if sliced else results)


def _least(judge: Judge, sweep: Sweep, sliced: Sequence[int], limit: int) -> int:
    """Bytes that no computing again makes fewer; raises if slices do not either."""
    item, inside = ITEM_BYTES[judge.dtype], cut(judge.structure, sliced)
    sizes = [inside.elements(term) for term in sweep.terms]
    results = _elsewhere(judge, sweep, sizes, sliced) * item
    if results > limit:
        raise MemoryLimitError(
            f"the tensors and their gradient alone take {readable_bytes(results)}; the memory "
            f"limit is {readable_bytes(limit)}: raise memory_limit, name constants, or "
            "make the network smaller"
        )
    return results + least_of(sweep, sizes) * item


def _refusal(judge: Judge, sweep: Sweep, sliced: Sequence[int], limit: int, least: float) -> str:
    whole = keep_limit(judge, sweep, sliced, 2**200)
    assert whole is not None, "without a limit everything fits"
    return (
        f"the gradient needs {readable_bytes(whole.cost.peak_bytes)} with all intermediates kept, "
        f"and at least {readable_bytes(least)} however it is sliced and computed again; the "
        f"memory limit is {readable_bytes(limit)}: raise memory_limit, name constants, or "
        "make the network smaller"
    )
