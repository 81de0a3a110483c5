"""What was measured, as rows of the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from benchmarks.bound import Rates, bound, work_of
from benchmarks.instances import Instance
from benchmarks.measure import Outcome, ratio
from benchmarks.orders import Order
from benchmarks.problems import Problem

Row: TypeAlias = dict[str, Any]


def about(problem: Problem, instance: Instance, best: Order, rates: Rates) -> Row:
    """A problem: flops and width are those of the best order that anybody found."""
    return {
        "problem": problem.name,
        "tensors": len(instance.inputs),
        "indices": len(instance.sizes),
        "dtype": instance.dtype,
        "flops": best.plan.cost.flops,
        "width": best.plan.cost.width,
        "flops_per_second": rates.flops,
        "bytes_per_second": rates.bytes,
        "status": "ok",
    }


def about_order(problem: Problem, order: Order) -> Row:
    """An order with the price of finding it."""
    cost = order.plan.cost
    return {
        "problem": problem.name,
        "planner": order.label,
        "planning_seconds": order.seconds,
        "flops": cost.flops,
        "width": cost.width,
        "slices": cost.slices,
        "status": "ok",
    }


def measurements(
    problem: Problem,
    instance: Instance,
    outcomes: Sequence[Outcome],
    best: Order,
    rates: Mapping[str, Rates],
) -> Iterator[Row]:
    """A row per contender; without an order of ours it is held to the bound of the best."""
    reference: dict[str, list[float]] = {}
    values = {o.contender.name: o.seconds for o in outcomes if o.contender.task == "value"}
    for outcome in outcomes:
        task, seconds = outcome.contender.task, outcome.seconds
        # The first contender of a task; without its samples there are no ratios.
        base = reference.setdefault(task, seconds)
        row: Row = {**_names(problem, outcome), "status": outcome.status}
        if device := outcome.contender.peer.device():
            row["device"] = device
        if seconds:
            row |= _times(outcome)
            row |= {"ratio": ratio(seconds, base)} if base else {}
            row |= _bound(outcome, instance, best, rates[outcome.contender.peer.name])
            if task == "gradient" and values.get(outcome.contender.name):
                row["gradient_by_value"] = ratio(seconds, values[outcome.contender.name])
        if outcome.error is not None:
            row["error"] = outcome.error
        if outcome.memory is not None:
            row["memory_bytes"] = outcome.memory
        yield row


def candidates(problem: Problem, outcomes: Sequence[Outcome]) -> Iterator[Row]:
    """Seconds of one run by every order and mode: what the choice of the fastest was made by."""
    for outcome in outcomes:
        for attempt in outcome.tried:
            row = {**_names(problem, outcome), "order": attempt.label, "status": attempt.status}
            yield row | ({} if attempt.seconds is None else {"seconds": attempt.seconds})


def _names(problem: Problem, outcome: Outcome) -> Row:
    contender = outcome.contender
    return {"problem": problem.name, "task": contender.task, "peer": contender.name}


def _times(outcome: Outcome) -> Row:
    ready, seconds = outcome.ready, outcome.seconds
    assert ready is not None
    order, preparation = ready.candidate.order, ready.preparation
    lower, median, upper = np.quantile(seconds, [0.25, 0.5, 0.75]).tolist()
    planning = {"planning_seconds": order.seconds} if order else {}
    return {
        "order": ready.candidate.label,
        **planning,
        "compiling_seconds": preparation.compiling,
        "packing_seconds": preparation.packing,
        "running_seconds": median,
        "lower_quartile": lower,
        "upper_quartile": upper,
        "fastest": min(seconds),
        "processor_share": outcome.processor_share,
        "rounds": len(seconds),
        "calls": preparation.calls,
    }


def _bound(outcome: Outcome, instance: Instance, best: Order, rates: Rates) -> Row:
    assert outcome.ready is not None
    order = outcome.ready.candidate.order or best
    work = work_of(instance, order.plan, outcome.contender.task)
    least = bound(work, rates)
    return {
        "flops": work.flops,
        "bytes_moved": work.bytes,
        "flops_seconds": least.flops,
        "bytes_seconds": least.bytes,
        "bound_seconds": least.seconds,
        "bound_by": least.by,
        "bound_percent": 100 * least.seconds / float(np.median(outcome.seconds)),
    }
