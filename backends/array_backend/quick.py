"""A program run as it was scheduled: nothing is looked at, and nothing decided, on the way.

Exponents of inputs are numbers on the host; those that measurements find stay where the arrays
are. Whether all that was assumed did hold is known at the end, with one look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from tnlearn.backend import Instructions
from tnlearn_backends.array_backend.careful import last_uses
from tnlearn_backends.array_backend.grouping import Group, ends, grouped, touched
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import Array, namespace
from tnlearn_backends.array_backend.operations import Operation, State, UnfitError, operation
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.ranges import Bounds, Planned, Scheduler, bounds_of
from tnlearn_backends.array_backend.reshaping import along
from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.array_backend.stacking import Stacker
from tnlearn_backends.array_backend.steps import Layout, Step

Operations: TypeAlias = tuple[tuple[Operation, tuple[int, ...], tuple[int, ...]], ...]


class Sweep(NamedTuple):
    """Steps ready to run, each with slots and stacks that are done with after it; and bounds."""

    operations: Operations
    bounds: tuple[Bounds | None, ...]


class Quick:
    """The instructions as schedules, one for every kind of inputs; holds no data."""

    def __init__(self, library: Library, instructions: Instructions, dtype: str) -> None:
        self._layout = layout = Layout(instructions)
        self._library, self._program, self._dtype = library, instructions, dtype
        self._value = instructions.value
        self._limit, self._complex = limits(dtype), dtype.startswith("complex")
        self._forward = [layout.step(step) for step in instructions.forward]
        self._backward = [layout.step(step) for step in instructions.backward]
        whole = (*instructions.forward, *instructions.backward)
        kept = {instructions.value, *(g for g in instructions.gradients if g is not None)}
        self._dead = last_uses(whole, kept)
        self._sweeps: dict[tuple[Bounds, Bounds | None, bool], Sweep] = {}
        #: Whether a run was met with tensors whose entries are far apart, or zero.
        self._loose = False

    def run(self, inputs: Sequence[Scaled], bounds: Bounds) -> Scaled | None:
        """The value; None if a step needs more care."""
        for loose in self._attempts():
            value, _ = self._forwards(inputs, bounds, loose)
            if value is not None:
                return value
        return None

    def run_with_gradient(
        self, inputs: Sequence[Scaled], bounds: Bounds, cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled | None, Scaled | None, list[Scaled | None] | None]:
        """The value, its cotangent and the gradient: None from where more care is needed."""
        value = seed = None
        for loose in self._attempts():
            value, state = self._forwards(inputs, bounds, loose)
            if value is None:
                continue
            # It is asked for once: that may be of consequence.
            seed = cotangent(value) if seed is None else seed
            gradient = self._backwards(state, bounds, seed, loose)
            if gradient is not None:
                return value, seed, gradient
        return value, seed, None

    def _attempts(self) -> Iterator[bool]:
        """Schedules to be tried: a loose one where none other would do, from then on at once."""
        if not self._loose:
            yield False
            self._loose = True
        yield True

    def _forwards(
        self, inputs: Sequence[Scaled], bounds: Bounds, loose: bool
    ) -> tuple[Scaled | None, State]:
        sweep, state, slot = self._sweep(bounds, None, loose), self._filled(inputs), self._value
        found = self._given([slot], sweep, state) if _ran(sweep, state) else None
        return None if found is None else found[slot], state

    def _backwards(
        self, state: State, bounds: Bounds, seed: Scaled, loose: bool
    ) -> list[Scaled | None] | None:
        seeded, gradients = bounds_of([seed], self._limit), self._program.gradients
        if seeded is None:
            return None
        self._plant(state, self._program.seed, seed)
        sweep = self._sweep(bounds, seeded, loose)
        slots = [slot for slot in gradients if slot is not None]
        found = self._given(slots, sweep, state) if _ran(sweep, state) else None
        return None if found is None else [None if k is None else found[k] for k in gradients]

    def _sweep(self, bounds: Bounds, seed: Bounds | None, loose: bool) -> Sweep:
        """The forward sweep for some bounds of the inputs; the reverse one for a cotangent's."""
        key = (bounds, seed, loose)
        found = self._sweeps.get(key)
        if found is None:
            found = self._sweeps[key] = self._scheduled(*key)
        return found

    def _scheduled(self, bounds: Bounds, seed: Bounds | None, loose: bool) -> Sweep:
        program, count = self._program, len(self._forward)
        steps: Sequence[Step] = self._forward
        given: list[Bounds | None] = [None] * len(program.labels)
        dead = self._dead[:count]
        if seed is None:
            given[: len(program.inputs)] = [bounds] * len(program.inputs)
        else:
            given = list(self._sweep(bounds, None, loose).bounds)
            given[program.seed] = seed
            steps, dead = self._backward, self._dead[count:]
        scheduler = Scheduler(self._limit, given, self._layout, loose)
        schedule = scheduler.schedule(steps, self._complex)
        return Sweep(self._operations(schedule.planned, dead, loose), schedule.bounds)

    def _operations(
        self, planned: Sequence[Planned], dead: Sequence[tuple[int, ...]], loose: bool
    ) -> Operations:
        freed = {slot for slots in dead for slot in slots}
        items = grouped(planned, self._layout, freed)
        stacker = Stacker(self._library, self._layout, self._dtype, loose)
        found: list[tuple[Operation, tuple[int, ...], tuple[int, ...]]] = []
        for item, gone in zip(items, ends(items, freed), strict=True):
            if isinstance(item, Group):
                run = stacker.operation(item)
            else:
                stacker.forget(touched(item)[-1:])
                run = operation(item, self._library, self._dtype, loose)
            stacker.forget(gone)
            found.append((run, gone, stacker.spent()))
        return tuple(found)

    def _filled(self, inputs: Sequence[Scaled]) -> State:
        count = len(self._program.labels)
        state = State([None] * count, [0] * count, [None] * count, [], {})
        for slot, tensor in enumerate(inputs):
            self._plant(state, slot, tensor)
        return state

    def _plant(self, state: State, slot: int, tensor: Scaled) -> None:
        state.arrays[slot] = tensor.mantissa
        if type(tensor.exponent) is int:
            state.powers[slot] = tensor.exponent
        else:
            state.vectors[slot] = namespace(tensor.exponent).reshape(tensor.exponent, (-1,))

    def _given(self, slots: Sequence[int], sweep: Sweep, state: State) -> dict[int, Scaled] | None:
        """What slots hold, in the order of their labels; None if a check failed."""
        if state.checks:
            xp = self._library.xp
            if not bool(xp.all(xp.concat(state.checks))):
                return None
            state.checks.clear()
        single = self._numbers({k: state.vectors[k] for k in slots})
        return {slot: self._tensor(slot, sweep, state, single) for slot in slots}

    def _numbers(self, vectors: dict[int, Array | None]) -> dict[int, int]:
        """Vectors of one number, on the host, all in one transfer."""
        single = {k: v for k, v in vectors.items() if v is not None and v.shape[0] == 1}
        if not single:
            return {}
        numbers = self._library.to_host(self._library.xp.concat(list(single.values())))
        return dict(zip(single, numbers.tolist(), strict=True))

    def _tensor(self, slot: int, sweep: Sweep, state: State, single: dict[int, int]) -> Scaled:
        array, bounds, order = state.arrays[slot], sweep.bounds[slot], self._layout.restored(slot)
        assert bounds is not None, f"slot {slot} was never written"
        if order is not None:
            array = self._library.xp.permute_dims(array, order)
        leading = self._layout.leading(self._program.labels[slot])
        power, vector = state.powers[slot] + single.get(slot, 0), state.vectors[slot]
        fields = (bounds.low, bounds.high, bounds.nonnegative, leading)
        if vector is None or slot in single:
            return Scaled(array, power, *fields)
        return Scaled(array, along(vector, array.ndim, leading) + power, *fields)


def _ran(sweep: Sweep, state: State) -> bool:
    """Run all steps; False if one needs more care."""
    arrays = state.arrays
    try:
        for run, dead, spent in sweep.operations:
            run(state)
            for slot in dead:
                arrays[slot] = None
            for group in spent:
                del state.stacks[group]
    except UnfitError:
        return False
    state.stacks.clear()  # The reverse sweep has stacks of its own.
    return True
