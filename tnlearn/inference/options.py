"""Options of questions: which say how to plan, and which are left once there is a plan."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from tnlearn.errors import DataTypeError
from tnlearn.planning import Plan

#: What the planner is asked for, beside the backend and the memory limit.
SEARCHING = ("search", "seed", "cache")
#: What the planner takes; other options are about running.
PLANNING = ("backend", "memory_limit", *SEARCHING)
#: What every question takes.
KNOWN = (*PLANNING, "plan", "executor", "progress", "check_finite")


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse an option that no question has: it would be passed over in silence.

    Raises
    ------
    DataTypeError
        With the name that may have been meant.
    """
    for name in options:
        if name not in KNOWN:
            near = get_close_matches(name, KNOWN, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(KNOWN)}"
            raise DataTypeError(f"there is no option {name!r}: {meant}")


def planning(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that the planner takes; DataTypeError if one is unknown."""
    check_options(options)
    return {name: options[name] for name in PLANNING if name in options}


def running(options: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """Options for `tnlearn.compile` that run a plan, which has used those about planning."""
    left = {name: given for name, given in options.items() if name not in PLANNING}
    return {**left, "plan": plan, "backend": plan.backend}
