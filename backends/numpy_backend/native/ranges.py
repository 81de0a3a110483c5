"""The range of every tensor: powers of two between which its entries lie, kept in sight."""

from __future__ import annotations

from numba import njit

from tnlearn_backends.numpy_backend.native.columns import (
    CANCELS,
    EXPONENT,
    FIRST,
    FIRST_AT,
    FIRST_IN,
    FIRST_SIZE,
    GROWTH,
    HIGH,
    INTO,
    LOW,
    NONNEGATIVE,
    RESULTS,
    SECOND,
    TARGET,
    TARGET_AT,
    TARGET_IN,
    TARGET_SIZE,
)
from tnlearn_backends.numpy_backend.native.intrinsics import (
    moved,
    peek,
    poke,
    power_of_two,
)
from tnlearn_backends.numpy_backend.native.loops import (
    exponent_of,
    extent,
    multiply,
)
from tnlearn_backends.numpy_backend.native.memory import (
    real_of,
)


@njit(nogil=True)
def prepared(step, memory, limits, width):
    """Factors whose products are in range; whether that can be done, and if not for sure."""
    least, greatest, _ = limits
    growth = peek(step, GROWTH)
    x = moved(memory.ranges, 4 * peek(step, FIRST))
    if peek(step, SECOND) < 0:
        if peek(x, HIGH) + growth <= greatest:
            return True, False
        return _measured(step, FIRST, greatest // 4, memory, least, width), False
    y = moved(memory.ranges, 4 * peek(step, SECOND))
    fine = True
    if peek(x, HIGH) + peek(y, HIGH) + growth > greatest:
        slack = greatest // 4
        fine = _measured(step, FIRST, slack, memory, least, width) and fine
        fine = _measured(step, SECOND, slack, memory, least, width) and fine
    if peek(x, LOW) + peek(y, LOW) < least:
        fine = _measured(step, FIRST, 0, memory, least, width) and fine
        fine = _measured(step, SECOND, 0, memory, least, width) and fine
    return fine, peek(x, LOW) + peek(y, LOW) < least


@njit(nogil=True)
def prepared_into(step, memory, limits, width):
    """The same for a product that is multiplied into a tensor; False if it may not be stored so."""
    least, greatest, _ = limits
    growth = peek(step, GROWTH)
    x = moved(memory.ranges, 4 * peek(step, FIRST))
    y = moved(memory.ranges, 4 * peek(step, SECOND))
    p = moved(memory.ranges, 4 * peek(step, INTO))
    fine = True
    if peek(x, HIGH) + peek(y, HIGH) + peek(p, HIGH) + growth > greatest:
        fine = _all_measured(step, greatest // 4, memory, least, width)
    product = peek(x, LOW) + peek(y, LOW)
    if min(product, product + peek(p, LOW)) < least:
        fine = _all_measured(step, 0, memory, least, width) and fine
        product = peek(x, LOW) + peek(y, LOW)
    return fine and min(product, product + peek(p, LOW)) >= least


@njit(nogil=True)
def _all_measured(step, slack, memory, least, width):
    space, at, size = peek(step, TARGET_IN), peek(step, TARGET_AT), peek(step, TARGET_SIZE)
    fine = measure(peek(step, INTO), space, at, size, slack, memory, least, width)
    fine = _measured(step, FIRST, slack, memory, least, width) and fine
    return _measured(step, SECOND, slack, memory, least, width) and fine


@njit(nogil=True)
def bounded(step, memory, limits, width, looked):
    """The range of a result; False if terms of it were flushed to zero and may matter."""
    least, _, bits = limits
    growth = peek(step, GROWTH)
    x = moved(memory.ranges, 4 * peek(step, FIRST))
    z = moved(memory.ranges, 4 * peek(step, TARGET))
    low, high, exponent = peek(x, LOW), peek(x, HIGH), peek(x, EXPONENT)
    nonnegative = peek(x, NONNEGATIVE)
    loss = bits
    if peek(step, SECOND) >= 0:
        y = moved(memory.ranges, 4 * peek(step, SECOND))
        low += peek(y, LOW)
        high += peek(y, HIGH)
        exponent += peek(y, EXPONENT)
        nonnegative &= peek(y, NONNEGATIVE)
        loss = 2 * bits
    if peek(step, INTO) >= 0:
        p = moved(memory.ranges, 4 * peek(step, INTO))
        low += peek(p, LOW)
        high += peek(p, HIGH)
        exponent += peek(p, EXPONENT)
    if nonnegative == 0 and peek(step, CANCELS) == 1:
        # Terms may cancel, but sums of multiples of some 2**p are themselves multiples of it.
        low -= loss
    if looked:
        real = real_of(memory, peek(step, TARGET_IN))
        at = moved(real, width * peek(step, TARGET_AT))
        _, smallest, zero = extent(at, width * peek(step, TARGET_SIZE))
        # No harm if every entry is far above the terms that may be missing.
        if zero or not smallest >= power_of_two(least + bits + growth):
            return False
        low = exponent_of(smallest) - 1
    poke(z, EXPONENT, exponent)
    poke(z, LOW, low)
    poke(z, HIGH, high + growth)
    if peek(step, INTO) >= 0:
        nonnegative &= peek(moved(memory.ranges, 4 * peek(step, INTO)), NONNEGATIVE)
    poke(z, NONNEGATIVE, nonnegative)
    return True


@njit(nogil=True)
def _measured(step, which, slack, memory, least, width):
    """Exact bounds, and the largest entry near one; tensors that are only read are so already."""
    space = peek(step, which + FIRST_IN - FIRST)
    at = peek(step, which + FIRST_AT - FIRST)
    size = peek(step, which + FIRST_SIZE - FIRST)
    return measure(peek(step, which), space, at, size, slack, memory, least, width)


@njit(nogil=True)
def measure(slot, space, at, size, slack, memory, least, width):
    """The same for a slot that lies there."""
    if space > RESULTS:
        return True
    size *= width
    real = moved(real_of(memory, space), width * at)
    ranges = moved(memory.ranges, 4 * slot)
    largest, smallest, _ = extent(real, size)
    if largest == 0:
        poke(ranges, LOW, 0)
        poke(ranges, HIGH, 0)
        return True
    top = exponent_of(largest)
    bottom = exponent_of(smallest) - 1
    if bottom - top < least:
        return False
    if abs(top) <= slack:
        poke(ranges, LOW, bottom)
        poke(ranges, HIGH, top)
        return True
    multiply(real, size, power_of_two(-(top // 2)), power_of_two(top // 2 - top))
    poke(ranges, EXPONENT, peek(ranges, EXPONENT) + top)
    poke(ranges, LOW, bottom - top)
    poke(ranges, HIGH, 0)
    return True
