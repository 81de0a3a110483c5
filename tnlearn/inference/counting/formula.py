"""Clauses over weighted literals as flat arrays, indexed in every way that the counter needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


class Formula(NamedTuple):
    """Clauses over weighted literals, and what stands next to what.

    A literal is ``2 * variable`` where the variable is false and ``2 * variable + 1`` where it is
    true, so ``literal ^ 1`` is the opposite.
    """

    weights: Array  # of every literal
    given: int  # how many clauses; learned ones have higher numbers
    pair_begins: Array  # of the clauses of two literals, by a literal of theirs:
    pair_others: Array  # the other literal,
    pair_clauses: Array  # and the clause
    near_begins: Array  # of variables that share a clause of two, by variable
    near: Array
    long_begins: Array  # of clauses of three and more literals, by variable
    long: Array
    keys: Array  # two random words for every variable, then for every clause


def formula_of(variables: int, clauses: Sequence[Sequence[int]], weights: npt.ArrayLike) -> Formula:
    """The clauses, indexed in every way that the counter needs."""
    by_literal: list[list[tuple[int, int]]] = [[] for _ in range(2 * variables)]
    near: list[set[int]] = [set() for _ in range(variables)]
    long: list[list[int]] = [[] for _ in range(variables)]
    for number, clause in enumerate(clauses):
        if len(clause) == 2:
            a, b = clause
            by_literal[a].append((b, number))
            by_literal[b].append((a, number))
            near[a >> 1].add(b >> 1)
            near[b >> 1].add(a >> 1)
        elif len(clause) > 2:
            for literal in clause:
                long[literal >> 1].append(number)
    random = np.random.default_rng(0)  # Any words will do: equal parts get equal keys.
    keys = random.integers(0, 2**64, (variables + len(clauses), 2), np.uint64)
    pairs = [pair for some in by_literal for pair in some]
    return Formula(
        np.asarray(weights, float),
        len(clauses),
        _begins(by_literal),
        np.array([other for other, _ in pairs], np.int64),
        np.array([clause for _, clause in pairs], np.int64),
        _begins(near),
        np.array([other for some in near for other in sorted(some)], np.int64),
        _begins(long),
        np.array([clause for some in long for clause in some], np.int64),
        keys,
    )


def _begins(lists: Sequence[Any]) -> Array:
    return np.cumsum([0, *map(len, lists)]).astype(np.int64)
