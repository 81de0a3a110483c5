"""Plans: exact orders without loops, every way to search, costs by hand, slices that fit."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterable
from dataclasses import FrozenInstanceError, replace
from itertools import permutations
from random import Random
from typing import Any, TypeAlias

import cotengra
import numpy as np
import opt_einsum
import pytest

import tnlearn as tnl
from tnlearn.backend import get_backend
from tnlearn.errors import MemoryLimitError, NetworkError, PlanError
from tnlearn.planning.cost import cost_of
from tnlearn.planning.memory import as_bytes, available_bytes

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

MANY = 100_000


def network_of(terms: Iterable[tuple[Hashable, ...]], output: Any = ()) -> tnl.TensorNetwork:
    """Tensors of ones with these indices, all of size 2."""
    ones = {rank: np.ones((2,) * rank) for rank in range(6)}
    return tnl.TensorNetwork([tnl.Tensor(ones[len(term)], term) for term in terms], output)


def elements(plan: tnl.Plan) -> list[int]:
    """Entries of every intermediate."""
    return [plan.structure.elements(pair.result) for pair in plan.pairs]


# Networks without loops


def chain(count: int) -> list[tuple[Hashable, ...]]:
    return [(0,), *((k, k + 1) for k in range(count - 2)), (count - 2,)]


def binary_tree(count: int) -> list[tuple[Hashable, ...]]:
    below = [tuple(c for c in (2 * k + 1, 2 * k + 2) if c < count) for k in range(count)]
    return [below[0], *((k, *below[k]) for k in range(1, count))]


def pairs(count: int) -> list[tuple[Hashable, ...]]:
    return [(k // 2,) for k in range(count)]


def caterpillar(count: int) -> list[tuple[Hashable, ...]]:
    """A chain with a vector on every bond, so that each bond is a hyperedge of three tensors."""
    half = count // 2
    return [*chain(half), *((k,) for k in range(half - 1)), (0,)]


WITHOUT_LOOPS = {
    "chain": (chain, MANY),
    "tree": (binary_tree, MANY),
    "star on one index": (lambda count: [("hub",)] * count, MANY),
    "forest of pairs": (pairs, MANY),
    "scalars": (lambda count: [()] * count, 10_000),
    "hyperedges of three": (caterpillar, 10_000),
}


@pytest.mark.parametrize(("terms", "count"), WITHOUT_LOOPS.values(), ids=WITHOUT_LOOPS)
def test_large_networks_without_loops_have_exact_orders(
    terms: Callable[[int], list[tuple[Hashable, ...]]], count: int
) -> None:
    network = network_of(terms(count))
    plan = tnl.plan(network)
    largest = max(t.data.size for t in network)
    assert len(network) == count
    assert plan.order == "exact for trees and rings"
    assert len(plan.path) == len(plan.pairs) == count - 1
    assert max(elements(plan)) <= largest
    assert plan.cost.width == math.log2(largest)
    # From the leaves inwards, no step costs more than reading its larger tensor.
    assert plan.cost.flops <= 2 * largest * count


def test_a_large_ring_is_cut_once() -> None:
    plan = tnl.plan(network_of([(k, (k + 1) % MANY) for k in range(MANY)]))
    assert plan.order == "exact for trees and rings"
    assert len(plan.path) == MANY - 1
    assert max(elements(plan)) == 4
    assert plan.cost.flops == 2 * (8 * (MANY - 2) + 4)


def test_a_large_star_with_open_ends_of_one_position() -> None:
    shapes = [(2, 1) if k < 3 else (2,) for k in range(1000)]
    tensors = [
        tnl.Tensor(np.ones(shape), ("hub", k)[: len(shape)]) for k, shape in enumerate(shapes)
    ]
    plan = tnl.plan(tnl.TensorNetwork(tensors, (2, 0, 1)))
    assert max(elements(plan)) == 2


def random_tree(seed: int) -> tnl.TensorNetwork:
    """A tree with bonds of many sizes, some of them on three or more tensors."""
    random = Random(seed)
    terms: list[list[int]] = [[]]
    sizes: list[int] = []
    for k in range(1, random.randint(2, 12)):
        parent = random.randrange(k)
        if not terms[parent] or random.random() < 0.7:
            terms[parent].append(len(sizes))
            sizes.append(random.choice((1, 2, 3, 5)))
        terms.append([random.choice(terms[parent])])
    random.shuffle(terms)
    generator = np.random.default_rng(seed)
    tensors = [tnl.Tensor(generator.normal(size=[sizes[i] for i in t]), t) for t in terms]
    return tnl.TensorNetwork(tensors)


@pytest.mark.parametrize("seed", range(60))
def test_no_intermediate_of_a_tree_is_larger_than_a_tensor(seed: int) -> None:
    network = random_tree(seed)
    plan = tnl.plan(network)
    assert plan.order == "exact for trees and rings"
    assert max(elements(plan)) <= max(t.data.size for t in network)
    expected = float(tnl.contract(network, search="greedy"))
    assert float(tnl.contract(network)) == pytest.approx(expected, rel=1e-12)


def test_a_chain_of_open_legs_is_contracted_towards_the_widest() -> None:
    network = tnl.TensorNetwork(
        [
            tnl.Tensor(np.ones((2, 3)), ("a", 0)),
            tnl.Tensor(np.ones((3, 3)), (0, 1)),
            tnl.Tensor(np.ones((3, 9, 3)), (1, "b", 2)),
            tnl.Tensor(np.ones(3), (2,)),
        ],
        ("a", "b"),
    )
    plan = tnl.plan(network)
    assert plan.order == "exact for trees and rings"
    assert plan.structure.elements(plan.pairs[0].result) < 3 * 9
    assert elements(plan)[-1] == 2 * 9


@pytest.mark.parametrize("order", [(0, *rest) for rest in permutations((1, 2, 3))])
def test_the_widest_branch_is_absorbed_first(order: tuple[int, ...]) -> None:
    """The centre of 2 x 3 x 5 entries is read whole by the bond of 5, then 2 x 3, then 2."""
    sizes = {"a": 2, "b": 3, "c": 5}
    terms = [tuple(sizes), *sizes]
    shapes = [[sizes[i] for i in term] for term in terms]
    tensors = [tnl.Tensor(np.ones(shapes[k]), tuple(terms[k])) for k in order]
    assert tnl.plan(tnl.TensorNetwork(tensors)).cost.flops == 2 * (30 + 6 + 2)


@pytest.mark.parametrize(("path", "terms"), [((), [(0, 1)]), (((0, 1),), [(0,), (1,)])])
def test_the_smallest_networks(path: Any, terms: Any) -> None:
    assert tnl.plan(network_of(terms)).path == path


def test_a_grid_has_loops() -> None:
    assert tnl.plan(tnl.grid(2, 3, 2)).order == "searched (balanced)"


# Ways to search

GRID = tnl.grid(4, 4, 3, seed=0)
VALUE = float(tnl.contract(GRID))

#: Made afresh for each network, as optimizers of opt_einsum ask.
SEARCHES: dict[str, Callable[[], Any]] = {
    "fast": lambda: "fast",
    "balanced": lambda: "balanced",
    "thorough": lambda: "thorough",
    "seconds": lambda: 0.05,
    "no seconds": lambda: 0,
    "greedy by name": lambda: "greedy",
    "auto by name": lambda: "auto",
    "dp by name": lambda: "dp",
    "a function": lambda: opt_einsum.paths.greedy,
    "RandomGreedy": lambda: opt_einsum.RandomGreedy(max_repeats=4),
    "DynamicProgramming": lambda: opt_einsum.DynamicProgramming(),
    "GreedyOptimizer": lambda: cotengra.GreedyOptimizer(),
    "RandomGreedyOptimizer": lambda: cotengra.RandomGreedyOptimizer(max_repeats=4, seed=0),
    "HyperOptimizer": lambda: cotengra.HyperOptimizer(
        methods=["greedy"], optlib="random", max_repeats=4, parallel=False, progbar=False
    ),
}


@pytest.mark.parametrize("make", SEARCHES.values(), ids=SEARCHES)
def test_every_search_gives_a_plan_of_the_same_value(make: Callable[[], Any]) -> None:
    plan = tnl.plan(GRID, search=make())
    assert len(plan.path) == len(GRID) - 1
    program = tnl.compile(GRID, plan=plan)
    assert float(program([t.data for t in GRID])) == pytest.approx(VALUE, rel=1e-12)


@pytest.mark.parametrize("make", SEARCHES.values(), ids=SEARCHES)
@pytest.mark.parametrize("output", ["", "ij", "xh"])
def test_every_search_takes_traces_hyperedges_and_open_indices(
    make: Callable[[], Any], output: str
) -> None:
    terms = ["ijh", "jkh", "kih", "kk", "h", "x", ""]
    arrays = [np.random.default_rng(len(term)).normal(size=(2,) * len(term)) for term in terms]
    equation = f"{','.join(terms)}->{output}"
    expected = np.einsum(equation, *arrays)
    found = tnl.contract(equation, *arrays, search=make())
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_longer_search_is_never_worse() -> None:
    network = tnl.grid(6, 6, 2, seed=0)
    fast, balanced, thorough = (
        tnl.plan(network, search=search).cost.seconds for search in ("fast", "balanced", "thorough")
    )
    assert fast >= balanced >= thorough
    assert fast > thorough


def test_the_name_of_the_search_is_in_the_plan() -> None:
    assert tnl.plan(GRID, search="fast").order == "searched (fast)"
    assert tnl.plan(GRID, search="dp").order == "dp"
    assert tnl.plan(GRID, search=opt_einsum.DynamicProgramming()).order == "DynamicProgramming"
    assert tnl.plan(tnl.chain(3, 2), search=[(0, 1), (0, 1)]).order == "given"


def test_the_same_seed_gives_the_same_plan() -> None:
    network = tnl.grid(7, 7, 2, seed=0)
    found = [tnl.plan(network, search="fast", seed=seed) for seed in (*range(6), *range(6))]
    assert found[:6] == found[6:]
    assert len({plan.path for plan in found}) > 1


def test_the_plan_does_not_depend_on_the_hash_seed() -> None:
    program = (
        "import tnlearn as tnl; network = tnl.grid(6, 6, 2, seed=0)\n"
        "renamed = network.relabel({index: str(index) for index in network.sizes})\n"
        "print(hash('a') % 2**20, tnl.plan(renamed, search='fast').path,"
        " tnl.plan(renamed, memory_limit=7000).sliced, tnl.plan(tnl.tree(4, 2)).path)"
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
    printed = [process.communicate(timeout=60)[0].partition(" ") for process in started]
    assert len({hashed for hashed, _, _ in printed}) == 3, "the hashes should differ"
    assert len({plans for _, _, plans in printed}) == 1
    assert len(printed[0][2]) > 100


# Explicit paths

THREE = network_of([("i", "j"), ("j", "k"), ("k", "i")])

PATHS: dict[str, tuple[Any, Any]] = {
    "pairs": ([(0, 1), (0, 1)], ((0, 1), (2, 3))),
    "the last two": (((1, 2), (0, 1)), ((1, 2), (0, 3))),
    "all at once": ([(0, 1, 2)], ((0, 1), (3, 2))),
    "alone first": ([(0,), (0, 1), (0, 1)], ((1, 2), (0, 3))),
    "alone last": ([[0, 1], [0, 1], [0]], ((0, 1), (2, 3))),
    "an array": (np.array([[0, 1], [0, 1]]), ((0, 1), (2, 3))),
}


@pytest.mark.parametrize(("given", "path"), PATHS.values(), ids=PATHS)
def test_a_path_of_steps_of_any_length(given: Any, path: Any) -> None:
    plan = tnl.plan(THREE, search=given)
    assert plan.path == path
    assert float(tnl.contract(THREE, search=given)) == 8


def test_a_path_of_opt_einsum_is_taken_as_it_is() -> None:
    network = tnl.grid(3, 3, 2, seed=1)
    shapes = [t.shape for t in network]
    letters = {index: opt_einsum.get_symbol(k) for k, index in enumerate(network.sizes)}
    equation = ",".join("".join(letters[i] for i in t.indices) for t in network) + "->"
    path, info = opt_einsum.contract_path(equation, *shapes, shapes=True, optimize="dp")
    plan = tnl.plan(network, search=path)
    assert max(elements(plan)) == info.largest_intermediate


WRONG_SEARCHES: dict[str, tuple[Any, str]] = {
    "out of range": ([(0, 3)], r"step \(0, 3\) of the path is out of range: 3 tensors are left"),
    "negative": ([(-1, 0)], r"step \(-1, 0\) of the path is out of range"),
    "empty step": ([()], r"step \(\) of the path is out of range"),
    "one too many": ([(0, 1)] * 3, "out of range: 1 tensors are left"),
    "one too few": ([(0, 1)], "the path leaves 2 tensors; it must join them all into one"),
    "empty": ([], "the path leaves 3 tensors"),
    "itself": ([(0, 0), (0, 1)], "."),
    "unknown name": ("nonsense", r"search='nonsense' is unknown: give 'fast', 'balanced', .*sec"),
}
#: Not even of a kind that a search can be.
STRANGE_SEARCHES: dict[str, tuple[Any, str]] = {
    "itself at the end": ([(0, 1), (1, 1)], "step"),
    "no steps": ([0, 1], "step"),
    "letters": ([("a", "b")], "step"),
    "None": (None, "search=None is unknown"),
}


@pytest.mark.parametrize(("search", "text"), WRONG_SEARCHES.values(), ids=WRONG_SEARCHES)
def test_a_wrong_search_says_what_is_wrong(search: Any, text: str) -> None:
    with pytest.raises(PlanError, match=text):
        tnl.plan(THREE, search=search)


@pytest.mark.parametrize(("search", "text"), STRANGE_SEARCHES.values(), ids=STRANGE_SEARCHES)
def test_a_wrong_search_of_a_wrong_kind(search: Any, text: str) -> None:
    with pytest.raises(PlanError, match=text):
        tnl.plan(THREE, search=search)


def test_a_plan_for_another_network_is_refused() -> None:
    with pytest.raises(PlanError, match="the plan is for 16 tensors in float64 of another"):
        tnl.compile(THREE, plan=tnl.plan(GRID))


# Costs

PRODUCT = "ij,jk,kl->il"
FACTORS = [np.ones(shape) for shape in ((2, 3), (3, 4), (4, 5))]


def product_of(dtype: str) -> tnl.TensorNetwork:
    tensors = [
        tnl.Tensor(a.astype(dtype), term)
        for a, term in zip(FACTORS, ("ij", "jk", "kl"), strict=True)
    ]
    return tnl.TensorNetwork(tensors, "il")


@pytest.mark.parametrize(
    ("dtype", "operations", "item"),
    [("float32", 2, 4), ("float64", 2, 8), ("complex64", 8, 8), ("complex128", 8, 16)],
)
def test_costs_are_those_counted_by_hand(dtype: str, operations: int, item: int) -> None:
    """(2x3)(3x4) makes 8 entries in 24 products; times (4x5), 10 entries in 40 products."""
    plan = tnl.plan(product_of(dtype), search=[(0, 1), (0, 1)])
    cost = plan.cost
    assert plan.dtype == dtype
    assert cost.flops == operations * (24 + 40)
    assert cost.bytes_moved == item * ((6 + 12 + 8) + (20 + 8 + 10))
    # The packed inputs, the result handed over, and in the last step its factor, a copy of the
    # input it meets, and what it makes.
    assert cost.peak_bytes == item * ((6 + 12 + 20) + 10 + (8 + 20 + 10))
    assert cost.width == math.log2(20)
    assert cost.slices == 1
    assert cost.seconds > 0


def test_what_one_tensor_alone_carries_is_summed_at_once() -> None:
    plan = tnl.plan(network_of([("i", "j", "alone"), ("j", "j", "k")], "ik"))
    assert plan.cost.flops == 2 * 2**3
    assert [pair.result for pair in plan.pairs] == [(0, 3)]


def test_slices_cost_what_they_repeat() -> None:
    """With i in two slices of one position: (1x3)(3x4) in 12 products, (1x4)(4x5) in 20."""
    plan = tnl.plan(product_of("float64"), search=[(0, 1), (0, 1)])
    cost = cost_of(plan.structure, plan.pairs, [0], "float64", get_backend("numpy").machine)
    assert cost.slices == 2
    assert cost.flops == 2 * 2 * (12 + 20)
    assert cost.bytes_moved == 8 * 2 * ((3 + 12 + 4) + (20 + 4 + 5))
    # The inputs, the result and the sums of its slices, and in the last step its factor, a copy of
    # the input it meets, and what it makes.
    assert cost.peak_bytes == 8 * ((6 + 12 + 20) + 3 * 10 + (4 + 20 + 5))


def test_a_plan_prints_what_a_person_asks() -> None:
    text = str(tnl.plan(GRID, memory_limit="6KB"))
    for word in ("flops", "bytes moved", "peak memory", "width", "slices", "predicted"):
        assert f"\n {word} " in text
    assert "16 tensors, 24 indices, 0 open" in text
    assert "searched (balanced), 15 steps" in text
    assert "float64 on numpy" in text


def test_plans_are_frozen_and_equal_by_value() -> None:
    plan = tnl.plan(GRID)
    assert plan == tnl.plan(GRID)
    assert plan != tnl.plan(GRID, memory_limit="6KB")
    with pytest.raises(FrozenInstanceError):
        plan.path = ()  # type: ignore[misc]


# Memory limits


@pytest.mark.parametrize(("part", "slices"), [(1.2, 4), (2, 4), (3, 27), (4, 81)])
def test_a_sliced_plan_fits_and_has_the_same_value(part: float, slices: int) -> None:
    network = tnl.grid(8, 8, 3, seed=0) if part > 2 else tnl.grid(5, 5, 4, seed=0)
    whole = tnl.plan(network)
    limit = int(whole.cost.peak_bytes / part)
    plan = tnl.plan(network, memory_limit=limit)
    assert plan.cost.peak_bytes <= limit < whole.cost.peak_bytes
    assert plan.cost.slices == math.prod(plan.structure.sizes[i] for i in plan.sliced)
    assert 1 < plan.cost.slices <= 3 * slices
    assert plan.cost.width < whole.cost.width
    expected = float(tnl.contract(network))
    assert float(tnl.contract(network, memory_limit=limit)) == pytest.approx(expected, rel=1e-12)


def test_the_gradient_over_slices_is_that_of_the_whole() -> None:
    network = tnl.grid(5, 5, 4, seed=0)
    limit = tnl.plan(network).cost.peak_bytes // 2
    plan = replace(tnl.plan(network, memory_limit=limit), memory_limit=2**30)
    assert plan.cost.slices > 1
    expected, gradient = tnl.value_and_gradient(network)
    value, sliced = tnl.value_and_gradient(network, plan=plan)
    assert float(value) == pytest.approx(float(expected), rel=1e-12)
    assert sliced.keys() == gradient.keys()
    for name, array in gradient.items():
        np.testing.assert_allclose(sliced[name], array, rtol=1e-9, atol=1e-12 * abs(array).max())


def tall_product() -> tuple[tnl.TensorNetwork, dict[str, Any]]:
    """A product of matrices, and options under which its first index, which is open, is sliced."""
    generator = np.random.default_rng(0)
    shapes = {"ij": (40, 30), "jk": (30, 20), "kl": (20, 5)}
    tensors = [tnl.Tensor(generator.normal(size=shape), term) for term, shape in shapes.items()]
    network = tnl.TensorNetwork(tensors, "li")
    path = [(0, 1), (0, 1)]
    limit = tnl.plan(network, search=path).cost.peak_bytes * 3 // 4
    return network, {"search": path, "memory_limit": limit}


def test_open_indices_are_sliced_too() -> None:
    network, options = tall_product()
    plan = tnl.plan(network, **options)
    assert set(plan.sliced) & set(plan.structure.output)
    expected = np.einsum("ij,jk,kl->li", *(t.data for t in network))
    np.testing.assert_allclose(tnl.contract(network, **options), expected, rtol=1e-11)


def test_the_gradient_over_open_slices_is_that_of_the_whole() -> None:
    network, options = tall_product()
    cotangent = np.random.default_rng(9).normal(size=network.shape)
    _, expected = tnl.value_and_gradient(network, cotangent)
    plan = replace(tnl.plan(network, **options), memory_limit=2**30)
    _, sliced = tnl.value_and_gradient(network, cotangent, plan=plan)
    for name, array in expected.items():
        np.testing.assert_allclose(sliced[name], array, rtol=1e-9, atol=1e-12 * abs(array).max())


def test_a_batch_index_is_open_and_never_sliced() -> None:
    network, options = tall_product()
    plan = tnl.plan(network, batch="i", **options)
    assert plan.cost.slices > 1
    assert list(network.sizes).index("i") not in plan.sliced
    with pytest.raises(NetworkError, match="the batch index 'j' must be open"):
        tnl.plan(network, batch="j")


def test_a_limit_below_the_size_of_the_result_is_refused() -> None:
    vectors = [tnl.Tensor(np.ones(40), index) for index in "abc"]
    with pytest.raises(MemoryLimitError):
        tnl.plan(tnl.TensorNetwork(vectors, "abc"), memory_limit=40**3 * 8 // 2)


def test_an_impossible_limit_says_what_is_needed() -> None:
    text = (
        r"this contraction needs \d[\d.]* KiB and \d\.\d\de\+\d\d flops .* predicted\); the memory "
        r"limit is 42.0 KiB and [\d,]+ slices still take .*B: raise memory_limit, search longer"
    )
    with pytest.raises(MemoryLimitError, match=text):
        tnl.plan(tnl.grid(6, 6, 4, seed=0), memory_limit=43_000)
    text = r"the tensors and the result alone take 40.5 KiB; the memory limit is 1000 B: raise"
    with pytest.raises(MemoryLimitError, match=text):
        tnl.plan(tnl.grid(6, 6, 4, seed=0), memory_limit=1000)
    with pytest.raises(MemoryLimitError):
        tnl.contract(tnl.grid(6, 6, 4, seed=0), memory_limit=1000)


def test_more_slices_than_anyone_waits_for_are_refused() -> None:
    with pytest.raises(MemoryLimitError, match=r"[\d,]+ slices still take") as error:
        tnl.plan(tnl.grid(12, 12, 8), search="fast", memory_limit="4MiB")
    found = re.search(r"([\d,]+) slices", str(error.value))
    assert found is not None
    assert 2**20 < int(found[1].replace(",", "")) <= 8 * 2**30


BYTES: dict[Any, int] = {
    5: 5,
    2.5: 2,
    "5": 5,
    "5B": 5,
    " 8 gib ": 8 * 2**30,
    "1.5KiB": 1536,
    "500 MB": 500 * 10**6,
    "2T": 2 * 10**12,
    "1e3": 1000,
}


@pytest.mark.parametrize(("limit", "count"), BYTES.items())
def test_memory_limits_are_read(limit: Any, count: int) -> None:
    assert as_bytes(limit) == count


@pytest.mark.parametrize("limit", ["", "GiB", "8 giraffes", "-5", "5 i", "1e-3"])
def test_a_memory_limit_that_is_none_is_shown(limit: str) -> None:
    with pytest.raises(PlanError, match=f"memory_limit='{limit}' is not understood: give bytes"):
        as_bytes(limit)


@pytest.mark.parametrize("limit", [0, -1, "0GiB"])
def test_a_memory_limit_must_be_positive(limit: Any) -> None:
    with pytest.raises(PlanError, match="must be positive"):
        tnl.plan(THREE, memory_limit=limit)


@pytest.mark.parametrize("limit", ["1.2.3GB", ".", "1e400", math.nan, math.inf, [1]])
def test_a_memory_limit_that_is_no_number(limit: Any) -> None:
    with pytest.raises(PlanError, match="memory_limit="):
        as_bytes(limit)


def test_the_default_limit_is_a_power_of_two_below_what_is_free() -> None:
    limit = as_bytes(None)
    assert limit.bit_count() == 1
    assert limit < available_bytes()
