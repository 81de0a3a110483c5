"""A small program without loops: one thread for a batch element, every entry in a register.

Nothing is read but the arrays that are given, once, and nothing written but the results: on a
device such a kernel is as fast as the arrays can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from tnlearn.backend import Labels
from tnlearn.planning.cost import ITEM_BYTES
from tnlearn_backends.array_backend.grouping import touched
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.ranges import Measure, fresh
from tnlearn_backends.array_backend.steps import Product, Spread, Sum, Total
from tnlearn_backends.cupy_backend.indexing import entry_in_batch, strides
from tnlearn_backends.cupy_backend.task import Task, source

#: Products, and 32-bit words of tensors at once, up to which a program is written out. A thread
#: has 255 registers of a word each; what is beyond them lies in the first cache.
PRODUCTS, WORDS = 2**12, 2**9


def fits(task: Task) -> bool:
    """Whether a program is small enough to be written out."""
    terms = 0
    for step, _ in task.planned:
        if isinstance(step, Spread | Total):
            return False
        if isinstance(step, Product | Sum):
            terms += step.terms * task.entries(step.target)
    words = ITEM_BYTES[task.dtype] // 4
    return terms <= PRODUCTS and _most(task) * words <= WORDS


def written_out(task: Task) -> str:
    """The source of the kernel."""
    body = [
        "const long long b = (long long)blockIdx.x * blockDim.x + threadIdx.x;",
        "if (b >= batch) return;",
        "int lost = 0;",
        *_Writer(task).lines(),
    ]
    return source(task, body)


def _most(task: Task) -> int:
    """Most entries that are held at once; what is read again is kept."""
    slots = {slot for one in task.planned for slot in touched(one)}
    held: set[int] = set()
    most = 0
    for one, dead in zip(task.planned, task.dead(slots), strict=True):
        held.update(touched(one))
        most = max(most, sum(map(task.entries, held)))
        held.difference_update(dead)
    return most


class _Writer:
    """Writes steps entry by entry; `names` are those of the entries of a slot, in its order."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.names: dict[int, list[str]] = {}
        self.count = 0

    def lines(self) -> Iterator[str]:
        """The whole program."""
        for step, _ in self.task.planned:
            match step:
                case Product(target, first, second):
                    yield from self._read(first.slot)
                    yield from self._read(second.slot)
                    yield from self._made(target, (first.slot, second.slot))
                case Sum(target, origin):
                    yield from self._read(origin)
                    yield from self._made(target, (origin,))
                case Measure(slot):
                    yield from self._read(slot)
                    yield from self._measured(slot)
        yield from self._handed_over()

    def _read(self, slot: int) -> Iterator[str]:
        """An array that is given, where it is first read."""
        if slot in self.names:
            return
        task = self.task
        labels = task.instructions.labels[slot]
        places = (
            entry_in_batch(labels, task.sizes, task.batch, k) for k in range(task.entries(slot))
        )
        self.names[slot] = [f"x{slot}[{there}]" for there in places]
        yield f"int e{slot} = 0;"

    def _made(self, target: int, read: Sequence[int]) -> Iterator[str]:
        """Sums of products of the entries that were read."""
        labels = self.task.labels(target)
        summed = dict.fromkeys(i for slot in read for i in self.task.labels(slot))
        gone = tuple(label for label in summed if label not in labels)
        names = []
        for at in self._positions(labels):
            terms = [
                " * ".join(self._name(slot, at | further) for slot in read)
                for further in self._positions(gone)
            ]
            name = self._new()
            names.append(name)
            yield f"number {name} = {terms[0]};" + "".join(f" {name} += {t};" for t in terms[1:])
        self.names[target] = names
        yield f"int e{target} = {' + '.join(f'e{slot}' for slot in read)};"

    def _measured(self, slot: int) -> Iterator[str]:
        """A tensor with its largest entry of order one."""
        lowest = fresh(limits(self.task.dtype), self.task.loose)
        found = f"m{self.count}"
        yield f"extent {found} = nothing();"
        yield " ".join(f"look({found}, {name});" for name in self.names[slot])
        yield f"lost |= measured({found}, {lowest}); e{slot} += {found}.power;"
        scaled = [self._new() for _ in self.names[slot]]
        for name, old in zip(scaled, self.names[slot], strict=True):
            yield f"const number {name} = scaled({old}, {found}.factor);"
        self.names[slot] = scaled

    def _handed_over(self) -> Iterator[str]:
        """The results, in the order of their labels."""
        task = self.task
        for number, (slot, start) in enumerate(zip(task.results, task.starts(), strict=True)):
            labels = task.instructions.labels[slot]
            for k, at in enumerate(self._positions(task.inner(labels))):
                there = entry_in_batch(labels, task.sizes, task.batch, k, start)
                yield f"results[{there}] = {self._name(slot, at)};"
            yield f"powers[{number} * batch + b] = e{slot};"
        yield "fine[b] = !lost;"

    def _positions(self, labels: Labels) -> Iterator[dict[int, int]]:
        """All positions of some labels, the last running fastest."""
        for at in product(*(range(self.task.sizes[label]) for label in labels)):
            yield dict(zip(labels, at, strict=True))

    def _name(self, slot: int, at: dict[int, int]) -> str:
        steps = strides(self.task.labels(slot), self.task.sizes)
        return self.names[slot][sum(stride * at[label] for label, stride in steps.items())]

    def _new(self) -> str:
        self.count += 1
        return f"v{self.count}"
