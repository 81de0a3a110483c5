"""Numbers of any magnitude: what a contraction returns when a float might not hold it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, RangeError

#: Natural logarithms of the largest and smallest positive normal float64.
LOG_LARGEST = math.log(np.finfo(np.float64).max)
LOG_SMALLEST = math.log(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class LogValue:
    """Numbers held as a phase and the natural logarithm of a magnitude.

    A true zero is ``(phase 0, log -inf)``; nothing is ever nan.

    Attributes
    ----------
    phase : scalar or array
        Sign (-1, 0, 1) of a real number, or unit phase of a complex one.
    log : float or array of float64
        Natural logarithm of the magnitude, same shape as `phase`.
    """

    phase: Any
    log: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of numbers; ``()`` for a single one."""
        return np.shape(self.log)

    def to_array(self) -> npt.NDArray[Any]:
        """The numbers themselves, on the host.

        Raises
        ------
        DataTypeError
            If they are arrays of another library: ``backend.log_to_host(value)`` moves them.
        RangeError
            If the largest magnitude is beyond the range of float64, above or below.
        """
        if not isinstance(self.log, (float, np.ndarray, np.generic)):
            raise DataTypeError(
                f"the logarithms are a {type(self.log).__module__}.{type(self.log).__name__}: "
                "move them to the host with log_to_host of their backend"
            )
        largest = float(np.max(self.log, initial=-math.inf))
        if largest > LOG_LARGEST or (-math.inf < largest < LOG_SMALLEST):
            raise out_of_range(largest)
        return np.asarray(self.phase * np.exp(self.log))

    def __float__(self) -> float:
        return float(self.to_array())

    def __complex__(self) -> complex:
        return complex(self.to_array())


def out_of_range(log_magnitude: float) -> RangeError:
    """The error for a magnitude, given by its natural log, that no float can hold."""
    return RangeError(
        f"the largest magnitude is e^{log_magnitude:.6g}, outside the range of a float; "
        "use log_contract (or program.log), which returns its logarithm"
    )
