"""Counting by search against sums over all states, exact integers, and contraction."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import MemoryLimitError, ModelError
from tnlearn.inference.counting import count, is_logical
from tnlearn.inference.counting.finding import allowed_states


def clause(scope: tuple[Any, ...], signs: np.ndarray) -> tnl.Tensor:
    """A tensor that forbids one joint value of some variables of two values."""
    data = np.ones([2] * len(scope))
    data[tuple(signs)] = 0.0
    return tnl.Tensor(data, scope)


def random_formula(seed: int, variables: int, clauses: int, weighted: bool) -> tnl.TensorNetwork:
    """Random clauses of three literals, and random weights of the variables or none."""
    random = np.random.default_rng(seed)
    tensors = [tnl.Tensor(np.ones(2), (v,)) for v in range(variables)]
    if weighted:
        tensors = [tnl.Tensor(random.random(2), (v,)) for v in range(variables)]
    for _ in range(clauses):
        scope = tuple(random.choice(variables, 3, replace=False).tolist())
        tensors.append(clause(scope, random.integers(0, 2, 3)))
    return tnl.TensorNetwork(tensors)


def random_tables(seed: int) -> tnl.TensorNetwork:
    """Tables of zeros and random weights over variables of one to four values; diagonals too."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 5, 7)
    tensors = []
    for _ in range(9):
        scope = random.choice(7, random.integers(0, 4)).tolist()
        data = random.random(sizes[scope]) * (random.random(sizes[scope]) < 0.6)
        if random.random() < 0.3:
            with np.errstate(divide="ignore"):
                tensors.append(tnl.Tensor(np.log(data), scope, log=True))
        else:
            tensors.append(tnl.Tensor(data, scope))
    return tnl.TensorNetwork(tensors)


def contracted(network: tnl.TensorNetwork) -> float:
    """The same value by contraction."""
    return float(tnl.log_contract(network, search="fast").log)


def assert_same(found: Any, expected: float) -> None:
    """Equal up to the error stated; -inf only where -inf."""
    assert found is not None
    assert found == expected or abs(found - expected) <= found.error + 1e-13 * abs(expected)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("weighted", [False, True])
def test_random_formulas(seed: int, weighted: bool) -> None:
    """About the ratio of clauses at which solutions vanish, there are conflicts to learn from."""
    network = random_formula(seed, 20, 60 + seed, weighted)
    assert_same(count(network), contracted(network))


@pytest.mark.parametrize("seed", range(25))
def test_random_tables(seed: int) -> None:
    network = random_tables(seed)
    assert_same(count(network), contracted(network))


def test_parts_that_share_nothing_are_counted_apart() -> None:
    """200 formulas of 12 variables: their product is far beyond any search of all states."""
    parts = [random_formula(seed, 12, 30, False) for seed in range(200)]
    tensors = [
        tnl.Tensor(tensor.data, tuple((k, index) for index in tensor.indices))
        for k, part in enumerate(parts)
        for tensor in part
    ]
    expected = math.fsum(contracted(part) for part in parts)
    assert_same(count(tnl.TensorNetwork(tensors)), expected)


def board(queens: int) -> tnl.TensorNetwork:
    """So many queens that do not attack each other, on as many rows and columns."""
    cells = [(x, y) for x in range(queens) for y in range(queens)]
    tensors = []
    for line in range(queens):  # One in every row and, as there are as many, in every column.
        row = tuple(cell for cell in cells if cell[0] == line)
        tensors.append(clause(row, np.zeros(queens, int)))
    for a, b in combinations(cells, 2):
        steps = abs(a[0] - b[0]), abs(a[1] - b[1])
        if 0 in steps or steps[0] == steps[1]:
            tensors.append(clause((a, b), np.array([1, 1])))
    return tnl.TensorNetwork(tensors)


@pytest.mark.parametrize(("queens", "ways"), [(4, 2), (5, 10), (6, 4), (7, 40), (8, 92)])
def test_queens(queens: int, ways: int) -> None:
    """Ways to place them (OEIS A000170)."""
    assert_same(count(board(queens)), math.log(ways))


def test_pigeons_that_do_not_fit() -> None:
    """Seven pigeons in six holes: every state is forbidden, and only a search shows it."""
    pigeons, holes = range(7), range(6)
    tensors = [clause(tuple((p, h) for h in holes), np.zeros(6, int)) for p in pigeons]
    for h in holes:
        for p, q in combinations(pigeons, 2):
            tensors.append(clause(((p, h), (q, h)), np.array([1, 1])))
    assert count(tnl.TensorNetwork(tensors)) == -math.inf


