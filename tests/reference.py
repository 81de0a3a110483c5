"""Contraction by definition: every position of every index, in any exact arithmetic.

A network is a list of terms, each a mapping from position to entry and one index per axis; the
size of every index; and the output. Slow, and shares no code with the package.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import accumulate, product
from operator import add, mul
from typing import Any, NamedTuple, TypeAlias

Position: TypeAlias = tuple[int, ...]
Entries: TypeAlias = Mapping[Position, Any]
Indices: TypeAlias = Sequence[Hashable]
Terms: TypeAlias = Sequence[tuple[Entries, Indices]]
Sizes: TypeAlias = Mapping[Hashable, int]


class Algebra(NamedTuple):
    """What "sum" and "product" mean, with their neutral elements."""

    plus: Callable[[Any, Any], Any] = add
    times: Callable[[Any, Any], Any] = mul
    zero: Any = 0
    one: Any = 1


def contract(terms: Terms, sizes: Sizes, output: Indices, algebra: Algebra) -> dict[Position, Any]:
    """Value at every position of the output."""
    result = dict.fromkeys(product(*(range(sizes[i]) for i in output)), algebra.zero)
    for at in _assignments(sizes):
        value = reduce(algebra.times, [d[_place(i, at)] for d, i in terms], algebra.one)
        where = _place(output, at)
        result[where] = algebra.plus(result[where], value)
    return result


def gradient(
    terms: Terms, sizes: Sizes, output: Indices, cotangent: Entries, algebra: Algebra
) -> list[dict[Position, Any]]:
    """Of the sum of cotangent * value, in the entries of every term: the product of the others."""
    result = [dict.fromkeys(entries, algebra.zero) for entries, _ in terms]
    for at in _assignments(sizes):
        values = [d[_place(i, at)] for d, i in terms]
        before = list(accumulate(values, algebra.times, initial=cotangent[_place(output, at)]))
        after = list(accumulate(values[::-1], algebra.times, initial=algebra.one))[::-1]
        for k, (_, indices) in enumerate(terms):
            where, others = _place(indices, at), algebra.times(before[k], after[k + 1])
            result[k][where] = algebra.plus(result[k][where], others)
    return result


def _assignments(sizes: Sizes) -> Iterator[dict[Hashable, int]]:
    return (dict(zip(sizes, at, strict=True)) for at in product(*map(range, sizes.values())))


def _place(indices: Indices, at: Mapping[Hashable, int]) -> Position:
    return tuple([at[i] for i in indices])
