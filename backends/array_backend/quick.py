"""A program run as it was scheduled: nothing is looked at, and nothing decided, on the way.

Exponents of inputs are numbers on the host; those that measurements find stay where the arrays
are. Whether all that was assumed did hold is known at the end, with one look.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from tnlearn.backend import Instructions
from tnlearn_backends.array_backend.careful import last_uses
from tnlearn_backends.array_backend.kinds import Kinds, Turn
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import Array, name_of, namespace
from tnlearn_backends.array_backend.operations import State
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.ranges import Bounds, Scheduler, bounds_of
from tnlearn_backends.array_backend.reshaping import along
from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.array_backend.steps import Layout, Step
from tnlearn_backends.array_backend.sweeps import Sweep, made_for, ran, sweep_of

#: Bounds of the inputs, those of the cotangent for a reverse sweep, and whether it is loose.
Key: TypeAlias = tuple[Bounds, Bounds | None, bool]


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
        self._sweeps: dict[Key, Sweep] = {}
        self._kinds = Kinds(library, layout)
        #: Whether a run was met with tensors whose entries are far apart, or zero.
        self._loose = False

    def run(self, inputs: Sequence[Scaled], bounds: Bounds) -> Scaled | None:
        """The value; None if a step needs more care."""
        for loose in self._attempts():
            with self._kinds.lent(inputs, (bounds, loose)) as turn:
                value, _ = self._forwards(inputs, (bounds, None, loose), turn)
            if value is not None:
                return value
        return None

    def run_with_gradient(
        self, inputs: Sequence[Scaled], bounds: Bounds, cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled | None, Scaled | None, list[Scaled | None] | None]:
        """The value, its cotangent and the gradient: None from where more care is needed."""
        value = seed = None
        for loose in self._attempts():
            with self._kinds.lent(inputs, (bounds, loose)) as turn:
                value, state = self._forwards(inputs, (bounds, None, loose), turn)
                if value is None or state is None:
                    continue
                # It is asked for once: that may be of consequence.
                seed = cotangent(value) if seed is None else seed
                gradient = self._backwards(state, bounds, seed, loose, turn)
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
        self, inputs: Sequence[Scaled], key: Key, turn: Turn | None
    ) -> tuple[Scaled | None, State | None]:
        start, slot = self._filled(inputs), self._value
        state = self._played(key, key, start, range(len(inputs)), [slot], turn)
        found = None if state is None else self._given([slot], self._sweep(key), state)
        return None if found is None else found[slot], state

    def _backwards(
        self, state: State, bounds: Bounds, seed: Scaled, loose: bool, turn: Turn | None
    ) -> list[Scaled | None] | None:
        gradients, slot = self._program.gradients, self._program.seed
        # A gradient is linear in the cotangent: its power of two is put in where all is done.
        power = seed.exponent if type(seed.exponent) is int else 0
        seed = seed._replace(exponent=0) if power else seed
        seeded = bounds_of([seed], self._limit)
        if seeded is None:
            return None
        self._plant(state, slot, seed)
        key, slots = (bounds, seeded, loose), [slot for slot in gradients if slot is not None]
        fed = [slot] if state.arrays[self._value] is None else [slot, self._value]
        vector = state.vectors[slot]
        alike = (key, name_of(seed.mantissa.dtype), None if vector is None else vector.shape)
        if turn is not None and not turn.kind.used:  # What it begins with is not in a recording.
            turn = turn._replace(alone=False)
        left = self._played(key, alike, state, fed, slots, turn)
        if left is None:
            return None
        for slot in set(slots):
            left.powers[slot] += power
        found = self._given(slots, self._sweep(key), left)
        return None if found is None else [None if k is None else found[k] for k in gradients]

    def _played(
        self,
        key: Key,
        alike: Hashable,
        state: State,
        fed: Sequence[int],
        slots: Sequence[int],
        turn: Turn | None,
    ) -> State | None:
        """What a sweep leaves; None if a step needs more care.

        By its recording, if there is one of sweeps `alike`; see `Kind.play` for the others.
        """
        sweep, worth = self._sweep(key), False
        if turn is not None:
            build = partial(made_for, layout=self._layout, dtype=self._dtype, loose=key[2])
            sweep, worth = turn.kind.sweep(key, sweep, build)
        if turn is None or not (worth and turn.alone):
            return state if ran(sweep, state) else None
        found = turn.kind.play(alike, sweep, state, fed, slots)
        if found is not None:
            return found
        if not ran(sweep, state):
            return None
        turn.kind.noted(alike)
        return state

    def _sweep(self, key: Key) -> Sweep:
        """The forward sweep for some bounds of the inputs; the reverse one for a cotangent's."""
        found = self._sweeps.get(key)
        if found is None:
            found = self._sweeps[key] = self._scheduled(key)
        return found

    def _scheduled(self, key: Key) -> Sweep:
        program, count, (bounds, seed, loose) = self._program, len(self._forward), key
        steps: Sequence[Step] = self._forward
        given: list[Bounds | None] = [None] * len(program.labels)
        dead = self._dead[:count]
        if seed is None:
            given[: len(program.inputs)] = [bounds] * len(program.inputs)
        else:
            given = list(self._sweep((bounds, None, loose)).bounds)
            given[program.seed] = seed
            steps, dead = self._backward, self._dead[count:]
        scheduler = Scheduler(self._limit, given, self._layout, loose)
        schedule = scheduler.schedule(steps, self._complex)
        freed = frozenset(slot for slots in dead for slot in slots)
        return sweep_of(schedule, freed, self._layout, self._library, self._dtype, loose)

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
