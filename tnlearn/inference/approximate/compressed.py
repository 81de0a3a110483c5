"""Compressed contraction of any network: a sweep whose edge is cut to a bond dimension.

Sweeps are made in turns from both ends, each at twice the bond dimension of the one before, until
the value stays the same: what is cut is not the same from the other end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import MemoryLimitError, ModelError
from tnlearn.inference.approximate.boundary import Boundary
from tnlearn.inference.approximate.operators import star, train
from tnlearn.inference.approximate.sweeps import Stop, Sweep, best_sweep
from tnlearn.inference.distribution import closed
from tnlearn.inference.support import supported
from tnlearn.network import HasNetwork, Tensor, TensorNetwork
from tnlearn.planning import as_bytes, readable_bytes
from tnlearn.progress import progress_bar

Array = npt.NDArray[Any]

#: Bond dimension of the first sweep.
FIRST = 4
#: Error of log Z at which to stop.
TOLERANCE = 1e-6
#: Multiplications and additions after which no sweep is begun: about half a minute.
WORK = 1e11
#: Error above which sweeps do not agree.
SETTLED = 0.1
#: The error stated, in changes from sweep to sweep, and how fast those are taken to fall.
CHANGES, FALL = 2.0, 1 / 16
#: Rounding of a sweep, by the variable.
ROUNDING = 1e-15


@dataclass(frozen=True)
class Compressed:
    """What compressed contraction found.

    Attributes
    ----------
    log : float
        Natural logarithm of the magnitude of the network's value.
    phase : float or complex
        Its sign or phase; 0 of a value of zero.
    error : float
        Estimate of the absolute error of the logarithm.
    converged : bool
        Whether the last sweeps agree within `SETTLED`, so that the error may be believed.
    bond : int
        The bond dimension of the last sweep.
    """

    log: float
    phase: Any
    error: float
    converged: bool
    bond: int


def compress(
    thing: TensorNetwork | HasNetwork,
    *,
    tolerance: float = TOLERANCE,
    bond: int | None = None,
    work: float = WORK,
    memory_limit: int | float | str | None = None,
    progress: bool = False,
) -> Compressed:
    """The value of a closed network by compressed contraction.

    Parameters
    ----------
    thing : TensorNetwork or model
        Closed; an index may be on any number of tensors, entries may be negative or complex.
    tolerance : float
        Error of the logarithm at which to stop.
    bond : int, optional
        Largest bond dimension, at least 2; by default as `work` and the memory limit allow.
    work : float
        Multiplications and additions after which to stop.
    memory_limit : int, float or str, optional
        Bytes, or "8GiB", for the edge of a sweep; by default half of what is free.
    progress : bool
        Show a bar.

    Returns
    -------
    Compressed
        The error is twice the last change from sweep to sweep, or twice a sixteenth of the change
        before if that is larger; inf after a single sweep.

    Raises
    ------
    ModelError
        If the network has open indices, or `bond` is below 2.
    MemoryLimitError
        If not even the first sweep fits.

    Notes
    -----
    Summing a variable costs O(reach * chi**3) at bond dimension chi, where `reach` is how far
    apart at the edge the variables are that it meets; exact once chi is large enough.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> from tnlearn.inference import compress
    >>> lattice = tnl.Ising(nx.grid_2d_graph(12, 12), field=0.1, beta=0.44)
    >>> found = compress(lattice, bond=16)
    >>> abs(found.log - tnl.log_partition(lattice)) < 1e-6
    True
    """
    if bond is not None and bond < 2:
        raise ModelError(f"a bond dimension of {bond} says nothing of errors: give at least 2")
    support = supported(closed(thing))
    if support.empty:
        return Compressed(-math.inf, 0.0, 0.0, True, 0)
    problem = Problem(support.network)
    limit, bytes_free = bond or 2**30, as_bytes(memory_limit)
    dimension, changes = min(FIRST, limit // 2), list[float]()
    if (least := problem.bytes(dimension)) > bytes_free:
        raise MemoryLimitError(
            f"a sweep at bond dimension {dimension} takes {readable_bytes(least)}; the memory "
            f"limit is {readable_bytes(bytes_free)}"
        )
    last = problem.swept(False, dimension, progress)
    work -= last.work
    while not (changes and _error(changes, problem) <= tolerance):
        following = 2 * dimension
        # Twice the bond dimension is eight times the work, where the edge is cut at all.
        needed = last.work * (8 if last.cut > ROUNDING else 1)
        if following > limit or needed > work or problem.bytes(following) > bytes_free:
            break
        found = problem.swept(not len(changes) % 2, following, progress)
        work -= found.work
        changes.append(_change(last, found))
        last, dimension = found, following
    error = _error(changes, problem)
    return Compressed(last.log + problem.constant, last.phase, error, error <= SETTLED, dimension)


def _change(one: Boundary, other: Boundary) -> float:
    """How far apart two sweeps are."""
    if one.log == other.log == -math.inf:
        return 0.0
    distance = abs(one.log - other.log)
    return distance if abs(one.phase - other.phase) < SETTLED else math.inf


def _error(changes: list[float], problem: Problem) -> float:
    if not changes:
        return math.inf
    before = changes[-2] * FALL if len(changes) > 1 else 0.0
    return CHANGES * max(changes[-1], before) + problem.rounding


class Problem:
    """A closed network as numbered tables, no entry above 1, and the ways to sweep it.

    Attributes
    ----------
    constant : float
        Natural logarithm of what was taken out.
    sweeps : pair of Sweep
        From one end, and from the other.
    """

    def __init__(self, network: TensorNetwork) -> None:
        numbers = {name: k for k, name in enumerate(network.sizes)}
        self._sizes = tuple(network.sizes.values())
        self._tables: list[tuple[tuple[int, ...], Array]] = []
        self._phase: Any = 1.0
        self.constant = 0.0
        for tensor in network:
            entries, log = _entries(tensor)
            self.constant += log
            if not tensor.indices:
                self._phase *= entries.item()
                continue
            labels = [numbers[index] for index in tensor.indices]
            scope = tuple(dict.fromkeys(labels))
            axes = [scope.index(label) for label in labels]
            # A variable that is there twice is on the diagonal.
            self._tables.append((scope, np.einsum(entries, axes, list(range(len(scope))))))
        self.sweeps = best_sweep(len(self._sizes), [scope for scope, _ in self._tables])

    @property
    def rounding(self) -> float:
        """What rounding may do to the logarithm."""
        return ROUNDING * (len(self._sizes) + abs(self.constant))

    def bytes(self, bond: int) -> int:
        """Of the edge at a bond dimension, and what is made on the way."""
        widest = max(self._sizes, default=1)
        return 16 * max(sweep.width + 4 * widest for sweep in self.sweeps) * widest * bond**2

    def work(self, bond: int) -> float:
        """Multiplications and additions of a sweep, at most."""
        size = max(self._sizes, default=1)
        return 20.0 * self.sweeps[0].reach * size**3 * bond**3

    def swept(self, backwards: bool, bond: int, progress: bool) -> Boundary:
        """The boundary at the end of a sweep."""
        boundary = Boundary(bond, self._phase)
        sweep: Sweep = self.sweeps[backwards]
        for stop in progress_bar(sweep.stops, f"bond dimension {bond}", progress):
            for variable, place in stop.entering:
                boundary.insert(place, self._sizes[variable])
            self._multiply(boundary, stop)
            if boundary.log == -math.inf:
                boundary.phase = 0.0
                break
        return boundary

    def _multiply(self, boundary: Boundary, stop: Stop) -> None:
        tables = [self._tables[number] for number in stop.tables]
        small = [table for table in tables if len(table[0]) < 3]
        operators = [star(stop.variable, small, stop.places, self._sizes[stop.variable])]
        operators += [train(*table, stop.places) for table in tables if len(table[0]) > 2]
        for first, operator in operators[:-1]:
            boundary.multiply(first, operator)
        first, operator = operators[-1]
        boundary.multiply(first, operator, stop.places[stop.variable] - first)


def _entries(tensor: Tensor) -> tuple[Array, float]:
    """Entries of a tensor over the largest magnitude, and its natural logarithm."""
    data = np.asarray(tensor.data)
    data = data.astype(np.result_type(data, float), copy=False)
    top = float(data.max() if tensor.log else np.abs(data).max())
    if tensor.log:
        return np.exp(data - top), top
    entries = data.conj() if tensor.conj else data
    return entries / (top or 1.0), math.log(top) if top else 0.0
