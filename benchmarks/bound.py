"""How fast a plan could run at best: its work, by what the machine was measured to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import tnlearn as tnl
from benchmarks.instances import Instance
from benchmarks.threads import thread_count
from tnlearn.planning.cost import ITEM_BYTES, cut

#: Rows of the square matrices whose product is timed, and bytes of the array that is copied.
SIZE, COPY = 2000, 2**28
REPEATS = 2


@dataclass(frozen=True)
class Work:
    """Real operations, two for a multiply-add or eight for a complex one, and bytes moved."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class Rates:
    """Operations and bytes per second."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class Bound:
    """Seconds that a machine takes for some work, were there nothing else to do.

    Attributes
    ----------
    flops, bytes : float
        Seconds for the operations, at the rate of a large matrix product, and for the traffic,
        at that of a large copy.
    """

    flops: float
    bytes: float

    @property
    def seconds(self) -> float:
        """The longer of the two."""
        return max(self.flops, self.bytes)

    @property
    def by(self) -> str:
        """Which of the two it is."""
        return "flops" if self.flops >= self.bytes else "bytes"


def bound(work: Work, rates: Rates) -> Bound:
    """The times of both parts of some work."""
    return Bound(work.flops / rates.flops, work.bytes / rates.bytes)


def work_of(instance: Instance, plan: tnl.Plan, task: str) -> Work:
    """The work of a plan, counted step by step.

    The reverse sweep multiplies the gradient of each result by one factor for the gradient of
    the other: a step's work once more for each factor that anything is differentiated by.
    Steps read two tensors and write one, forwards as backwards.
    """
    inside = cut(plan.structure, plan.sliced)
    free = set(instance.free) if task == "gradient" else set()
    varies = [number in free for number in range(len(inside.inputs))]
    sizes = [inside.elements(term) for term in inside.reduced]
    flops = moved = 0.0
    for pair in plan.pairs:
        factors = (pair.first, pair.second)
        varies.append(any(varies[k] for k in factors))
        sizes.append(inside.elements(pair.result))
        products = 1 + sum(varies[k] for k in factors)
        flops += float(sizes[-1]) * inside.elements(pair.summed) * products
        moved += float(sizes[-1] + sum(sizes[k] for k in factors)) * products
    each = 8 if plan.dtype.startswith("complex") else 2
    slices = plan.cost.slices
    return Work(flops * each * slices, moved * ITEM_BYTES[plan.dtype] * slices)


def measure_rates(dtype: str) -> Rates:
    """What NumPy's matrix product reaches in a precision, and a copy of a large array."""
    random = np.random.default_rng(0)
    a, b = random.random((2, SIZE, SIZE)).astype(dtype)
    product = np.empty_like(a)
    source = np.ones(COPY // 8)
    target = np.empty_like(source)
    multiplied = _fastest(lambda: np.matmul(a, b, out=product))
    copied = _fastest(lambda: np.copyto(target, source))
    each = 8 if dtype.startswith("complex") else 2
    return Rates(each * SIZE**3 / multiplied, 2 * COPY / copied)  # read and written


def _fastest(function: Callable[[], object]) -> float:
    """Seconds of a call, the least of several after one that is not counted.

    They are those of the processor: what others take of it meanwhile makes no machine slower, and
    a bound that waits for them would be none.
    """
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return min(seconds[1:]) / thread_count()
