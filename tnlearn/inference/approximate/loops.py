"""Belief propagation corrected by the loops it leaves out.

Z over that of belief propagation is 1 plus a sum over all parts of the factor graph without loose
ends (Chertkov, Chernyak 2006, arXiv:cond-mat/0601487, eq. 9). Its logarithm is a sum over those
that are connected, by how much each region's own ratio is more than those of the regions in it
(cumulants over regions: Welling, Gelfand, Ihler 2012, arXiv:1210.4857; Midha, Zhang 2025,
arXiv:2510.02290), so that corrections of loops far apart add up. Regions are taken by size.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tnlearn.inference.approximate.messages import Messages, settled_messages
from tnlearn.inference.approximate.regions import Region, TooMany, core, regions
from tnlearn.inference.approximate.tables import Tables, tables_of
from tnlearn.inference.distribution import closed
from tnlearn.inference.support import supported
from tnlearn.network import HasNetwork, TensorNetwork
from tnlearn.progress import progress_bar

Array = npt.NDArray[np.float64]

#: Regions at most: some milliseconds each. Steps along paths to find those of a size.
MOST, PATHS = 1000, 2 * 10**5
#: Nodes of the smallest regions asked for, and by how much these grow: cycles are even.
SIZE, MORE = 4, 2
#: Rounding of a region's ratio, and of the point at which messages count as settled.
ROUNDING = 1e-10
#: Beliefs below this are none.
NONE = 1e-60
#: The error stated, in corrections by the larger half of the sizes.
CORRECTIONS = 4.0
#: Error above which the corrections do not fall off.
SETTLED = 0.5


@dataclass(frozen=True)
class Loops:
    """What belief propagation and its loops say.

    Attributes
    ----------
    log_partition : float
        Natural logarithm of Z, corrected.
    error : float
        Estimate of the absolute error; rounding where all regions were counted, inf where nothing
        is known.
    converged : bool
        Whether messages settled and corrections fall off, so that the error may be believed.
    regions : int
        How many were counted.
    size : int
        Nodes of the largest of them: variables and tables.
    """

    log_partition: float
    error: float
    converged: bool
    regions: int
    size: int


def correct_loops(
    thing: TensorNetwork | HasNetwork, *, most: int = MOST, progress: bool = False
) -> Loops:
    """Estimate log Z by belief propagation and the shortest loops.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries.
    most : int
        Regions to count at most.
    progress : bool
        Show a bar.

    Returns
    -------
    Loops
        Exact where all regions are counted: on trees, on a single loop, on a few.

    Raises
    ------
    ModelError
        If the network is no distribution.

    Notes
    -----
    The error is four times the largest correction by all regions of one size, among the larger
    half of the sizes; a fixed point of the messages that is the wrong one is not noticed.
    Regions of one size are found by walking all paths, so few fit where the graph is dense.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> from tnlearn.inference import correct_loops
    >>> ring = tnl.Ising(nx.cycle_graph(7), field=0.2, beta=0.7)
    >>> abs(correct_loops(ring).log_partition - tnl.log_partition(ring)) < 1e-12
    True
    """
    support = supported(closed(thing))
    if support.empty:
        return Loops(-math.inf, 0.0, True, 0, 0)
    tables = tables_of(support.network)
    messages, settled, _ = settled_messages(tables)
    bethe = messages.log_partition() + tables.constant
    if not settled or bethe == -math.inf:  # Only a fixed point has a series.
        return Loops(bethe, math.inf, False, 0, 0)
    found, complete = _found(tables, most)
    ratios, by_size = _Ratios(tables, messages), dict[int, float]()
    for region in progress_bar(found, "loops", progress):
        size = len(region)
        by_size[size] = by_size.get(size, 0.0) + ratios.correction(region)
    value = bethe + math.fsum(by_size.values())
    if not math.isfinite(value):
        return Loops(bethe, math.inf, False, len(found), max(by_size))
    error = _error(list(by_size.values()), complete) + ROUNDING * (1 + len(found))
    return Loops(value, error, error <= SETTLED, len(found), max(by_size, default=0))


def _found(tables: Tables, most: int) -> tuple[list[Region], bool]:
    """Regions, smallest first, as many sizes as fit; and whether these are all."""
    count = len(tables.sizes)
    neighbours: list[list[int]] = [[] for _ in range(count + len(tables.scopes))]
    for number, scope in enumerate(tables.scopes, start=count):
        for variable in scope:
            neighbours[variable].append(number)
            neighbours[number].append(variable)
    kept = core(neighbours)
    inner = [
        [n for n in some if n in kept] if k in kept else [] for k, some in enumerate(neighbours)
    ]
    found: list[Region] = []
    for size in range(SIZE, len(kept) + MORE, MORE):
        try:
            found = regions(inner, size, most, PATHS)
        except TooMany:
            return found, False
    return found, True


def _error(corrections: list[float], complete: bool) -> float:
    if complete:
        return 0.0
    larger = corrections[len(corrections) // 2 :]
    return CORRECTIONS * max(map(abs, larger), default=math.inf)


class _Ratios:
    """Z of regions over that of belief propagation, messages coming in from outside."""

    def __init__(self, tables: Tables, messages: Messages) -> None:
        self._count, self._scopes = len(tables.sizes), tables.scopes
        self._single, self._joint = messages.beliefs(), messages.table_beliefs()
        self._by_least: dict[int, list[tuple[Region, float]]] = defaultdict(list)

    def correction(self, region: Region) -> float:
        """The logarithm of a region's ratio, less the corrections of the regions in it.

        Those must have been asked for before.
        """
        inside = (pair for node in region for pair in self._by_least[node])
        known = math.fsum(value for other, value in inside if other < region)
        ratio = self._ratio(region)
        value = math.log(ratio) - known if ratio > 0 else -math.inf
        self._by_least[min(region)].append((region, value))
        return value

    def _ratio(self, region: Region) -> float:
        """``sum_x prod_a b_a(x_a) prod_i b_i(x_i)**(1 - d_i)``, a and i being those inside."""
        import opt_einsum

        operands: list[object] = []
        degrees: dict[int, int] = defaultdict(int)
        for table in (node - self._count for node in region if node >= self._count):
            scope = self._scopes[table]
            outside = tuple(k for k, variable in enumerate(scope) if variable not in region)
            inside = [variable for variable in scope if variable in region]
            operands += [self._joint[table].sum(axis=outside), inside]
            for variable in inside:
                degrees[variable] += 1
        for variable, degree in degrees.items():
            belief = self._single[variable]
            there = belief > NONE
            operands += [np.where(there, np.where(there, belief, 1.0) ** (1 - degree), 0.0)]
            operands += [[variable]]
        return float(opt_einsum.contract(*operands, [], optimize="greedy"))
