"""A program made of a given plan, whole or in slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from small_networks import (
    STRUCTURES,
    Array,
    arrays_of,
    assert_near,
    batch_of,
    build,
    einsum,
)
from tnlearn.errors import (
    MemoryLimitError,
    PlanError,
)

pytestmark = pytest.mark.filterwarnings("error")


def test_a_plan_serves_every_network_of_its_structure() -> None:
    terms, output = STRUCTURES["hyperedge"]
    plan = tnl.plan(build(terms, output, arrays_of(terms)))
    arrays = arrays_of(terms, seed=1)
    network = build(terms, output, arrays).relabel({"a": ("new", 1), "b": 7})
    program = tnl.compile(network, plan=plan)
    assert program.plan is plan
    assert_near(program(arrays), einsum(terms, output, arrays))


@pytest.mark.parametrize(
    ("terms", "output", "dtype"),
    [
        (["ab", "bc"], "ac", "float64"),
        (["ab", "bc", "cd"], "da", "float64"),
        (["ab", "bc", "cd"], "", "float64"),
        (["ab", "bd", "dc"], "ac", "float64"),
        (["ab", "bc", "cd"], "ad", "float32"),
        (["ab", "bc", "cd"], "ad", "complex128"),
    ],
)
def test_a_plan_for_something_else(terms: list[str], output: str, dtype: str) -> None:
    plan = tnl.plan(build(["ab", "bc", "cd"], "ad", arrays_of(["ab", "bc", "cd"])))
    with pytest.raises(PlanError, match="plan is for 3 tensors in float64"):
        tnl.compile(build(terms, output, arrays_of(terms, dtype)), plan=plan)


def lattice(log: bool = False, shared: bool = False, output: Sequence[Any] = ()) -> Any:
    """A 4 x 4 torus with a tensor on every site and bonds of size 3."""
    graph = nx.grid_2d_graph(4, 4, periodic=True)
    random, size = np.random.default_rng(5), 3
    own = random.uniform(0.5, 1.5, (size,) * 4)
    tensors = []
    for x, y in graph:
        bonds = ((x, y, 0), ((x + 1) % 4, y, 0), (x, y, 1), (x, (y + 1) % 4, 1))
        data = own if shared else random.uniform(0.5, 1.5, (size,) * 4)
        tensors.append(tnl.Tensor(data, bonds, parameter="own" if shared else None, log=log))
    return tnl.TensorNetwork(tensors, output)


@pytest.mark.parametrize(
    ("log", "shared", "output"),
    [
        (False, False, ()),
        (True, False, ()),
        (False, False, ((0, 0, 0), (2, 1, 1))),
        (False, True, ()),
        (True, True, ((0, 0, 0),)),
    ],
)
def test_slices_change_no_answer(log: bool, shared: bool, output: Sequence[Any]) -> None:
    network = lattice(log, shared, output)
    arrays = [tensor.data for tensor in network]
    whole = tnl.compile(network)
    limit = whole.plan.cost.peak_bytes // 2
    sliced = tnl.compile(network, memory_limit=limit)
    assert whole.plan.sliced == ()
    assert sliced.plan.cost.slices > 1
    assert sliced.plan.cost.peak_bytes <= limit
    weight = np.random.default_rng(0).random(network.shape)
    np.testing.assert_allclose(sliced(arrays), whole(arrays), rtol=1e-12)
    np.testing.assert_allclose(sliced.log(arrays).log, whole.log(arrays).log, rtol=1e-13)
    for name in ("value_and_gradient", "log_value_and_gradient"):
        found, wanted = (getattr(program, name)(arrays, weight)[1] for program in (sliced, whole))
        for a, b in zip(sliced.unpack(found), whole.unpack(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11)


def test_slices_see_the_whole_value_before_the_cotangent() -> None:
    network = lattice(output=((0, 0, 0),))
    arrays = [tensor.data for tensor in network]
    sliced = tnl.compile(network, memory_limit=tnl.plan(network).cost.peak_bytes // 2)
    seen: list[Array] = []
    value, _ = sliced.value_and_gradient(arrays, lambda v: seen.append(v) or 1 / v)
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], value)


@pytest.mark.parametrize("size", [0, 1, 2, 5])
@pytest.mark.parametrize("cut", ["a", "d", "ad"])
def test_slices_of_batches(cut: str, size: int) -> None:
    """The size of the batch is free in a sliced plan too."""
    terms, output = ["zab", "bd", "dza", "ad"], "za"
    network = build(terms, output, batch_of(terms, 2))
    plan = tnl.plan(network, batch="z")
    numbers = tuple(list(network.sizes).index(index) for index in cut)
    program = tnl.compile(network, batch="z", plan=replace(plan, sliced=numbers))
    whole = tnl.compile(network, batch="z", plan=plan)
    arrays, weight = batch_of(terms, size, 1), batch_of([output], size, 2)[0]
    assert_near(program(arrays), einsum(terms, output, arrays))
    found, wanted = (p.value_and_gradient(arrays, weight)[1] for p in (program, whole))
    for a, b in zip(program.unpack(found), whole.unpack(wanted), strict=True):
        assert_near(a, b)


def test_a_plan_that_slices_the_batch_is_refused() -> None:
    terms, output = ["za", "ab"], "z"
    network = build(terms, output, batch_of(terms, 2))
    plan = replace(tnl.plan(network), sliced=(0,))
    with pytest.raises(PlanError, match="batch"):
        tnl.compile(network, batch="z", plan=plan)


def test_a_limit_that_nothing_fits() -> None:
    with pytest.raises(MemoryLimitError, match=r"memory limit is 100 B.*memory_limit"):
        tnl.compile(lattice(), memory_limit=100)


def test_a_record_holds_every_tensor() -> None:
    terms, output = ["ab", "bc", "cd"], "ad"
    arrays = arrays_of(terms)
    program = tnl.compile(build(terms, output, arrays))
    record, _ = program.walker.back(program.pack(arrays), 0)
    where = [np.array([0, 1]), np.array([3, 2])]
    found = record.entries(record.instructions.value, where)
    expected = einsum(terms, output, arrays)[[0, 1], [3, 2]]
    assert_near(found.phase * np.exp(found.log), expected)
    for slot, array in enumerate(arrays):
        entry = record.entries(slot, [np.array(0), np.array(1)])
        assert entry.log == pytest.approx(math.log(abs(array[0, 1])))
