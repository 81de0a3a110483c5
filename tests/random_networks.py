"""Random hypernetworks of small (Gaussian) integers, whose values every float64 holds exactly.

Scalars, traces, copies, disconnected parts, sizes 0 and 1, shared and conjugated parameters, and
outputs in any order all come up. A complex integer is a pair of ints; the algebra of pairs is
`GAUSSIAN`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from random import Random
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

import reference
from reference import Algebra, Entries, Position
from tnlearn.network import Tensor, TensorNetwork

Pair: TypeAlias = tuple[int, int]

GAUSSIAN = Algebra(
    plus=lambda a, b: (a[0] + b[0], a[1] + b[1]),
    times=lambda a, b: (a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]),
    zero=(0, 0),
    one=(1, 0),
)
#: Most positions that the indices of one network have together.
LARGEST = 5000
SIZES = (1, 2, 2, 2, 3, 3)
INTEGERS = (0, 1, 1, -1, 2, -2, 3)
RANKS = (0, 1, 2, 2, 3, 3, 4)


@dataclass(frozen=True)
class Term:
    """A tensor; `owner` is the first term of those that share its entries."""

    entries: dict[Position, Pair]
    indices: str
    owner: int
    is_complex: bool = False
    conj: bool = False


@dataclass(frozen=True)
class Case:
    """A network in plain Python, and a cotangent for its output."""

    label: str
    terms: tuple[Term, ...]
    sizes: dict[str, int]
    output: str
    cotangent: dict[Position, Pair]

    @property
    def is_complex(self) -> bool:
        return any(term.is_complex for term in self.terms)

    def shape(self, indices: str) -> tuple[int, ...]:
        return tuple(self.sizes[i] for i in indices)

    def arrays(self) -> list[np.ndarray[Any, Any]]:
        """The entries of every tensor, before any conjugation."""
        return [as_array(t.entries, self.shape(t.indices), t.is_complex) for t in self.terms]

    def network(
        self, arrays: Sequence[np.ndarray[Any, Any]] | None = None, log: bool = False
    ) -> TensorNetwork:
        """The network, perhaps with other entries; tensors of one owner share a parameter."""
        arrays = self.arrays() if arrays is None else arrays
        owners = [term.owner for term in self.terms]
        tensors = [
            Tensor(
                arrays[term.owner],
                term.indices,
                parameter=f"p{term.owner}" if owners.count(term.owner) > 1 else None,
                conj=term.conj,
                log=log,
            )
            for term in self.terms
        ]
        return TensorNetwork(tensors, self.output)

    def value(self) -> dict[Position, Pair]:
        return reference.contract(self._entered(), self.sizes, self.output, GAUSSIAN)

    def gradient(self) -> list[dict[Position, Pair]]:
        """For every term, the sum over all that share its entries."""
        parts = reference.gradient(
            self._entered(), self.sizes, self.output, self.cotangent, GAUSSIAN
        )
        total: dict[int, dict[Position, Pair]] = {}
        for term, part in zip(self.terms, parts, strict=True):
            own = _conjugated(part) if term.conj and term.is_complex else part
            old = total.get(term.owner, dict.fromkeys(own, (0, 0)))
            total[term.owner] = {at: GAUSSIAN.plus(old[at], own[at]) for at in own}
        return [total[term.owner] for term in self.terms]

    def magnitudes(self) -> Case:
        """The same network with every integer replaced by a non-negative one."""
        terms = [
            replace(t, is_complex=False, entries={k: (abs(a) + abs(b), 0) for k, (a, b) in items})
            for t in self.terms
            for items in [t.entries.items()]
        ]
        cotangent = {k: (abs(a) + abs(b), 0) for k, (a, b) in self.cotangent.items()}
        return replace(self, terms=tuple(terms), cotangent=cotangent)

    def _entered(self) -> list[tuple[Entries, str]]:
        return [(_conjugated(t.entries) if t.conj else t.entries, t.indices) for t in self.terms]


def as_array(
    entries: Mapping[Position, Pair], shape: tuple[int, ...], is_complex: bool
) -> np.ndarray[Any, Any]:
    """The array of these entries; raises where a float64 would not be exact."""
    array = np.zeros(shape, np.complex128 if is_complex else np.float64)
    for at, (real, imaginary) in entries.items():
        if max(abs(real), abs(imaginary)) >= 2**53 or (imaginary and not is_complex):
            raise ValueError(f"{real} + {imaginary}i is not exact in {array.dtype}")
        array[at] = complex(real, imaginary) if is_complex else real
    return array


def random_case(seed: int) -> Case:
    """The network of one seed."""
    return draw_case(Random(seed), f"seed {seed}")


def draw_case(random: Random, label: str) -> Case:
    """A network of up to 8 tensors of rank 0 to 4."""
    sizes = _draw_sizes(random)
    complex_network = random.random() < 0.4
    terms: list[Term] = []
    for k in range(random.randint(1, 8)):
        if terms and random.random() < 0.25:
            terms.append(_draw_copy(random, random.choice(terms), sizes))
        else:
            terms.append(_draw_term(random, sizes, k, complex_network and random.random() < 0.7))
    used = sorted({i for term in terms for i in term.indices})
    output = "".join(random.sample(used, random.randint(0, len(used))))
    sizes = {i: sizes[i] for i in used}
    case = Case(label, tuple(terms), sizes, output, {(): (1, 0)})
    if not output:
        return case
    return replace(case, cotangent=_draw_entries(random, case.shape(output), case.is_complex))


def cases() -> st.SearchStrategy[Case]:
    """The same networks as a hypothesis strategy, which shrinks them."""
    return st.randoms(use_true_random=False).map(lambda random: draw_case(random, "hypothesis"))


def _draw_sizes(random: Random) -> dict[str, int]:
    sizes: dict[str, int] = {}
    total = 1
    for index in "abcdefghi"[: random.choice((0, 2, 3, 4, 5, 6, 7, 8, 9))]:
        size = random.choice(SIZES)
        sizes[index] = size if total * size <= LARGEST else 1
        total *= sizes[index]
    if sizes and random.random() < 0.08:
        sizes[random.choice(sorted(sizes))] = 0
    return sizes


def _draw_term(random: Random, sizes: dict[str, int], owner: int, is_complex: bool) -> Term:
    names = sorted(sizes)
    rank = random.choice(RANKS) if names else 0
    if rank <= len(names) and random.random() < 0.7:
        indices = "".join(random.sample(names, rank))
    else:
        indices = "".join(random.choice(names) for _ in range(rank))
    entries = _draw_entries(random, tuple(sizes[i] for i in indices), is_complex)
    return Term(entries, indices, owner, is_complex, conj=random.random() < 0.2)


def _draw_copy(random: Random, first: Term, sizes: dict[str, int]) -> Term:
    """A tensor that shares the entries of `first`, on any indices of the same sizes."""
    alike = [[i for i in sorted(sizes) if sizes[i] == sizes[own]] for own in first.indices]
    indices = "".join(random.choice(names) for names in alike)
    return replace(first, indices=indices, conj=random.random() < 0.5)


def _draw_entries(random: Random, shape: tuple[int, ...], is_complex: bool) -> dict[Position, Pair]:
    values = (0,) if random.random() < 0.01 else INTEGERS
    return {
        at: (random.choice(values), random.choice(values) if is_complex else 0)
        for at in product(*map(range, shape))
    }


def _conjugated(entries: Mapping[Position, Pair]) -> dict[Position, Pair]:
    return {at: (a, -b) for at, (a, b) in entries.items()}
