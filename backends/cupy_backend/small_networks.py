"""Many small networks at once: the whole program of a batch in one launch of an own kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import NamedTuple

from tnlearn.backend import (
    LEAST_BATCH,
    WHOLE_STEPS,
    WHOLE_TERMS,
    Contract,
    Instructions,
    Reduce,
    sources,
)
from tnlearn_backends.array_backend.executable import ArrayExecutable, Inputs
from tnlearn_backends.array_backend.failures import watched
from tnlearn_backends.array_backend.library import Library
from tnlearn_backends.array_backend.namespaces import Array, device_of, name_of
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.ranges import Bounds, bounds_of
from tnlearn_backends.array_backend.reshaping import along
from tnlearn_backends.array_backend.scaled import Scaled, batch_of
from tnlearn_backends.array_backend.slicing import constantly
from tnlearn_backends.cupy_backend import registers, teams
from tnlearn_backends.cupy_backend.indexing import entries
from tnlearn_backends.cupy_backend.recordable import Launch
from tnlearn_backends.cupy_backend.task import NAME, THREADS, Task, task_of

#: Tensors of a program that is small, at most: a kernel has an argument for each.
SMALL_INPUTS = 400
#: What steps that all batch elements share may take, of what is done for one of them: every
#: thread does them anew.
SHARED = 1.0


class Kernel(NamedTuple):
    """A task as source, and how many batch elements a block takes at a time."""

    source: str
    at_once: int


class Built(NamedTuple):
    """What starts a kernel, its task, and the bounds of all slots after it."""

    launch: Launch
    at_once: int
    task: Task
    bounds: tuple[Bounds | None, ...]


def kernel_of(task: Task) -> Kernel | None:
    """A task in registers if it fits, or else in shared memory; None if it is too large."""
    if registers.fits(task):
        return Kernel(registers.written_out(task), THREADS)
    width = teams.width_of(task)
    if width is None:
        return None
    return Kernel(teams.in_teams(task, width), THREADS // width)


class SmallNetworks(ArrayExecutable):
    """A program over arrays that is one kernel where it is small, and another for its gradient.

    Where a batch is small, or an entry might be lost, or the gradient is a sum over the batch, it
    runs as any other program. See `tnlearn.backend.Executable` for the laws.

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
        self._kernels: dict[tuple[Bounds, Bounds | None], Built | None] = {}

    @watched
    def run(self, inputs: Sequence[Scaled], slices: range) -> Scaled:
        """The value, in one launch where it can be."""
        value = self._value(inputs)
        return super().run(inputs, slices) if value is None else value

    @watched
    def run_with_gradient(
        self, inputs: Sequence[Scaled], cotangent: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, Sequence[Scaled | None]]:
        """The value in one launch, and the gradient in another, which has the value once more."""
        value = self._value(inputs) if self._has_own_gradients else None
        if value is None:
            return super().run_with_gradient(inputs, cotangent)
        seed = self._beside(cotangent(value), value)
        gradient = self._gradient(inputs, seed)
        if gradient is None:
            # The cotangent that was asked for already may have been of consequence.
            return super().run_with_gradient(inputs, partial(constantly, seed))
        return value, gradient

    @cached_property
    def _is_small(self) -> bool:
        program = self._instructions
        if program.batch is None or program.batch not in program.labels[program.value]:
            return False
        if program.sliced or len(program.inputs) > SMALL_INPUTS:
            return False
        if any(size == 0 for k, size in enumerate(program.sizes) if k != program.batch):
            return False
        if any(labels.count(program.batch) > 1 for labels in program.labels):
            return False
        if not 0 < len(program.forward) <= WHOLE_STEPS:
            return False
        # A second derivative goes on with the sums and diagonals of a reverse sweep.
        if not all(isinstance(step, Contract | Reduce) for step in program.forward):
            return False
        shared, each = self._work(False), self._work(True)
        return shared <= SHARED * each and each <= WHOLE_TERMS

    @cached_property
    def _has_own_gradients(self) -> bool:
        """Whether no step of the reverse sweep adds up batch elements."""
        program = self._instructions
        labels, batch = program.labels, program.batch
        found = [slot for slot in program.gradients if slot is not None]
        sums = any(
            batch in labels[slot] and batch not in labels[step.target]
            for step in program.backward
            for slot in sources(step)
        )
        return bool(found) and not sums and all(batch in labels[slot] for slot in found)

    def _work(self, in_batch: bool) -> int:
        """Terms of the steps of one batch element, or of those that have no batch."""
        program, total = self._instructions, 0
        for step in program.forward:
            if (program.batch in program.labels[step.target]) is in_batch:
                slots = (step.target, *sources(step))
                labels = {label for slot in slots for label in program.labels[slot]}
                total += entries(tuple(labels - {program.batch}), program.sizes)
        return total

    def _value(self, inputs: Sequence[Scaled]) -> Scaled | None:
        """The value of a batch that is large enough; None where another way must be taken."""
        found = self._found(inputs, None)
        if found is None:
            return None
        values = self._launched(found, dict(enumerate(inputs)))
        if values is None:
            return None
        return self._times(values[0], inputs)  # Every input is a factor exactly once.

    def _gradient(self, inputs: Sequence[Scaled], seed: Scaled) -> list[Scaled | None] | None:
        """The gradient of inputs whose exponents are all zero; None as above."""
        seeded = bounds_of([seed], limits(self._dtype))
        plain = isinstance(inputs, Inputs) and inputs.bounds is not None and inputs.bounds.plain
        if seeded is None or not plain or name_of(seed.mantissa.dtype) != self._dtype:
            return None
        found = self._found(inputs, seeded)
        if found is None:
            return None
        given = {**dict(enumerate(inputs)), self._instructions.seed: seed}
        tensors = self._launched(found, given)
        if tensors is None:
            return None
        by_slot = {
            slot: self._times(tensor, [seed])
            for slot, tensor in zip(found.task.results, tensors, strict=True)
        }
        return [None if slot is None else by_slot[slot] for slot in self._instructions.gradients]

    def _times(self, tensor: Scaled, factors: Sequence[Scaled]) -> Scaled:
        """A tensor with the exponents of some factors, whose mantissas it has already."""
        powers = [factor.exponent for factor in factors]
        exponent: Array = tensor.exponent
        # Numbers are added on the host: to add one to an array is a launch.
        if whole := sum(power for power in powers if isinstance(power, int)):
            exponent = exponent + whole
        for power in powers:
            if not isinstance(power, int):
                flat = self._library.xp.reshape(power, (-1,))
                exponent = exponent + along(flat, tensor.mantissa.ndim, tensor.leading)
        return tensor._replace(exponent=exponent)

    def _found(self, inputs: Sequence[Scaled], seed: Bounds | None) -> Built | None:
        """The kernel for some inputs, if there is one."""
        if not (isinstance(inputs, Inputs) and inputs.bounds is not None and self._is_small):
            return None
        return self._built(inputs.bounds, seed) if batch_of(inputs) >= LEAST_BATCH else None

    def _built(self, bounds: Bounds, seed: Bounds | None) -> Built | None:
        """The kernel for inputs within some bounds; None if it takes too much memory."""
        key = (bounds, seed)
        if key not in self._kernels:
            task, after = task_of(self._instructions, self._dtype, bounds, seed)
            kernel = kernel_of(task)
            self._kernels[key] = None
            if kernel is not None:
                launch = self._build(kernel.source, NAME)
                self._kernels[key] = Built(launch, kernel.at_once, task, after)
        return self._kernels[key]

    def _launched(self, found: Built, given: Mapping[int, Scaled]) -> list[Scaled] | None:
        """The results of the whole batch; None if an entry might have been lost."""
        task, xp, batch = found.task, self._library.xp, batch_of(given.values())
        device, dtype = device_of(given[0].mantissa), getattr(xp, self._dtype)
        starts = task.starts()
        size = starts[-1] + task.entries(task.results[-1])
        flat = xp.empty((size * batch,), dtype=dtype, device=device)
        powers = xp.empty((len(starts), batch), dtype=xp.int64, device=device)
        fine = xp.empty((batch,), dtype=xp.uint8, device=device)
        arrays = [given[slot].mantissa for slot in task.given]
        blocks = -(-batch // found.at_once)
        found.launch(blocks, THREADS, [*arrays, flat, powers, fine, batch])
        if not bool(xp.all(fine)):
            return None
        tensors = []
        for number, (slot, start) in enumerate(zip(task.results, starts, strict=True)):
            labels, bounds = task.instructions.labels[slot], found.bounds[slot]
            assert bounds is not None, "all results are written"
            shape = tuple(batch if i == task.batch else task.sizes[i] for i in labels)
            part = flat[start * batch : (start + task.entries(slot)) * batch]
            leading = labels.index(task.batch)
            power = along(powers[number, :], len(shape), leading)
            fields = (bounds.low, bounds.high, bounds.nonnegative, leading)
            tensors.append(Scaled(xp.reshape(part, shape), power, *fields))
        return tensors
