"""Small steps that are alike run together: as few starts as were planned, and the same answers."""

from __future__ import annotations

from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tnlearn as tnl
from law_tables import DTYPES, on_host
from tnlearn.backend import Backend
from tnlearn.planning.rounds import in_rounds
from tnlearn.planning.structure import structure_of
from tnlearn_backends.array_backend import grouping, recording, sweeps
from tnlearn_backends.array_backend.backend import ArrayBackend
from tnlearn_backends.array_backend.grouping import Group, Item
from tnlearn_backends.array_backend.ranges import Measure
from tnlearn_backends.array_backend.steps import Product

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]


@pytest.fixture
def arrays_of(backend: Backend) -> Backend:
    if not isinstance(backend, ArrayBackend):
        pytest.skip(f"{backend.name} has an executor of its own")
    return backend


@pytest.fixture
def schedules(monkeypatch: pytest.MonkeyPatch) -> list[list[Item]]:
    """What every sweep was put together to."""
    found: list[list[Item]] = []

    def noted(*given: Any) -> list[Item]:
        found.append(grouping.grouped(*given))
        return found[-1]

    monkeypatch.setattr(sweeps, "grouped", noted)
    return found


def products(items: list[Item]) -> int:
    """Starts of products."""
    return sum(isinstance(grouping.members(item)[0].step, Product) for item in items)


def chain(count: int, dtype: str = "float64", scale: float = 1.0) -> tnl.TensorNetwork:
    """A ring's worth of random 2 x 2 matrices, open at one end."""
    random = np.random.default_rng(0)
    arrays = random.normal(size=(count, 2, 2)) * scale
    if dtype.startswith("complex"):
        arrays = arrays + 1j * random.normal(size=(count, 2, 2)) * scale
    tensors = [tnl.Tensor(a.astype(dtype), (k, k + 1)) for k, a in enumerate(arrays)]
    return tnl.TensorNetwork(tensors, (0, count))


