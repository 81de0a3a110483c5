"""Z of tori against Kaufman's formula, brute force and contraction."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from random_planar import random_bonds
from tnlearn.errors import DataError, ModelError
from tnlearn.physics import Ising, exact
from tnlearn.physics.planar import toroidal_grid_log_partition, toroidal_log_partition

K_C = 0.440686793509771514


@pytest.mark.parametrize("coupling", [0.1, 0.3, K_C, 0.6, 2.0, 30.0])
@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 3), (4, 4), (3, 5), (7, 10), (33, 18)])
def test_uniform_tori_are_kaufmans(shape: tuple[int, int], coupling: float) -> None:
    grid = np.full(shape, coupling)
    found, truth = (
        toroidal_grid_log_partition(grid, grid),
        exact.torus_log_partition(*shape, coupling),
    )
    assert abs(found - truth) <= found.error
    assert found.error < 1e-11 * truth


@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (3, 3), (4, 4), (3, 5), (5, 3)])
@pytest.mark.parametrize("kind", ["signs", "normal"])
@pytest.mark.parametrize("beta", [0.4, 1.0, -1.0, 3.0])
def test_random_tori_against_brute_force(shape: tuple[int, int], kind: str, beta: float) -> None:
    graph = nx.grid_2d_graph(*shape, periodic=True)
    model = Ising(graph, random_bonds(graph, sum(shape), kind), beta=beta)
    found, truth = toroidal_log_partition(model), exact.brute_force_log_partition(model)
    assert abs(found - truth) <= found.error
    assert found == pytest.approx(truth, rel=1e-8 if abs(beta) > 1 else 1e-12)


@pytest.mark.parametrize("beta", [1.0, 3.0, 10.0, 50.0])
def test_random_8x8_tori_against_contraction(beta: float) -> None:
    graph = nx.grid_2d_graph(8, 8, periodic=True)
    for seed in range(3):
        model = Ising(graph, random_bonds(graph, seed), beta=beta)
        found, truth = toroidal_log_partition(model), tnl.log_partition(model)
        assert abs(found - truth) <= found.error
        assert found.error < 1e-6 or beta > 3.0


def test_antiferromagnets_odd_and_even() -> None:
    even = nx.grid_2d_graph(6, 8, periodic=True)
    found = toroidal_log_partition(Ising(even, -0.5))
    assert found == pytest.approx(exact.torus_log_partition(6, 8, 0.5), rel=1e-13)
    odd = Ising(nx.grid_2d_graph(3, 5, periodic=True), -0.7)
    truth = exact.brute_force_log_partition(odd)
    assert toroidal_log_partition(odd) == pytest.approx(truth, rel=1e-11)


def test_bonds_may_be_missing() -> None:
    graph = nx.grid_2d_graph(4, 5)
    graph.remove_edge((1, 1), (1, 2))
    model = Ising(graph, random_bonds(graph, 1, "normal"))
    truth = exact.brute_force_log_partition(model)
    assert toroidal_log_partition(model) == pytest.approx(truth, rel=1e-13)


def test_layers_are_the_same_as_no_layers() -> None:
    random = np.random.default_rng(0)
    rows = np.repeat(random.random((2, 24, 1)), 20, axis=2)
    nearly = rows.copy()
    nearly[0, 0, 0] = np.nextafter(nearly[0, 0, 0], 9.0)
    assert toroidal_grid_log_partition(*rows) == pytest.approx(
        toroidal_grid_log_partition(*nearly), rel=1e-12
    )


@pytest.mark.parametrize(
    ("graph", "field", "message"),
    [
        (nx.grid_2d_graph(4, 4, periodic=True), 0.1, r"\(0, 0\) has a field"),
        (nx.cycle_graph(4), 0.0, r"sites \(i, j\)"),
        (nx.path_graph([(0, 0), (0, 1), (1, 1)]), 0.0, "not all"),
        (nx.Graph([((0, 0), (0, 1)), ((1, 0), (1, 1)), ((0, 0), (1, 1))]), 0.0, "no neighbours"),
    ],
)
def test_refusals(graph: Any, field: float, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        toroidal_log_partition(Ising(graph, field=field))


def test_grids_are_checked() -> None:
    with pytest.raises(DataError, match=r"\(2, 3\), \(3, 2\)"):
        toroidal_grid_log_partition(np.ones((2, 3)), np.ones((3, 2)))
    with pytest.raises(DataError, match="nan"):
        toroidal_grid_log_partition(np.full((2, 3), np.nan), np.ones((2, 3)))
