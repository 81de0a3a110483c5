"""Entries over all of a float's range, signs, zeros and batches, against exact fractions.

The engine may only lose rounding: every entry of the value and of every gradient is compared with
its exact value, relative to the sum of the magnitudes of its terms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import tnlearn as tnl
from tnlearn.backend import Backend

Array = npt.NDArray[Any]


def log_of(value: Fraction) -> float:
    """Natural logarithm of a positive fraction of any size."""
    return math.log(value.numerator) - math.log(value.denominator)


def exact_value(
    terms: list[str], arrays: list[Array], output: str, sizes: dict[str, int]
) -> tuple[Array, Array]:
    """Every entry of the value, and the sum of the magnitudes of its terms."""
    value, magnitude = _zeros(output, sizes), _zeros(output, sizes)
    for at, factors in _assignments(terms, arrays, sizes):
        key = tuple(at[i] for i in output)
        part = math.prod(factors, start=Fraction(1))
        value[key] += part
        magnitude[key] += abs(part)
    return value, magnitude


def exact_log_gradient(
    terms: list[str], arrays: list[Array], output: str, sizes: dict[str, int], value: Array
) -> list[tuple[Array, Array]]:
    """The gradient of sum(log(value)) by each tensor, and the sums of magnitudes."""
    found = [(_zeros(term, sizes), _zeros(term, sizes)) for term in terms]
    for at, factors in _assignments(terms, arrays, sizes):
        weight = 1 / value[tuple(at[i] for i in output)]
        for k, term in enumerate(terms):
            key = tuple(at[i] for i in term)
            part = math.prod((f for j, f in enumerate(factors) if j != k), start=weight)
            found[k][0][key] += part
            found[k][1][key] += abs(part)
    return found


def _zeros(term: str, sizes: dict[str, int]) -> Array:
    return np.full(tuple(sizes[i] for i in term), Fraction(0), dtype=object)


def _assignments(
    terms: list[str], arrays: list[Array], sizes: dict[str, int]
) -> Iterator[tuple[dict[str, int], list[Fraction]]]:
    for positions in product(*(range(size) for size in sizes.values())):
        at = dict(zip(sizes, positions, strict=True))
        yield (
            at,
            [
                Fraction(float(array[tuple(at[i] for i in term)]))
                for array, term in zip(arrays, terms, strict=True)
            ],
        )


def assert_close(found: tnl.LogValue, sums: Array, magnitudes: Array, epsilon: float) -> None:
    for at in np.ndindex(*sums.shape):
        phase, log = float(np.asarray(found.phase)[at]), float(np.asarray(found.log)[at])
        if magnitudes[at] == 0:
            assert (phase, log) == (0, -math.inf)
            continue
        scale = log_of(magnitudes[at])
        relative = phase * math.exp(log - scale) if phase else 0.0
        wanted = float(sums[at] / magnitudes[at])
        # Logarithms near 1000 are themselves rounded to 1e-13, on either side.
        assert relative == pytest.approx(wanted, rel=0, abs=epsilon + 1e-15 * abs(scale) + 2e-12)


def random_case(seed: int) -> tuple[list[str], list[Array], str, dict[str, int]]:
    generator = np.random.default_rng(seed)
    dtype = ("float32", "float64")[seed % 2]
    # As far apart as they can be, or so far that some steps are fine, and some are not.
    decades = {"float32": (37, 10, 4), "float64": (307, 90, 30)}[dtype][seed // 2 % 3]
    sizes = {name: int(generator.integers(1, 4)) for name in "abcde"}
    terms = [
        "".join(generator.choice(list("abcde"), generator.integers(1, 4), replace=False))
        for _ in range(generator.integers(2, 6))
    ]
    used = sorted(set("".join(terms)))
    output = "".join(generator.permutation(used)[: generator.integers(0, 3)])
    arrays = []
    for term in terms:
        shape = tuple(sizes[name] for name in term)
        entries = generator.choice([1, -1], shape) * generator.random(shape)
        entries = entries * 10.0 ** generator.uniform(-decades, decades - 1, shape)
        arrays.append(np.where(generator.random(shape) < 0.15, 0, entries).astype(dtype))
    return terms, arrays, output, {name: sizes[name] for name in used}


@pytest.mark.parametrize("block", range(8))
def test_every_entry_of_value_and_gradient(backend: Backend, block: int) -> None:
    for seed in range(25 * block, 25 * (block + 1)):
        terms, arrays, output, sizes = random_case(seed)
        epsilon = 1e-5 if arrays[0].dtype == np.float32 else 1e-14
        network = tnl.TensorNetwork(
            [tnl.Tensor(a, term) for a, term in zip(arrays, terms, strict=True)], output
        )
        batch = output[0] if output and seed % 3 else None
        value, magnitude = exact_value(terms, arrays, output, sizes)
        program = tnl.compile(network, batch=batch, backend=backend.name)
        assert_close(backend.log_to_host(program.log(arrays)), value, magnitude, epsilon)
        if not all(value.flat):
            with pytest.raises(tnl.TnlearnError, match="zero"):
                program.log_value_and_gradient(arrays, np.ones(value.shape))
            continue
        _, packed = program.log_value_and_gradient(arrays, np.ones(value.shape))
        # Where terms of a value cancel, dividing by it magnifies its rounding.
        loss = max(float(m / abs(v)) for m, v in zip(magnitude.flat, value.flat, strict=True))
        exactly = exact_log_gradient(terms, arrays, output, sizes, value)
        for found, (sums, magnitudes) in zip(
            program.unpack(packed, log=True), exactly, strict=True
        ):
            assert_close(backend.log_to_host(found), sums, magnitudes, epsilon * loss)
