"""A verdict before anything runs: what exact costs, and what would be done otherwise."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tnlearn import arguments
from tnlearn.errors import MemoryLimitError
from tnlearn.inference.barren import without_barren
from tnlearn.inference.counting import is_logical
from tnlearn.inference.distribution import closed
from tnlearn.inference.estimates import Rung, rungs
from tnlearn.inference.options import check_options, planning
from tnlearn.inference.shortcuts import LARGE, Shortcut, shortcut_of
from tnlearn.inference.support import Support, supported
from tnlearn.network import HasNetwork, TensorNetwork
from tnlearn.planning import Plan, flops_of_elimination, plan, readable_bytes, readable_seconds

#: Operations that are spent on an exact answer without being asked: some minutes on one core.
FLOPS = 1e13
#: Decisions of a count that nobody asked for: half a minute on one core, in most cases less.
DECISIONS = 400_000


@dataclass(frozen=True)
class Verdict:
    """What an answer about a model takes. Print it.

    Attributes
    ----------
    method : str
        What ``log_partition(model)`` would do: "exact", the name of a shortcut, "counting", or
        the estimate that it tries first.
    reason : str
        Why, in a sentence.
    plan : Plan or None
        Of the exact contraction, hard zeros cut out; None if none fits the memory limit, or a
        shortcut or a count is tried without asking for it.
    log_states : float
        Natural logarithm of the number of joint states that hard zeros leave open.
    fixed : int
        Indices that hard zeros leave one position.
    shortcut : Shortcut or None
        The model's own way around contraction, if that is taken.
    rungs : tuple of Rung
        Estimates, in the order in which they are tried until one is good enough; none if the
        answer is exact, or the model's own.
    """

    method: str
    reason: str
    plan: Plan | None
    log_states: float
    fixed: int
    shortcut: Shortcut | None = None
    rungs: tuple[Rung, ...] = ()

    def __str__(self) -> str:
        rows = [("states", f"10^{self.log_states / math.log(10):.4g}")]
        if self.fixed:
            rows.append(("fixed", f"{self.fixed:,} indices by hard zeros"))
        if self.plan is not None:
            cost = self.plan.cost
            rows += [
                ("width", f"{cost.width:.1f}  (log2 entries of the largest tensor)"),
                ("flops", f"{cost.flops:.3e}"),
                ("peak memory", readable_bytes(cost.peak_bytes)),
                ("slices", f"{cost.slices:,}"),
                ("predicted", readable_seconds(cost.seconds)),
            ]
        because = textwrap.wrap(self.reason, 64)
        rows += [("method", self.method), ("because", because[0])]
        rows += [("", line) for line in because[1:]]
        for rung in self.rungs:
            first, last = readable_seconds(rung.least), readable_seconds(rung.most)
            rows.append(("estimate", f"{rung.method}, about {first} to {last}"))
        body = [f" {name:<12} {value}" for name, value in rows]
        rule = "─" * max(len(line) for line in body)
        return "\n".join([rule, " Verdict", rule, *body, rule])


def assess(thing: TensorNetwork | HasNetwork, *, flops: float = FLOPS, **options: Any) -> Verdict:
    """What exact inference of a model costs, and what is done where that is too much.

    Parameters
    ----------
    thing : TensorNetwork or model
        Anything with ``.network()``, closed.
    flops : float
        Operations up to which an exact answer is worth it.
    **options
        ``backend``, ``memory_limit``, ``search``, ``seed`` as for `tnlearn.plan`.

    Returns
    -------
    Verdict
        Prints as a table. Nothing is contracted.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> tnl.assess(tnl.Ising(nx.grid_2d_graph(6, 6))).method
    'exact'
    """
    check_options(options)
    arguments.number("flops", flops)
    own = at_once(thing)
    if own is not None:
        return own
    support = supported(closed(thing))
    left = without_barren(support.network)
    return countable(support, left, flops) or judged(thing, support, left, flops, options)


def fits(network: TensorNetwork, flops: float, options: dict[str, Any]) -> bool:
    """Whether a closed network is contracted inside the memory limit and so many operations."""
    support = supported(network)
    return _on_contraction(support, support.network, flops, options).method == "exact"


def at_once(thing: Any) -> Verdict | None:
    """The verdict on a large model with a shortcut, whose network is not even written."""
    own = shortcut_of(thing, at_once=True)
    if own is None:
        return None
    states = math.fsum(math.log(len(thing.values(site))) for site in thing.sites)
    reason = f"{own.reason}, and there are more than {LARGE} sites"
    return Verdict(own.method, reason, None, states, 0, own)


def countable(support: Support, left: TensorNetwork, flops: float) -> Verdict | None:
    """The verdict on a network of hard zeros that a quick look finds too wide to contract."""
    if support.empty or not is_logical(left) or flops_of_elimination(left) <= flops:
        return None
    states, fixed = _left_open(support)
    reason = (
        f"it is hard zeros for the most part, and a quick order takes more than the {flops:.1e} "
        f"flops allowed; if {DECISIONS:,} decisions do not end it, contraction is looked into"
    )
    return Verdict("counting", reason, None, states, fixed)


def judged(
    thing: Any, support: Support, left: TensorNetwork, flops: float, options: dict[str, Any]
) -> Verdict:
    """The verdict on any other, what is `left` of its network contracted."""
    verdict = _on_contraction(support, left, flops, options)
    if verdict.method == "exact":
        return verdict
    own = shortcut_of(thing)
    if own is None:
        ways = rungs(support.network, options)
        return replace(verdict, method=ways[0].method, rungs=ways)
    reason = f"{own.reason}, and {verdict.reason}"
    return replace(verdict, method=own.method, reason=reason, shortcut=own)


def _left_open(support: Support) -> tuple[float, int]:
    """Logarithm of the states that hard zeros leave, and how many indices have one position."""
    states = float(sum(np.log(len(kept)) for kept in support.kept.values() if len(kept)))
    return states, len(support.kept) - len(support.network.sizes)


def _on_contraction(
    support: Support, left: TensorNetwork, flops: float, options: dict[str, Any]
) -> Verdict:
    states, fixed = _left_open(support)
    if support.empty:
        return Verdict("exact", "hard zeros forbid every state", None, -math.inf, fixed)
    try:
        made = plan(left, **planning(options))
    except MemoryLimitError as error:
        return Verdict("estimate", f"exact does not fit: {error}", None, states, fixed)
    if made.cost.flops > flops:
        reason = f"exact takes {made.cost.flops:.1e} flops, more than the {flops:.1e} allowed"
        return Verdict("estimate", reason, made, states, fixed)
    if made.cost.slices > 1:
        return Verdict("exact", "it fits the memory limit in slices", made, states, fixed)
    return Verdict("exact", "it fits the memory limit", made, states, fixed)
