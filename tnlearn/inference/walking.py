"""The best few states: the slices they are in, and down the contraction tree that found them.

The tree leaves behind, for every entry of every intermediate, a list of the best few totals of the
part below it. A list is the sorted list of all sums of one choice of the summed indices and one
rank in the list of each factor; so the state of rank r of a result is found from the choice that
stands at place r, and the ranks there lead on to the factors. Choices that tie keep their order,
hence different ranks lead to different states (Nilsson 1998, Stat. Comput. 8, 159, has the same
by conditioning).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Algebra, Labels, best_few, sources
from tnlearn.errors import MemoryLimitError
from tnlearn.execution import Program, Record, compile
from tnlearn.network import TensorNetwork
from tnlearn.planning import Plan, as_bytes, cut, least_bytes, plan, resliced

Array = npt.NDArray[Any]

#: Positions of indices, by number.
Positions = dict[int, int]


def best_states(
    network: TensorNetwork, sign: int, count: int, options: dict[str, Any]
) -> list[Positions]:
    """The states of the best totals of a closed network, best first; fewer if there are fewer.

    Parameters
    ----------
    network : TensorNetwork
        Its entries are added up.
    sign : int
        1 where the largest total is the best, -1 where the smallest is.
    count : int
        How many.
    options : dict
        As for `tnlearn.compile`.

    Notes
    -----
    Memory is that of all intermediates of one slice, `count` numbers an entry; the plan is sliced
    until they fit the limit.
    """
    algebra = best_few(sign, count) if count > 1 else Algebra("best", sign)
    options = {**options, "plan": _plan(network, count, options)}
    options.pop("memory_limit", None)
    program = compile(network, algebra=algebra, **options)
    x = program.pack([tensor.data for tensor in network])
    records: dict[int, Record] = {}
    slices = range(program.instructions.slices)
    if len(slices) == 1:
        records[0] = program.record(x, 0)
        totals = [records[0].plain(program.instructions.value)]
    else:
        totals = program.parts(x)
    flat = -sign * np.concatenate([np.atleast_1d(total) for total in totals])
    found: list[Positions] = []
    for place in np.argsort(flat, kind="stable")[:count]:
        number, rank = divmod(int(place), count)
        if flat[place] < np.inf:
            if number not in records:
                records = {number: program.record(x, number)}
            found.append(_walk(records[number], program, number, rank))
    return found


def _plan(network: TensorNetwork, count: int, options: dict[str, Any]) -> Plan:
    """A plan whose intermediates, kept all together, fit the memory limit."""
    given: Plan | None = options.get("plan")
    if given is not None:
        return given
    asked = {k: options[k] for k in ("backend", "search", "seed", "cache") if k in options}
    limit = as_bytes(options.get("memory_limit"))
    # Half for what is kept of a float64 or `count` of them, half for what is not.
    most = limit // (16 * count)
    made = plan(network, memory_limit=limit, **asked)
    while _kept(made) > most:
        least = least_bytes(made.structure, made.dtype)  # Which no slicing lowers.
        if made.cost.peak_bytes - least < 64:
            raise MemoryLimitError(
                f"the intermediates of the contraction, {_kept(made):,} entries of {count} "
                f"numbers, do not fit in {limit:,} bytes; raise memory_limit"
            )
        made = resliced(made, (made.cost.peak_bytes + least) // 2)
    return made


def _kept(plan: Plan) -> int:
    """Entries of all results of a plan's steps, in one slice."""
    inside = cut(plan.structure, plan.sliced)
    return sum(inside.elements(pair.result) for pair in plan.pairs)


def _walk(record: Record, program: Program, number: int, rank: int) -> Positions:
    """The state of one rank within one slice."""
    instructions = record.instructions
    sliced = [label for label, _ in instructions.sliced]
    at: Positions = dict.fromkeys(sliced, 0)  # Of size 1, here.
    ranks = {instructions.value: rank}
    for step in reversed(instructions.forward):
        terms = {slot: instructions.labels[slot] for slot in sources(step)}
        summed = tuple(i for i in dict.fromkeys(chain(*terms.values())) if i not in at)
        sizes = tuple(instructions.sizes[i] for i in summed)
        place = _choice(record, terms, summed, sizes, at, ranks.pop(step.target))
        at.update(zip(summed, place, strict=False))
        ranks.update(zip(terms, place[len(summed) :], strict=True))
    if sliced:
        whole = [size for _, size in instructions.sliced]
        at.update(zip(sliced, map(int, np.unravel_index(number, whole)), strict=True))
    return at


def _choice(
    record: Record,
    terms: dict[int, Labels],
    summed: Labels,
    sizes: Sequence[int],
    at: Positions,
    rank: int,
) -> tuple[int, ...]:
    """Where the choice of some rank stands: positions of the summed indices, ranks of the terms."""
    total: Array = np.zeros([1] * (len(summed) + len(terms)))
    for k, (slot, labels) in enumerate(terms.items()):
        where = [_along(label, summed, sizes, at) for label in labels]
        values = np.asarray(record.entries(slot, where).log)
        lengths = values.shape[: len(summed)] if labels else [1] * len(summed)
        # Ranks of this term on an axis of their own.
        ranks = [-1 if other == k else 1 for other in range(len(terms))]
        total = total + values.reshape(*lengths, *ranks)
    chosen = np.argsort(-total, axis=None, kind="stable")[rank]
    return tuple(int(i) for i in np.unravel_index(chosen, total.shape))


def _along(label: int, summed: Labels, sizes: Sequence[int], at: Positions) -> Array:
    """Where to look along an index: at its position, or all along its own axis."""
    shape = [1] * len(summed)
    if label in at:
        return np.full(shape, at[label])
    axis = summed.index(label)
    shape[axis] = -1
    return np.arange(sizes[axis]).reshape(shape)
