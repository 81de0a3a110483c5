"""An order as two-operand einsum calls, for libraries that have einsum but no compiled form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from string import ascii_letters
from typing import Any

from benchmarks.instances import Instance
from benchmarks.orders import Order

#: Two tensors that a step uses up, and the equation that joins them.
Step = tuple[int, int, str]


def steps(instance: Instance, order: Order) -> list[Step]:
    """One einsum per pair; the k-th makes tensor ``len(inputs) + k``."""
    terms = [*instance.inputs]
    carriers = Counter(i for term in (*terms, instance.output) for i in set(term))
    made: list[Step] = []
    for number, (first, second) in enumerate(order.plan.path, start=1):
        left, right = terms[first], terms[second]
        carriers.subtract({*left})
        carriers.subtract({*right})
        kept = tuple(i for i in dict.fromkeys((*left, *right)) if carriers[i])
        result = instance.output if number == len(order.plan.path) else kept
        carriers.update(result)
        terms.append(result)
        made.append((first, second, equation(left, right, result)))
    return made


def equation(left: Sequence[int], right: Sequence[int], result: Iterable[int]) -> str:
    """Letters for one step: few enough of the 52, however many indices the network has."""
    letters = dict(zip(dict.fromkeys((*left, *right)), ascii_letters, strict=False))
    a, b, c = ("".join(letters[i] for i in term) for term in (left, right, result))
    return f"{a},{b}->{c}"


def contract(einsum: Callable[..., Any], made: Sequence[Step], arrays: Iterable[Any]) -> Any:
    """Run the steps; a tensor is let go when it is used."""
    tensors = list(arrays)
    for first, second, formula in made:
        tensors.append(einsum(formula, tensors[first], tensors[second]))
        tensors[first] = tensors[second] = None
    return tensors[-1]
