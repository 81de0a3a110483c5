"""Running a program over its slices, chunk by chunk, and adding up in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any

from tnlearn.backend import Scaled
from tnlearn.execution.blas import one_blas_thread
from tnlearn.execution.crew import Submits, Tensors, in_order
from tnlearn.execution.recipe import Compiled
from tnlearn.execution.work import Run, work_for
from tnlearn.planning import Plan
from tnlearn.progress import progress_bar

#: Chunks into which slices are divided: few enough to cost nothing, and enough for a bar to move
#: and for many workers. Their number depends on nothing else, so that sums have the same bits.
CHUNKS = 64


class Slices:
    """All slices of a program."""

    def __init__(self, compiled: Compiled, progress: bool, executor: Submits | None) -> None:
        self._compiled = compiled
        self._progress = progress
        self._executor = executor

    @cached_property
    def count(self) -> int:
        """How many slices of the value there are."""
        return self._compiled.instructions.slices

    @property
    def reverse_plan(self) -> Plan:
        """The plan of the gradient, which may have more slices."""
        return self._compiled.reverse.recipe.plan

    def pack(self, arrays: Sequence[Any]) -> Tensors:
        """Inputs as the program takes them."""
        return self._compiled.value.pack(arrays, True)

    def value(self, inputs: Sequence[Scaled]) -> Scaled:
        """The sum over all slices."""
        if self.count == 1:
            return self._compiled.value.run(inputs, range(1))
        (total,) = self._sum(Run(self._compiled, inputs))
        return total

    def number(self, inputs: Sequence[Scaled]) -> Any:
        """The same as plain numbers."""
        if self.count == 1:
            return self._compiled.value.number(inputs)
        return self._compiled.value.plain(self.value(inputs))

    def number_and_gradient(self, inputs: Sequence[Scaled], one: Scaled) -> tuple[Any, Tensors]:
        """The same with the gradient, of a closed network; the cotangent is the number one."""
        if self._compiled.reverse.instructions.slices == 1:
            return self._compiled.reverse.with_gradient.number_and_gradient(inputs, one)
        value, gradient = self.value_and_gradient(inputs, lambda _value: one)
        return self._compiled.value.plain(value), gradient

    def parts(self, inputs: Sequence[Scaled]) -> list[Scaled]:
        """The value of every slice alone."""
        run = Run(self._compiled, inputs)
        alone = [range(number, number + 1) for number in range(self.count)]
        with closing(self._results(run, alone)) as results:
            bar = progress_bar(results, "slices", self._progress, len(alone))
            return [part for parts in bar for part in parts if part is not None]

    def value_and_gradient(
        self, inputs: Sequence[Scaled], seed: Callable[[Scaled], Scaled]
    ) -> tuple[Scaled, Tensors]:
        """The value, and the gradient with respect to each input, summed over the slices."""
        reverse = self._compiled.reverse  # Refused before anything runs, if it must be.
        if reverse.instructions.slices == 1:
            return reverse.with_gradient.run_with_gradient(inputs, seed)
        # The cotangent may depend on the whole value, so that is found first.
        value = self.value(inputs)
        self._compiled.value.release()  # The limit is for one arena at a time.
        return value, self._sum(Run(reverse, inputs, seed(value)))

    def _sum(self, run: Run) -> Tensors:
        """The results of all chunks added up, first to last, however they were computed."""
        count = run.compiled.instructions.slices
        length = -(-count // CHUNKS)
        chunks = [range(start, min(start + length, count)) for start in range(0, count, length)]
        add = run.compiled.value.accumulate
        totals: Tensors | None = None
        with closing(self._results(run, chunks)) as results:
            for parts in progress_bar(results, "slices", self._progress, len(chunks)):
                totals = parts if totals is None else add(totals, parts)
        return totals or []

    def _results(self, run: Run, chunks: Sequence[range]) -> Generator[Tensors, None, None]:
        if self._executor is not None:
            yield from in_order(self._executor, work_for(self._executor, run), chunks)
            return
        with one_blas_thread():
            for chunk in chunks:
                yield run.here(chunk)