NETWORKS = {
    "a chain": chain(300),
    "a ring": tnl.Ising(nx.cycle_graph(200), 0.7, 0.3).network(),
    "a tree": tnl.Ising(nx.balanced_tree(2, 6), 0.7, 0.3).network(),
    "a lattice": tnl.Ising(nx.grid_2d_graph(8, 8), 0.4).network(),
    "a cubic graph": tnl.Ising(nx.random_regular_graph(3, 40, seed=0), 0.4, 0.1).network(),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_as_few_starts_as_planned(
    arrays_of: Backend, schedules: list[list[Item]], network: tnl.TensorNetwork
) -> None:
    program = tnl.compile(network, backend=arrays_of.name)
    program.log([tensor.data for tensor in network])
    assert products(schedules[-1]) == program.plan.cost.starts < len(program.plan.pairs) / 2


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_gradients_in_as_few_starts_as_planned(
    arrays_of: Backend, schedules: list[list[Item]], network: tnl.TensorNetwork
) -> None:
    program = tnl.compile(network, backend=arrays_of.name)
    ones = np.ones([network.sizes[index] for index in network.output])
    program.log_value_and_gradient([tensor.data for tensor in network], ones)
    steps = [grouping.members(item)[0].step for items in schedules[-2:] for item in items]
    found = sum(not isinstance(step, Measure) for step in steps)
    # Tensors that are scaled on the way, which depends on their entries, may be a level later.
    planned = program.gradient_plan.cost.starts
    assert planned <= found <= 1.25 * planned
    assert found < 2 * len(program.plan.pairs)  # Of three times as many steps.


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_the_same_answers_as_one_by_one(
    arrays_of: Backend, monkeypatch: pytest.MonkeyPatch, dtype: str, scale: float
) -> None:
    """Values and gradients far outside the range of a float, from stacks and one by one."""
    network = chain(150, dtype, scale).fix({0: 0, 150: 1})
    arrays = [tensor.data for tensor in network]
    answers = []
    for alone in (False, True):
        if alone:
            monkeypatch.setattr(sweeps, "grouped", lambda planned, layout, freed: list(planned))
        program = tnl.compile(network, backend=arrays_of.name)
        log, gradient = program.log_value_and_gradient(arrays)
        slopes = program.unpack(gradient, log=True)
        answers.append([on_host(arrays_of, v.log) for v in (log, *slopes)])
        answers[-1] += [on_host(arrays_of, v.phase) for v in (log, *slopes)]
    for found, wanted in zip(*answers, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e4 * DTYPES[dtype])


def test_rounds_take_from_the_stacks_before(
    arrays_of: Backend, schedules: list[list[Item]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first round of a chain copies its tensors together."""
    # What is recorded may stack by functions of its own.
    monkeypatch.setattr(recording, "LEAST_OPERATIONS", 10**9)
    network = chain(256)
    program = tnl.compile(network, backend=arrays_of.name)
    x = program.pack([tensor.data for tensor in network])
    wanted = program.log(x)
    rows = []
    xp = arrays_of.library.xp  # type: ignore[attr-defined]
    stack = xp.stack
    monkeypatch.setattr(xp, "stack", lambda arrays, **axis: rows.append(1) or stack(arrays, **axis))
    again = tnl.compile(network, backend=arrays_of.name)
    np.testing.assert_array_equal(
        on_host(arrays_of, again.log(x).log), on_host(arrays_of, wanted.log)
    )
    groups = sum(isinstance(item, Group) for item in schedules[-1])
    assert len(rows) == 2 < groups


def test_what_would_hold_too_much_is_left_in_its_order(
    arrays_of: Backend, schedules: list[list[Item]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All small results at once are more than the order holds, and here more than there is room."""
    monkeypatch.setattr(grouping, "ROOM", 0)
    network = NETWORKS["a lattice"]
    tnl.compile(network, backend=arrays_of.name).log([tensor.data for tensor in network])
    assert not any(isinstance(item, Group) for item in schedules[-1])


def test_a_batch_is_not_stacked(arrays_of: Backend, schedules: list[list[Item]]) -> None:
    """Its size is free, so nobody knows what a stack would hold."""
    random = np.random.default_rng(0)
    arrays = random.normal(size=(40, 3, 2, 2))
    tensors = [tnl.Tensor(a, ("b", k, k + 1)) for k, a in enumerate(arrays)]
    network = tnl.TensorNetwork(tensors, ("b", 0, 40))
    program = tnl.compile(network, batch="b", backend=arrays_of.name)
    found = on_host(arrays_of, program(list(arrays)))
    wanted = [np.linalg.multi_dot(arrays[:, k]) for k in range(3)]
    np.testing.assert_allclose(found, wanted, rtol=1e-11)
    assert not any(isinstance(item, Group) for item in schedules[-1])
    assert program.plan.cost.starts == len(program.plan.pairs) == products(schedules[-1])


# Orders in rounds


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(0, 10**6), st.booleans())
def test_rounds_join_all_of_a_tree_and_never_make_more_than_is_there(
    count: int, seed: int, field: bool
) -> None:
    tree = nx.random_labeled_tree(count, seed=seed)
    network = tnl.Ising(tree, 0.7, 0.3 if field else 0.0).network()
    structure, _ = structure_of(network)
    path = in_rounds(structure)
    assert path is not None
    used = [k for pair in path for k in pair]
    assert sorted(used) == list(range(2 * len(network) - 2))
    made = list(map(structure.elements, structure.reduced))
    plan = tnl.plan(network, backend="strict", search="fast")
    for first, second in path:
        made.append(max(made[first], made[second]))
    assert plan.cost.width <= np.log2(max(made))


@pytest.mark.parametrize("count", [2, 3, 100, 1000])
def test_a_chain_takes_a_logarithm_of_rounds(count: int) -> None:
    structure, _ = structure_of(chain(count))
    path = in_rounds(structure)
    assert path is not None
    level = [0] * count
    for first, second in path:
        level.append(max(level[first], level[second]) + 1)
    # One that is left over in a round may wait for the next.
    assert level[-1] <= np.ceil(np.log2(count)) + 1


def test_loops_have_no_such_order() -> None:
    assert in_rounds(structure_of(tnl.grid(4, 4, 3, seed=0))[0]) is None
