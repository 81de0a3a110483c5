"""Best values, their numbers and residues, on every backend that knows such algebras."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from operator import add
from random import Random
from typing import Any

import numpy as np
import pytest

import reference
import tnlearn as tnl
from law_tables import on_host
from laws import SEEDS
from random_networks import random_case
from tnlearn.backend import Algebra, Backend, algebra_of, modulo
from tnlearn.errors import BackendError
from tnlearn_backends.numpy_backend.algebras.inputs import laid

pytestmark = pytest.mark.filterwarnings("error")


def known_or_refused(backend: Backend, algebra: Algebra) -> AbstractContextManager[Any]:
    """A gap is refused, with its reason and a backend that has none."""
    if reason := backend.gaps.get(algebra.kind):
        return pytest.raises(BackendError, match=f"{algebra.name}: {reason}.*backend='numpy'")
    return nullcontext()


@pytest.mark.parametrize("name", ["max-plus", "min-plus", "max-count", "min-count"])
def test_best_values_and_their_numbers(backend: Backend, name: str) -> None:
    """Against a table of all sums: a hyperedge, an open index, a slice."""
    random = np.random.default_rng(0)
    a, b, c = (random.integers(-2, 3, (3, 4)).astype(float) for _ in range(3))
    network = tnl.TensorNetwork(
        [tnl.Tensor(x, t) for x, t in ((a, "ij"), (b, "kj"), (c, "lj"))], "k"
    )
    plan = replace(tnl.plan(network, backend=backend.name), sliced=(1,))
    with known_or_refused(backend, algebra_of(name)):
        found = tnl.contract(network, algebra=name, plan=plan, backend=backend.name)
    if algebra_of(name).kind in backend.gaps:
        return
    got = on_host(backend, found)
    table = (a[:, None, None] + b[None, :, None] + c[None, None]).transpose(1, 0, 2, 3)
    table = table.reshape(3, -1)
    best = table.max(1) if name.startswith("max") else table.min(1)
    ways = (table == best[:, None]).sum(1)
    np.testing.assert_array_equal(got, np.stack([best, ways], 1) if "count" in name else best)


@pytest.mark.parametrize("sliced", [0, 2])
@pytest.mark.parametrize("name", ["max-plus", "min-plus"])
def test_best_values_of_random_networks(backend: Backend, name: str, sliced: int) -> None:
    """Of whole networks, and with slices of whatever indices: to the last bit."""
    best, zero = (max, -math.inf) if name == "max-plus" else (min, math.inf)
    rule = reference.Algebra(best, add, zero, 0.0)
    for seed in SEEDS:
        case = random_case(seed)
        if case.is_complex or 0 in case.sizes.values() or len(case.sizes) < sliced:
            continue
        arrays = case.arrays()
        pairs = zip(arrays, case.terms, strict=True)
        terms = [(dict(np.ndenumerate(array)), term.indices) for array, term in pairs]
        wanted = reference.contract(terms, case.sizes, case.output, rule)
        plan = tnl.plan(case.network(), backend=backend.name)
        chosen = tuple(Random(seed).sample(range(len(case.sizes)), sliced))
        program = tnl.compile(
            case.network(), algebra=name, plan=replace(plan, sliced=chosen), backend=backend.name
        )
        found = on_host(backend, program(arrays))
        for at, value in wanted.items():
            assert found[at] == value, case


def test_residues(backend: Backend) -> None:
    matrix = np.array([[2.0, 3.0], [5.0, 7.0]])
    network = tnl.TensorNetwork([tnl.Tensor(matrix, "ij"), tnl.Tensor(matrix, "jk")], "ik")
    with known_or_refused(backend, modulo(11)):
        got = tnl.contract(network, algebra=modulo(11), backend=backend.name)
    if "modular" in backend.gaps:
        return
    np.testing.assert_array_equal(on_host(backend, got), matrix @ matrix % 11)


def test_each_of_many_tensors_is_at_hand() -> None:
    """Walks down a long chain look at one after another."""
    tensors = [np.full((1 + k % 3, 2), float(k)) for k in range(20_000)]
    inputs = laid(tensors)
    begun = time.process_time()
    assert all((inputs[k] == tensor).all() for k, tensor in enumerate(tensors))
    assert inputs[-1].shape == tensors[-1].shape
    assert len(inputs[5:9]) == 4
    assert time.process_time() - begun < 3
