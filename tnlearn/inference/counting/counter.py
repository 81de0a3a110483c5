"""The value of a network with many hard zeros, counted state by state with what is alike once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tnlearn.errors import MemoryLimitError
from tnlearn.inference.counting.clauses import Clauses, clauses_of
from tnlearn.inference.log_value import LogPartition
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.planning import as_bytes, readable_bytes
from tnlearn.progress import progress_bar

#: Tensors on several indices that forbid something, as a share of all, for counting to be worth
#: a try, and those with several weights as a share of all, for it not to be.
FORBIDDING, WEIGHING = 0.5, 0.1
#: Steps of the search between two looks at the clock and the keyboard.
STRIDE = 500
#: Most places in the cache.
MOST_SLOTS = 2**22


def is_logical(network: TensorNetwork) -> bool:
    """Whether a network is hard zeros for the most part, and has few weights: it may be counted."""
    joint = [tensor for tensor in network if len(tensor.indices) > 1]
    kinds = [_kind(tensor) for tensor in joint]
    forbidding, weighing = sum(zeros for zeros, _ in kinds), sum(many for _, many in kinds)
    return forbidding > FORBIDDING * len(joint) and weighing <= WEIGHING * len(joint)


def _kind(tensor: Tensor) -> tuple[bool, bool]:
    """Whether a tensor has zeros, and whether it has several weights."""
    data = np.asarray(tensor.data)
    zero = data == (-np.inf if tensor.log else 0.0)
    weights = data[~zero]
    return bool(zero.any()), len(weights) > 0 and bool((weights != weights[0]).any())


def count(
    network: TensorNetwork,
    *,
    decisions: float = math.inf,
    memory_limit: int | float | str | None = None,
    progress: bool = False,
) -> LogPartition | None:
    """The logarithm of the value of a closed network, by weighted model counting.

    The search decides an index, follows what that implies, splits what is left into parts that
    share no tensor, and counts every part once: those that come again are found in a cache (Sang,
    Beame and Kautz 2005, AAAI, 475; Thurley 2006, SAT, 424). Exact to rounding, whatever the
    width, where there are many zeros.

    Parameters
    ----------
    network : TensorNetwork
        Without negative entries.
    decisions : float
        After how many to give up.
    memory_limit : int or str, optional
        As for `tnlearn.plan`.
    progress : bool
        Show a bar.

    Returns
    -------
    LogPartition or None
        None if it gave up.

    Raises
    ------
    MemoryLimitError
        If the bookkeeping of that many variables does not fit.

    Notes
    -----
    The cost can be exponential in the number of indices, and cannot be told beforehand.
    """
    made = clauses_of(network)
    if made.log_factor == -math.inf:
        return LogPartition(-math.inf, "counting", 0.0, True)
    state = _searched(made, decisions, as_bytes(memory_limit), progress)
    if state is None:
        return None
    total, power = float(state.totals[0, 0]), int(state.powers[0, 0])
    if total == 0.0:
        return LogPartition(-math.inf, "counting", 0.0, True)
    log = math.log(total) + power * math.log(2) + made.log_factor
    # No term of the sum went through more products and sums than these.
    steps = 3 * len(made.weights) + len(network)
    error = float(np.finfo(float).eps) * (steps + abs(log))
    return LogPartition(log, "counting", error, True)


def _searched(made: Clauses, decisions: float, limit: int, progress: bool) -> Any:
    """The state at the end of the search; None if it was given up."""
    from tnlearn.inference.counting.formula import formula_of
    from tnlearn.inference.counting.search import advance, begin
    from tnlearn.inference.counting.state import DECISIONS, SLOT_BYTES, bytes_of, state_of

    variables = len(made.weights) // 2
    room = limit - bytes_of(variables)
    if room < limit // 8:
        raise MemoryLimitError(
            f"counting over {variables:,} variables takes {readable_bytes(bytes_of(variables))} "
            f"besides its cache, and the memory limit is {readable_bytes(limit)}"
        )
    formula = formula_of(variables, made.clauses, made.weights)
    state = state_of(formula, made.clauses, min(room // (2 * SLOT_BYTES), MOST_SLOTS))
    if not begin(formula, state):
        state.totals[0, 0] = 0.0
        return state

    def strides() -> Iterator[None]:
        while not advance(formula, state, STRIDE):
            yield

    for _ in progress_bar(strides(), "counting", progress):
        if state.scalars[DECISIONS] > decisions:
            return None
    return state
