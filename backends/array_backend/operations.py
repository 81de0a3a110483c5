"""Steps of a schedule as functions, with all that can be known of them worked out beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tnlearn_backends.array_backend.arithmetic import conjugate
from tnlearn_backends.array_backend.contracting import in_place
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import Array, namespace
from tnlearn_backends.array_backend.powers import (
    exponents,
    factors,
    limits,
    parts,
    shifted,
    smallest,
)
from tnlearn_backends.array_backend.ranges import Measure, Planned, fresh
from tnlearn_backends.array_backend.reshaping import along, placed, route, summed
from tnlearn_backends.array_backend.steps import Operand, Product, Spread, Sum, Total


class UnfitError(Exception):
    """A step needs more care than a schedule has."""


@dataclass(frozen=True, slots=True)
class State:
    """What a running program holds; slot by slot, a tensor is ``array * 2**(power + vector)``.

    Attributes
    ----------
    arrays : list of (array or None)
    powers : list of int
    vectors : list of (array of int64 or None)
        One number, or one per batch element.
    checks : list of arrays of bool
        All of them must be true.
    stacks : dict
        What groups of steps left together, by the number of the group.
    """

    arrays: list[Array]
    powers: list[int]
    vectors: list[Array | None]
    checks: list[Array]
    stacks: dict[int, Any]


Operation: TypeAlias = Callable[[State], None]


def operation(planned: Planned, library: Library, dtype: str, loose: bool) -> Operation:
    """A step, or a measurement, as a function.

    Where a schedule is `loose`, tensors may have entries of 0: leaving them out costs a measurement
    as much as all else.
    """
    step, lows = planned
    match step:
        case Product():
            return _product(step, lows, library)
        case Sum():
            return _sum(step)
        case Spread():
            return _spread(step)
        case Total():
            return _total(step, lows)
        case Measure():
            return _measure(step, dtype, loose)


def _product(step: Product, lows: tuple[int, ...], library: Library) -> Operation:
    target, first, second = step.target, step.first.slot, step.second.slot
    multiply = in_place(step, library, _multiplied(step, library))

    def run(state: State) -> None:
        arrays, vectors = state.arrays, state.vectors
        state.powers[target] = state.powers[first] + state.powers[second]
        array, vector = arrays[first], both(vectors[first], vectors[second])
        if step.sums_leading and vector is not None and vector.shape[0] > 1:
            array, vector = _folded(array, vector, step.first, lows[1], state)
        arrays[target] = multiply(array, arrays[second])
        vectors[target] = vector

    return run


def _multiplied(step: Product, library: Library) -> Callable[[Array, Array], Array]:
    """The product of two arrays, with as few calls as it takes."""
    operands, reshape = (step.first, step.second), library.xp.reshape
    if step.terms == 1:
        one, other = (_view(o, o.spread, False, library) for o in operands)
        return lambda a, b: one(a) * other(b)
    rank = 2 if step.first.shape[0] == 1 else 3
    one, other = (_view(o, o.shape[3 - rank :], o.swapped, library) for o in operands)
    matmul, shape = library.matmul, step.shape
    made = (*step.first.shape[3 - rank : 2], step.second.shape[2])
    if made == shape:
        return lambda a, b: matmul(one(a), other(b))
    return lambda a, b: reshape(matmul(one(a), other(b)), shape)


def _view(
    operand: Operand, shape: tuple[int, ...], swapped: bool, library: Library
) -> Callable[[Array], Array]:
    """An operand as a product takes it; what there is to do is found out beforehand."""
    xp, order = library.xp, operand.permutation
    permute, reshape, exchange = xp.permute_dims, xp.reshape, xp.matrix_transpose
    same = operand.given == shape
    match (order is None, same, swapped):
        case (True, True, False):
            return lambda array: array
        case (True, False, False):
            return lambda array: reshape(array, shape)
        case (False, True, False):
            return lambda array: permute(array, order)
        case (False, False, False):
            return lambda array: reshape(permute(array, order), shape)

    def view(array: Array) -> Array:
        array = array if order is None else permute(array, order)
        return exchange(array if same else reshape(array, shape))

    return view


def both(first: Array | None, second: Array | None) -> Array | None:
    """The sum of two vectors of exponents, if there are any."""
    if first is None:
        return second
    return first if second is None else first + second


def _folded(
    array: Array, vector: Array, operand: Operand, low: int, state: State
) -> tuple[Array, Array]:
    """An operand with one exponent for all, for a sum over the batch; `low` is of the other."""
    xp, limit = namespace(array), limits(array.dtype)
    top = xp.max(vector, axis=0, keepdims=True)
    down = vector - top
    sizes = parts(array)
    others = tuple(k for k in range(sizes.ndim) if k != operand.leading)
    least = smallest(sizes, axis=others)
    below = exponents(least) - 1 + down
    state.checks.append((below >= limit.low - low) | (least >= 2.0**limit.high))
    return shifted(array, along(down, array.ndim, operand.leading)), top


def _sum(step: Sum) -> Operation:
    target, source, way = step.target, step.source, route(step.axes, step.result)
    sums_batch = step.sums_leading

    def run(state: State) -> None:
        vector = state.vectors[source]
        if sums_batch and vector is not None:
            raise UnfitError
        state.arrays[target] = summed(state.arrays[source], way)
        state.powers[target], state.vectors[target] = state.powers[source], vector

    return run


def _spread(step: Spread) -> Operation:
    def run(state: State) -> None:
        state.arrays[step.target] = placed(state.arrays[step.source], step, 0)
        state.powers[step.target] = state.powers[step.source]
        state.vectors[step.target] = state.vectors[step.source]

    return run


def _total(step: Total, lows: tuple[int, ...]) -> Operation:
    def run(state: State) -> None:
        terms = [_term(state.arrays[k], c, o) for k, c, o in zip(*step[1:4], strict=True)]
        power, vector = _aligned(terms, step, lows, state)
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        state.arrays[step.target] = total
        state.powers[step.target], state.vectors[step.target] = power, vector

    return run


def _term(array: Array, conj: bool, order: tuple[int, ...] | None) -> Array:
    if order is not None:
        array = namespace(array).permute_dims(array, order)
    return conjugate(array) if conj else array


def _aligned(
    terms: list[Array], step: Total, lows: tuple[int, ...], state: State
) -> tuple[int, Array | None]:
    """Shift terms in place to one exponent, the largest, which is returned."""
    powers = [state.powers[slot] for slot in step.sources]
    vectors = [state.vectors[slot] for slot in step.sources]
    least = limits(terms[0].dtype).low
    there = [vector for vector in vectors if vector is not None]
    if not there:
        top = max(powers)
        for k, (power, low) in enumerate(zip(powers, lows, strict=True)):
            if power < top:
                if low + power - top < least:
                    raise UnfitError
                terms[k] = shifted(terms[k], power - top)
        return top, None
    xp = namespace(terms[0])
    whole = [
        xp.zeros_like(there[0]) + power if vector is None else vector + power
        for power, vector in zip(powers, vectors, strict=True)
    ]
    largest = whole[0]
    for exponent in whole[1:]:
        largest = xp.maximum(largest, exponent)
    for k, (exponent, low) in enumerate(zip(whole, lows, strict=True)):
        down = exponent - largest
        state.checks.append(down >= least - low)
        terms[k] = shifted(terms[k], along(down, terms[k].ndim, step.leading))
    return 0, largest


def _measure(step: Measure, dtype: str, loose: bool) -> Operation:
    slot, leading = step
    lowest = 2.0 ** fresh(limits(dtype), loose)

    def run(state: State) -> None:
        array = state.arrays[slot]
        xp, sizes = namespace(array), parts(array)
        axes = tuple(k for k in range(sizes.ndim) if k != leading)
        # One number is a vector of length one.
        power = xp.reshape(exponents(xp.max(sizes, axis=axes)), (-1,))
        found = smallest(sizes, axis=axes) if loose else xp.min(sizes, axis=axes)
        least = xp.reshape(found, (-1,))
        factor = factors(-power, array)
        state.checks.append(least * factor >= lowest)
        state.arrays[slot] = array * along(factor, array.ndim, leading)
        vector = state.vectors[slot]
        state.vectors[slot] = power if vector is None else vector + power

    return run
