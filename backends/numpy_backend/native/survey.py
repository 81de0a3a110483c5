"""Packing: logarithms become numbers, magnitudes are bounded, all in one pass over one array."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tnlearn_backends.numpy_backend.native.columns import EXPONENT, HIGH, LOW, NONNEGATIVE
from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, pointer_to, poke
from tnlearn_backends.numpy_backend.native.loops import FAST, extent, multiply

#: Powers of two within which the largest entry of an input is left as it is.
SLACK = 64
LN2 = math.log(2.0)
#: ln 2 in two parts, the first with so few bits that its multiples by an exponent are exact.
LN2_HIGH = 0.693145751953125
LN2_LOW = 1.42860682030941723212e-6


@njit(nogil=True)
def survey(reals, starts, width, logs, conj, check, least, spread, ranges):
    """Bring packed inputs into the form the engine computes with.

    Parameters
    ----------
    reals : array
        All entries as real numbers; changed in place.
    starts : array of int64, shape (n + 1,)
        Where each input begins, in entries.
    width : int
        Real numbers in an entry.
    logs, conj : arrays of bool, shape (n,)
        Inputs given by their logarithms, and those to be conjugated.
    check : bool
        Look for entries that are not finite.
    least : int
        Least power of two of a normal number.
    spread : int
        Powers of two that the entries of a log input may be apart.
    ranges : array of int64, shape (n, 4)
        Filled.

    Returns
    -------
    bool
        False if an entry is not finite, or entries of one input are too far apart.
    """
    everything = pointer_to(reals)
    table = pointer_to(ranges)
    for k in range(len(logs)):
        x = moved(everything, width * starts[k])
        size = width * (starts[k + 1] - starts[k])
        row = moved(table, 4 * k)
        exponent = 0
        if logs[k]:
            fine, exponent = _exponentials(x, size, width, check, spread)
            if not fine:
                return False
        elif check and not _finite(x, size):
            return False
        if conj[k]:
            for v in range(1, size, 2):
                poke(x, v, -peek(x, v))
        largest, smallest, _ = extent(x, size)
        low = high = 0
        if largest > 0:
            high = math.frexp(largest)[1]
            low = math.frexp(smallest)[1] - 1
            if low - high < least:
                return False
            if abs(high) > SLACK:
                multiply(x, size, math.ldexp(1.0, -(high // 2)), math.ldexp(1.0, high // 2 - high))
                exponent += high
                low, high = low - high, 0
        poke(row, EXPONENT, exponent)
        poke(row, LOW, low)
        poke(row, HIGH, high)
        poke(row, NONNEGATIVE, 1 if width == 1 and not _negative(x, size) else 0)
    return True


@njit(fastmath=FAST, nogil=True)
def _finite(x, size):
    total = peek(x, 0) * 0
    for v in range(size):
        total += peek(x, v) * 0
    return total == 0


@njit(fastmath=FAST, nogil=True)
def _negative(x, size):
    count = 0
    for v in range(size):
        count += 1 if peek(x, v) < 0 else 0
    return count > 0


@njit(nogil=True)
def _exponentials(x, size, width, check, spread):
    """Exponentials in place, a power of two taken out of all."""
    top, bottom = -np.inf, np.inf
    for v in range(0, size, width):
        value = float(peek(x, v))
        if check and not value < np.inf:
            return False, 0
        top = max(top, value)
        if value > -np.inf:
            bottom = min(bottom, value)
    if top - bottom > spread * LN2:
        return False, 0
    power = math.floor(top / LN2) if top > -np.inf else 0
    for v in range(0, size, width):
        value = (float(peek(x, v)) - power * LN2_HIGH) - power * LN2_LOW
        poke(x, v, math.exp(value))
    return True, power
