"""Steps on one tensor: diagonals, sums and transpositions, and their adjoints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from tnlearn_backends.numpy_backend.scaled import (
    ZERO,
    Scaled,
    gathered,
    limits,
    measured,
    shifted,
    widened,
)
from tnlearn_backends.numpy_backend.steps import Spread, Sum

Array = npt.NDArray[Any]


def reduced(tensor: Scaled, step: Sum) -> Scaled:
    """Diagonals taken, axes summed, the rest put in order."""
    labels = tuple(dict.fromkeys(step.axes))
    gone = [label for label in labels if label not in step.result]
    if not gone and len(labels) == len(step.axes):
        return transposed(tensor, [labels.index(label) for label in step.result], step.leading)
    if not isinstance(tensor.exponent, int):
        return _wide_sum(widened(tensor), step, labels, len(gone))
    growth = step.terms.bit_length()
    if gone and tensor.high + growth > limits(tensor.mantissa.dtype).high:
        tensor = measured(transposed(tensor, range(tensor.mantissa.ndim), None))
        if tensor.wide:
            return _wide_sum(tensor, step, labels, len(gone))
    view = _ordered(tensor.mantissa, step, labels)
    loss = 0 if tensor.nonnegative or not gone else limits(view.dtype).bits
    return Scaled(
        np.asarray(view.sum(axis=tuple(range(len(step.result), view.ndim)))),
        tensor.exponent,
        tensor.low - loss,
        tensor.high + (growth if gone else 0),
        tensor.nonnegative,
        step.leading,
    )


def expanded(tensor: Scaled, step: Spread) -> Scaled:
    """Axes repeated and entries placed on diagonals."""
    exponent = tensor.exponent
    if tensor.wide:
        exponent = _placed(np.asarray(exponent), step, ZERO)
    elif not isinstance(exponent, int):
        shape = [1] * len(step.shape)
        shape[step.shape.index(-1)] = -1
        exponent = exponent.reshape(shape)
    mantissa = _placed(tensor.mantissa, step, 0)
    return replace(tensor, mantissa=mantissa, exponent=exponent, leading=step.leading)


def diagonal(array: Array, labels: tuple[int, ...]) -> Array:
    """A view in which the axes of equal labels are one, in order of first appearance."""
    distinct = tuple(dict.fromkeys(labels))
    axes = [[k for k, label in enumerate(labels) if label == wanted] for wanted in distinct]
    return as_strided(
        array,
        shape=[array.shape[group[0]] for group in axes],
        strides=[sum(array.strides[k] for k in group) for group in axes],
    )


def _ordered(array: Array, step: Sum, labels: tuple[int, ...]) -> Array:
    """Diagonals taken and the axes to be summed put last."""
    order = [labels.index(label) for label in step.result]
    order += [k for k in range(len(labels)) if k not in order]
    return diagonal(array, step.axes).transpose(order)


def transposed(tensor: Scaled, order: Any, leading: int | None) -> Scaled:
    """The axes in another order, one of them the batch."""
    exponent = tensor.exponent
    if not isinstance(exponent, int):
        exponent = exponent.transpose(order)
    mantissa = tensor.mantissa.transpose(order)
    return replace(tensor, mantissa=mantissa, exponent=exponent, leading=leading)


def _wide_sum(tensor: Scaled, step: Sum, labels: tuple[int, ...], gone: int) -> Scaled:
    view = _ordered(tensor.mantissa, step, labels)
    powers = _ordered(np.asarray(tensor.exponent), step, labels)
    axes = tuple(range(view.ndim - gone, view.ndim))
    top = powers.max(axis=axes, keepdims=True)
    total = np.asarray(shifted(view, powers - top).sum(axis=axes))
    return gathered(total, top.reshape(total.shape), tensor.nonnegative, step.leading)


def _placed(array: Array, step: Spread, fill: int) -> Array:
    distinct = tuple(dict.fromkeys(step.result))
    batch = {label: array.shape[k] for k, label in enumerate(step.axes)}
    shape = [
        batch[label] if size < 0 else size
        for label, size in zip(step.result, step.shape, strict=True)
    ]
    view = array.transpose([step.axes.index(label) for label in distinct if label in batch])
    for axis, label in enumerate(distinct):
        if label not in batch:
            view = np.expand_dims(view, axis)
    result = np.full(shape, fill, dtype=array.dtype)
    diagonal(result, step.result)[...] = view
    return result
