"""Many small networks at once: the whole program of a batch in one launch of an own kernel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from tnlearn.backend import Instructions
from tnlearn.planning.cost import ITEM_BYTES
from tnlearn_backends.array_backend.executable import ArrayExecutable, Inputs
from tnlearn_backends.array_backend.failures import watched
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import Array, device_of
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.ranges import Bounds, Scheduler
from tnlearn_backends.array_backend.reshaping import along
from tnlearn_backends.array_backend.scaled import Scaled
from tnlearn_backends.array_backend.steps import Layout, Product, Step, Sum
from tnlearn_backends.cupy_backend.source import NAME, Kernel, kernel_of

#: Bytes of the memory of one thread, steps and tensors of a program, up to which it is small.
SMALL_BYTES, SMALL_STEPS, SMALL_INPUTS = 2**13, 600, 400
#: Size of a batch that is worth a launch of its own.
LEAST_BATCH = 256
#: What steps that all batch elements share may take, of what is done for one of them.
SHARED = 0.1
#: Threads in a block.
THREADS = 64

#: Starts a kernel: given blocks, threads and arguments (arrays, and whole numbers of 64 bits).
Launch: TypeAlias = Callable[[int, int, Sequence[Any]], None]


class Built(NamedTuple):
    """What starts a kernel, and the bounds of the value that it leaves."""

    launch: Launch
    after: Bounds


class SmallNetworks(ArrayExecutable):
    """A program over arrays whose value is computed by one kernel where it is small.

    Where a batch is small, or an entry might be lost, and for gradients, it runs as any other
    program. See `tnlearn.backend.Executable` for the laws.

    Parameters
    ----------
    build : callable
        Compiles a source and gives what starts the kernel of a name in it.
    """

    def __init__(
        self,
        library: Library,
        instructions: Instructions,
        dtype: str,
        build: Callable[[str, str], Launch],
    ) -> None:
        super().__init__(library, instructions, dtype)
        self._build = build
        self._layout = layout = Layout(instructions)
        self._forward = [layout.step(step) for step in instructions.forward]
        self._kernels: dict[Bounds, Built | None] = {}

    @watched
    def run(self, inputs: Sequence[Scaled], slices: range) -> Scaled:
        """The value, in one launch where it can be."""
        if isinstance(inputs, Inputs) and inputs.bounds is not None and self._is_small:
            batch = self._batch(inputs)
            found = self._built(inputs.bounds) if batch >= LEAST_BATCH else None
            value = None if found is None else self._at_once(inputs, batch, found)
            if value is not None:
                return value
        return super().run(inputs, slices)

    @cached_property
    def _is_small(self) -> bool:
        program = self._instructions
        if program.batch is None or program.batch not in program.labels[program.value]:
            return False
        if program.sliced or len(program.inputs) > SMALL_INPUTS:
            return False
        if not 0 < len(self._forward) <= SMALL_STEPS:
            return False
        shared, each = self._work(False), self._work(True)
        return shared <= SHARED * each

    def _work(self, in_batch: bool) -> int:
        """Terms of the steps of one batch element, or of those that have no batch."""
        total, layout = 0, self._layout
        for step in self._forward:
            assert isinstance(step, Product | Sum)
            if (layout.batch in layout.labels[step.target]) is in_batch:
                labels = [label for label in layout.labels[step.target] if label != layout.batch]
                total += step.terms * math.prod(layout.sizes[label] for label in labels)
        return total

    def _batch(self, inputs: Sequence[Scaled]) -> int:
        found = (t.mantissa.shape[t.leading] for t in inputs if t.leading is not None)
        return int(next(found, 0))

    def _built(self, bounds: Bounds) -> Built | None:
        """The kernel for inputs within some bounds; None if it takes too much memory."""
        if bounds not in self._kernels:
            kernel, after = self.kernel(bounds)
            size = kernel.arena.entries * ITEM_BYTES[self._dtype]
            small = size <= SMALL_BYTES
            built = Built(self._build(kernel.source, NAME), after) if small else None
            self._kernels[bounds] = built
        return self._kernels[bounds]

    def kernel(self, bounds: Bounds) -> tuple[Kernel, Bounds]:
        """The source for inputs within some bounds, and the bounds of the value."""
        program, layout = self._instructions, self._layout
        given = [bounds] * len(program.inputs)
        unknown = [None] * (len(program.labels) - len(given))
        scheduler = Scheduler(limits(self._dtype), [*given, *unknown], layout, True)
        steps: Sequence[Step] = self._forward
        schedule = scheduler.schedule(steps, self._dtype.startswith("complex"))
        after = schedule.bounds[program.value]
        assert after is not None, "the value is written"
        return kernel_of(schedule.planned, layout, program, self._dtype, True), after

    def _at_once(self, inputs: Sequence[Scaled], batch: int, found: Built) -> Scaled | None:
        """The value of the whole batch; None if an entry might have been lost."""
        program, xp = self._instructions, self._library.xp
        labels, device = program.labels[program.value], device_of(inputs[0].mantissa)
        shape = tuple(batch if i == program.batch else program.sizes[i] for i in labels)
        value = xp.empty(shape, dtype=getattr(xp, self._dtype), device=device)
        powers = xp.empty((batch,), dtype=xp.int64, device=device)
        fine = xp.empty((batch,), dtype=xp.uint8, device=device)
        arrays = [tensor.mantissa for tensor in inputs]
        found.launch(-(-batch // THREADS), THREADS, [*arrays, value, powers, fine, batch])
        if not bool(xp.all(fine)):
            return None
        leading = labels.index(program.batch)
        exponent: Array = along(powers, len(shape), leading)
        # Every input is a factor exactly once, so their exponents add up.
        for tensor in inputs:
            given = tensor.exponent
            if not isinstance(given, int):
                given = along(xp.reshape(given, (-1,)), len(shape), leading)
            exponent = exponent + given
        after = found.after
        return Scaled(value, exponent, after.low, after.high, after.nonnegative, leading)
