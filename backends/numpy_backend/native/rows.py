"""Every step of a program as a row of the tape, in its best form."""

from __future__ import annotations

import math

from tnlearn.backend import Add, Contract, Expand, Reduce
from tnlearn_backends.numpy_backend.native.code import Row
from tnlearn_backends.numpy_backend.native.forms import Form, best, into
from tnlearn_backends.numpy_backend.native.fusing import Multiply, Step
from tnlearn_backends.numpy_backend.native.orders import candidates
from tnlearn_backends.numpy_backend.native.places import Place, Places


class Rows:
    """The rows, and where what they make lies.

    Parameters
    ----------
    places : Places
        Of the inputs; those of the targets are added.
    matrices : bool
        Matrix products may be used.

    Attributes
    ----------
    rows : list of Row
    """

    def __init__(self, places: Places, matrices: bool) -> None:
        self.places, self._matrices = places, matrices
        self.rows: list[Row] = []
        self._roots: dict[int, int] = {}

    def write(self, step: Step) -> None:
        """Append a step."""
        places = self.places
        match step:
            case Contract():
                self._contract(step)
            case Multiply():
                self._multiply(step)
            case Add():
                place = places.places[step.target] = places.in_order(step.target, places.sizes)
                self.rows.append(Row(step.target, place.size, step.sources, None, add=step))
            case Reduce() | Expand():
                self._single(step)

    def root(self, slot: int) -> int:
        """The first slot in the place of this one."""
        while slot in self._roots:
            slot = self._roots[slot]
        return slot

    @property
    def joined(self) -> list[int]:
        """Slots that are in the place of another."""
        return list(self._roots)

    def _contract(self, step: Contract) -> None:
        places, labels, target = self.places, self.places.program.labels, step.target
        a, b = places.held(step.first), places.held(step.second)
        chosen = places.laid(target, labels[target])
        form = self._form(a, b, chosen)
        if target not in places.fixed:
            first, second = places.order(step.first), places.order(step.second)
            future, least = places.future(target), math.inf
            for order in candidates(labels[target], first, second, future, places.size):
                place = places.laid(target, order)
                found = self._form(a, b, place)
                cost = found.cost + future.unreadiness(order, places.size)
                if cost < least:
                    chosen, form, least = place, found, cost
        places.places[target] = chosen
        self._product(step, form, chosen.size)

    def _multiply(self, step: Multiply) -> None:
        places, target = self.places, step.target
        place = places.held(step.into)
        form = into(places.dims(places.held(step.first), places.held(step.second), place))
        if form is None:
            self._contract(step.product)
            self._contract(Contract(target, step.product.target, step.into))
            return
        axes = places.axes(target, places.order(step.into))
        places.places[target] = Place(axes, place.strides, place.size)
        self._roots[target] = step.into
        self._product(step, form, place.size, step.into)

    def _product(
        self, step: Contract | Multiply, form: Form, size: int, into_slot: int = -1
    ) -> None:
        labels = self.places.program.labels
        terms = self.places.size(set(labels[step.first]).difference(labels[step.target]))
        pair = (step.second, step.first) if form.swapped else (step.first, step.second)
        growth, cancels = terms.bit_length(), terms > 1
        self.rows.append(Row(step.target, size, pair, form, growth, cancels, into=into_slot))

    def _single(self, step: Reduce | Expand) -> None:
        places, labels = self.places, self.places.program.labels
        target, source = step.target, step.source
        order = labels[target]
        if target not in places.fixed and len(set(order)) == len(order):
            order = places.soonest(target)
        place = places.places[target] = places.laid(target, order)
        form = self._form(places.held(source), None, place)
        terms = places.size(set(labels[source]).difference(labels[target]))
        fills = len(set(labels[target])) < len(labels[target])
        growth = terms.bit_length() if terms > 1 else 0
        self.rows.append(Row(target, place.size, (source,), form, growth, terms > 1, fills=fills))

    def _form(self, a: Place, b: Place | None, c: Place) -> Form:
        return best(self.places.dims(a, b, c), self._matrices)
