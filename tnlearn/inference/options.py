"""Options of questions: which say how to plan, and which are left once there is a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tnlearn.planning import Plan

#: What the planner is asked for, beside the backend and the memory limit.
SEARCHING = ("search", "seed", "cache")
#: What the planner takes; other options are about running.
PLANNING = ("backend", "memory_limit", *SEARCHING)


def planning(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the planner takes."""
    return {name: options[name] for name in PLANNING if name in options}


def running(options: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """Options for `tnlearn.compile` that run a plan, which has used those about planning."""
    left = {name: given for name, given in options.items() if name not in PLANNING}
    return {**left, "plan": plan, "backend": plan.backend}
