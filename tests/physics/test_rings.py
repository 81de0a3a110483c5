"""Rings and chains by transfer matrices: closed forms, contraction, and any length."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.physics import Clock, Potts
from tnlearn.physics.exact.chain import open_chain_log_partition, ring_log_partition

pytestmark = pytest.mark.filterwarnings("error")

PLACES = [0.0, 0.3, -1.7]


@pytest.mark.parametrize("n", [3, 4, 1001, 100_000])
@pytest.mark.parametrize("field", PLACES)
@pytest.mark.parametrize("coupling", [0.9, -0.4])
def test_rings_and_chains_of_spins(n: int, field: float, coupling: float) -> None:
    for graph, exact in (
        (nx.cycle_graph(n), ring_log_partition),
        (nx.path_graph(n), open_chain_log_partition),
    ):
        found = tnl.log_partition(tnl.Ising(graph, coupling, field, 0.8), "shortcut")
        assert found.method == "transfer matrices"
        wanted = exact(n, coupling, field, 0.8)
        assert found == pytest.approx(wanted, rel=1e-13)
        assert abs(found - wanted) <= found.error


def scattered(seed: int) -> Any:
    """Rings, chains and lone sites in one graph, its nodes and edges in any order."""
    parts = [nx.cycle_graph(5), nx.path_graph(4), nx.path_graph(1), nx.cycle_graph(3)]
    whole = nx.disjoint_union_all([*parts, nx.path_graph(2)])
    random = np.random.default_rng(seed)
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from(random.permutation(list(whole)).tolist())
    graph.add_edges_from(random.permutation(list(whole.edges)).tolist())
    return graph


@pytest.mark.parametrize("seed", range(10))
def test_any_rings_and_chains(seed: int) -> None:
    graph, random = scattered(seed), np.random.default_rng(seed)
    coupling = {edge: float(random.normal()) for edge in graph.edges}
    field = {site: float(random.normal()) for site in graph}
    fields = {site: random.normal(size=3) for site in graph}
    for model in (
        tnl.Ising(graph, coupling, field, 1.3),
        Potts(graph, 3, coupling, fields, 0.7),
        Clock(graph, 3, coupling, fields, -0.7),
    ):
        found, exact = (tnl.log_partition(model, method) for method in ("shortcut", "exact"))
        assert found == pytest.approx(float(exact), rel=1e-13)


def test_no_temperature_overflows() -> None:
    frustrated = dict.fromkeys(nx.cycle_graph(7).edges, -1.0)
    found = tnl.log_partition(tnl.Ising(nx.cycle_graph(7), frustrated, beta=1e6), "shortcut")
    assert found == pytest.approx(5e6 + math.log(14), rel=1e-15)


def test_long_rings_are_not_planned() -> None:
    model = tnl.Ising(nx.cycle_graph(1000), 0.5)
    assert tnl.assess(model).method == tnl.log_partition(model).method == "transfer matrices"


def test_anything_else_has_no_transfer_matrices() -> None:
    star, loop = nx.star_graph(3), nx.cycle_graph(4)
    loop.add_edge(0, "tail")
    for graph in (star, loop):
        assert Potts(graph, 3).shortcut() is None
