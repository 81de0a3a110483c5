"""Instructions that keep less and compute some of it again, when memory is short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tnlearn.backend import Add, Contract, Instruction, Instructions, sources
from tnlearn.errors import MemoryLimitError
from tnlearn.planning import Plan, Step, Sweep, fits_for_sure, judge_of, keep_limit


def within_limit(instructions: Instructions, plan: Plan) -> Instructions:
    """The instructions such that they keep the plan's memory limit, in its slices.

    Raises
    ------
    MemoryLimitError
        If they do not, whatever is computed again.
    """
    judge, sweep, limit = judge_of(plan), sweep_of(instructions), plan.memory_limit
    if fits_for_sure(judge, sweep, plan.sliced, limit):
        return instructions
    found = keep_limit(judge, sweep, plan.sliced, limit)
    if found is None:
        raise MemoryLimitError(
            f"{plan.cost.slices:,} slices are too few for the gradient to keep the memory limit of "
            f"{limit:,} bytes: raise memory_limit"
        )
    if found.order == tuple(range(len(sweep.steps))):
        return instructions
    return reordered(instructions, found.order)


def sweep_of(instructions: Instructions) -> Sweep:
    """What the instructions make from what."""
    steps = (*instructions.forward, *instructions.backward)
    given = {*range(len(instructions.inputs)), instructions.seed}
    results = {slot for slot in instructions.gradients if slot is not None}
    return Sweep(
        steps=[Step(step.target, sources(step)) for step in steps],
        forward=len(instructions.forward),
        terms=instructions.labels,
        given=frozenset(given),
        results=frozenset(results | {instructions.value}) - given,
    )


def reordered(instructions: Instructions, order: Sequence[int]) -> Instructions:
    """The same instructions in another order; what is computed again is put in a slot of its own.

    Parameters
    ----------
    instructions : Instructions
    order : sequence of int
        Numbers of the steps, forward and backward ones; what a step reads is what was made last.
    """
    steps = (*instructions.forward, *instructions.backward)
    labels, now = list(instructions.labels), list(range(len(instructions.labels)))
    made: set[int] = set()
    written: list[Instruction] = []
    forward = next(
        (place for place, number in enumerate(order) if number >= len(instructions.forward)),
        len(order),
    )
    for number in order:
        step = steps[number]
        if step.target in made:
            labels.append(labels[step.target])
            now[step.target] = len(labels) - 1
        made.add(step.target)
        written.append(moved(step, now))
    return replace(
        instructions,
        labels=tuple(labels),
        forward=tuple(written[:forward]),
        backward=tuple(written[forward:]),
    )


def moved(step: Instruction, now: Sequence[int] | Mapping[int, int]) -> Instruction:
    """A step on the slots that hold now what it names."""
    target = now[step.target]
    if isinstance(step, Contract):
        return Contract(target, now[step.first], now[step.second])
    if isinstance(step, Add):
        return Add(target, tuple(now[slot] for slot in step.sources), step.conj)
    return type(step)(target, now[step.source])
