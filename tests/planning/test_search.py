"""Our own search: starts, refinement, the order of steps, and what they are judged by."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
import time
from random import Random
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.backend import Machine
from tnlearn.errors import MemoryLimitError
from tnlearn.network import as_network
from tnlearn.planning import Structure, structure_of
from tnlearn.planning.cost import cost_of
from tnlearn.planning.elimination import elimination_path
from tnlearn.planning.given import from_linear
from tnlearn.planning.refinement import Refinement
from tnlearn.planning.schedule import least_memory
from tnlearn.planning.scoring import Judge
from tnlearn.planning.walk import walk

ABACUS = Machine("an abacus", flops=1000.0, bandwidth=100.0, latency=10.0, small_flops=10.0)


def structure(*terms: str, output: str = "", **sizes: int) -> Structure:
    """Indices are letters, of size 2 unless given."""
    shapes = [[sizes.get(i, 2) for i in term] for term in terms]
    tensors = [tnl.Tensor(np.ones(s), tuple(t)) for s, t in zip(shapes, terms, strict=True)]
    return structure_of(tnl.TensorNetwork(tensors, tuple(output)))[0]


def bipartite(visible: int, hidden: int) -> tnl.TensorNetwork:
    """A matrix between every visible and every hidden index."""
    pairs = itertools.product(range(visible), range(hidden))
    return tnl.TensorNetwork([tnl.Tensor(np.ones((2, 2)), (f"v{i}", f"h{j}")) for i, j in pairs])


def lattice(side: int) -> tnl.TensorNetwork:
    return as_network(tnl.Ising(nx.grid_2d_graph(side, side), beta=0.44))


def random_structure(seed: int) -> Structure:
    """Tensors of no, one or several of a few indices, some on many and some open."""
    random = Random(seed)
    indices = "abcdefgh"[: random.randint(1, 8)]
    terms = [
        "".join(random.sample(indices, random.randint(0, min(3, len(indices)))))
        for _ in range(random.randint(1, 12))
    ]
    used = sorted(set("".join(terms)))
    sizes = {i: random.choice((1, 2, 3, 10)) for i in used}
    return structure(*terms, output="".join(i for i in used if random.random() < 0.2), **sizes)


# Seconds


def test_seconds_are_those_counted_by_hand() -> None:
    """8x8x8 is a matrix product of 1024 operations and 1536 bytes; 8x8x7 is none."""
    for wide, product in ((8, True), (7, False)):
        found = structure("ij", "jk", output="ik", i=8, j=8, k=wide)
        cost = cost_of(found, walk(found, [(0, 1)]), (), "float64", ABACUS)
        operations, moved = 2 * 64 * wide, 8 * (64 + 16 * wide)
        rate = 1000 if product else 10
        assert cost.seconds == pytest.approx(operations / rate + moved / 100 + 10)
        assert cost.flops == operations


def test_a_machine_of_one_rate_takes_it_for_all_steps() -> None:
    machine = Machine("one", 100.0, 1e9, 1e-9)
    assert machine.seconds(0, 0, 0, "float64", small=50.0) == 0.5
    assert machine.seconds(50.0, 0, 0, "float32") == 0.25


def test_an_order_beyond_all_numbers_has_infinite_seconds() -> None:
    terms = [f"{chr(300 + k)}" for k in range(400)]
    found = structure(*terms, output="".join(terms), **dict.fromkeys(terms, 10))
    cost = cost_of(found, walk(found, from_linear([(0, 1)] * 399, 400)), (), "float64", ABACUS)
    assert cost.seconds == cost.flops == math.inf


# Starts


@pytest.mark.parametrize("seed", range(200))
def test_elimination_joins_all_tensors(seed: int) -> None:
    found = random_structure(seed)
    for random in (None, Random(seed)):
        path = elimination_path(found, random)
        assert path is not None
        walk(found, path)


def test_elimination_sees_what_pairs_of_tensors_hide() -> None:
    """Hidden indices are summed one by one: nothing larger than all visible ones and one more."""
    found, _ = structure_of(bipartite(8, 20))
    path = elimination_path(found)
    assert path is not None
    assert max(found.elements(pair.result) for pair in walk(found, path)) <= 2**9
    assert tnl.plan(bipartite(8, 20), search="fast").cost.width <= 9


@pytest.mark.parametrize("side", [6, 10])
def test_elimination_of_a_lattice_is_about_as_wide_as_the_lattice(side: int) -> None:
    found, _ = structure_of(lattice(side))
    path = elimination_path(found)
    assert path is not None
    assert max(found.elements(pair.result) for pair in walk(found, path)) <= 2 ** (side + 1)


def test_elimination_gives_up_where_all_meet_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tnlearn.planning.elimination.MOST_PAIRS", 100)
    found, _ = structure_of(bipartite(8, 20))
    assert elimination_path(found) is None
    assert tnl.plan(bipartite(3, 4), search="fast", cache=False).path


# Refinement


def test_refinement_never_makes_an_order_worse_and_mostly_better() -> None:
    found, _ = structure_of(lattice(8))
    judge = Judge(found, "float64", ABACUS)
    path = from_linear([(0, 1)] * (len(found.inputs) - 1), len(found.inputs))
    tree = Refinement(judge, path)
    seconds = [tree.seconds]
    for _ in range(6):
        gain = tree.improve(seed=0)
        assert gain == 1 - tree.seconds / seconds[-1]
        seconds.append(tree.seconds)
        assert judge.seconds(tree.path) == tree.seconds
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[-1] < seconds[0] / 10


def test_a_default_order_of_a_lattice_is_refined() -> None:
    """What a 50 s search by cotengra reaches on it is 0.28 ms."""
    network = lattice(14)
    fast = tnl.plan(network, search="fast")
    balanced = tnl.plan(network, cache=False)
    assert balanced.cost.seconds < fast.cost.seconds / 2
    assert balanced.cost.seconds < 1.5 * 0.28e-3


def test_small_networks_are_planned_in_no_time() -> None:
    network = as_network(tnl.Ising(nx.grid_2d_graph(6, 6), beta=0.4))
    assert 55 <= len(network) <= 65
    tnl.plan(network, search="fast", cache=False)
    start = time.process_time()
    for _ in range(5):
        tnl.plan(network, search="fast", cache=False)
    assert time.process_time() - start < 5 * 0.02


def test_a_fast_plan_does_not_import_cotengra() -> None:
    program = (
        "import sys, tnlearn as tnl; tnl.plan(tnl.grid(4, 4, 2), search='fast')\n"
        "sys.exit('cotengra' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_refined_plan_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "import tnlearn as tnl; network = tnl.grid(6, 6, 4, seed=0)\n"
        "print(tnl.plan(network).path, tnl.plan(network, memory_limit=200_000).sliced)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("0", "1", "2")
    ]
    printed = {process.communicate(timeout=60)[0] for process in started}
    assert len(printed) == 1
    assert len(printed.pop()) > 100


def test_seconds_are_kept() -> None:
    network = lattice(10)
    tnl.plan(network, search=0.01, cache=False)  # Imports what is needed.
    start = time.monotonic()
    plan = tnl.plan(network, search=0.5, cache=False)
    assert plan.order == "searched (0.5 s)"
    assert time.monotonic() - start < 2
    assert plan.cost.seconds <= tnl.plan(network, search="fast").cost.seconds


# Orders without loops


@pytest.mark.parametrize("sizes", [(8, 3, 2, 8, 8, 2), (8, 2, 8, 8, 3, 2), (2, 9, 3)])
def test_a_small_ring_of_bonds_of_many_sizes_is_contracted_as_dp_does(
    sizes: tuple[int, ...],
) -> None:
    """Cut open anywhere and contracted from one end, it takes up to four times the flops."""
    bonds = [(k, (k + 1) % len(sizes)) for k in range(len(sizes))]
    tensors = [tnl.Tensor(np.ones([sizes[i] for i in bond]), bond) for bond in bonds]
    network = tnl.TensorNetwork(tensors)
    best = tnl.plan(network, search="dp").cost.flops
    assert tnl.plan(network).cost.flops <= 1.3 * best


# The order of steps


@pytest.mark.parametrize("seed", range(100))
def test_the_steps_in_another_order_are_the_same_steps(seed: int) -> None:
    found = random_structure(seed)
    count = len(found.inputs)
    random = Random(seed)
    linear = [random.sample(range(left), 2) for left in range(count, 1, -1)]
    pairs = walk(found, from_linear(linear, count))
    moved = least_memory(found, pairs)
    assert moved == walk(found, [(pair.first, pair.second) for pair in moved])
    before, after = (cost_of(found, p, (), "float64", ABACUS) for p in (pairs, moved))
    assert sorted(pair[2:] for pair in moved) == sorted(pair[2:] for pair in pairs)
    assert after.flops == before.flops
    assert after.bytes_moved == before.bytes_moved


def postorders(pairs: Any, count: int) -> list[list[tuple[int, int]]]:
    """Every order of the steps, brute force, each with its own numbers."""
    found = []
    for order in itertools.permutations(range(len(pairs))):
        number = {k: k for k in range(count)}
        path = []
        for place, step in enumerate(order):
            a, b = pairs[step][:2]
            if a not in number or b not in number:
                break
            path.append((number[a], number[b]))
            number[count + step] = count + place
        else:
            found.append(path)
    return found


@pytest.mark.parametrize("seed", range(30))
def test_the_peak_is_nearly_the_least_of_all_orders(seed: int) -> None:
    """Depth first is not always the least (Liu 1987), but it is never far above."""
    random = Random(seed)
    terms = ["".join(random.sample("abcdef", 2)) for _ in range(6)]
    sizes = {i: random.choice((2, 5, 20)) for i in "abcdef"}
    found = structure(*terms, output="af" if {"a", "f"} <= set("".join(terms)) else "", **sizes)
    linear = [random.sample(range(left), 2) for left in range(6, 1, -1)]
    pairs = walk(found, from_linear(linear, 6))

    def peak(steps: Any) -> int:
        return cost_of(found, steps, (), "float64", ABACUS).peak_bytes

    least = min(peak(walk(found, path)) for path in postorders(pairs, 6))
    assert least <= peak(least_memory(found, pairs)) <= 1.1 * least


def test_the_branch_that_needs_more_runs_first() -> None:
    """Whatever is held from one branch is held while the other runs."""
    found = structure("p", "q", "e", "ef", "fp", output="q", p=30, q=30, e=90, f=90)
    pairs = walk(found, [(0, 1), (2, 3), (6, 4), (5, 7)])
    moved = least_memory(found, pairs)
    assert [pair[:2] for pair in moved] == [(2, 3), (5, 4), (0, 1), (7, 6)]


# Paths of others


def test_a_path_is_numbered_as_lists_would() -> None:
    random = Random(0)
    for _ in range(100):
        count = random.randint(1, 30)
        left, live, made, steps = count, [*range(count)], count, []
        expected = []
        while left > 1:
            step = random.sample(range(left), 2)
            expected.append(tuple(live[p] for p in sorted(step)))
            live = [n for p, n in enumerate(live) if p not in step] + [made]
            steps.append(step)
            left, made = left - 1, made + 1
        assert list(from_linear(steps, count)) == expected


def test_a_long_path_is_read_quickly() -> None:
    count = 30_000
    path = [(0, left // 2) for left in range(count, 1, -1)]
    start = time.process_time()
    from_linear(path, count)
    assert time.process_time() - start < 2


# Memory


@pytest.mark.parametrize("options", [{"search": "fast"}, {}, {"search": "thorough"}])
def test_what_cannot_fit_is_refused_quickly(options: dict[str, Any]) -> None:
    network = tnl.grid(12, 12, 8)
    for limit in ("1MiB", "4MiB"):
        start = time.process_time()
        with pytest.raises(MemoryLimitError, match=r"needs|alone take"):
            tnl.plan(network, memory_limit=limit, cache=False, **options)
        assert time.process_time() - start < 2


def test_a_large_lattice_is_refused_without_slicing_it() -> None:
    """However it is cut, no tensor is smaller than its part of the largest."""
    model = tnl.Ising(nx.grid_2d_graph(60, 60), beta=0.3, field=0.1)
    start = time.process_time()
    with pytest.raises(MemoryLimitError, match=r"1,073,741,824 slices still take"):
        tnl.plan(model, memory_limit="1GiB", cache=False)
    assert time.process_time() - start < 5


def test_half_the_memory_takes_few_slices() -> None:
    network = tnl.grid(8, 8, 4, seed=0)
    whole = tnl.plan(network).cost
    half = tnl.plan(network, memory_limit=whole.peak_bytes // 2).cost
    assert half.slices <= 16
    assert half.seconds < 4 * whole.seconds


def test_no_index_is_sliced_in_vain() -> None:
    network = tnl.grid(6, 6, 4, seed=0)
    whole = tnl.plan(network)
    for part in (2, 3):
        limit = whole.cost.peak_bytes // part
        plan = tnl.plan(network, memory_limit=limit)
        judge = plan.structure, plan.pairs
        for index in plan.sliced:
            fewer = [i for i in plan.sliced if i != index]
            assert cost_of(*judge, fewer, plan.dtype, ABACUS).peak_bytes > limit
