"""A whole program as the source of one CUDA kernel: every thread runs it for one batch element.

The schedule is the one that `tnlearn_backends.array_backend.quick` runs, measurements included,
so what is lost to range by one is lost by neither. Tensors are in the thread's own memory, at
places known when the source is written; loops are over constants.
Nothing but functions that NVRTC has built in is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tnlearn.backend import Instructions, Labels
from tnlearn_backends.array_backend.powers import limits
from tnlearn_backends.array_backend.ranges import Measure, Planned, fresh
from tnlearn_backends.array_backend.steps import Layout, Product, Sum
from tnlearn_backends.cupy_backend.arena import Arena, arena_of

#: Name of the kernel.
NAME = "tnlearn_program"

#: Turns of the innermost loops that a compiler may write out: of more it takes minutes.
UNROLLED = 4

HEAD = """typedef {real} real;
{number}
__device__ inline void look(real part, real& top, real& least) {{
    part = part < 0 ? -part : part;
    if (part > top) top = part;
    if (part > 0 && part < least) least = part;
}}
"""
REAL = """typedef real number;
__device__ inline number zero() { return 0; }
__device__ inline number scaled(number a, real factor) { return a * factor; }
__device__ inline void looked(number a, real& top, real& least);
"""
COMPLEX = """struct number { real re, im; };
__device__ inline number zero() { number z = {0, 0}; return z; }
__device__ inline number operator*(number a, number b) {
    number c = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    return c;
}
__device__ inline number& operator+=(number& a, number b) {
    a.re += b.re;
    a.im += b.im;
    return a;
}
__device__ inline number scaled(number a, real factor) {
    number b = {a.re * factor, a.im * factor};
    return b;
}
__device__ inline void looked(number a, real& top, real& least);
"""
LOOK = {
    False: "__device__ inline void looked(number a, real& top, real& least) "
    "{ look(a, top, least); }\n",
    True: "__device__ inline void looked(number a, real& top, real& least) "
    "{ look(a.re, top, least); look(a.im, top, least); }\n",
}


class Kernel(NamedTuple):
    """A program as source.

    Attributes
    ----------
    source : str
        Of ``tnlearn_program(inputs..., value, powers, fine, batch)``: pointers to the entries of
        every input and of the value, to one power of two (64 bits) and one byte (whether nothing
        was lost) per batch element; and the size of the batch.
    arena : Arena
        The memory of a thread, in entries.
    """

    source: str
    arena: Arena


def kernel_of(
    planned: Sequence[Planned], layout: Layout, instructions: Instructions, dtype: str, loose: bool
) -> Kernel:
    """The forward steps of a program with a batch as a kernel."""
    inputs, value = len(instructions.inputs), instructions.value
    writer = _Writer(layout, instructions, dtype)
    arena = arena_of(planned, inputs, value, writer.elements)
    body = [line for one in planned for line in writer.step(one, arena, loose)]
    body += writer.result(value)
    names = [f"const number* __restrict__ x{k}" for k in range(inputs)]
    names += ["number* value", "long long* powers", "unsigned char* fine", "long long batch"]
    is_complex = dtype.startswith("complex")
    head = HEAD.format(
        real="float" if dtype in ("float32", "complex64") else "double",
        number=COMPLEX if is_complex else REAL,
    )
    lines = [
        head + LOOK[is_complex],
        f'extern "C" __global__ void {NAME}(',
        "    " + ",\n    ".join(names) + ") {",
        "long long b = (long long)blockIdx.x * blockDim.x + threadIdx.x;",
        "for (; b < batch; b += (long long)gridDim.x * blockDim.x) {",
        f"number t[{max(arena.entries, 1)}];",
        "int lost = 0;",
        *(f"int e{slot} = 0;" for slot in range(inputs)),
        *body,
        "}",
        "}",
        "",
    ]
    return Kernel("\n".join(lines), arena)


class _Writer:
    """Writes steps as loops; `places` are those of slots in the arena, others are inputs."""

    def __init__(self, layout: Layout, instructions: Instructions, dtype: str) -> None:
        self.layout, self.program, self.dtype = layout, instructions, dtype
        self.sizes, self.batch = instructions.sizes, instructions.batch
        self.places: dict[int, int] = {}

    def elements(self, slot: int) -> int:
        """Entries of a slot in one batch element."""
        count = 1
        for label in self._inner(self.layout.labels[slot]):
            count *= self.sizes[label]
        return count

    def step(self, one: Planned, arena: Arena, loose: bool) -> Iterator[str]:
        """A step as lines of source."""
        match one.step:
            case Product() as step:
                yield from self._product(step, arena)
            case Sum() as step:
                yield from self._sum(step, arena)
            case Measure(slot, _):
                yield from self._measure(slot, arena, loose)
            case _:
                raise AssertionError("a forward sweep takes no other steps")

    def result(self, slot: int) -> Iterator[str]:
        """The value to where it is handed over, in the order of its labels."""
        wanted = self.program.labels[slot]
        loops, ends = self._loops(self._inner(wanted))
        at = self._offset(wanted, "batch")
        yield f"{loops}value[{at}] = {self._entry(slot)};{ends}"
        yield f"powers[b] = e{slot};"
        yield "fine[b] = !lost;"

    def _product(self, step: Product, arena: Arena) -> Iterator[str]:
        first, second, target = step.first.slot, step.second.slot, step.target
        made = self._inner(self.layout.labels[target])
        summed = [i for i in self._inner(self.layout.labels[first]) if i not in made]
        term = f"{self._entry(first)} * {self._entry(second)}"
        yield from self._written(target, arena, made, summed, term)
        yield f"int e{target} = e{first} + e{second};"

    def _sum(self, step: Sum, arena: Arena) -> Iterator[str]:
        made = self._inner(step.result)
        summed = [i for i in dict.fromkeys(self._inner(step.axes)) if i not in made]
        yield from self._written(step.target, arena, made, summed, self._entry(step.source))
        yield f"int e{step.target} = e{step.source};"

    def _written(
        self, target: int, arena: Arena, made: Sequence[int], summed: Sequence[int], term: str
    ) -> Iterator[str]:
        self.places[target] = arena.places[target]
        loops, ends = self._loops(made)
        if summed:
            inner, inner_ends = self._loops(summed)
            entry = f"number s = zero(); {inner}s += {term};{inner_ends} {self._entry(target)} = s;"
        else:
            entry = f"{self._entry(target)} = {term};"
        yield f"{loops}{entry}{ends}"

    def _measure(self, slot: int, arena: Arena, loose: bool) -> Iterator[str]:
        labels = list(dict.fromkeys(self._inner(self.layout.labels[slot])))
        loops, ends = self._loops(labels)
        limit = limits(self.dtype)
        here = self._entry(slot)
        self.places[slot] = arena.places[slot]
        there, lowest = self._entry(slot), fresh(limit, loose)
        yield "{"
        yield f"real top = 0, least = scalbn((real)1, {limit.high}); int power = 0;"
        yield f"{loops}looked({here}, top, least);{ends}"
        yield "if (top > 0) frexp(top, &power);"
        # The largest power that a float holds, where the right one is beyond: as in `powers`.
        yield f"real factor = scalbn((real)1, -power < {limit.high} ? -power : {limit.high});"
        yield f"{loops}{there} = scaled({here}, factor);{ends}"
        yield f"if (least * factor < scalbn((real)1, {lowest})) lost = 1;"
        yield f"e{slot} += power;"
        yield "}"

    def _entry(self, slot: int) -> str:
        """An entry of a slot, at the loops' variables."""
        labels = self.layout.labels[slot]
        if slot in self.places:
            return f"t[{self.places[slot]}{self._along(self._inner(labels), '')}]"
        return f"x{slot}[{self._offset(labels, 'batch')}]"

    def _offset(self, labels: Labels, batch: str) -> str:
        """Where an entry is in an array that has the batch along one of its axes."""
        if self.batch not in labels:
            return "0" + self._along(labels, "")
        axis = labels.index(self.batch)
        inner = labels[axis + 1 :]
        size = 1
        for label in inner:
            size *= self.sizes[label]
        outer = self._along(labels[:axis], f" * {size} * {batch}")
        return f"b * {size}{outer}{self._along(inner, '')}"

    def _along(self, labels: Sequence[int], times: str) -> str:
        """What the variables of some axes add to an offset."""
        terms, stride = [], 1
        for label in reversed(labels):
            if self.sizes[label] > 1:
                terms.append(f" + i{label} * {stride}{times}")
            stride *= self.sizes[label]
        return "".join(reversed(terms))

    def _loops(self, labels: Iterable[int]) -> tuple[str, str]:
        """Loops over the positions of some labels, and what closes them."""
        heads, inside = "", 1
        for label in reversed([label for label in labels if self.sizes[label] > 1]):
            size = self.sizes[label]
            inside *= size
            head = f"for (int i{label} = 0; i{label} < {size}; ++i{label}) "
            heads = (head if inside <= UNROLLED else f"\n#pragma unroll 1\n{head}") + heads
        return heads + "{ ", " }"

    def _inner(self, labels: Sequence[int]) -> list[int]:
        """Labels but for the batch."""
        return [label for label in labels if label != self.batch]
