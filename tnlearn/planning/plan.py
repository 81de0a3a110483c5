"""A plan: the order of contraction and its cost, with no arrays in it."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field
from functools import cached_property

from tnlearn.planning.cost import Cost
from tnlearn.planning.structure import Structure
from tnlearn.planning.walk import Pair, walk


@dataclass(frozen=True)
class Plan:
    """How a network will be contracted. Print it before anything runs.

    Attributes
    ----------
    structure : Structure
        The network without its arrays.
    path : tuple of pairs of int
        Which tensors each step joins: the inputs are 0, 1, ..., and step k makes tensor
        ``len(inputs) + k``.
    sliced : tuple of int
        Indices that are held at one position at a time, the steps running once for each.
    dtype : str
        Precision of the arithmetic.
    backend : str
        For whose machine model the seconds are predicted.
    order : str
        How the order was found.
    cost : Cost
        Operations, bytes and predicted seconds.
    memory_limit : int
        Bytes that it was made for, and that whatever is computed by it keeps: gradients, which
        hold more, compute intermediates again or slice further.
    why : str
        Why this backend, where it was chosen, or that it cannot be used here; else nothing.
    """

    structure: Structure
    path: tuple[tuple[int, int], ...]
    sliced: tuple[int, ...]
    dtype: str
    backend: str
    order: str
    cost: Cost
    # The same plan may be found for several.
    memory_limit: int = field(compare=False)
    why: str = field(default="", compare=False)

    @cached_property
    def pairs(self) -> list[Pair]:
        """The pair steps, with the indices that each multiplies, keeps and sums."""
        return walk(self.structure, self.path)

    def __str__(self) -> str:
        structure, cost = self.structure, self.cost
        rows = [
            (
                "network",
                f"{len(structure.inputs)} tensors, {len(structure.sizes)} indices, "
                f"{len(structure.output)} open",
            ),
            ("order", f"{self.order}, {len(self.path)} steps"),
            ("arithmetic", f"{self.dtype} on {self.backend}"),
            ("flops", f"{cost.flops:.3e}"),
            ("bytes moved", readable_bytes(cost.bytes_moved)),
            ("peak memory", readable_bytes(cost.peak_bytes)),
            ("width", f"{cost.width:.1f}  (log2 entries of the largest tensor)"),
            ("slices", f"{cost.slices:,}"),
            ("predicted", f"{readable_seconds(cost.seconds)} in {cost.starts:,} starts"),
        ]
        lines = textwrap.wrap(self.why, 64)
        rows += zip(["because", *[""] * len(lines)], lines, strict=False)
        body = [f" {name:<12} {value}" for name, value in rows]
        rule = "─" * max(len(line) for line in body)
        return "\n".join([rule, " Plan", rule, *body, rule])


def readable_bytes(count: float) -> str:
    """A number of bytes with a binary unit."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
    power = min(max(int(math.log2(max(count, 1)) // 10), 0), len(units) - 1)
    if count >= 1024.0 ** len(units):
        return f"{count / 1024.0**power:.1e} {units[-1]}"
    return f"{count / 1024**power:.{0 if power == 0 else 1}f} {units[power]}"


def readable_seconds(seconds: float) -> str:
    """A duration with a fitting unit."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 7200:
        return f"{seconds:.3g} s"
    return f"{seconds / 3600:.3g} h"
