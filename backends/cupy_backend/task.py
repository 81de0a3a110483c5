"""What a kernel does for every batch element, and the source around its steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tnlearn.backend import Instructions, Labels, needed
from tnlearn_backends.array_backend.grouping import ends
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.ranges import Bounds, Planned, Scheduler
from tnlearn_backends.array_backend.steps import Layout, read_by
from tnlearn_backends.cupy_backend.indexing import entries
from tnlearn_backends.cupy_backend.prelude import prelude

#: Name of the kernel, and threads in a block of it.
NAME, THREADS = "tnlearn_program", 64


@dataclass(frozen=True)
class Task:
    """Steps, from arrays of a whole batch to others.

    The schedule is the one that `tnlearn_backends.array_backend.quick` runs, measurements
    included, so what is lost to range by one is lost by neither.

    Attributes
    ----------
    planned : tuple of Planned
    given, results : tuple of int
        The slots that are read from arrays, and those that are handed over.
    instructions : Instructions
        Of the program; it has a batch.
    layout : Layout
        The order of the axes of what the steps make.
    dtype : str
    loose : bool
        Tensors may have entries that are zero or far apart.
    """

    planned: tuple[Planned, ...]
    given: tuple[int, ...]
    results: tuple[int, ...]
    instructions: Instructions
    layout: Layout
    dtype: str
    loose: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of every label."""
        return self.instructions.sizes

    @property
    def batch(self) -> int:
        """The label of the batch."""
        assert self.instructions.batch is not None
        return self.instructions.batch

    def inner(self, labels: Sequence[int]) -> Labels:
        """Labels but for the batch."""
        return tuple(label for label in labels if label != self.batch)

    def labels(self, slot: int) -> Labels:
        """Of the axes of a slot as it is held, but for the batch."""
        return self.inner(self.layout.labels[slot])

    def entries(self, slot: int) -> int:
        """Of a slot in one batch element."""
        return entries(self.labels(slot), self.sizes)

    def dead(self, made: Iterable[int]) -> list[tuple[int, ...]]:
        """After every step those of the slots `made` that nothing reads any more."""
        return ends(self.planned, set(made) - set(self.results))

    def starts(self) -> list[int]:
        """Where every result begins, in entries of one batch element."""
        found = [0]
        for slot in self.results:
            found.append(found[-1] + self.entries(slot))
        return found[:-1]


def task_of(
    program: Instructions, dtype: str, bounds: Bounds, seed: Bounds | None
) -> tuple[Task, tuple[Bounds | None, ...]]:
    """The value of inputs within some bounds, or the gradient for a cotangent within others.

    With it the bounds of all slots.
    """
    layout, count = Layout(program), len(program.inputs)
    given: list[Bounds | None] = [None] * len(program.labels)
    given[:count] = [bounds] * count
    instructions, results = program.forward, [program.value]
    if seed is not None:
        given[program.seed] = seed
        instructions += program.backward
        results = list(dict.fromkeys(g for g in program.gradients if g is not None))
    steps = [layout.step(step) for step in needed(instructions, results)]
    scheduler = Scheduler(limits(dtype), given, layout, True)
    schedule = scheduler.schedule(steps, dtype.startswith("complex"))
    read = sorted({slot for step in steps for slot in read_by(step) if given[slot]})
    what = (tuple(read), tuple(results), program, layout, dtype, True)
    return Task(schedule.planned, *what), schedule.bounds


def source(task: Task, body: Iterable[str]) -> str:
    """A kernel: its prelude, its parameters and its body.

    It is called with pointers to the arrays that are given; to the results, one after another and
    each with the batch where it belongs; to a power of two (64 bits) of every result and batch
    element; to one byte per batch element, whether nothing was lost; and with the size of the
    batch.
    """
    names = [f"const number* __restrict__ x{slot}" for slot in task.given]
    names += ["number* results", "long long* powers", "unsigned char* fine", "long long batch"]
    parameters = ",\n    ".join(names)
    lines = [f'extern "C" __global__ void {NAME}(\n    {parameters}) {{', *body, "}", ""]
    return prelude(task.dtype) + "\n".join(lines)