def test_a_count_beyond_every_float() -> None:
    """Independent sets of 3000 pairs: 3**3000 is no float, its logarithm is."""
    edge = np.array([[1.0, 1.0], [1.0, 0.0]])
    network = tnl.TensorNetwork([tnl.Tensor(edge, (f"a{k}", f"b{k}")) for k in range(3000)])
    assert_same(count(network), 3000 * math.log(3))


def test_a_small_cache_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = random_formula(3, 24, 80, True)
    expected = count(network)
    monkeypatch.setattr("tnlearn.inference.counting.counter.MOST_SLOTS", 4)
    assert_same(count(network), float(expected or 0.0))


def test_few_learned_clauses_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are dropped again and again, while some are reasons."""
    networks = [random_formula(seed, 30, 115 + seed, True) for seed in range(10)]
    expected = [count(network) for network in networks]
    monkeypatch.setattr("tnlearn.inference.counting.state.FIRST_LEARNED", 3)
    for network, value in zip(networks, expected, strict=True):
        assert value is not None
        assert_same(count(network), float(value))


def test_giving_up() -> None:
    assert count(random_formula(0, 200, 400, False), decisions=1000) is None


def test_memory() -> None:
    with pytest.raises(MemoryLimitError, match="counting over 1,000 variables"):
        count(random_formula(0, 1000, 10, False), memory_limit="1MiB")


def test_negative_entries() -> None:
    with pytest.raises(ModelError, match="negative"):
        count(tnl.TensorNetwork([tnl.Tensor(np.array([[1.0, -1.0]]), "ab")]))


def test_what_is_logical() -> None:
    assert is_logical(random_formula(0, 10, 10, True))
    assert not is_logical(tnl.Ising(nx.path_graph(3)).network())


def hard_problem() -> tnl.TensorNetwork:
    """Clauses too tangled to contract in few operations, and quick to count."""
    return random_formula(1, 40, 150, True)


def test_what_is_too_wide_is_counted() -> None:
    """The verdict says so, and the value is that of contraction."""
    network = hard_problem()
    assert tnl.assess(network, flops=1e3).method == "counting"
    found = tnl.log_partition(network, flops=1e3)
    assert found.method == "counting"
    assert_same(found, contracted(network))


def test_a_count_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tnlearn.inference.partition.DECISIONS", 1)
    monkeypatch.setattr("tnlearn.inference.assessment.flops_of_elimination", lambda _: math.inf)
    monkeypatch.setattr("tnlearn.inference.counting.counter.STRIDE", 1)
    network = random_formula(2, 25, 80, True)
    found = tnl.log_partition(network, search="fast")
    assert found.method == "exact"


def test_counting_when_asked_for() -> None:
    network = random_tables(5)
    assert_same(tnl.log_partition(network, "counting"), contracted(network))


def test_it_can_be_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search comes back to Python every few decisions."""
    looks = []

    def bar(work: Any, *_: Any) -> Any:
        for item in work:
            looks.append(item)
            if len(looks) == 3:
                raise KeyboardInterrupt
            yield item

    monkeypatch.setattr("tnlearn.inference.counting.counter.progress_bar", bar)
    with pytest.raises(KeyboardInterrupt):
        count(random_formula(0, 200, 400, False))


@pytest.mark.parametrize("seed", range(60))
def test_states_that_are_allowed(seed: int) -> None:
    """Different ones where there are several; none where all are forbidden, or none is."""
    network = random_tables(seed)
    found = allowed_states(network, 6, np.random.default_rng(seed))
    zeros = [tensor.data == (-np.inf if tensor.log else 0.0) for tensor in network]
    if found is None:
        assert contracted(network) == -np.inf or not any(map(np.any, zeros))
        return
    assert found.shape == (6, len(network.sizes))
    column = dict(zip(network.sizes, found.T, strict=True))
    for tensor, zero in zip(network, zeros, strict=True):
        assert not zero[tuple(column[index] for index in tensor.indices)].any()


def test_allowed_states_after_turning_back() -> None:
    """Eight queens that no two attack: found at random only by taking decisions back."""
    found = allowed_states(board(8), 20, np.random.default_rng(0))
    assert found is not None
    assert len(np.unique(found, axis=0)) > 5
