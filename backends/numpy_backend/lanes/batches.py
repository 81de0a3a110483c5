"""Batches of small networks as a program runs them: the value and the gradient over lanes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import Instructions
from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.numpy_backend.lanes.program import Lanes
from tnlearn_backends.numpy_backend.lanes.writing import Sheet, written
from tnlearn_backends.numpy_backend.native.calm import Range
from tnlearn_backends.numpy_backend.native.tensors import Inputs, Tensors

if TYPE_CHECKING:
    from tnlearn_backends.numpy_backend.native.program import Sized


class Batches:
    """The sweeps of a program at one size of its batch, each on a tape where that is better.

    Parameters
    ----------
    sized : Sized
        The program, which says how inputs and results lie.
    sheets : Sheets
    """

    def __init__(self, sized: Sized, sheets: Sheets) -> None:
        self._sized = sized
        self._value, self._gradient = map(self._lanes, (sheets.value, sheets.gradient))

    @property
    def has_gradient(self) -> bool:
        """Whether the gradient is found so."""
        return self._gradient is not None

    def value(self, inputs: Inputs) -> Scaled | None:
        """The value; None where it is found in another way, as a number might be lost."""
        found, sized = self._run(self._value, inputs, None), self._sized
        if found is None:
            return None
        results, (exponent, low, high, nonnegative) = found
        slot, where = sized.program.value, sized.where
        shape, at = where.shapes[slot], where.offsets[slot]
        entries = results[at : at + math.prod(shape)].reshape(shape)
        return Scaled(entries, exponent, low, high, nonnegative, where.leading[slot])

    def gradient(self, inputs: Inputs, seed: Scaled) -> Tensors | None:
        """The gradient for a cotangent, likewise."""
        if seed.wide or not isinstance(seed.exponent, int):
            return None
        found, sized = self._run(self._gradient, inputs, seed), self._sized
        return None if found is None else Tensors(found[0], sized.alike(found[1]), sized.gradients)

    def release(self) -> None:
        """Give back the arenas that no run is using."""
        for lanes in (self._value, self._gradient):
            if lanes is not None:
                lanes.release()

    def _lanes(self, sheet: Sheet | None) -> Lanes | None:
        sized = self._sized
        tape, batch = sized.tape, sized.batch
        if sheet is None or batch is None:
            return None
        return Lanes(sheet, sized.program, tape.places, tape.offsets, sized.dtype, batch)

    def _run(
        self, lanes: Lanes | None, inputs: Inputs, seed: Scaled | None
    ) -> tuple[npt.NDArray[Any], Range] | None:
        """Results, and their bounds."""
        if lanes is None:
            return None
        bounds = self._sized.calm_range(inputs, seed)
        looks = bounds is None
        if bounds is None:
            exponent, low, high, _ = inputs.extent
            if seed is not None:
                low, high = min(low, seed.low), max(high, seed.high)
            if exponent or max(-low, high) > lanes.apart:
                return None
            bounds = 0 if seed is None else seed.exponent, -lanes.apart, lanes.apart, False
        mantissa = None if seed is None else np.ascontiguousarray(seed.mantissa)
        seeds = 0 if mantissa is None else mantissa.ctypes.data
        results = np.empty(self._sized.tape.results, self._sized.dtype)
        fine = lanes.run(inputs.address, seeds, results, looks)
        return (results, bounds) if fine else None


@dataclass(frozen=True)
class Sheets:
    """The sweeps of a program as code over lanes; None of one that is better on a tape."""

    value: Sheet | None
    gradient: Sheet | None

    @classmethod
    def of(cls, program: Instructions, dtype: np.dtype[Any]) -> Sheets:
        """Both, written out."""
        forward = replace(program, backward=(), gradients=())
        return cls(written(forward, dtype), written(program, dtype) if program.backward else None)
