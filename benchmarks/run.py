"""One problem after another: orders, contenders, and the rows of the results."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from benchmarks import cold
from benchmarks.instances import Instance
from benchmarks.measure import Candidate, Contender, Limits, Outcome, compare, ratio
from benchmarks.orders import Order, search
from benchmarks.peers.base import Peer
from benchmarks.peers.gemm import FLOPS, Gemm
from benchmarks.problems import Problem

Row: TypeAlias = dict[str, Any]
#: Operations of value and gradient by those of the value: the reverse sweep has two products,
#: one for each operand, where the forward sweep has one.
FLOPS_OF_TASK = {"value": 1, "gradient": 3}


@dataclass(frozen=True)
class Settings:
    """Who takes part, and how long; `peers` begins with the one that ratios refer to."""

    peers: Sequence[Peer]
    limits: Limits
    seed: int = 0


@dataclass
class Result:
    """Rows of the tables of a run."""

    problems: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    measurements: list[Row] = field(default_factory=list)
    candidates: list[Row] = field(default_factory=list)
    cold: list[Row] = field(default_factory=list)


def run(
    problems: Sequence[Problem], settings: Settings, after: Callable[[Result, Problem], None]
) -> Result:
    """Run problems one by one; `after` each, for somebody to look at or to save."""
    result = Result()
    for problem in problems:
        if problem.cold:
            result.cold += cold.measure(problem, settings.seed)
        else:
            _contract(problem, settings, result)
        after(result, problem)
    return result


def _contract(problem: Problem, settings: Settings, result: Result) -> None:
    try:
        instance = problem.build(settings.seed)
        orders, notes = _orders(problem, instance, settings)
    except Exception as error:  # As with peers: one problem hides no other.
        result.problems.append({"problem": problem.name, "status": _failure(error)})
        return
    contenders = list(_contenders(problem, settings.peers, orders))
    outcomes = compare(instance, contenders, settings.limits)
    best = min(orders, key=lambda order: order.plan.cost.flops)
    result.problems.append(_about(problem, instance, best))
    result.orders += [_about_order(problem, order) for order in orders] + notes
    result.measurements += list(_rows(problem, outcomes, best.plan.cost.flops))
    result.candidates += [row for outcome in outcomes for row in _tried(problem, outcome)]


def _orders(
    problem: Problem, instance: Instance, settings: Settings
) -> tuple[list[Order], list[Row]]:
    """Ours first, then those of other planners; with a note for each that failed."""
    wanted: list[tuple[str, float | None]] = list(problem.searches)
    if not wanted:
        planners = [planner for peer in settings.peers for planner in peer.planners]
        chosen = ["tnlearn", *([] if problem.one_order else planners)]
        wanted = [(planner, None) for planner in dict.fromkeys(chosen)]
    orders, notes = [], []
    for planner, seconds in wanted:
        try:
            limit = settings.limits.planning
            orders.append(search(instance, planner, settings.seed, seconds, limit))
        except Exception as error:
            notes.append({"problem": problem.name, "planner": planner, "status": _failure(error)})
    if not orders:
        raise RuntimeError(f"no order was found: {notes[0]['status']}")
    return orders, notes


def _failure(error: Exception) -> str:
    return f"failed: {type(error).__name__}: {str(error)[:120]}"


def _contenders(
    problem: Problem, peers: Sequence[Peer], orders: Sequence[Order]
) -> Iterator[Contender]:
    if problem.searches:
        for order in orders:
            yield Contender(
                f"{peers[0].name} by {order.label}", peers[0], "value", [Candidate(order)]
            )
        return
    for task in problem.tasks:
        for peer in peers:
            yield Contender(peer.name, peer, task, _candidates(peer, orders))
    if problem.gemm:
        yield Contender(Gemm.name, Gemm(), "rate", [Candidate(None)])


def _candidates(peer: Peer, orders: Sequence[Order]) -> list[Candidate]:
    usable: list[Order | None] = [order for order in orders if order.label in peer.planners]
    return [Candidate(order, mode) for order in usable if peer.planners for mode in peer.modes] or [
        Candidate(None, mode) for mode in peer.modes if not peer.planners
    ]


def _about(problem: Problem, instance: Instance, order: Order) -> Row:
    """Flops and width are those of the best order that anybody found."""
    return {
        "problem": problem.name,
        "tensors": len(instance.inputs),
        "indices": len(instance.sizes),
        "dtype": instance.dtype,
        "flops": order.plan.cost.flops,
        "width": order.plan.cost.width,
        "status": "ok",
    }


def _about_order(problem: Problem, order: Order) -> Row:
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


def _rows(problem: Problem, outcomes: Sequence[Outcome], flops: float) -> Iterator[Row]:
    reference: dict[str, list[float]] = {}
    gemm = next((o.samples for o in outcomes if o.contender.task == "rate"), [])
    for outcome in outcomes:
        task, samples = outcome.contender.task, outcome.samples
        # The first contender of a task; without its samples there are no ratios.
        base = reference.setdefault(task, samples)
        row: Row = {
            "problem": problem.name,
            "task": task,
            "peer": outcome.contender.name,
            "status": outcome.status,
        }
        if samples and outcome.ready:
            row |= _times(outcome)
            row |= {"ratio": ratio(samples, base)} if base else {}
            row |= _rates(task, samples, gemm, flops, _values_of(outcome, outcomes))
        if outcome.error is not None:
            row["error"] = outcome.error
        yield row


def _tried(problem: Problem, outcome: Outcome) -> Iterator[Row]:
    """Seconds of one run by every order and mode: what the choice of the fastest was made by."""
    for label, seconds in outcome.tried.items():
        yield {
            "problem": problem.name,
            "task": outcome.contender.task,
            "peer": outcome.contender.name,
            "order": label,
            "seconds": seconds,
        }


def _times(outcome: Outcome) -> Row:
    ready, samples = outcome.ready, outcome.samples
    assert ready is not None
    order = ready.candidate.order
    lower, median, upper = np.quantile(samples, [0.25, 0.5, 0.75]).tolist()
    return {
        "order": ready.candidate.label,
        "planning_seconds": order.seconds if order else 0.0,
        "compiling_seconds": ready.compiling,
        "packing_seconds": ready.packing,
        "running_seconds": median,
        "lower_quartile": lower,
        "upper_quartile": upper,
        "fastest": min(samples),
        "processor_share": outcome.processor_share,
        "rounds": len(samples),
        "calls": ready.calls,
    }


def _values_of(outcome: Outcome, outcomes: Sequence[Outcome]) -> list[float]:
    """The samples of the same peer at the value alone."""
    return next(
        (
            other.samples
            for other in outcomes
            if other.contender.name == outcome.contender.name and other.contender.task == "value"
        ),
        [],
    )


def _rates(
    task: str, samples: list[float], gemm: list[float], flops: float, values: list[float]
) -> Row:
    """What a row says beyond its times: the price of the gradient, the part of the GEMM rate."""
    row: Row = {}
    if task == "gradient" and values:
        row["gradient_by_value"] = ratio(samples, values)
    if gemm and task in FLOPS_OF_TASK:
        share = statistics.median(g / s for g, s in zip(gemm, samples, strict=True))
        row["gemm_percent"] = 100 * share * flops * FLOPS_OF_TASK[task] / FLOPS
    return row
