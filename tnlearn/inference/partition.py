"""The partition function of a model, as a logarithm that says how it was found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tnlearn import arguments
from tnlearn.errors import ModelError
from tnlearn.execution import compile
from tnlearn.inference.assessment import DECISIONS, FLOPS, at_once, countable, judged
from tnlearn.inference.barren import without_barren
from tnlearn.inference.convergence import warn_unless
from tnlearn.inference.counting import count
from tnlearn.inference.distribution import closed, is_weight
from tnlearn.inference.estimates import TOLERANCE, climb, estimate
from tnlearn.inference.log_value import LogPartition
from tnlearn.inference.options import check_options, running
from tnlearn.inference.shortcuts import shortcut_of
from tnlearn.inference.support import Support, planned_for
from tnlearn.network import HasNetwork, TensorNetwork

#: Ways to log Z: "exact", "counting" and shortcuts to rounding, the others by estimates.
METHODS = (
    "auto",
    "exact",
    "counting",
    "shortcut",
    "compressed",
    "loops",
    "belief propagation",
    "annealing",
)


def log_partition(
    thing: TensorNetwork | HasNetwork,
    method: str = "auto",
    *,
    flops: float = FLOPS,
    tolerance: float = TOLERANCE,
    **options: Any,
) -> LogPartition:
    """The natural logarithm of the partition function: exact if it can be had.

    Parameters
    ----------
    thing : TensorNetwork or model
        Anything with ``.network()``; the network must be closed and its value not negative.
    method : str
        "auto": what `tnlearn.assess` says, exact inside the memory limit and `flops`, else
        estimates in turn. "exact": by contraction, whatever it takes within the memory limit, or
        a refusal. "counting": exact too, by a search that lives on hard zeros, however long it
        takes. "shortcut": the model's own way around contraction, as planar spins have.
        "compressed" contraction of a network with cut bonds, "belief propagation", "loops" that
        correct it, "annealing": by these; see `tnlearn.inference.compress`, `propagate_beliefs`,
        `correct_loops` and `anneal`.
    flops : float
        Operations up to which "auto" contracts.
    tolerance : float
        The error at which "auto" is content with an estimate; else it tries the next, and takes
        the best.
    **options
        As for `tnlearn.compile`: ``backend``, ``memory_limit``, ``search``, ``seed`` (also of
        estimates), ``plan`` (whose order is then what is run), ``progress``.

    Returns
    -------
    LogPartition
        A float that also says ``.method``, ``.error`` and ``.converged``; -inf if every state is
        forbidden. The error of an exact value is that of rounding; of "annealing" three standard
        errors; of "compressed" and "loops" what the last of their attempts changed, or a multiple;
        of "belief propagation" it is unknown, inf, except on trees.

    Warns
    -----
    NotConverged
        If an estimate does not meet its own criterion.

    Raises
    ------
    ModelError
        If the network has open indices, or a negative or complex value.
    DataTypeError
        If there is no such option.
    MemoryLimitError
        If an exact value was asked for and does not fit; ``print(tnlearn.assess(model))`` shows
        the cost.
    """
    if method not in METHODS:
        raise ModelError(f"there is no method {method!r}: choose from {', '.join(METHODS)}")
    check_options(options)
    arguments.number("flops", flops)
    if method == "shortcut":
        return _checked(_short(thing))
    chooses = method == "auto" and options.get("plan") is None
    if chooses and (verdict := at_once(thing)) is not None and verdict.shortcut is not None:
        return _checked(verdict.shortcut.log_partition())
    found = planned_for(closed(thing), options)
    if found.empty:
        return LogPartition(-math.inf, "exact", 0.0, True)
    if chooses:
        return _checked(_chosen(thing, found, flops, tolerance, options))
    return _checked(_answered(found.network, method, options))


def _chosen(
    thing: Any, found: Support, flops: float, tolerance: float, options: dict[str, Any]
) -> LogPartition:
    """By whatever the verdict is."""
    left = without_barren(found.network)
    if countable(found, left, flops) is not None:
        value = _counted(left, DECISIONS, options)
        if value is not None:
            return value
    verdict = judged(thing, found, left, flops, options)
    if verdict.shortcut is not None:
        return verdict.shortcut.log_partition()
    if verdict.rungs:
        return climb(found.network, verdict.rungs, tolerance, options)
    given = options if verdict.plan is None else running(options, verdict.plan)
    return _contracted(left, given)


def _answered(network: TensorNetwork, method: str, options: dict[str, Any]) -> LogPartition:
    """By a method, or a plan, that was asked for."""
    left = network if options.get("plan") is not None else without_barren(network)
    if method == "counting" and (value := _counted(left, math.inf, options)) is not None:
        return value
    if method in ("auto", "exact"):
        return _contracted(left, options)
    return estimate(network, method, options)


def _counted(
    network: TensorNetwork, decisions: float, options: dict[str, Any]
) -> LogPartition | None:
    limit, progress = options.get("memory_limit"), bool(options.get("progress"))
    return count(network, decisions=decisions, memory_limit=limit, progress=progress)


def _short(thing: TensorNetwork | HasNetwork) -> LogPartition:
    own = shortcut_of(thing)
    if own is None:
        raise ModelError(f"{thing!r} has no way around contraction of its own: use method='auto'")
    return own.log_partition()


def _contracted(network: TensorNetwork, options: dict[str, Any]) -> LogPartition:
    program = compile(network, **options)
    value = program.log([tensor.data for tensor in network])
    # Sums of non-negative products lose at most a rounding a step (Higham 2002, section 3.1).
    rounding = float(np.finfo(program.dtype).eps) * (len(program.plan.path) + 1)
    if not is_weight(value, rounding):
        raise ModelError(
            f"the value of the network has phase {value.phase}, so it is no partition function; "
            "use log_contract for the logarithm of its magnitude"
        )
    magnitude = abs(float(value.log)) if np.isfinite(value.log) else 0.0
    error = rounding + float(np.finfo(float).eps) * magnitude
    return LogPartition(float(value.log), "exact", error, True)


def _checked(found: LogPartition) -> LogPartition:
    """A value, with a warning where it is not to be trusted."""
    text = f"{found.method} did not converge: log Z = {float(found):.6g} may be off by more"
    warn_unless(found.converged, text)
    return found
