"""Whether two libraries computed the same."""

from __future__ import annotations

import numpy as np

from benchmarks.instances import Answer, Array

#: Largest relative error by precision.
TOLERANCE = {"float32": 1e-3, "float64": 1e-9, "complex64": 1e-3, "complex128": 1e-9}
#: Gradients of tensors that hardly matter are compared on the scale of this part of the largest.
FLOOR = 1e-3


def disagreement(answer: Answer, reference: Answer) -> float:
    """The largest error relative to the largest entry, over the value and every gradient.

    Infinite if shapes differ or an entry is not finite.
    """
    if len(answer.gradient) != len(reference.gradient):
        return np.inf
    floor = FLOOR * max((_largest(array) for array in reference.gradient), default=0.0)
    gradients = zip(answer.gradient, reference.gradient, strict=True)
    errors = [_error(mine, other, floor) for mine, other in gradients]
    return max([_error(answer.value, reference.value, 0.0), *errors])


def _error(array: Array, reference: Array, floor: float) -> float:
    if array.shape != reference.shape or not np.isfinite(array).all():
        return np.inf
    scale = max(_largest(reference), floor)
    error = _largest(array - reference)
    return error / scale if scale else (np.inf if error else 0.0)


def _largest(array: Array) -> float:
    return float(np.abs(array).max(initial=0.0))
