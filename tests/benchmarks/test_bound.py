"""The bound of a row: the work of its plan, and what the machine can do."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import networks
from benchmarks.bound import Bound, Rates, Work, bound, measure_rates, work_of
from benchmarks.instances import Instance, numbered
from benchmarks.orders import search
from fake_peers import TINY
from tnlearn import Plan


def plan_of(instance: Instance, memory: int | None = None) -> Plan:
    return search(instance, "tnlearn", 0, None, 0.0, memory).plan


@pytest.mark.parametrize("name", TINY)
def test_the_work_of_the_value_is_that_of_the_plan(name: str) -> None:
    instance = TINY[name].build(0)
    plan = plan_of(instance)
    work = work_of(instance, plan, "value")
    assert (work.flops, work.bytes) == (plan.cost.flops, plan.cost.bytes_moved)


def test_slices_are_counted() -> None:
    instance = networks.ising(networks.lattice(8), 0.4, 0)
    plan = plan_of(instance, memory=6000)
    assert plan.cost.slices > 1
    assert work_of(instance, plan, "value").flops == plan.cost.flops


def product(constants: tuple[int, ...]) -> Instance:
    """x A B as numbers of known sizes: x (1, 3) by A (3, 5), and that by b (5)."""
    random = np.random.default_rng(0)
    arrays = [random.random(3), random.random((3, 5)), random.random(5)]
    return numbered([("i",), ("i", "j"), ("j",)], [arrays], constants=constants)


def test_the_gradient_costs_a_product_for_each_factor_that_varies() -> None:
    value = work_of(product(()), plan_of(product(())), "value")
    assert (value.flops, value.bytes) in (
        (2 * (15 + 5), 8 * (3 + 15 + 5 + 5 + 5 + 1)),
        (2 * (15 + 3), 8 * (15 + 5 + 3 + 3 + 3 + 1)),
    )
    all_vary = work_of(product(()), plan_of(product(())), "gradient")
    assert (all_vary.flops, all_vary.bytes) == (3 * value.flops, 3 * value.bytes)
    held = work_of(product((0, 2)), plan_of(product((0, 2))), "gradient")
    assert (held.flops, held.bytes) == (2 * value.flops, 2 * value.bytes)
    nothing = work_of(product((0, 1, 2)), plan_of(product(())), "gradient")
    assert nothing == value


def test_the_longer_time_is_the_bound() -> None:
    rates = Rates(flops=10.0, bytes=2.0)
    assert bound(Work(100, 6), rates) == Bound(flops=10.0, bytes=3.0)
    assert (bound(Work(100, 6), rates).seconds, bound(Work(100, 6), rates).by) == (10.0, "flops")
    assert (bound(Work(10, 6), rates).seconds, bound(Work(10, 6), rates).by) == (3.0, "bytes")


def test_rates_are_those_of_a_computer() -> None:
    single, double = measure_rates("float32"), measure_rates("float64")
    assert 1e9 < double.flops < single.flops < 1e14
    assert 1e9 < double.bytes < 1e13
