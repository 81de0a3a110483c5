"""Plans: checked when they are read, so that one from a stranger fails there and not later."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tnlearn.errors import FormatError
from tnlearn.files.arrays import Array, Arrays
from tnlearn.files.checks import fields, items, real, shown, text, whole, wholes
from tnlearn.network.tensor import FLOATING
from tnlearn.planning import Cost, Plan, Structure
from tnlearn.planning.walk import walk

COUNTS = ("peak_bytes", "slices", "starts")
REALS = ("flops", "bytes_moved", "width", "seconds")
TEXTS = ("dtype", "backend", "order", "why")
#: Counts of more digits could not be printed.
MOST_COUNTED = 10**300
MOST_SLICED = 1000
#: Axes of all intermediates together; a small file could ask for as many as fill the memory.
MOST_AXES_MADE = 30_000_000


def encode(plan: Plan, arrays: Arrays) -> Any:
    """A plan as JSON."""
    return dataclasses.asdict(plan)


def decode(payload: Any, arrays: Sequence[Array], cls: type[Any]) -> Plan:
    """The plan again, sure to join all tensors of its structure."""
    names = ("structure", "path", "sliced", "cost", "memory_limit", *TEXTS)
    given = fields(payload, "the plan", *names)
    structure = _structure(given["structure"])
    dtype, backend, order, why = (text(given[name], name) for name in TEXTS)
    if dtype not in FLOATING:
        raise FormatError(f"the plan computes in {shown(dtype)}, not {', '.join(FLOATING)}")
    sliced = _distinct(given["sliced"], "the sliced indices", structure)
    cost = _cost(given["cost"])
    # Few enough for their product to be quick.
    if len(sliced) > MOST_SLICED or cost.slices != structure.elements(sliced):
        raise FormatError(f"{len(sliced)} sliced indices do not make {cost.slices:,} slices")
    path = _path(given["path"])
    _check_axes(structure, path)
    walk(structure, path)  # Raises if the path does not join all tensors into one.
    limit = whole(given["memory_limit"], "memory_limit")
    plan: Plan = cls(structure, path, sliced, dtype, backend, order, cost, limit, why)
    return plan


def _structure(payload: Any) -> Structure:
    given = fields(payload, "the structure", "inputs", "output", "sizes")
    sizes = wholes(given["sizes"], "the size of an index")
    inputs = tuple(
        wholes(term, "the indices of a tensor", len(sizes) - 1)
        for term in items(given["inputs"], "the inputs")
    )
    structure = Structure(inputs, (), sizes)
    output = _distinct(given["output"], "the output", structure)
    if not set(output) <= {index for term in inputs for index in term}:
        raise FormatError("an index of the output is on no tensor")
    return Structure(inputs, output, sizes)


def _distinct(given: Any, what: str, structure: Structure) -> tuple[int, ...]:
    indices = wholes(given, what, len(structure.sizes) - 1)
    if len(set(indices)) < len(indices):
        raise FormatError(f"{what} are {shown(indices)}: each may be there once")
    return indices


def _path(given: Any) -> tuple[tuple[int, int], ...]:
    steps = [wholes(step, "a step of the path") for step in items(given, "the path")]
    if any(len(step) != 2 for step in steps):
        raise FormatError("a step of the path does not join two tensors")
    return tuple((first, second) for first, second in steps)


def _check_axes(structure: Structure, path: Iterable[tuple[int, int]]) -> None:
    """Raise if walking the path would take too much memory; the smaller set joins the larger."""
    carriers = Counter(i for term in (*structure.reduced, structure.output) for i in term)
    live = {number: set(term) for number, term in enumerate(structure.reduced)}
    made = 0
    for number, step in enumerate(path, start=len(live)):
        if step[0] == step[1] or not live.keys() >= set(step):
            raise FormatError(f"the path takes tensors {step}, which are not there to be joined")
        few, many = sorted(map(live.pop, step), key=len)
        for index in few:
            if index not in many:
                many.add(index)
            elif carriers[index] > 2:
                carriers[index] -= 1
            else:
                many.remove(index)
        live[number] = many
        made += len(many)
        if made > MOST_AXES_MADE:
            raise FormatError(f"the path makes tensors of over {MOST_AXES_MADE:,} axes in all")


def _cost(payload: Any) -> Cost:
    given = fields(payload, "the cost", *COUNTS, *REALS)
    counts = {name: whole(given[name], name, MOST_COUNTED) for name in COUNTS}
    return Cost(**counts, **{name: _real(given[name], name) for name in REALS})  # type: ignore[arg-type]


def _real(given: Any, what: str) -> float:
    if real(given, what) < 0:
        raise FormatError(f"{what} cannot be {given}")
    return float(given)
