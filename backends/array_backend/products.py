"""The pair step: permute, then one batched matrix product, with nothing lost to range."""

from __future__ import annotations

import math

from tnlearn_backends.array_backend.namespaces import (
    Array,
    device_of,
    is_complex,
    namespace,
    real_name,
)
from tnlearn_backends.array_backend.powers import Exponent, limits, magnitudes, parts, shifted
from tnlearn_backends.array_backend.reshaping import along
from tnlearn_backends.array_backend.scaled import (
    ZERO,
    Scaled,
    gathered,
    measured,
    rebounded,
    widened,
)
from tnlearn_backends.array_backend.steps import Operand, Product

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
    growth = step.terms.bit_length() + is_complex(first.mantissa)
    if first.high + second.high + growth > limit.high:
        slack = limit.high // 4
        first, second = measured(first, slack), measured(second, slack)
    if first.wide or second.wide:
        return _wide_product(first, second, step)
    result = _product(first, second, step, growth)
    if first.low + second.low >= limit.low:
        return result
    safe = limit.low + limit.bits + growth
    least = float(namespace(result.mantissa).min(parts(result.mantissa)))
    if least >= 2.0**safe:
        return rebounded(result, math.frexp(least)[1] - 1, result.high)
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
    if not (nonnegative or (step.terms == 1 and not is_complex(mantissa))):
        # Terms may cancel, but sums of multiples of some 2**p are themselves multiples of it.
        low -= 2 * limits(mantissa.dtype).bits
    high = first.high + second.high + growth
    exponent = _exponents(first, second, step)
    return Scaled(mantissa, exponent, low, high, nonnegative, step.leading)


def matrix_product(first: Array, second: Array, step: Product) -> Array:
    """``C[b, i, j] = sum_k A[b, i, k] B[b, k, j]`` on the operands as the step lays them out."""
    if step.terms == 1:
        return spread(first, step.first) * spread(second, step.second)
    a, b = laid_out(first, step.first), laid_out(second, step.second)
    terms, xp = a.shape[2], namespace(a)
    if a.shape[0] == 1:
        product = a[0, ...] @ b[0, ...]
    elif terms <= FEW_TERMS:
        product = a[:, :, :1] * b[:, :1, :]
        for k in range(1, terms):
            product = product + a[:, :, k : k + 1] * b[:, k : k + 1, :]
    else:
        product = a @ b
    return xp.reshape(product, step.shape)


def laid_out(array: Array, operand: Operand) -> Array:
    """An operand as a batch of matrices; a copy only if its axes are out of order."""
    xp = namespace(array)
    if operand.permutation is not None:
        array = xp.permute_dims(array, operand.permutation)
    array = xp.reshape(array, operand.shape)
    return xp.matrix_transpose(array) if operand.swapped else array


def spread(array: Array, operand: Operand) -> Array:
    """An operand with an axis for each of the product's; never a copy."""
    xp = namespace(array)
    if operand.permutation is not None:
        array = xp.permute_dims(array, operand.permutation)
    return xp.reshape(array, operand.spread)


def _exponents(first: Scaled, second: Scaled, step: Product) -> Exponent:
    """The exponents of a product: one, or one per batch element along the result's batch axis."""
    if isinstance(first.exponent, int) and isinstance(second.exponent, int):
        return first.exponent + second.exponent
    total: Exponent = 0
    for tensor in (first, second):
        exponent = tensor.exponent
        if not isinstance(exponent, int):
            exponent = along(exponent, len(step.shape), step.leading)
        total = total + exponent
    return total


def _one_exponent(first: Scaled, second: Scaled, step: Product) -> tuple[Scaled, Scaled]:
    """Fold exponents per batch element into the first operand, before the batch is summed.

    The axis of the batch is then like any other, so neither operand has a leading one.
    """
    if first.wide or second.wide:
        return _common(widened(first)), _common(widened(second))
    if isinstance(first.exponent, int) and isinstance(second.exponent, int):
        return _common(first), _common(second)
    total = _flat(first.exponent) + _flat(second.exponent)
    xp = namespace(total)
    top = int(xp.max(total))
    down = int(xp.min(total)) - top
    rest = _common(second, 0)
    exponents = along(total, first.mantissa.ndim, step.first.leading)
    if first.low + down < limits(first.mantissa.dtype).low:
        # Batch elements too far apart: entries of small ones may still be all there is.
        return widened(_common(first, exponents)), widened(rest)
    folded = shifted(first.mantissa, exponents - top)
    return Scaled(folded, top, first.low + down, first.high, first.nonnegative), rest


def _flat(exponent: Exponent) -> Exponent:
    """Exponents as a vector; one as it is."""
    if isinstance(exponent, int):
        return exponent
    return namespace(exponent).reshape(exponent, (-1,))


def _common(tensor: Scaled, exponent: Exponent | None = None) -> Scaled:
    """The tensor without a leading axis, and with another exponent if one is given."""
    power = tensor.exponent if exponent is None else exponent
    return tensor._replace(exponent=power, leading=None)


def _flushed(first: Scaled, second: Scaled, product: Array, step: Product, power: int) -> bool:
    """Whether an entry is so small that terms flushed to zero may matter to it."""
    xp = namespace(product)
    small = magnitudes(product) < 2.0 ** min(power, 0)
    if not xp.any(small):
        return False
    real = getattr(xp, real_name(product))
    there = matrix_product(
        xp.astype(first.mantissa != 0, real), xp.astype(second.mantissa != 0, real), step
    )
    return bool(xp.any(small & (there > 0)))


def _wide_product(first: Scaled, second: Scaled, step: Product) -> Scaled:
    """The product with one exponent per entry: two passes over the terms, as for log-sum-exp."""
    first, second = widened(first), widened(second)
    a, b = laid_out(first.mantissa, step.first), laid_out(second.mantissa, step.second)
    p, q = laid_out(first.exponent, step.first), laid_out(second.exponent, step.second)
    shape, xp = (max(a.shape[0], b.shape[0]), a.shape[1], b.shape[2]), namespace(a)
    device = device_of(a)
    top = xp.full(shape, 2 * ZERO, dtype=xp.int64, device=device)
    for k in range(a.shape[2]):
        top = xp.maximum(top, p[:, :, k : k + 1] + q[:, k : k + 1, :])
    total = xp.zeros(shape, dtype=a.dtype, device=device)
    for k in range(a.shape[2]):
        power = p[:, :, k : k + 1] + q[:, k : k + 1, :] - top
        total = total + shifted(a[:, :, k : k + 1] * b[:, k : k + 1, :], power)
    return gathered(
        xp.reshape(total, step.shape),
        xp.reshape(top, step.shape),
        first.nonnegative and second.nonnegative,
        step.leading,
    )
