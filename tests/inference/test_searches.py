"""The best states that searches come by, where exact does not fit."""

from __future__ import annotations

import itertools
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from small_models import factor_graph, spin_glass
from tnlearn.errors import CostError, ModelError
from tnlearn.inference.approximate.best import Best
from tnlearn.inference.approximate.chains import Weighted
from tnlearn.inference.subgraphs import population, walker
from tnlearn.inference.subgraphs.ordering import ordered
from tnlearn.inference.subgraphs.region import grown
from tnlearn.sampling.tables import Tables, tables_of

pytestmark = pytest.mark.filterwarnings("error")

METHODS = ("subgraphs", "tempering")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small models need no patience."""
    monkeypatch.setattr(population, "PATIENCE", 100)


def any_model(seed: int) -> Any:
    return spin_glass(seed) if seed % 2 else factor_graph(seed + 1, zeros=0.0)


def walks(model: Any, seed: int) -> tuple[walker.Walker, Tables]:
    tables = tables_of(model, 1.0)
    return walker.Walker(tables, np.random.default_rng(seed)), tables


def lattice(length: int) -> tnl.Ising:
    graph = nx.grid_2d_graph(length, length)
    random = np.random.default_rng(0)
    return tnl.Ising(graph, {edge: random.choice([-1.0, 1.0]) for edge in graph.edges})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(8))
def test_modes_are_those_of_brute_force(method: str, seed: int) -> None:
    model = any_model(seed)
    exact, found = tnl.mode(model, 3), tnl.mode(model, 3, method, seed=0)
    assert exact.exact
    assert (exact.method, found.method) == ("exact", method)
    assert not found.exact
    assert found.energy == pytest.approx(exact.energy)
    assert (np.diff(found.energies) >= 0).all()
    assert all(np.array(found.energies) >= np.array(exact.energies)[: len(found.energies)] - 1e-9)
    assert found.energies == tuple(model.energy([[*s.values()] for s in found.states]))
    assert len({tuple(state.values()) for state in found.states}) == len(found.states)


@pytest.mark.parametrize("method", METHODS)
def test_the_mode_of_negative_temperature_is_its_highest_state(method: str) -> None:
    model = tnl.Ising(nx.cycle_graph(6), coupling=1.0, field=0.3, beta=-1.0)
    assert tnl.mode(model, method=method).energy == pytest.approx(tnl.mode(model).energy)


@pytest.mark.parametrize("method", METHODS)
def test_searches_start_where_hard_zeros_leave_next_to_nothing(method: str) -> None:
    """3 of 3**300 states are allowed: each value of the root implies all others."""
    rule = np.roll(np.eye(3), 1, axis=1)
    tensors = [tnl.Tensor(rule, (k, (k - 1) // 2)) for k in range(1, 300)]
    network = tnl.TensorNetwork([*tensors, tnl.Tensor([0.2, 0.5, 0.3], (0,))])
    found = tnl.mode(network, method=method, seed=0)
    assert found.state[1] == (found.state[0] - 1) % 3
    if method == "subgraphs":  # All sites are moved at once, hard zeros or not.
        assert found.energy == pytest.approx(-np.log(0.5))


@pytest.mark.parametrize("method", METHODS)
def test_a_model_without_a_choice_has_one_state(method: str) -> None:
    network = tnl.TensorNetwork([tnl.Tensor([0.0, 0.5], ("a",)), tnl.Tensor(np.eye(2), "ab")])
    found = tnl.mode(network, method=method)
    assert found.state == {"a": 1, "b": 1}
    assert found.energy == pytest.approx(-np.log(0.5))
    with pytest.raises(ModelError, match="every state has probability zero"):
        tnl.mode(tnl.TensorNetwork([tnl.Tensor([0.0, 0.0], ("a",))]), method=method)


def test_ground_states_of_a_planar_glass_are_those_of_matching() -> None:
    model = lattice(26)
    assert tnl.mode(model, method="subgraphs").energy == tnl.mode(model).energy


def test_a_search_repeats_itself_and_leaves_the_random_state_alone() -> None:
    model, generator = spin_glass(5), np.random.default_rng(7)
    first = tnl.mode(model, 4, "subgraphs", seed=3)
    assert tnl.mode(model, 4, "subgraphs", seed=3) == first
    tnl.mode(model, 4, "subgraphs", seed=generator)
    assert generator.random() != np.random.default_rng(7).random()


def test_auto_is_exact_where_that_is_cheap_and_else_what_suits_the_graph() -> None:
    sparse, dense = lattice(6), tnl.Ising(nx.complete_graph(40), coupling=-1.0, field=0.1)
    assert tnl.mode(sparse, method="auto").exact
    found = tnl.mode(sparse, method="auto", flops=10)
    assert (found.method, found.energy) == ("subgraphs", tnl.mode(sparse).energy)
    assert tnl.mode(dense, method="auto", flops=10).method == "tempering"
    with pytest.raises(CostError):  # What no search can say.
        tnl.mode(sparse, method="auto", flops=10, count=True)


@pytest.mark.parametrize("seed", range(20))
def test_a_move_finds_the_best_of_all_that_is_not_held(seed: int) -> None:
    """Of all states with the same positions of the sites outside; zeros forbid some."""
    model: Any = spin_glass(seed) if seed % 2 else Weighted(factor_graph(seed).network())
    random = np.random.default_rng(seed)
    walk, tables = walks(model, seed)
    region = np.flatnonzero(random.random(walk.sites) < 0.7)
    row = random.integers(0, tables.counts)
    found = walk.settled(row, region)
    outside = np.setdiff1d(np.arange(walk.sites), region)
    assert (found[outside] == row[outside]).all()
    rows = np.array(list(itertools.product(*map(range, tables.counts))), np.int64)
    alike = rows[(rows[:, outside] == row[outside]).all(axis=1)]
    best = min(walk.energy(other) for other in alike)
    assert walk.energy(found) == pytest.approx(best)


def test_no_move_makes_a_state_worse_and_held_sites_stay() -> None:
    model = lattice(30)
    walk, tables = walks(model, 1)
    row = np.random.default_rng(1).integers(0, tables.counts)
    energies = [walk.energy(row)]
    for _ in range(12):
        row = walk.settled(row, walk.region())
        energies.append(walk.energy(row))
    assert (np.diff(energies) <= 0).all()
    assert energies[-1] < energies[0]


def test_a_shaken_move_is_not_the_best() -> None:
    walk, _ = walks(lattice(12), 0)
    everything = np.arange(walk.sites)
    row = walk.settled(np.zeros(walk.sites, np.int64), everything)
    assert walk.energy(walk.settled(row, everything, heat=20.0)) > walk.energy(row) + 10


@pytest.mark.parametrize("width", [8.0, 11.0, 15.0])
def test_orders_have_the_width_that_was_asked_for(width: float) -> None:
    graph: Any = nx.random_regular_graph(4, 120, seed=2)
    model = tnl.Potts(graph, 3)
    walk, tables = walks(model, 0)
    region = np.random.default_rng(0).permutation(walk.sites)[:100]
    order, places = ordered(walk._front, tables.lists, region, width, 2.0**20)
    assert set(order) <= set(region)
    assert (places[order] == np.arange(len(order))).all()
    assert (np.delete(places, order) == -1).all()
    left = nx.relabel_nodes(graph, {site: k for k, site in enumerate(model.sites)})
    left = nx.Graph(left.subgraph(order))
    for site in order:
        around = list(left[site])
        assert (len(around) + 1) * np.log2(3) <= width
        left.remove_node(site)
        left.add_edges_from((a, b) for a in around for b in around if a != b)


def test_a_population_that_begins_anew_keeps_its_best() -> None:
    model = lattice(8)
    tables, random = tables_of(model, 1.0), np.random.default_rng(3)
    starts = random.integers(0, 2, (6, 64))
    states = population.Population(tables, starts, 1, random)
    before, best = states._rows.copy(), states._energies.min()
    states.renew(random.integers(0, 2, (6, 64)))
    assert states._energies.min() <= best
    assert (states._rows == before).all(axis=1).sum() < 6
    assert [states._walker.energy(row) for row in states._rows] == states._energies.tolist()


def test_what_is_left_when_there_is_no_room_is_held() -> None:
    walk, tables = walks(lattice(20), 0)
    region = np.arange(walk.sites)
    few, _ = ordered(walk._front, tables.lists, region, 12.0, 100.0)
    many, _ = ordered(walk._front, tables.lists, region, 12.0, 1e6)
    assert 0 < len(few) < len(many)


def test_regions_hang_together() -> None:
    model = lattice(10)
    tables = tables_of(model, 1.0)
    region = grown(tables.lists, np.random.default_rng(0).permutation(100), 37)
    assert len(set(region.tolist())) == 37
    sites = [model.sites[k] for k in region]
    assert nx.is_connected(nx.grid_2d_graph(10, 10).subgraph(sites))
    apart = tables_of(tnl.Ising(nx.empty_graph(9), field=1.0), 1.0)
    assert sorted(grown(apart.lists, np.arange(9), 9)) == list(range(9))


def test_the_best_of_what_was_offered_are_kept() -> None:
    best = Best(2)
    rows = np.array([[0, 1], [1, 1], [0, 1], [0, 0]])
    assert best.offer(rows, np.array([3.0, 2.0, 3.0, 5.0]))
    assert best.energies == [2.0, 3.0]
    assert not best.offer(rows[1:2], np.array([2.0]))
    assert best.offer(rows[3:], np.array([1.0]))
    assert best.rows.tolist() == [[0, 0], [1, 1]]
