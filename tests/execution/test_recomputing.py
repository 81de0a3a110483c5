"""Gradients whose intermediates are computed again: the same numbers, in the memory predicted."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tnlearn as tnl
from random_networks import Case, as_array, cases
from tnlearn.errors import MemoryLimitError
from tnlearn.execution.recomputing import reordered, sweep_of
from tnlearn.planning import judge_of
from tnlearn.planning.recomputation import scheduled
from tnlearn.planning.sweep import load_of
from tnlearn_backends.numpy_backend.native.tape import write_tape


def ising(graph: nx.Graph) -> tnl.TensorNetwork:
    return tnl.Ising(graph, beta=0.4).network()


NETWORKS = {
    "grid of bond 4": lambda: tnl.grid(6, 6, 4, seed=1),
    "grid of bond 9": lambda: tnl.grid(5, 5, 9, seed=1),
    "lattice": lambda: ising(nx.grid_2d_graph(14, 14)),
    "torus": lambda: ising(nx.grid_2d_graph(7, 7, periodic=True)),
    "regular": lambda: ising(nx.random_regular_graph(3, 80, seed=5)),
}


def limited(network: tnl.TensorNetwork, part: float, **plan: Any) -> tnl.Program:
    """A program that has only a part of the memory that its gradient takes whole."""
    whole = tnl.compile(network, plan=replace(tnl.plan(network), memory_limit=2**40, **plan))
    limit = int(whole.gradient_plan.cost.peak_bytes * part)
    return tnl.compile(network, plan=replace(whole.plan, memory_limit=limit))


def runs_again(program: tnl.Program) -> int:
    """How many steps of the gradient run again."""
    recipe = program._recipe.for_gradient()
    backward, again = (
        [*given.forward, *given.backward]
        for given in (recipe._written(True, bool(recipe.plan.sliced)), recipe.lower(True))
    )
    return len(again) - len(backward)


@settings(max_examples=120, deadline=None)
@given(cases(), st.floats(0.3, 1.0), st.booleans())
def test_gradients_of_random_networks(case: Case, part: float, sliced: bool) -> None:
    network = case.network()
    if 0 in case.sizes.values():
        return
    cotangent = as_array(case.cotangent, case.shape(case.output), case.is_complex)
    if len(network.sizes) > 1 and sliced:
        program = limited(network, part, sliced=(1,))
    else:
        program = limited(network, part)
    try:
        value, packed = program.value_and_gradient(case.arrays(), cotangent)
    except MemoryLimitError:
        return
    whole = tnl.compile(network)
    expected, gradient = whole.value_and_gradient(case.arrays(), cotangent)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for found, wanted in zip(program.unpack(packed), whole.unpack(gradient), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("part", [0.8, 0.6])
@pytest.mark.parametrize("name", NETWORKS)
def test_less_memory_gives_the_same_gradient(name: str, part: float) -> None:
    network = NETWORKS[name]()
    program = limited(network, part)
    assert runs_again(program) or program.gradient_plan.cost.slices > 1
    arrays = [tensor.data for tensor in network]
    value, packed = program.log_value_and_gradient(arrays)
    whole = tnl.compile(network)
    expected, gradient = whole.log_value_and_gradient(arrays)
    assert value.log == pytest.approx(expected.log, rel=1e-12)
    for found, wanted in zip(program.unpack(packed), whole.unpack(gradient), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * abs(wanted).max())


def test_some_steps_run_again_and_some_plans_are_sliced() -> None:
    kinds = set()
    for part in (0.9, 0.8, 0.6, 0.45):
        program = limited(tnl.grid(6, 6, 4, seed=1), part)
        kinds.add((runs_again(program) > 0, program.gradient_plan.cost.slices > 1))
    assert (True, False) in kinds
    assert {sliced for _, sliced in kinds} == {False, True}


def test_second_derivatives_keep_the_limit() -> None:
    network = tnl.grid(5, 5, 4, seed=2)
    arrays = [tensor.data for tensor in network]
    plan = tnl.plan(network)
    whole = tnl.compile(network)
    expected, product = whole.hvp(arrays, arrays)
    tight = tnl.compile(network, plan=replace(plan, memory_limit=2 * 10**5))
    found, other = tight.hvp(arrays, arrays)
    assert tight._second_slices.reverse_plan.cost.peak_bytes <= 2 * 10**5
    assert float(found) == pytest.approx(float(expected), rel=1e-12)
    for a, b in zip(tight.unpack(other), whole.unpack(product), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11 * abs(b).max())


@pytest.mark.parametrize("part", [1.0, 0.7, 0.5])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_arena_is_what_was_predicted(name: str, part: float) -> None:
    network = NETWORKS[name]()
    plan = replace(tnl.plan(network), memory_limit=2**40)
    written = tnl.compile(network, plan=plan)._recipe.lower(True)
    load = load_of(sweep_of(written), judge_of(plan), plan.structure, ())
    whole = scheduled(load, float("inf"), 0.0)
    assert whole is not None
    found = scheduled(load, part * whole.peak, 1e9)
    if found is not None:
        arena = write_tape(reordered(written, found.order), None).arena
        assert arena == pytest.approx(found.peak, rel=0.02 if part == 1.0 else 0.2, abs=5000)


def test_what_cannot_fit_is_refused_within_a_second_with_the_numbers() -> None:
    network = ising(nx.grid_2d_graph(20, 20))
    plan = tnl.plan(network)
    for limit, message in ((10**4, "alone take"), (125 * 2**10, "at least")):
        program = tnl.compile(network, plan=replace(plan, memory_limit=limit))
        x = program.pack([tensor.data for tensor in network])
        start = time.process_time()  # Other tests may keep the machine busy.
        with pytest.raises(MemoryLimitError, match=message) as error:
            program.log_value_and_gradient(x)
        assert time.process_time() - start < 1
        assert f"memory limit is {limit / 1024:.1f} KiB" in str(error.value)
        assert "raise memory_limit" in str(error.value)


def test_a_lone_tensor_has_nothing_to_slice() -> None:
    network = tnl.TensorNetwork([tnl.Tensor([1.0, 2.0], "a")])
    program = tnl.compile(network, plan=replace(tnl.plan(network), memory_limit=50))
    with pytest.raises(MemoryLimitError, match=r"at least|alone"):
        program.value_and_gradient([np.ones(2)])


def test_a_gradient_that_needs_no_limit_is_run_as_it_is_written() -> None:
    program = tnl.compile(tnl.grid(4, 4, 3, seed=0))
    recipe = program._recipe
    assert recipe.for_gradient() is recipe
    assert recipe.lower(True) == recipe._written(True, False)


@pytest.mark.parametrize("length", [10, 12, 14])
@pytest.mark.parametrize("part", [0.5, 0.9, 1.0, 1.05])
def test_arenas_of_gradients_keep_a_limit_that_is_hardly_enough(length: int, part: float) -> None:
    """Gaps between tensors that come and go are counted, too."""
    network = tnl.Ising(nx.grid_2d_graph(length, length), beta=0.4).network()
    whole = tnl.compile(network, memory_limit="1GiB").gradient_plan.cost.peak_bytes
    limit = int(part * whole)
    compiled = tnl.compile(network, memory_limit=limit)._slices._compiled
    tape = compiled.reverse.with_gradient._native.sized(None).tape  # type: ignore[attr-defined]
    assert 8 * (tape.arena + tape.results) <= limit
