"""Orders of contraction: ours, and those that peers would have found for themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tnlearn as tnl
from benchmarks.instances import Instance

#: Repeats of the random searches of peers: their own default.
REPEATS = 128


@dataclass(frozen=True)
class Order:
    """An order with who found it and how long that took.

    Attributes
    ----------
    label : str
        The planner, with its seconds where they were given.
    plan : Plan
    seconds : float
        Of the search.
    path : list of pairs of int
        The steps in opt_einsum's form: positions among the tensors that are left.
    """

    label: str
    plan: tnl.Plan
    seconds: float
    path: list[tuple[int, int]]


def search(
    instance: Instance,
    planner: str,
    seed: int,
    seconds: float | None,
    limit: float,
    memory: int | None = None,
) -> Order:
    """An order by the planner's default effort, or by as many seconds as given.

    It is searched for each time, not found again in a cache.

    Parameters
    ----------
    planner : str
        A name in `PLANNERS`.
    seconds : float, optional
    limit : float
        Seconds after which a default effort of a peer that counts repeats ends early.
    memory : int, optional
        Bytes to slice the order to; by default what `tnlearn.plan` takes.
    """
    label = planner if seconds is None else f"{planner}, {seconds:g} s"
    effort = PLANNERS[planner](instance, seed, seconds, limit)  # imports what it needs
    network = instance.network
    start = time.perf_counter()
    plan = tnl.plan(
        network, batch=instance.batch, memory_limit=memory, search=effort, seed=seed, cache=False
    )
    return Order(label, plan, time.perf_counter() - start, _positions(plan))


def _positions(plan: tnl.Plan) -> list[tuple[int, int]]:
    live = list(range(len(plan.structure.inputs)))
    steps = []
    for made, pair in enumerate(plan.path, start=len(live)):
        first, second = sorted(live.index(number) for number in pair)
        del live[second], live[first]
        live.append(made)
        steps.append((first, second))
    return steps


def _tnlearn(instance: Instance, seed: int, seconds: float | None, limit: float) -> Any:
    return "balanced" if seconds is None else seconds


def _cotengra(instance: Instance, seed: int, seconds: float | None, limit: float) -> Any:
    import cotengra

    return cotengra.HyperOptimizer(
        max_repeats=REPEATS if seconds is None else 10**9,
        max_time=limit if seconds is None else seconds,
        parallel=False,
        progbar=False,
    )


def _opt_einsum(instance: Instance, seed: int, seconds: float | None, limit: float) -> Any:
    import opt_einsum

    if seconds is None and len(instance.inputs) < 20:
        return "auto-hq"
    return opt_einsum.RandomGreedy(
        max_repeats=REPEATS if seconds is None else 10**9,
        max_time=limit if seconds is None else seconds,
        parallel=False,
    )


PLANNERS: dict[str, Callable[[Instance, int, float | None, float], Any]] = {
    "tnlearn": _tnlearn,
    "cotengra": _cotengra,
    "opt_einsum": _opt_einsum,
}
