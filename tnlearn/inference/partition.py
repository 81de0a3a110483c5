"""The partition function of a model, as a logarithm that says how it was found."""

from __future__ import annotations

from typing import Any

import numpy as np

from tnlearn.errors import ModelError
from tnlearn.execution import compile
from tnlearn.inference.support import planned_for
from tnlearn.network import HasNetwork, TensorNetwork, as_network
from tnlearn.values import LogValue


class LogPartition(float):
    """A natural logarithm of a partition function: a float with its pedigree.

    Attributes
    ----------
    method : str
        How it was found: "exact" is contraction to rounding.
    error : float
        Estimate of the absolute error of the logarithm.
    converged : bool
        Whether the method met its own criterion.
    """

    method: str
    error: float
    converged: bool

    def __new__(cls, value: float, method: str, error: float, converged: bool) -> LogPartition:
        """Wrap a float; the fields cannot be set later."""
        self = super().__new__(cls, value)
        self.method, self.error, self.converged = method, error, converged
        return self

    def __getnewargs__(self) -> tuple[float, str, float, bool]:  # type: ignore[override]
        return (float(self), self.method, self.error, self.converged)

    def __repr__(self) -> str:
        return f"{float(self)!r} ({self.method}, error {self.error:.1e})"


def log_partition(thing: TensorNetwork | HasNetwork, **options: Any) -> LogPartition:
    """The natural logarithm of the partition function, by exact contraction.

    Parameters
    ----------
    thing : TensorNetwork or model
        Anything with ``.network()``; the network must be closed and its value not negative.
    **options
        As for `tnlearn.compile`: ``backend``, ``memory_limit``, ``search``, ``seed``, ``plan``.

    Returns
    -------
    LogPartition
        A float; -inf if every state is forbidden.

    Raises
    ------
    ModelError
        If the network has open indices, or a negative or complex value.
    MemoryLimitError
        If the contraction does not fit; ``print(tnlearn.plan(model))`` shows the cost.
    """
    found = planned_for(closed(thing), options)
    if found.empty:
        return LogPartition(-np.inf, "exact", 0.0, True)
    network = found.network
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


def is_weight(value: LogValue, rounding: float) -> bool:
    """Whether all numbers are non-negative, up to what rounding does to complex ones."""
    phase = np.asarray(value.phase)
    return bool(np.all(phase.real >= 0) and np.all(abs(phase.imag) <= 16 * rounding))


def closed(thing: TensorNetwork | HasNetwork) -> TensorNetwork:
    """The network of `thing`, checked to have no open index."""
    network = as_network(thing)
    if network.output:
        raise ModelError(
            f"the network has open indices {network.output!r}; a distribution over its indices "
            "needs none: sum them with network.close(...)"
        )
    return network
