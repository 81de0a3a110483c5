"""Walking back through a forward sweep: what every step read and made, the last step first.

The sweep is divided into blocks. Each is run again from what was kept at its beginning, and kept
whole while its steps are walked; see `tnlearn.planning.blocks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from tnlearn.backend import (
    Backend,
    Executable,
    Input,
    Instruction,
    Instructions,
    Scaled,
    sources,
)
from tnlearn.execution.crew import Submits
from tnlearn.execution.packed import Packed
from tnlearn.execution.recipe import Compiled, Recipe
from tnlearn.execution.recomputing import moved, sweep_of
from tnlearn.execution.slices import Slices
from tnlearn.planning import Block, fit_blocks, judge_of
from tnlearn.values import LogValue


@dataclass(frozen=True, eq=False)
class Record:
    """Tensors of one forward sweep, by the slots of `instructions`."""

    instructions: Instructions
    slots: Mapping[int, Scaled]
    executable: Executable

    def entries(self, slot: int, where: Sequence[Any]) -> LogValue:
        """The entries of a slot's tensor at ``where``, an integer array for every axis."""
        return self.executable.entries(self.slots[slot], where)

    def plain(self, slot: int) -> Any:
        """A slot's tensor as an array of plain numbers."""
        return self.executable.plain(self.slots[slot])


class Walker:
    """The forward sweep of a program, within its memory limit, slice by slice."""

    def __init__(
        self, recipe: Recipe, backend: Backend, progress: bool, executor: Submits | None
    ) -> None:
        whole = recipe.lower(with_gradient=False)
        plan = recipe.plan
        judge, limit = judge_of(plan, recipe.batch), plan.memory_limit
        sliced, self._block = fit_blocks(judge, sweep_of(whole), plan.pairs, plan.sliced, limit)
        compiled = Compiled(replace(recipe, plan=replace(plan, sliced=sliced)), backend)
        self.instructions = compiled.instructions
        self._slices = Slices(compiled, progress, executor)
        self._executable, self._to_host = compiled.value, backend.to_host
        self._compile = compiled.compile
        self._runs: dict[tuple[int, int], _Part] = {}

    @property
    def count(self) -> int:
        """How many slices there are."""
        return self.instructions.slices

    def position(self, number: int) -> dict[int, int]:
        """Where the sliced indices are held in a slice."""
        sizes = [size for _, size in self.instructions.sliced]
        at = np.unravel_index(number, sizes) if sizes else ()
        pairs = zip(self.instructions.sliced, at, strict=True)
        return {label: int(k) for (label, _), k in pairs}

    def parts(self, x: Packed) -> list[Any]:
        """The values of all slices as plain numbers on the host."""
        found = self._executable.unpack(self._slices.parts(x.tensors))
        return [self._to_host(part) for part in found]

    def log_parts(self, x: Packed) -> list[LogValue]:
        """The values of all slices as logarithms."""
        return [self._executable.log(part) for part in self._slices.parts(x.tensors)]

    def back(self, x: Packed, number: int) -> tuple[Record, Iterator[tuple[Instruction, Record]]]:
        """Run one slice: a record with its value, and its steps from the last to the first.

        The record that comes with a step has what it read; it is gone when the next one is there.
        """
        inputs = self._cutter.record(x.tensors, number)[: len(x.tensors)]
        tensors = dict(enumerate(inputs))
        steps = self._back(self._block, tensors)
        first = next(steps, None)
        if first is None:
            return self._record(tensors), iter(())
        return first[1], chain([first], steps)

    def _back(
        self, block: Block, before: dict[int, Scaled]
    ) -> Iterator[tuple[Instruction, Record]]:
        if block.parts:
            kept = [before]
            for part in block.parts[:-1]:
                kept.append(self._forward(part, kept[-1]))
            for part in reversed(block.parts):
                yield from self._back(part, kept.pop())
            return
        tensors = before | self._made(block, before)
        record = self._record(tensors)
        for step in reversed(self.instructions.forward[block.first : block.last]):
            yield step, record
        tensors.clear()  # Whoever walks holds the record still, while the next block is made.

    def _forward(self, block: Block, before: dict[int, Scaled]) -> dict[int, Scaled]:
        """What is read after a block: its results, and what was there before."""
        found = before
        for part in block.parts:
            found = self._forward(part, found)
        if not block.parts:
            found = before | self._made(block, before)
        later = self.instructions.forward[block.last :]
        wanted = set(chain.from_iterable(map(sources, later)))
        return {slot: tensor for slot, tensor in found.items() if slot in wanted}

    def _made(self, block: Block, before: dict[int, Scaled]) -> dict[int, Scaled]:
        """All that a block makes."""
        at = block.first, block.last
        if block.first == block.last:
            return {}
        if at not in self._runs:
            self._runs[at] = _Part(self.instructions, *at, self._compile)
        return self._runs[at].run(before)

    def _record(self, tensors: dict[int, Scaled]) -> Record:
        return Record(self.instructions, tensors, self._executable)

    @cached_property
    def _cutter(self) -> Executable:
        """Cuts the inputs for a slice, and does nothing else."""
        return self._compile(replace(self.instructions, forward=(), value=0))


class _Part:
    """Some of the forward steps of a slice, as a program of their own."""

    def __init__(self, whole: Instructions, first: int, last: int, compile: Any) -> None:
        steps = whole.forward[first:last]
        self._targets = [step.target for step in steps]
        made = set(self._targets)
        reads = dict.fromkeys(slot for step in steps for slot in sources(step))
        self._reads = [slot for slot in reads if slot not in made]
        slots = [*self._reads, *self._targets]
        now = {slot: number for number, slot in enumerate(slots)}
        value = len(slots) - 1
        part = replace(
            whole,
            inputs=tuple(Input(str(slot), False, False) for slot in self._reads),
            labels=(*(whole.labels[slot] for slot in slots), whole.labels[slots[-1]]),
            sliced=(),
            forward=tuple(moved(step, now) for step in steps),
            value=value,
            seed=value + 1,
            gradients=(None,) * len(self._reads),
        )
        self._executable: Executable = compile(part)

    def run(self, before: Mapping[int, Scaled]) -> dict[int, Scaled]:
        """What the steps make of what was there before."""
        given = [before[slot] for slot in self._reads]
        made = self._executable.record(given)[len(given) :]
        return dict(zip(self._targets, made, strict=True))
