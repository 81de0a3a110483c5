"""Corrections of belief propagation by loops, against closed forms and exact values."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from small_models import factor_graph, spin_glass, weights
from tnlearn.inference import NotConverged, correct_loops, propagate_beliefs
from tnlearn.inference.approximate.regions import TooMany, core, regions

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("graph", [nx.cycle_graph(3), nx.cycle_graph(8), nx.tadpole_graph(5, 4)])
@pytest.mark.parametrize("beta", [0.2, 0.9])
def test_a_single_loop_is_exact(graph: Any, beta: float) -> None:
    model = tnl.Ising(graph, coupling=1.0, field=0.3, beta=beta)
    found = correct_loops(model)
    assert found.regions == 1
    assert found.log_partition == pytest.approx(tnl.log_partition(model), abs=1e-12)
    assert found.error < 1e-8


def test_a_single_loop_of_tables_of_three_values() -> None:
    random = np.random.default_rng(0)
    around = [((k, (k + 1) % 5), random.gamma(1.0, size=(3, 3))) for k in range(5)]
    model = tnl.FactorGraph([*around, ((0, "leaf"), random.gamma(1.0, size=(3, 2)))])
    assert correct_loops(model).log_partition == pytest.approx(
        math.log(weights(model)[1].sum()), abs=1e-11
    )


def test_trees_need_no_correction() -> None:
    model = tnl.Ising(nx.random_labeled_tree(20, seed=1), field=0.2, beta=0.8)
    found = correct_loops(model)
    assert (found.regions, found.converged) == (0, True)
    assert found.log_partition == pytest.approx(tnl.log_partition(model), abs=1e-12)


@pytest.mark.parametrize(
    "graph", [nx.barbell_graph(3, 2), nx.ladder_graph(4), nx.complete_graph(4)]
)
def test_all_regions_together_are_exact(graph: Any) -> None:
    """Loops joined by a path, loops side by side, and all of them on each other."""
    model = tnl.Ising(graph, coupling=0.6, field=0.2, beta=0.7)
    found = correct_loops(model)
    assert found.log_partition == pytest.approx(tnl.log_partition(model), abs=1e-10)
    assert found.error < 1e-6


def test_regions_are_all_connected_sets_without_loose_ends() -> None:
    """Against all subsets of the nodes."""
    graph = nx.gnp_random_graph(9, 0.4, seed=5)
    neighbours = [sorted(graph[node]) for node in graph]
    wanted = set()
    for size in range(3, 10):
        for nodes in itertools.combinations(graph, size):
            inside = graph.subgraph(nodes)
            if nx.is_connected(inside) and min(dict(inside.degree).values()) > 1:
                wanted.add(frozenset(nodes))
    assert set(regions(neighbours, 9, 10**4, 10**6)) == wanted
    assert {r for r in wanted if len(r) <= 6} == set(regions(neighbours, 6, 10**4, 10**6))
    assert core(neighbours) == frozenset(nx.k_core(graph, 2))
    with pytest.raises(TooMany):
        regions(neighbours, 9, 3, 10**6)


def test_plaquettes_are_the_first_loops_of_the_square_lattice() -> None:
    """v**4 for each where there is no field (the first term of the series in tanh K)."""
    length, coupling = 5, 0.1
    model = tnl.Ising(nx.grid_2d_graph(length, length), beta=coupling)
    found = correct_loops(model, most=16)
    assert found.regions == (length - 1) ** 2
    first = found.log_partition - propagate_beliefs(model).log_partition
    assert first == pytest.approx(16 * math.log1p(math.tanh(coupling) ** 4), rel=1e-9)


def test_corrections_are_better_and_their_errors_cover_the_truth() -> None:
    better, covered = [], []
    for seed in range(30):
        model: Any = spin_glass(seed) if seed % 2 else factor_graph(seed, zeros=0.0)
        exact = float(tnl.log_partition(model))
        found = correct_loops(model, most=100)
        if found.converged:
            off = abs(found.log_partition - exact)
            covered.append(off <= found.error)
            better.append(off <= abs(propagate_beliefs(model).log_partition - exact) + 1e-9)
    assert len(covered) > 12
    assert np.mean(covered) >= 0.9
    assert np.mean(better) >= 0.9


def test_messages_that_do_not_settle_have_no_series() -> None:
    graph, random = nx.grid_2d_graph(4, 4), np.random.default_rng(0)
    couplings = {edge: float(random.normal()) for edge in graph.edges}
    fields = {site: float(random.normal(scale=0.3)) for site in graph}
    model = tnl.Ising(graph, couplings, fields, beta=4.0)
    assert correct_loops(model).error == math.inf
    with pytest.warns(NotConverged, match="loops did not converge"):
        assert not tnl.log_partition(model, "loops").converged


def test_impossible_states() -> None:
    assert correct_loops(tnl.FactorGraph([((0,), [0.0, 0.0])])).log_partition == -math.inf
    alike = [((k, (k + 1) % 4), np.eye(2)) for k in range(4)]
    assert correct_loops(tnl.FactorGraph(alike)).log_partition == pytest.approx(math.log(2))
