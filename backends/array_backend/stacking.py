"""Groups of alike steps as functions: their tensors are stacked, and one step is run for all."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tnlearn_backends.array_backend.grouping import Group
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import Array
from tnlearn_backends.array_backend.operations import Operation, State, both
from tnlearn_backends.array_backend.powers import exponents, factors, limits, parts, smallest
from tnlearn_backends.array_backend.ranges import Measure, fresh
from tnlearn_backends.array_backend.reshaping import along
from tnlearn_backends.array_backend.steps import Layout, Operand, Product


class Stack(NamedTuple):
    """Tensors of one shape along a first axis, each ``array * 2**(power + vector)``.

    Powers are the slots' own; vectors are of shape (tensors, 1), or None if no tensor has one.
    """

    arrays: Array
    vectors: Array | None


class Part(NamedTuple):
    """Where slots are found together: a range of the stack that some group left."""

    group: int
    chosen: slice


class Stacker:
    """Turns the groups of a sweep into functions, one after another.

    A group whose operands lie in one stack of an earlier group, evenly spaced, takes them from
    there: so a chain that is reduced in rounds copies nothing after the first.
    """

    def __init__(self, library: Library, layout: Layout, dtype: str, loose: bool) -> None:
        self._library, self._layout = library, layout
        self._dtype, self._loose = dtype, loose
        self._places: dict[int, tuple[int, int]] = {}  # Slot -> group and position in its stack.
        self._left_of: dict[int, int] = {}  # Group -> how many of its slots are still there.
        self._count = 0

    def forget(self, slots: Iterable[int]) -> None:
        """These slots are gone, or hold what a step alone has written."""
        for slot in slots:
            if slot in self._places:
                self._left_of[self._places.pop(slot)[0]] -= 1

    def spent(self) -> tuple[int, ...]:
        """The groups of whose stacks nothing is left since this was asked last."""
        found = tuple(group for group, left in self._left_of.items() if left == 0)
        for group in found:
            del self._left_of[group]
        return found

    def operation(self, group: Group) -> Operation:
        """A group as a function."""
        steps = [one.step for one in group.members]
        if isinstance(steps[0], Measure):
            return self._measures([s for s in steps if isinstance(s, Measure)])
        return self._products([s for s in steps if isinstance(s, Product)])

    def _operands(self, operands: Sequence[Operand]) -> Callable[[State], Stack]:
        """One factor of all products, as a stack of matrices."""
        slots, views = [o.slot for o in operands], [o[1:5] for o in operands]
        if len(set(views)) == 1:
            gathered, view = self._gathered(slots), _view(operands[0], len(slots), self._library)

            def whole(state: State) -> Stack:
                stack = gathered(state)
                return Stack(view(stack.arrays), stack.vectors)

            return whole
        each = [_view(operand, None, self._library) for operand in operands]
        stack, vectors = self._library.xp.stack, self._vectors(slots)

        def one_by_one(state: State) -> Stack:
            pairs = zip(each, slots, strict=True)
            return Stack(stack([view(state.arrays[k]) for view, k in pairs]), vectors(state))

        return one_by_one

    def _gathered(self, slots: Sequence[int]) -> Callable[[State], Stack]:
        """The tensors of some slots, all of one shape, as one stack."""
        part = self._part(slots)
        if part is not None:

            def sliced(state: State) -> Stack:
                arrays, vectors = state.stacks[part.group]
                taken = arrays[part.chosen, ...]
                return Stack(taken, None if vectors is None else vectors[part.chosen, ...])

            return sliced
        stack, vectors = self._library.xp.stack, self._vectors(slots)
        return lambda state: Stack(stack([state.arrays[k] for k in slots]), vectors(state))

    def _vectors(self, slots: Sequence[int]) -> Callable[[State], Array | None]:
        """The vectors of some slots as one array; zeros for those without one."""
        xp = self._library.xp

        def stacked(state: State) -> Array | None:
            vectors = [state.vectors[slot] for slot in slots]
            there = next((vector for vector in vectors if vector is not None), None)
            if there is None:
                return None
            nothing = xp.zeros_like(there)
            return xp.stack([nothing if vector is None else vector for vector in vectors])

        return stacked

    def _part(self, slots: Sequence[int]) -> Part | None:
        """Where these slots lie evenly spaced in one stack, if they do."""
        found = [self._places[slot] for slot in slots if slot in self._places]
        if len(found) < len(slots) or len({group for group, _ in found}) > 1:
            return None
        (group, first), (_, second), *_ = found
        step = second - first
        if step <= 0 or any(at != first + k * step for k, (_, at) in enumerate(found)):
            return None
        return Part(group, slice(first, found[-1][1] + 1, step))

    def _left(
        self, slots: Sequence[int], shapes: Sequence[tuple[int, ...]]
    ) -> Callable[[State, Array, Array | None], None]:
        """Leaves a stack of results for their slots; as a whole, too, if they are of one shape."""
        group, reshape = self._count, self._library.xp.reshape
        self._count += 1
        self.forget(slots)
        alike = len(set(shapes)) == 1
        if alike:
            self._left_of[group] = len(slots)
            self._places |= {slot: (group, k) for k, slot in enumerate(slots)}

        def leave(state: State, arrays: Array, vectors: Array | None) -> None:
            if alike:
                arrays = reshape(arrays, (len(slots), *shapes[0]))
                state.stacks[group] = Stack(arrays, vectors)
            for k, (slot, shape) in enumerate(zip(slots, shapes, strict=True)):
                array = arrays[k, ...]
                state.arrays[slot] = array if alike else reshape(array, shape)
                state.vectors[slot] = None if vectors is None else vectors[k, ...]

        return leave

    def _products(self, steps: Sequence[Product]) -> Operation:
        left = self._operands([step.first for step in steps])
        right = self._operands([step.second for step in steps])
        leave = self._left([step.target for step in steps], [step.shape for step in steps])
        matmul = operator.mul if steps[0].terms == 1 else self._library.matmul

        def run(state: State) -> None:
            a, b, powers = left(state), right(state), state.powers
            for step in steps:
                powers[step.target] = powers[step.first.slot] + powers[step.second.slot]
            leave(state, matmul(a.arrays, b.arrays), both(a.vectors, b.vectors))

        return run

    def _measures(self, steps: Sequence[Measure]) -> Operation:
        slots, loose, xp = [step.slot for step in steps], self._loose, self._library.xp
        gathered = self._gathered(slots)
        shape = tuple(self._layout.sizes[label] for label in self._layout.labels[slots[0]])
        leave = self._left(slots, [shape] * len(slots))
        lowest = 2.0 ** fresh(limits(self._dtype), loose)

        def run(state: State) -> None:
            arrays, vectors = gathered(state)
            sizes = xp.reshape(parts(arrays), (len(slots), -1))
            power = exponents(xp.max(sizes, axis=1))
            least = smallest(sizes, axis=1) if loose else xp.min(sizes, axis=1)
            factor = factors(-power, arrays)
            state.checks.append(least * factor >= lowest)
            power = xp.reshape(power, (-1, 1))
            leave(state, arrays * along(factor, arrays.ndim, 0), both(vectors, power))

        return run


def _view(operand: Operand, count: int | None, library: Library) -> Callable[[Array], Array]:
    """An operand, or a stack of so many that are alike, as the product takes it."""
    xp, order = library.xp, operand.permutation
    shape: tuple[int, ...] = operand.shape
    if count is not None:
        shape = (count, *shape)
        order = None if order is None else (0, *(axis + 1 for axis in order))

    def view(array: Array) -> Array:
        array = xp.reshape(array if order is None else xp.permute_dims(array, order), shape)
        return xp.matrix_transpose(array) if operand.swapped else array

    return view
