"""The one walk along an order of contraction that costing and lowering share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tnlearn.errors import PlanError
from tnlearn.planning.structure import Structure


class Pair(NamedTuple):
    """One pair step: two tensors become one.

    Tensors are numbered as the inputs first and then the results in order, so step k makes
    tensor ``len(inputs) + k``. The four groups of indices are those of a batched matrix product
    ``C[batch, left, right] = sum_summed A[batch, left, summed] B[batch, summed, right]``.
    """

    first: int
    second: int
    batch: tuple[int, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    summed: tuple[int, ...]

    @property
    def result(self) -> tuple[int, ...]:
        """Indices of the result, in the order in which the product leaves them."""
        return self.batch + self.left + self.right


def walk(structure: Structure, path: Iterable[tuple[int, int]]) -> list[Pair]:
    """The pair steps of a path, in linear time.

    Parameters
    ----------
    structure : Structure
        Its `reduced` inputs are the tensors that the first steps take.
    path : iterable of pairs of int
        Numbers of the tensors to join, as `Pair` numbers them.

    Raises
    ------
    PlanError
        If a tensor is used twice or never made, or more than one is left at the end.
    """
    live: list[tuple[int, ...] | None] = list(structure.reduced)
    carriers = [0] * len(structure.sizes)
    for term in (*structure.reduced, structure.output):
        for index in term:
            carriers[index] += 1
    pairs: list[Pair] = []
    for first, second in path:
        a, b = _take(live, first, len(pairs)), _take(live, second, len(pairs))
        pair = _pair(first, second, a, b, carriers)
        pairs.append(pair)
        live.append(pair.result)
    left = sum(term is not None for term in live)
    if left != 1:
        raise PlanError(f"the path leaves {left} tensors; it must join them all into one")
    return pairs


def _take(live: list[tuple[int, ...] | None], number: int, step: int) -> tuple[int, ...]:
    if not 0 <= number < len(live) or (term := live[number]) is None:
        raise PlanError(
            f"step {step} of the path takes tensor {number}, which is not there: each tensor "
            "is made once and used once"
        )
    live[number] = None
    return term


def _pair(
    first: int, second: int, a: tuple[int, ...], b: tuple[int, ...], carriers: list[int]
) -> Pair:
    batch, left, right, summed = [], [], [], []
    in_b = set(b)
    for index in a:
        if index not in in_b:
            left.append(index)
        elif carriers[index] > 2:
            carriers[index] -= 1
            batch.append(index)
        else:
            summed.append(index)
    in_a = set(a)
    for index in b:
        if index not in in_a:
            right.append(index)
    return Pair(first, second, tuple(batch), tuple(left), tuple(right), tuple(summed))
