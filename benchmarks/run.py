"""One problem after another: orders, contenders, and the rows of the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain

from benchmarks import cold, one_slice, rows
from benchmarks.bound import Rates, measure_rates
from benchmarks.confined import StoppedError, call, failure
from benchmarks.instances import Instance
from benchmarks.limits import Limits
from benchmarks.measure import Candidate, Contender, compare
from benchmarks.orders import Order, search
from benchmarks.peers.base import Peer
from benchmarks.problems import Problem
from benchmarks.rehearsal import rehearse_searches
from benchmarks.rows import Row


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
    one_slice: list[Row] = field(default_factory=list)

    @property
    def done(self) -> set[str]:
        """Names of the problems that were run."""
        return {row["problem"] for row in (*self.problems, *self.cold, *self.one_slice)}


def run(
    problems: Sequence[Problem],
    settings: Settings,
    after: Callable[[Result, Problem], None],
    result: Result | None = None,
) -> Result:
    """Run problems one by one; `after` each, for somebody to look at or to save.

    Parameters
    ----------
    result : Result, optional
        Of a run that was cut: the problems in it are not run again.
    """
    result = result or Result()
    rehearse_searches()
    for problem in problems:
        if problem.name in result.done:
            continue
        try:
            _work_on(problem)(problem, settings, result)
        except Exception as error:  # As with peers: one problem hides no other.
            result.problems.append({"problem": problem.name, "status": failure(error)})
        after(result, problem)
    return result


def _work_on(problem: Problem) -> Callable[[Problem, Settings, Result], None]:
    if problem.one_slice:
        return _one_slice
    return _cold if problem.cold else _contract


def _one_slice(problem: Problem, settings: Settings, result: Result) -> None:
    result.one_slice += one_slice.measure(problem, settings.peers, settings.seed, settings.limits)


def _cold(problem: Problem, settings: Settings, result: Result) -> None:
    result.cold += cold.measure(problem, settings.seed)


def _contract(problem: Problem, settings: Settings, result: Result) -> None:
    limits = settings.limits
    instance = problem.build(settings.seed)
    _ = instance.network  # Made before processes are forked: none of them makes it again.
    orders, notes = _orders(problem, instance, settings)
    best = min(orders, key=lambda order: order.plan.cost.flops)
    rates = _rates(instance.dtype, limits)
    outcomes = compare(instance, list(_contenders(problem, settings.peers, orders)), limits)
    result.problems.append(rows.about(problem, instance, best, rates))
    result.orders += [rows.about_order(problem, order) for order in orders] + notes
    of_devices = {peer.name: _device_rates(peer, instance.dtype, limits) for peer in settings.peers}
    held_to = {name: found or rates for name, found in of_devices.items()}
    result.measurements += rows.measurements(problem, instance, outcomes, best, held_to)
    result.candidates += rows.candidates(problem, outcomes)


@cache
def _rates(dtype: str, limits: Limits) -> Rates:
    """Once a run; in a process of its own, which takes the large arrays with it."""
    return call(partial(measure_rates, dtype), limits.memory, limits.preparing)


@cache
def _device_rates(peer: Peer, dtype: str, limits: Limits) -> Rates | None:
    """Likewise of the device of a peer, if it has one."""
    if not peer.device():
        return None
    try:
        return call(partial(peer.rates, dtype), limits.memory, limits.preparing)
    except StoppedError:  # Such as a device with too little memory left: no bound of its own.
        return None


def _orders(
    problem: Problem, instance: Instance, settings: Settings
) -> tuple[list[Order], list[Row]]:
    """Ours first, then those of other planners; with a note for each that failed."""
    orders, notes = [], []
    for planner, seconds in _searches(problem, settings):
        try:
            orders.append(_search(instance, planner, seconds, settings))
        except Exception as error:
            notes.append({"problem": problem.name, "planner": planner, "status": failure(error)})
    if not orders:
        raise RuntimeError(f"no order was found: {notes[0]['status']}")
    return orders, notes


def _searches(problem: Problem, settings: Settings) -> list[tuple[str, float | None]]:
    """Planners, each once, with seconds where these are what is compared."""
    if problem.searches:
        return list(problem.searches)
    planners = chain.from_iterable(peer.planners for peer in settings.peers)
    chosen = ["tnlearn", *([] if problem.one_order else planners)]
    return [(planner, None) for planner in dict.fromkeys(chosen)]


def _search(instance: Instance, planner: str, seconds: float | None, settings: Settings) -> Order:
    """An order, found in a process of its own; half of the memory is for copies of the arrays."""
    limits = settings.limits
    effort = (planner, settings.seed, seconds, limits.planning, limits.memory // 2)
    allowed = limits.preparing + (seconds or limits.planning)
    return call(partial(search, instance, *effort), limits.memory, allowed)


def _contenders(
    problem: Problem, peers: Sequence[Peer], orders: Sequence[Order]
) -> Iterator[Contender]:
    if problem.searches:
        for order in orders:
            name = f"{peers[0].name} by {order.label}"
            yield Contender(name, peers[0], "value", [Candidate(order)])
        return
    for task in problem.tasks:
        for peer in peers:
            yield Contender(peer.name, peer, task, _candidates(peer, orders))


def _candidates(peer: Peer, orders: Sequence[Order]) -> list[Candidate]:
    usable: list[Order | None] = [order for order in orders if order.label in peer.planners]
    return [
        Candidate(order, mode)
        for order in (usable if peer.planners else [None])
        for mode in peer.modes
    ]
