"""Z of planar models against brute force, contraction, closed forms and duality."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

import tnlearn as tnl
from random_planar import planar_graph, planar_models, random_bonds
from tnlearn.errors import ModelError
from tnlearn.physics import Ising, exact
from tnlearn.physics.planar import is_planar, planar_ground_state, planar_log_partition

LOG_2 = math.log(2.0)


def covers(found: Any, truth: float) -> bool:
    """Whether the error that is owned up to is at least the true one."""
    return bool(abs(found - truth) <= found.error)


@given(planar_models())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_random_planar_models_against_brute_force(model: Ising) -> None:
    found, truth = planar_log_partition(model), exact.brute_force_log_partition(model)
    assert found == pytest.approx(truth, rel=1e-11, abs=1e-11)
    assert covers(found, truth)
    assert found.converged
    assert found.method == "planar"


@pytest.mark.parametrize("seed", range(12))
def test_fields_along_one_face(seed: int) -> None:
    random = np.random.default_rng(seed)
    graph = nx.grid_2d_graph(3, 4)
    rim = [(i, j) for i, j in graph if i in (0, 2) or j in (0, 3)]
    field = {site: float(random.normal()) for site in rim if random.random() < 0.8}
    model = Ising(graph, random_bonds(graph, seed, "normal"), field, beta=0.7)
    assert is_planar(model)
    truth = exact.brute_force_log_partition(model)
    assert planar_log_partition(model) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_any_field_on_a_tree_and_on_lone_spins(seed: int) -> None:
    random = np.random.default_rng(seed)
    graph = nx.disjoint_union(nx.random_labeled_tree(8, seed=seed), nx.empty_graph(3))
    field = {site: float(random.normal()) for site in graph}
    model = Ising(graph, random_bonds(graph, seed, "normal"), field, beta=1.3)
    truth = exact.brute_force_log_partition(model)
    assert planar_log_partition(model) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("coupling", [-2.0, 0.3, 1.1])
def test_closed_forms_of_long_chains_and_rings(coupling: float) -> None:
    chain = Ising(nx.path_graph(300), coupling, field=0.2, beta=0.9)
    truth = exact.open_chain_log_partition(300, coupling, 0.2, 0.9)
    assert planar_log_partition(chain) == pytest.approx(truth, rel=1e-12)
    ring = Ising(nx.cycle_graph(301), coupling, beta=0.9)
    truth = exact.ring_log_partition(301, coupling, beta=0.9)
    assert planar_log_partition(ring) == pytest.approx(truth, rel=1e-12)


def test_a_star_has_one_face_of_many_darts() -> None:
    model = Ising(nx.star_graph(500), coupling=0.7)
    truth = LOG_2 + 500 * math.log(2.0 * math.cosh(0.7))
    assert planar_log_partition(model) == pytest.approx(truth, rel=1e-12)


def test_parallel_edges_add() -> None:
    graph = nx.MultiGraph([(0, 1), (0, 1), (1, 2)])
    model = Ising(graph, 0.4)
    assert planar_log_partition(model) == pytest.approx(exact.brute_force_log_partition(model))


@pytest.mark.parametrize("kind", ["signs", "normal"])
@pytest.mark.parametrize("beta", [0.3, 1.0, 2.0])
def test_random_bonds_on_12x12_against_contraction(kind: str, beta: float) -> None:
    graph = nx.grid_2d_graph(12, 12)
    model = Ising(graph, random_bonds(graph, 5, kind), beta=beta)
    found, truth = planar_log_partition(model), tnl.log_partition(model)
    assert abs(found - truth) < 1e-10
    assert covers(found, truth)


@pytest.mark.parametrize("beta", [5.0, 10.0, 1000.0])
@pytest.mark.parametrize("seed", [2, 4])
def test_the_error_covers_the_truth_in_the_cold(seed: int, beta: float) -> None:
    graph = nx.grid_2d_graph(9, 9)
    model = Ising(graph, random_bonds(graph, seed), beta=beta)
    found, truth = planar_log_partition(model), tnl.log_partition(model)
    assert covers(found, truth)
    assert found.error < 1.0 + 1e-3 * truth


@pytest.mark.parametrize(("seed", "beta"), [(11297, 52.7), (354248, 33.6)])
def test_the_error_covers_the_truth_where_all_is_joined_at_once(seed: int, beta: float) -> None:
    """Small models in the cold: without noise inside, repetitions would be wrong alike."""
    for n, share in itertools.product(range(4, 12), (0.8, 1.0)):
        graph = planar_graph(n, share, seed)
        model = Ising(graph, random_bonds(graph, seed, "normal"), beta=beta)
        truth = exact.brute_force_log_partition(model)
        found = planar_log_partition(model)
        assert abs(found - truth) <= found.error + 1e-15 * truth


@pytest.mark.parametrize("strength", [50.0, 400.0, 1000.0, 1e6])
def test_strong_unfrustrated_couplings_are_their_ground_state(strength: float) -> None:
    graph = nx.hexagonal_lattice_graph(4, 4)
    gauge = {site: (-1) ** k for k, site in enumerate(graph)}
    model = Ising(graph, {(a, b): strength * gauge[a] * gauge[b] for a, b in graph.edges})
    truth = strength * graph.number_of_edges() + LOG_2
    found = planar_log_partition(model)
    assert found == pytest.approx(truth, rel=1e-14)
    assert found.error < 1e-12 * truth


def test_frustration_leaves_an_entropy() -> None:
    # Triangle at T = 0: one of three bonds is broken, in 6 states.
    model = Ising(nx.cycle_graph(3), coupling=-1.0, beta=500.0)
    assert planar_log_partition(model) == pytest.approx(500.0 + math.log(6.0), rel=1e-14)


@pytest.mark.parametrize("coupling", [0.2, 0.44, 0.9])
def test_duality(coupling: float) -> None:
    """Kramers and Wannier: Z of a planar graph from Z of its dual, a multigraph.

    ``Z(K) = 2 (prod sinh 2K)^(1/2) 2^(V/2 - F/2) Z*(K*) / 2`` for the same K on all E edges.
    """
    n = 9
    graph = nx.grid_2d_graph(n, n)
    dual: nx.MultiGraph[Any] = nx.MultiGraph()
    for (i, j), (k, l) in graph.edges:  # noqa: E741
        near = [(i, j), (i - 1, j)] if i == k else [(i, j), (i, j - 1)]
        inside = [f if 0 <= f[0] < n - 1 and 0 <= f[1] < n - 1 else "outside" for f in near]
        assert (k, l) != (i, j)
        dual.add_edge(*inside)
    starred = math.atanh(math.exp(-2.0 * coupling))
    edges, sites, faces = graph.number_of_edges(), len(graph), len(dual)
    assert sites - edges + faces == 2
    ours = planar_log_partition(Ising(graph, coupling))
    theirs = planar_log_partition(Ising(dual, starred))
    expected = theirs + 0.5 * edges * math.log(math.sinh(2 * coupling))
    expected += 0.5 * (sites - faces) * LOG_2
    assert ours == pytest.approx(expected, rel=1e-13)


def test_the_bulk_is_onsagers() -> None:
    """Of open squares of 16, 22 and 28, what is left of boundaries and corners."""
    coupling = 0.3
    sizes = np.array([16, 22, 28])
    logs = [planar_log_partition(Ising(nx.grid_2d_graph(n, n), coupling)) for n in sizes.tolist()]
    bulk = np.linalg.solve(np.stack([sizes**2, sizes, sizes**0], axis=1), logs)[0]
    assert bulk == pytest.approx(exact.bulk_log_partition_per_site(coupling), abs=1e-7)


def test_who_is_planar() -> None:
    assert is_planar(Ising(nx.complete_graph(4)))
    assert not is_planar(Ising(nx.complete_graph(5)))
    assert is_planar(Ising(nx.cycle_graph(4), field=1.0))
    assert not is_planar(Ising(nx.complete_graph(4), field=1.0))
    assert is_planar(Ising(nx.complete_graph(4), field={0: 1.0, 1: 0.5, 2: -1.0}))
    assert is_planar(Ising(nx.empty_graph(1)))


@pytest.mark.parametrize("question", [planar_log_partition, planar_ground_state])
def test_refusals_say_what_is_wrong(question: Any) -> None:
    with pytest.raises(ModelError, match=r"graph of Ising\(5 sites.*\) is not planar"):
        question(Ising(nx.complete_graph(5)))
    with pytest.raises(ModelError, match=r"field acts on 9 sites .* not all on one face"):
        question(Ising(nx.grid_2d_graph(3, 3), field=0.1))


def test_same_bits() -> None:
    graph = planar_graph(60, 0.9, 3)
    model = Ising(graph, random_bonds(graph, 3))
    one, other = planar_log_partition(model), planar_log_partition(model)
    assert (float(one), one.error) == (float(other), other.error)
