"""Random planar models, for the tests of everything that is exact on the plane."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from tnlearn.physics import Ising


def planar_graph(n: int, share: float, seed: int) -> nx.Graph[Any]:
    """Some of the edges of a triangulation of random points: often disconnected, with bridges."""
    random = np.random.default_rng(seed)
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from(range(n))
    if n == 2:
        graph.add_edge(0, 1)
    if n > 2:
        corners = Delaunay(random.random((n, 2))).simplices
        edges = {tuple(sorted((int(t[k]), int(t[k - 1])))) for t in corners for k in range(3)}
        graph.add_edges_from(e for e in sorted(edges) if random.random() < share)
    return graph


@st.composite
def planar_models(draw: st.DrawFn, most: int = 11, largest: float = 3.0) -> Ising:
    """Models of up to `most` spins: integer and real couplings of both signs, some of them 0."""
    n = draw(st.integers(1, most))
    share = draw(st.sampled_from([0.4, 0.8, 1.0]))
    graph = planar_graph(n, share, draw(st.integers(0, 10**6)))
    kind = draw(st.sampled_from(["signs", "integers", "reals"]))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    values = {
        "signs": lambda: random.choice([-1, 1]),
        "integers": lambda: random.integers(-2, 3),
        "reals": random.normal,
    }[kind]
    beta = draw(st.floats(0.01, largest))
    return Ising(graph, {edge: float(values()) for edge in graph.edges}, beta=beta)


def random_bonds(graph: nx.Graph[Any], seed: int, kind: str = "signs") -> dict[Any, float]:
    """A coupling -1 or +1, or a normal one, for every edge."""
    random = np.random.default_rng(seed)
    draw = random.normal if kind == "normal" else (lambda: random.choice([-1.0, 1.0]))
    return {edge: float(draw()) for edge in graph.edges}
