"""The pair step: permute, then one batched matrix product, with nothing lost to range."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn_backends.numpy_backend.scaled import (
    ZERO,
    Exponent,
    Scaled,
    gathered,
    limits,
    magnitudes,
    measured,
    parts,
    rebounded,
    shifted,
    widened,
)
from tnlearn_backends.numpy_backend.steps import Operand, Product

Array = npt.NDArray[Any]

#: Up to how many terms a batch of products is added up term by term: a call of BLAS for every
#: batch element costs more than a pass over the result.
FEW_TERMS = 8


def contracted(first: Scaled, second: Scaled, step: Product) -> Scaled:
    """The product of two tensors as `step` says, exact to rounding at any magnitude.

    Where the bounds of the operands cannot exclude that terms of the sums are flushed to zero,
    the result is looked at: no harm was done if all entries are far above the terms that may be
    missing. Otherwise the operands are scaled to order one, and if even then an entry was
    flushed, the step is redone with one exponent per entry.
    """
    if step.sums_leading:
        first, second = _one_exponent(first, second, step)
    limit = limits(first.mantissa.dtype)
    growth = step.terms.bit_length() + (first.mantissa.dtype.kind == "c")
    if first.high + second.high + growth > limit.high:
        slack = limit.high // 4
        first, second = measured(first, slack), measured(second, slack)
    if first.wide or second.wide:
        return _wide_product(first, second, step)
    result = _product(first, second, step, growth)
    if first.low + second.low >= limit.low:
        return result
    safe = limit.low + limit.bits + growth
    smallest = float(parts(result.mantissa).min())
    if smallest >= 2.0**safe:
        return rebounded(result, math.frexp(smallest)[1] - 1, result.high)
    first, second = measured(first), measured(second)
    if first.wide or second.wide:
        return _wide_product(first, second, step)
    result = _product(first, second, step, growth)
    if first.low + second.low >= limit.low:
        return result
    if _flushed(first, second, result.mantissa, step, safe):
        return _wide_product(first, second, step)
    return measured(result)


def _product(first: Scaled, second: Scaled, step: Product, growth: int) -> Scaled:
    """The product as floating point gives it, with what its bounds would be if none was lost."""
    nonnegative = first.nonnegative and second.nonnegative
    mantissa = matrix_product(first.mantissa, second.mantissa, step)
    low = first.low + second.low
    if not (nonnegative or (step.terms == 1 and mantissa.dtype.kind != "c")):
        # Terms may cancel, but sums of multiples of some 2**p are themselves multiples of it.
        low -= 2 * limits(mantissa.dtype).bits
    high = first.high + second.high + growth
    exponent = _exponents(first, second, step)
    return Scaled(mantissa, exponent, low, high, nonnegative, step.leading)


def matrix_product(first: Array, second: Array, step: Product) -> Array:
    """``C[b, i, j] = sum_k A[b, i, k] B[b, k, j]`` on the operands as the step lays them out."""
    a, b = laid_out(first, step.first), laid_out(second, step.second)
    terms = a.shape[2]
    if terms == 1:
        product = a * b
    elif a.shape[0] == 1:
        product = a[0] @ b[0]
    elif terms <= FEW_TERMS:
        product = a[:, :, :1] * b[:, :1, :]
        for k in range(1, terms):
            product += a[:, :, k : k + 1] * b[:, k : k + 1, :]
    else:
        product = a @ b
    return product.reshape(step.shape)


def laid_out(array: Array, operand: Operand) -> Array:
    """An operand as a batch of matrices; a copy only if its axes are out of order."""
    if operand.permutation is not None:
        array = array.transpose(operand.permutation)
    array = array.reshape(operand.shape)
    return array.transpose(0, 2, 1) if operand.swapped else array


def _exponents(first: Scaled, second: Scaled, step: Product) -> Exponent:
    """The exponents of a product: one, or one per batch element along the result's batch axis."""
    if isinstance(first.exponent, int) and isinstance(second.exponent, int):
        return first.exponent + second.exponent
    total: Exponent = 0
    for tensor in (first, second):
        exponent = tensor.exponent
        if not isinstance(exponent, int):
            exponent = _along(exponent.reshape(-1), len(step.shape), step.leading)
        total = total + exponent
    return total


def _along(values: Array, rank: int, axis: int | None) -> Array:
    """A vector as an array of some rank, along one axis."""
    return values.reshape([-1 if k == axis else 1 for k in range(rank)])


def _one_exponent(first: Scaled, second: Scaled, step: Product) -> tuple[Scaled, Scaled]:
    """Fold exponents per batch element into the first operand, before the batch is summed.

    The axis of the batch is then like any other, so neither operand has a leading one.
    """
    if first.wide or second.wide:
        return _common(widened(first)), _common(widened(second))
    if isinstance(first.exponent, int) and isinstance(second.exponent, int):
        return _common(first), _common(second)
    total = np.asarray(first.exponent).reshape(-1) + np.asarray(second.exponent).reshape(-1)
    top = int(total.max())
    down = int(total.min()) - top
    rest = _common(second, 0)
    exponents = _along(total, first.mantissa.ndim, step.first.leading)
    if first.low + down < limits(first.mantissa.dtype).low:
        # Batch elements too far apart: entries of small ones may still be all there is.
        return widened(_common(first, exponents)), widened(rest)
    folded = shifted(first.mantissa, exponents - top)
    return Scaled(folded, top, first.low + down, first.high, first.nonnegative), rest


def _common(tensor: Scaled, exponent: Exponent | None = None) -> Scaled:
    """The tensor without a leading axis, and with another exponent if one is given."""
    power = tensor.exponent if exponent is None else exponent
    return replace(tensor, exponent=power, leading=None)


def _flushed(first: Scaled, second: Scaled, product: Array, step: Product, power: int) -> bool:
    """Whether an entry is so small that terms flushed to zero may matter to it."""
    small = magnitudes(product) < 2.0 ** min(power, 0)
    if not small.any():
        return False
    real = first.mantissa.real.dtype
    there = matrix_product(
        (first.mantissa != 0).astype(real), (second.mantissa != 0).astype(real), step
    )
    return bool((small & (there > 0)).any())


def _wide_product(first: Scaled, second: Scaled, step: Product) -> Scaled:
    """The product with one exponent per entry: two passes over the terms, as for log-sum-exp."""
    first, second = widened(first), widened(second)
    a, b = laid_out(first.mantissa, step.first), laid_out(second.mantissa, step.second)
    p = laid_out(np.asarray(first.exponent), step.first)
    q = laid_out(np.asarray(second.exponent), step.second)
    shape = (max(a.shape[0], b.shape[0]), a.shape[1], b.shape[2])
    top = np.full(shape, 2 * ZERO, dtype=np.int64)
    for k in range(a.shape[2]):
        np.maximum(top, p[:, :, k : k + 1] + q[:, k : k + 1, :], out=top)
    total = np.zeros(shape, dtype=first.mantissa.dtype)
    for k in range(a.shape[2]):
        power = p[:, :, k : k + 1] + q[:, k : k + 1, :] - top
        total += shifted(a[:, :, k : k + 1] * b[:, k : k + 1, :], power)
    return gathered(
        total.reshape(step.shape),
        top.reshape(step.shape),
        first.nonnegative and second.nonnegative,
        step.leading,
    )
