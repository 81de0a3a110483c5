"""Estimates of log Z: which there are for a network, what each takes, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tnlearn.errors import ModelError
from tnlearn.inference.approximate import annealing, compressed, loops
from tnlearn.inference.approximate.beliefs import propagate_beliefs
from tnlearn.inference.distribution import is_weight
from tnlearn.inference.log_value import LogPartition
from tnlearn.network import TensorNetwork
from tnlearn.planning import as_bytes
from tnlearn.values import LogValue

#: Error of log Z at which no further estimate is tried.
TOLERANCE = 0.01
#: Bond dimension that must be within reach for compressed contraction to come first.
BOND = 16
#: Seconds: of a multiplication in a sweep and of a core it passes, of a region of loops, of an
#: update of a variable on a table. Measured on one core; they are said, and decide nothing.
FLOP, CORE, REGION, UPDATE = 2e-10, 3e-4, 4e-3, 1e-8


@dataclass(frozen=True)
class Rung:
    """A way to an estimate.

    Attributes
    ----------
    method : str
        As `tnlearn.log_partition` calls it.
    least, most : float
        Seconds, roughly, that its first and its last attempt take.
    """

    method: str
    least: float
    most: float


def rungs(network: TensorNetwork, options: Mapping[str, Any]) -> tuple[Rung, ...]:
    """The estimates there are, in the order in which "auto" tries them.

    Parameters
    ----------
    network : TensorNetwork
        Closed, of non-zero support. Negative and complex entries leave compressed contraction.
    options : mapping
        ``memory_limit``; others are not read.
    """
    problem = compressed.Problem(network)
    cores = CORE * problem.sweeps[0].reach
    work = problem.work(compressed.FIRST)
    sweeping = Rung("compressed", FLOP * work + cores, FLOP * compressed.WORK + 6 * cores)
    if not _is_positive(network):
        return (sweeping,)
    variables = max(1, len(network.sizes))
    touching = max(1.0, sum(len(tensor.indices) for tensor in network) / variables)
    update = UPDATE * (1 + touching)
    once = annealing.CHAINS * annealing.STEPS * variables
    annealed = Rung("annealing", update * once, update * max(annealing.UPDATES, once))
    looped = Rung("loops", REGION, REGION * loops.MOST)
    if problem.bytes(compressed.FIRST) > as_bytes(options.get("memory_limit")):
        return looped, annealed
    if problem.work(BOND) > compressed.WORK:
        return looped, annealed, sweeping
    return sweeping, looped, annealed


def climb(
    network: TensorNetwork, ways: Sequence[Rung], tolerance: float, options: Mapping[str, Any]
) -> LogPartition:
    """The first estimate that is good enough, or the best of all.

    Parameters
    ----------
    network : TensorNetwork
        As `rungs` takes it.
    ways : sequence of Rung
    tolerance : float
        The error that is good enough.
    options : mapping
        ``seed``, ``memory_limit``, ``progress``; others are not read.
    """
    found: list[LogPartition] = []
    for rung in ways:
        found.append(estimate(network, rung.method, options))
        if found[-1].converged and found[-1].error <= tolerance:
            break
    return min(found, key=lambda value: (not value.converged, value.error))


def estimate(network: TensorNetwork, method: str, options: Mapping[str, Any]) -> LogPartition:
    """An estimate by one method.

    Raises
    ------
    ModelError
        If the network has a value, or for other methods than "compressed" an entry, that is
        negative or complex.
    """
    seed, progress = options.get("seed", 0), bool(options.get("progress"))
    if method == "compressed":
        limit = options.get("memory_limit")
        return _positive(compressed.compress(network, memory_limit=limit, progress=progress))
    if method == "loops":
        looped = loops.correct_loops(network, progress=progress)
        return LogPartition(looped.log_partition, method, looped.error, looped.converged)
    if method == "annealing":
        annealed = annealing.anneal(network, seed=seed, progress=progress)
        # Where no chain found a state messages may.
        if annealed.log_partition > -math.inf:
            return LogPartition(annealed.log_partition, method, annealed.error, annealed.converged)
    beliefs = propagate_beliefs(network)
    # Nothing bounds what loops do.
    error = 0.0 if beliefs.on_tree else math.inf
    return LogPartition(beliefs.log_partition, "belief propagation", error, beliefs.converged)


def _positive(found: compressed.Compressed) -> LogPartition:
    if is_weight(LogValue(found.phase, found.log), 1e-6):
        return LogPartition(found.log, "compressed", found.error, found.converged)
    if found.converged:
        raise ModelError(
            f"the value of the network has phase {found.phase}, so it is no partition function"
        )
    return LogPartition(found.log, "compressed", math.inf, False)


def _is_positive(network: TensorNetwork) -> bool:
    """Whether no entry is negative or complex."""
    arrays = (np.asarray(tensor.data) for tensor in network if not tensor.log)
    return not any(np.iscomplexobj(array) or (array < 0).any() for array in arrays)
