"""All best states, each once, against all states listed and against counts."""

from __future__ import annotations

import math
from collections import Counter
from itertools import islice
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tnlearn as tnl
from random_models import MODELS
from small_models import factor_graph, weights
from tnlearn.errors import ModelError
from tnlearn.inference import enumeration

pytestmark = pytest.mark.filterwarnings("error")

few = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def rows(model: Any, **options: Any) -> list[tuple[Any, ...]]:
    return [tuple(state[s] for s in model.sites) for state in tnl.optima(model, **options)]


@pytest.mark.parametrize("name", MODELS)
@few
@given(st.data())
def test_every_model(name: str, data: Any) -> None:
    """Against all states; a gap is between the levels, where rounding does not matter."""
    case = data.draw(MODELS[name])
    gap = data.draw(st.sampled_from([1e-9, 0.6, 1.1]), label="gap")
    energies = case.energies * np.sign(case.beta)
    energies[np.isinf(case.energies)] = np.inf
    energies[np.isfinite(case.energies)] *= case.beta != 0
    near = energies - energies.min() <= gap
    found = rows(case.model, gap=gap)
    assert Counter(found) == Counter(s for s, one in zip(case.states, near, strict=True) if one)
    if case.ties:
        assert len(rows(case.model)) == tnl.mode(case.model, count=True).degeneracy


@pytest.fixture(params=[(2**14, 2**17), (3, 4)], ids=["at once", "a few at a time"])
def portions(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many states walk together, and how many choices are looked at."""
    monkeypatch.setattr(enumeration, "TOGETHER", request.param[0])
    monkeypatch.setattr(enumeration, "CHUNK", request.param[1])


@pytest.mark.usefixtures("portions")
@pytest.mark.parametrize("limit", [None, 2**14])
def test_portions_and_slices(limit: int | None) -> None:
    random = np.random.default_rng(2)
    graph = nx.grid_2d_graph(4, 5, periodic=True)
    model = tnl.Ising(graph, {edge: float(random.choice([-1, 1])) for edge in graph.edges})
    found = rows(model, memory_limit=limit)
    assert len(set(found)) == len(found) == tnl.mode(model, count=True).degeneracy
    assert set(model.energy(found)) == {tnl.mode(model).energy}
    near = rows(model, memory_limit=limit, gap=4.0)
    density = tnl.density_of_states(model)
    lowest, second = list(density)[:2]
    assert second - lowest == 4
    assert len(set(near)) == len(near) == density[lowest] + density[second]


def test_slices_are_all_walked() -> None:
    graph = nx.random_regular_graph(3, 40, seed=3)
    model = tnl.Ising(graph, coupling=-1.0)
    assert tnl.plan(model.energies(), memory_limit=2**11).cost.slices > 1
    found = rows(model, memory_limit=2**13)
    assert len(set(found)) == len(found) == tnl.mode(model, count=True).degeneracy
    near = rows(model, memory_limit=2**13, gap=2.0)
    assert len(near) > len(found)
    assert Counter(near) == Counter(rows(model, gap=2.0))


def test_a_glass_of_many_ground_states() -> None:
    random = np.random.default_rng(0)
    graph = nx.grid_2d_graph(6, 6, periodic=True)
    model = tnl.Ising(graph, {edge: float(random.choice([-1, 1])) for edge in graph.edges})
    best = tnl.mode(model, count=True)
    found = np.array(rows(model))
    assert best.degeneracy is not None
    assert len(np.unique(found, axis=0)) == len(found) == best.degeneracy
    np.testing.assert_array_equal(model.energy(found), best.energy)


def test_dominoes() -> None:
    """The tilings of 6 by 6: 6,728 of them (Kasteleyn 1961)."""
    board = nx.grid_2d_graph(6, 6)
    places: dict[Any, list[Any]] = {site: [] for site in board}
    for edge in board.edges:
        for site in edge:
            places[site].append(edge)
    factors = []
    for edges in places.values():
        table = np.zeros((2,) * len(edges))
        for k in range(len(edges)):
            table[tuple(int(k == other) for other in range(len(edges)))] = 1
        factors.append((edges, table))
    model = tnl.FactorGraph(factors)
    tilings = {frozenset(e for e, used in s.items() if used) for s in tnl.optima(model)}
    assert len(tilings) == sum(1 for _ in tnl.optima(model)) == 6728
    assert all(len(tiling) == 18 for tiling in tilings)


def test_independent_sets_of_a_ring() -> None:
    """A Lucas number of them; the largest of an even ring are two."""
    apart = [((k, (k + 1) % 20), [[1.0, 1.0], [1.0, 0.0]]) for k in range(20)]
    assert sum(1 for _ in tnl.optima(tnl.FactorGraph(apart))) == 15127
    drawn = [*apart, *(((k,), [1.0, 2.0]) for k in range(20))]
    found = [{k for k, v in s.items() if v} for s in tnl.optima(tnl.FactorGraph(drawn))]
    assert sorted(map(min, found)) == [0, 1]
    assert all(len(some) == 10 for some in found)


@pytest.mark.parametrize("seed", range(6))
def test_tables_with_zeros(seed: int) -> None:
    model = factor_graph(seed)
    states, weight = weights(model)
    if not weight.any():
        with pytest.raises(ModelError, match="probability zero"):
            tnl.optima(model)
        return
    with np.errstate(divide="ignore"):
        near = np.log(weight) >= np.log(weight.max()) - 2.0
    assert Counter(rows(model, gap=2.0)) == Counter(map(tuple, states[near].tolist()))


def test_it_is_lazy() -> None:
    """Of 2**300 states a few are had at once."""
    free = tnl.Ising(nx.empty_graph(300))
    some = list(islice(tnl.optima(free), 1000))
    assert len({tuple(state.values()) for state in some}) == 1000


def test_tiny_ones() -> None:
    assert list(tnl.optima(tnl.Ising(nx.empty_graph(1)))) == [{0: -1}, {0: 1}]
    assert list(tnl.optima(tnl.Ising(nx.empty_graph(1), field=1.0))) == [{0: 1}]
    assert list(tnl.optima(tnl.TensorNetwork([tnl.Tensor([1.0, 0.0, 1.0], "a")]))) == [
        {"a": 0},
        {"a": 2},
    ]
    assert list(tnl.optima(tnl.TensorNetwork([tnl.Tensor(2.0, ())]))) == [{}]
    assert list(tnl.optima(tnl.TensorNetwork([tnl.Tensor([[3.0]], "ab")]))) == [{"a": 0, "b": 0}]
    evidence = tnl.condition(tnl.Ising(nx.path_graph(3), coupling=-1.0), {1: 1})
    assert list(tnl.optima(evidence)) == [{0: -1, 2: -1}]


@pytest.mark.parametrize("gap", [-1.0, math.inf, math.nan])
def test_gaps_that_are_none(gap: float) -> None:
    with pytest.raises(ModelError, match="the gap is"):
        tnl.optima(tnl.Ising(nx.path_graph(2)), gap=gap)


def test_no_distribution_is_refused_at_once() -> None:
    with pytest.raises(ModelError, match="size 0"):
        tnl.optima(tnl.TensorNetwork([tnl.Tensor(np.ones(0), "a")]))
    with pytest.raises(ModelError, match="negative"):
        tnl.optima(tnl.TensorNetwork([tnl.Tensor([-1.0], "a")]))
    frustrated = [((a, b), [[0.0, 1.0], [1.0, 0.0]]) for a, b in ("xy", "yz", "zx")]
    with pytest.raises(ModelError, match="probability zero"):
        tnl.optima(tnl.FactorGraph(frustrated))
