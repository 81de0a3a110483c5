"""A small program with loops: a team of threads for a batch element, its tensors in shared memory.

The threads of a team are part of one warp, so they wait for each other in a few cycles; they do
so only where a step reads what another thread wrote, or writes where another one read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tnlearn.backend import Labels
from tnlearn.planning.cost import ITEM_BYTES
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.ranges import Measure, Planned, fresh
from tnlearn_backends.array_backend.steps import Product, Spread, Sum, Total, read_by
from tnlearn_backends.cupy_backend.arena import arena_of, staged
from tnlearn_backends.cupy_backend.indexing import Flat, added, in_batch, strides
from tnlearn_backends.cupy_backend.meetings import Meetings
from tnlearn_backends.cupy_backend.task import THREADS, Task, source

#: Bytes of the shared memory that a block has on every device.
SHARED = 48 * 2**10
#: Threads of a team, the most that are in one warp first.
WIDTHS = (32, 16, 8, 4, 2, 1)
#: Terms of a sum that a compiler may write out: of more it takes minutes.
UNROLLED = 4


def width_of(task: Task) -> int | None:
    """Threads of a team: as many as have something to do half of the time, or as share enough.

    None if the tensors of a batch element are too large for any.
    """
    size = (arena_of(task).entries | 1) * ITEM_BYTES[task.dtype]
    fitting = [width for width in WIDTHS if THREADS // width * size <= SHARED]
    if not fitting:
        return None
    busy = (width for width in fitting if _turns(task, width) * width <= 2 * _turns(task, 1))
    return next(busy, fitting[-1])


def in_teams(task: Task, width: int) -> str:
    """The source of the kernel."""
    writer = _Writer(task, width)
    body = [
        # An odd number of entries: the same one of other teams is in another bank.
        f"__shared__ number shared[{THREADS // width}][{writer.arena.entries | 1}];",
        f"number* const t = shared[threadIdx.x / {width}];",
        f"const int lane = threadIdx.x % {width};",
        f"const long long first = (long long)blockIdx.x * {THREADS // width};",
        f"const long long own = first + threadIdx.x / {width};",
        # All threads of a warp must meet; those beyond the batch do, and write nothing.
        "const long long b = own < batch ? own : batch - 1;",
        "int lost = 0;",
        *writer.lines(),
    ]
    return source(task, body)


def _turns(task: Task, width: int) -> int:
    """Terms that the slowest thread of a team adds up."""
    total = 0
    for step, _ in task.planned:
        if not isinstance(step, Measure):
            terms = step.terms if isinstance(step, Product | Sum) else 1
            total += -(-task.entries(step.target) // width) * terms
    return total


class _Writer:
    """Writes steps as loops over the entries that they make."""

    def __init__(self, task: Task, width: int) -> None:
        self.task, self.width = task, width
        self.arena = arena_of(task)
        self.meetings = Meetings(task, self.arena)

    def lines(self) -> Iterator[str]:
        """The whole program."""
        for slot in self.task.given:
            yield f"int e{slot} = 0;"
        for slot in staged(self.task):
            yield from self._staged(slot)
        for planned in self.task.planned:
            yield from self._step(planned)
        yield from self._handed_over()

    def _step(self, planned: Planned) -> Iterator[str]:
        step, lows = planned
        if isinstance(step, Measure):
            yield from self._measured(step.slot)
            return
        yield from self.meetings.before(read_by(step), [step.target])
        match step:
            case Product(target, first, second):
                slots = (first.slot, second.slot)
                yield from self._summed(target, slots)
                yield f"int e{target} = e{slots[0]} + e{slots[1]};"
            case Sum(target, origin):
                yield from self._summed(target, (origin,))
                yield f"int e{target} = e{origin};"
            case Spread():
                yield from self._spread(step)
            case Total():
                yield from self._total(step, lows)

    def _staged(self, slot: int) -> Iterator[str]:
        """An array of every batch element, to where its team has it at hand."""
        task = self.task
        axes, flat, sizes = self._axes(task.instructions.labels[slot])
        there = in_batch(axes, sizes, len(sizes) - 1, flat)
        yield from self.meetings.before([], [slot])
        yield self._loop(flat, f"t[{self.arena.places[slot]} + i] = x{slot}[{there}];")

    def _axes(self, labels: Labels) -> tuple[Labels, Flat, Sequence[int]]:
        """Axes with labels of their own, as diagonals have not; the last size is of the batch."""
        task = self.task
        sizes = [task.sizes[label] for label in labels]
        batch = len(labels)
        axes = tuple(batch if i == task.batch else k for k, i in enumerate(labels))
        own = tuple(axis for axis in axes if axis != batch)
        whole = (*sizes, task.sizes[task.batch])
        return axes, Flat("i", own, whole), whole

    def _summed(self, target: int, read: Sequence[int]) -> Iterator[str]:
        """Sums of products."""
        task = self.task
        made = Flat("i", task.labels(target), task.sizes)
        gone = dict.fromkeys(i for slot in read for i in task.labels(slot) if i not in made.labels)
        summed = Flat("k", tuple(gone), task.sizes)
        term = " * ".join(self._entry(slot, made, summed) for slot in read)
        here = f"t[{self.arena.places[target]} + i]"
        if summed.count == 1:
            yield self._loop(made, f"{here} = {term};")
            return
        unrolled = min(summed.count, UNROLLED)
        yield self._loop(
            made,
            f"number s = zero();\n#pragma unroll {unrolled}\n"
            f"for (int k = 0; k < {summed.count}; ++k) s += {term};\n{here} = s;",
        )

    def _spread(self, step: Spread) -> Iterator[str]:
        """Entries repeated, and placed on diagonals."""
        task = self.task
        labels = self.task.labels(step.target)
        axes = Flat("i", tuple(range(len(labels))), [task.sizes[label] for label in labels])
        first = {label: k for k, label in reversed(list(enumerate(labels)))}
        same = [
            f"{axes.digit(k)} == {axes.digit(first[label])}"
            for k, label in enumerate(labels)
            if k != first[label] and task.sizes[label] > 1
        ]
        steps = strides(task.labels(step.source), task.sizes)
        by_axis = {first[label]: stride for label, stride in steps.items()}
        value = (
            f"{self._array(step.source)}[{added(self._place(step.source), axes.offset(by_axis))}]"
        )
        if same:
            value = f"{' && '.join(same)} ? {value} : zero()"
        yield self._loop(axes, f"t[{self.arena.places[step.target]} + i] = {value};")
        yield f"int e{step.target} = e{step.source};"

    def _total(self, step: Total, lows: Sequence[int]) -> Iterator[str]:
        """A sum of tensors, brought to the largest of their exponents."""
        task, target = self.task, step.target
        yield f"int e{target} = e{step.sources[0]};"
        for slot in step.sources[1:]:
            yield f"if (e{slot} > e{target}) e{target} = e{slot};"
        least = limits(task.dtype).low
        for slot, low in zip(step.sources, lows, strict=True):
            yield f"lost |= e{slot} - e{target} < {least - low};"
        made = Flat("i", task.labels(target), task.sizes)
        terms = []
        for slot, conj in zip(step.sources, step.conj, strict=True):
            entry = self._entry(slot, made)
            entry = f"conjugate({entry})" if conj else entry
            terms.append(f"s += shifted({entry}, e{slot} - e{target});")
        here = f"t[{self.arena.places[target]} + i]"
        yield self._loop(made, f"number s = zero(); {' '.join(terms)} {here} = s;")

    def _measured(self, slot: int) -> Iterator[str]:
        """A tensor with its largest entry of order one; every thread looks at all of it."""
        place, size = self.arena.places[slot], self.task.entries(slot)
        lowest = fresh(limits(self.task.dtype), self.task.loose)
        yield from self.meetings.before([slot], [])
        yield "{ extent found = nothing();"
        yield f"#pragma unroll 1\nfor (int i = 0; i < {size}; ++i) look(found, t[{place} + i]);"
        yield f"lost |= measured(found, {lowest}); e{slot} += found.power;"
        yield from self.meetings.before([], [slot])
        flat = Flat("i", self.task.labels(slot), self.task.sizes)
        yield self._loop(flat, f"t[{place} + i] = scaled(t[{place} + i], found.factor);", size)
        yield "}"

    def _handed_over(self) -> Iterator[str]:
        """The results, in the order of their labels."""
        task = self.task
        yield from self.meetings.before(task.results, [])
        yield "if (own < batch) {"
        for number, (slot, start) in enumerate(zip(task.results, task.starts(), strict=True)):
            labels = task.instructions.labels[slot]
            axes, flat, sizes = self._axes(labels)
            there = in_batch(axes, sizes, len(sizes) - 1, flat, start)
            order = task.inner(labels)
            held = task.labels(slot)
            steps = strides(held, task.sizes)
            place = added(
                self._place(slot),
                flat.offset({k: steps[i] for k, i in zip(flat.labels, order, strict=True)})
                if order != held
                else "i",
            )
            yield self._loop(flat, f"results[{there}] = t[{place}];")
            yield f"if (lane == 0) powers[{number} * batch + b] = e{slot};"
        yield "if (lane == 0) fine[b] = !lost;"
        yield "}"

    def _entry(self, slot: int, *loops: Flat) -> str:
        """An entry of a slot, at the loops' variables."""
        steps = strides(self.task.labels(slot), self.task.sizes)
        offsets = (flat.offset(steps) for flat in loops)
        return f"{self._array(slot)}[{added(self._place(slot), *offsets)}]"

    def _array(self, slot: int) -> str:
        return "t" if slot in self.arena.places else f"x{slot}"

    def _place(self, slot: int) -> int:
        return self.arena.places.get(slot, 0)

    def _loop(self, flat: Flat, body: str, size: int | None = None) -> str:
        """A loop whose turns the threads of a team share."""
        count = flat.count if size is None else size
        head = f"for (int i = lane; i < {count}; i += {self.width})"
        return f"#pragma unroll 1\n{head} {{ {body} }}"
