"""Steps on one tensor: diagonals, sums and transpositions, and their adjoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tnlearn.backend import Labels
from tnlearn_backends.array_backend.namespaces import Array, device_of, namespace
from tnlearn_backends.array_backend.powers import limits, shifted
from tnlearn_backends.array_backend.scaled import ZERO, Scaled, gathered, measured, widened
from tnlearn_backends.array_backend.steps import Spread, Sum


def reduced(tensor: Scaled, step: Sum) -> Scaled:
    """Diagonals taken, axes summed, the rest put in order."""
    labels = tuple(dict.fromkeys(step.axes))
    gone = [label for label in labels if label not in step.result]
    if not gone and len(labels) == len(step.axes):
        return transposed(tensor, [labels.index(label) for label in step.result], step.leading)
    if not isinstance(tensor.exponent, int):
        return _wide_sum(widened(tensor), step, len(gone))
    growth = step.terms.bit_length()
    if gone and tensor.high + growth > limits(tensor.mantissa.dtype).high:
        tensor = measured(tensor._replace(leading=None))
        if tensor.wide:
            return _wide_sum(tensor, step, len(gone))
    loss = 0 if tensor.nonnegative or not gone else limits(tensor.mantissa.dtype).bits
    return Scaled(
        summed(tensor.mantissa, route(step.axes, step.result)),
        tensor.exponent,
        tensor.low - loss,
        tensor.high + (growth if gone else 0),
        tensor.nonnegative,
        step.leading,
    )


class Route(NamedTuple):
    """How axes become others, from labels alone.

    Attributes
    ----------
    diagonals : tuple of tuples of int
        Orders of axes; after each of them the diagonal of the last two is taken.
    order : tuple of int
        Of the axes that are left: those of the result in order, the others last.
    gone : tuple of int
        The axes in that order that are summed.
    """

    diagonals: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    gone: tuple[int, ...]


def route(labels: Labels, result: Labels) -> Route:
    """The way from the axes of some labels to those of others."""
    diagonals = []
    while len(set(labels)) < len(labels):
        first = next(k for k, label in enumerate(labels) if labels.count(label) > 1)
        second = labels.index(labels[first], first + 1)
        others = [k for k in range(len(labels)) if k not in (first, second)]
        diagonals.append((*others, first, second))
        labels = (*(labels[k] for k in others), labels[first])
    order = [labels.index(label) for label in result]
    order += [k for k in range(len(labels)) if k not in order]
    return Route(tuple(diagonals), tuple(order), tuple(range(len(result), len(labels))))


def summed(array: Array, way: Route) -> Array:
    """Diagonals taken, axes summed, the rest put in order."""
    view = ordered(array, way)
    return namespace(array).sum(view, axis=way.gone, dtype=array.dtype) if way.gone else view


def ordered(array: Array, way: Route) -> Array:
    """A view with diagonals taken, the axes of the result in order and the others put last."""
    xp = namespace(array)
    for order in way.diagonals:
        array = xp.linalg.diagonal(xp.permute_dims(array, order))
    return xp.permute_dims(array, way.order)


def expanded(tensor: Scaled, step: Spread) -> Scaled:
    """Axes repeated and entries placed on diagonals."""
    exponent = tensor.exponent
    if tensor.wide:
        exponent = placed(exponent, step, ZERO)
    elif not isinstance(exponent, int):
        shape = [1] * len(step.shape)
        shape[step.shape.index(-1)] = -1
        exponent = namespace(exponent).reshape(exponent, tuple(shape))
    mantissa = placed(tensor.mantissa, step, 0)
    return tensor._replace(mantissa=mantissa, exponent=exponent, leading=step.leading)


def placed(array: Array, step: Spread, fill: int) -> Array:
    """Axes repeated; entries on diagonals, `fill` beside them."""
    xp, device = namespace(array), device_of(array)
    given = {label: array.shape[k] for k, label in enumerate(step.axes)}
    sizes = [given[i] if n < 0 else n for i, n in zip(step.result, step.shape, strict=True)]
    first = {label: k for k, label in reversed(list(enumerate(step.result)))}
    there = [label for label in first if label in given]
    view = xp.permute_dims(
        array, [step.axes.index(i) for i in sorted(there, key=first.__getitem__)]
    )
    kept = {first[label] for label in there}
    view = xp.reshape(view, tuple(n if k in kept else 1 for k, n in enumerate(sizes)))
    view = xp.broadcast_to(view, tuple(sizes))
    for k, label in enumerate(step.result):
        if k != first[label]:
            at = xp.arange(sizes[k], device=device)
            same = along(at, len(sizes), first[label]) == along(at, len(sizes), k)
            view = xp.where(same, view, fill)
    return view


def along(values: Array, rank: int, axis: int | None) -> Array:
    """A vector as an array of some rank, along one axis."""
    return namespace(values).reshape(values, tuple(-1 if k == axis else 1 for k in range(rank)))


def transposed(tensor: Scaled, order: Sequence[int], leading: int | None) -> Scaled:
    """The axes in another order, one of them the batch."""
    exponent, xp = tensor.exponent, namespace(tensor.mantissa)
    if not isinstance(exponent, int):
        exponent = xp.permute_dims(exponent, order)
    mantissa = xp.permute_dims(tensor.mantissa, order)
    return tensor._replace(mantissa=mantissa, exponent=exponent, leading=leading)


def _wide_sum(tensor: Scaled, step: Sum, gone: int) -> Scaled:
    xp = namespace(tensor.mantissa)
    way = route(step.axes, step.result)
    view, powers = ordered(tensor.mantissa, way), ordered(tensor.exponent, way)
    axes = tuple(range(view.ndim - gone, view.ndim))
    top = xp.max(powers, axis=axes, keepdims=True) if gone else powers
    shares = shifted(view, powers - top)
    total = xp.sum(shares, axis=axes, dtype=view.dtype) if gone else shares
    return gathered(total, xp.reshape(top, total.shape), tensor.nonnegative, step.leading)
