"""Ground states of planar models against brute force, contraction and matching."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

import tnlearn as tnl
from random_planar import planar_models, random_bonds
from tnlearn.errors import ModelError
from tnlearn.physics import Ising, exact
from tnlearn.physics.planar import planar_ground_state
from tnlearn.physics.planar.joins import Weighted, _odd_cuts, shortest_join


@given(planar_models())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_random_planar_models_against_brute_force(model: Ising) -> None:
    state, energy = planar_ground_state(model)
    least = model.energy(exact.enumerate_states(len(model.sites))).min()
    assert energy == pytest.approx(least, abs=1e-9)
    assert tuple(state) == model.sites
    assert energy == model.energy([list(state.values())])[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["signs", "normal"])
def test_squares_against_contraction(seed: int, kind: str) -> None:
    graph = nx.grid_2d_graph(10, 10)
    model = Ising(graph, random_bonds(graph, seed, kind))
    assert planar_ground_state(model)[1] == pytest.approx(tnl.mode(model).energy, abs=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_16x16_with_random_signs_against_matching(seed: int) -> None:
    """All frustrated squares matched in pairs, at the distances between them."""
    n = 16
    graph = nx.grid_2d_graph(n, n)
    bonds = random_bonds(graph, seed)
    negative = {frozenset(edge) for edge, coupling in bonds.items() if coupling < 0}
    frustrated = [
        (i, j)
        for i, j in itertools.product(range(n - 1), repeat=2)
        if sum(
            frozenset(edge) in negative
            for edge in nx.cycle_graph([(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]).edges
        )
        % 2
    ]
    pairs: nx.Graph[int] = nx.Graph()
    for a, b in itertools.combinations(range(len(frustrated)), 2):
        (i, j), (k, l) = frustrated[a], frustrated[b]  # noqa: E741
        if abs(i - k) + abs(j - l) <= 7:
            pairs.add_edge(a, b, weight=abs(i - k) + abs(j - l))
    # The outer face is near all of the rim: give every square a partner of its own out there.
    for a, (i, j) in enumerate(frustrated):
        pairs.add_edge(a, -1 - a, weight=min(i + 1, j + 1, n - 1 - i, n - 1 - j))
    outside = itertools.combinations(range(len(frustrated)), 2)
    pairs.add_edges_from(
        ((-1 - a, -1 - b, {"weight": 0}) for a, b in outside if pairs.has_edge(a, b))
    )
    matching = nx.min_weight_matching(pairs)
    broken = sum(pairs.edges[edge]["weight"] for edge in matching)
    _, energy = planar_ground_state(Ising(graph, bonds))
    assert energy == -graph.number_of_edges() + 2 * broken


def test_fields_along_one_face_and_on_trees() -> None:
    graph = nx.cycle_graph(9)
    random = np.random.default_rng(1)
    model = Ising(graph, random_bonds(graph, 1), {k: float(random.normal()) for k in graph})
    state, energy = planar_ground_state(model)
    assert set(state) == set(graph)
    assert energy == pytest.approx(model.energy(exact.enumerate_states(9)).min())
    assert planar_ground_state(Ising(nx.path_graph(3), 1.0, field=-0.1))[0] == {0: -1, 1: -1, 2: -1}


def test_the_temperature_plays_no_part() -> None:
    graph = nx.triangular_lattice_graph(3, 4)
    cold, hot = (planar_ground_state(Ising(graph, -1.0, beta=beta)) for beta in (1e3, 1e-3))
    assert cold == hot


def test_a_join_says_what_it_is_bounded_by() -> None:
    """A square with four marked corners: two opposite sides."""
    corners = np.arange(4)
    lengths = np.array([1.0, 3.0, 1.5, 3.0])
    graph = Weighted(corners, np.roll(corners, -1), lengths, np.ones(4, dtype=bool))
    join = shortest_join(graph)
    assert join.edges.tolist() == [True, False, True, False]
    assert join.weight == 2.5
    assert join.bound == pytest.approx(2.5, rel=1e-12)
    unproved = shortest_join(graph, rounds=0)
    assert unproved.bound == 0.0
    assert unproved.weight >= 2.5


def test_odd_cuts_are_found_without_gaps() -> None:
    """Two triangles far apart, all corners marked: half of every side is no answer."""
    starts = np.array([0, 1, 2, 3, 4, 5, 0])
    ends = np.array([1, 2, 0, 4, 5, 3, 3])
    lengths = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 10.0])
    join = shortest_join(Weighted(starts, ends, lengths, np.ones(6, dtype=bool)))
    assert join.weight == join.bound == 12.0


@pytest.mark.parametrize("seed", range(20))
def test_no_violated_cut_is_overlooked(seed: int) -> None:
    random = np.random.default_rng(seed)
    starts, ends = np.array(list(itertools.combinations(range(7), 2))).T
    x = random.random(21) * (random.random(21) < 0.5) * 0.6
    marked = np.arange(7) < 6
    graph = Weighted(starts, ends, np.ones(21), marked)
    least = min(
        x[np.isin(starts, side) != np.isin(ends, side)].sum()
        for size in range(1, 7)
        for side in itertools.combinations(range(7), size)
        if marked[list(side)].sum() % 2
    )
    found = [x[cut].sum() for cut in _odd_cuts(graph, x)]
    assert (least < 1.0 - 1e-5) == bool(found)
    assert not found or min(found) == pytest.approx(least, abs=1e-5)


def test_no_join_for_an_odd_number() -> None:
    marked = np.array([True, False])
    with pytest.raises(ModelError, match="odd number"):
        shortest_join(Weighted(np.array([0]), np.array([1]), np.ones(1), marked))
