"""Where the entries of every tensor can lie, known before a program runs: no step is looked at.

Entries are bounded from the bounds of the inputs, step by step. A tensor whose bounds would let a
product of the next step leave the range of a float is scaled first, so that its largest entry is
of order one; that its smallest is then no further than half the range below is assumed, and
checked at the end of a run, all checks at once. So a run on a device never waits for the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tnlearn_backends.array_backend.powers import Limits
from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.array_backend.steps import Layout, Product, Spread, Step, Sum, Total, read_by

#: How many times as large a product is, where its factors are looked at in its place.
GROWTH = 4


class Bounds(NamedTuple):
    """What is known of a tensor's mantissas, and of its exponent.

    Attributes
    ----------
    low, high : int
        Every nonzero part lies in ``[2**low, 2**high]``.
    nonnegative : bool
        No entry is negative or complex.
    plain : bool
        The exponent is 0.
    """

    low: int
    high: int
    nonnegative: bool
    plain: bool


class Measure(NamedTuple):
    """Scale a tensor so that its largest entry, in every batch element, is of order one.

    Attributes
    ----------
    slot : int
    leading : int or None
        The axis that is the batch.
    """

    slot: int
    leading: int | None


class Planned(NamedTuple):
    """A step, or a measurement before one, and the lower bounds of what it reads."""

    step: Step | Measure
    lows: tuple[int, ...]


@dataclass(frozen=True)
class Schedule:
    """Steps with the measurements they need, and the bounds of every slot after them."""

    planned: tuple[Planned, ...]
    bounds: tuple[Bounds | None, ...]


def fresh(limit: Limits, loose: bool) -> int:
    """How far below one the entries of a tensor may be that was just scaled.

    The closer, the longer until the next one; a product of two that are `loose` just fits.
    """
    return limit.low // (2 if loose else 4)


def bounds_of(tensors: Sequence[Scaled], limit: Limits) -> Bounds | None:
    """Bounds that hold for all inputs, rounded so that few differ; None if they are too wide."""
    if any(tensor.wide for tensor in tensors):
        return None
    low, high = min(tensor.low for tensor in tensors), max(tensor.high for tensor in tensors)
    least, most = fresh(limit, True), limit.high // 2
    if low < least or high > most:
        return None
    low, high = max(-_rounded(-low), least), min(_rounded(high), most)
    plain = all(type(tensor.exponent) is int and tensor.exponent == 0 for tensor in tensors)
    return Bounds(low, high, all(tensor.nonnegative for tensor in tensors), plain)


def _rounded(power: int) -> int:
    """The next power of two, so that similar inputs share a schedule."""
    return 1 << (power - 1).bit_length() if power > 0 else 0


class Scheduler:
    """Follows the bounds through the steps, and asks for measurements where it must."""

    def __init__(
        self, limit: Limits, given: Sequence[Bounds | None], layout: Layout, loose: bool
    ) -> None:
        self.limit = limit
        self.bounds = list(given)
        self._layout = layout
        self._fresh = fresh(limit, loose)
        self._planned: list[Planned] = []

    def schedule(self, steps: Sequence[Step], is_complex: bool) -> Schedule:
        """The steps as they are to be run."""
        for step in steps:
            match step:
                case Product():
                    self._product(step, is_complex)
                case Sum():
                    self._sum(step)
                case Spread():
                    self.bounds[step.target] = self._of(step.source)
                case Total():
                    self._total(step)
            lows = tuple(self._of(slot).low for slot in read_by(step))
            self._planned.append(Planned(step, lows))
        return Schedule(tuple(self._planned), tuple(self.bounds))

    def _of(self, slot: int) -> Bounds:
        bounds = self.bounds[slot]
        assert bounds is not None, f"slot {slot} is read before it is written"
        return bounds

    def _measure(self, slot: int) -> None:
        leading = self._layout.leading(self._layout.labels[slot])
        self._planned.append(Planned(Measure(slot, leading), ()))
        self.bounds[slot] = Bounds(self._fresh, 0, self._of(slot).nonnegative, False)

    def _product(self, step: Product, is_complex: bool) -> None:
        slots = (step.first.slot, step.second.slot)
        growth = step.terms.bit_length() + is_complex
        while not self._fits(self._of(slots[0]), self._of(slots[1]), growth):
            self._measure(self._worse(slots, growth))
        self._measure_before_growth(step)
        a, b = self._of(slots[0]), self._of(slots[1])
        nonnegative = a.nonnegative and b.nonnegative
        exact = nonnegative or (step.terms == 1 and not is_complex)
        # Terms may cancel, but sums of multiples of some 2**p are themselves multiples of it.
        low = a.low + b.low - (0 if exact else 2 * self.limit.bits)
        high = a.high + b.high + growth
        self.bounds[step.target] = Bounds(low, high, nonnegative, a.plain and b.plain)

    def _fits(self, a: Bounds, b: Bounds, growth: int) -> bool:
        low, high = a.low + b.low, a.high + b.high + growth
        return low >= self.limit.low and high <= self.limit.high

    def _worse(self, slots: tuple[int, int], growth: int) -> int:
        """The factor to be scaled: the smaller one, if that is enough."""
        after = Bounds(self._fresh, 0, False, False)
        sizes = [self._layout.elements(slot) for slot in slots]
        small, large = slots if sizes[0] <= sizes[1] else slots[::-1]
        a, b = self._of(small), self._of(large)
        if self._fits(after, b, growth):
            return small
        if self._fits(after, a, growth):
            return large
        return small if a.low < self._fresh or a.high > 0 else large

    def _measure_before_growth(self, step: Product) -> None:
        """Scale factors that are far smaller than a product that would soon have to be."""
        slots = (step.first.slot, step.second.slot)
        largest = max(map(self._layout.elements, slots))
        if self._layout.elements(step.target) > GROWTH * largest:
            for slot in slots:
                if self._of(slots[0]).low + self._of(slots[1]).low < self.limit.low // 2:
                    self._measure(slot)

    def _sum(self, step: Sum) -> None:
        growth = step.terms.bit_length() if step.terms > 1 else 0
        if growth and self._of(step.source).high + growth > self.limit.high:
            self._measure(step.source)
        low, high, nonnegative, plain = self._of(step.source)
        loss = 0 if nonnegative or not growth else self.limit.bits
        self.bounds[step.target] = Bounds(low - loss, high + growth, nonnegative, plain)

    def _total(self, step: Total) -> None:
        growth = len(step.sources).bit_length()
        for slot in step.sources:
            if self._of(slot).high + growth > self.limit.high:
                self._measure(slot)
        terms = [self._of(slot) for slot in step.sources]
        plain = all(term.plain for term in terms)
        nonnegative = all(term.nonnegative for term in terms)
        # Terms of different exponents are shifted, at most to the end of the range.
        low = min(term.low for term in terms) if plain else self.limit.low
        low -= 0 if nonnegative else self.limit.bits
        high = max(term.high for term in terms) + growth
        self.bounds[step.target] = Bounds(low, high, nonnegative, plain)
