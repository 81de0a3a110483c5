"""Small random models that tests of inference share."""

from __future__ import annotations

import itertools
from typing import Any

import networkx as nx
import numpy as np

import tnlearn as tnl


def spin_glass(seed: int) -> tnl.Ising:
    """Gaussian couplings and fields on a small random graph, from high to low temperature."""
    random = np.random.default_rng(seed)
    count = int(random.integers(5, 14))
    if seed % 3 == 0:
        graph: Any = nx.gnp_random_graph(count, 0.4, seed=seed)
    elif seed % 3 == 1:
        graph = nx.random_regular_graph(3, count + count % 2, seed=seed)
    else:
        graph = nx.grid_2d_graph(3, int(random.integers(2, 5)))
    couplings = {edge: float(random.normal()) for edge in graph.edges}
    fields = {site: float(random.normal(scale=0.3)) for site in graph}
    return tnl.Ising(graph, couplings, fields, beta=float(random.uniform(0.3, 2.5)))


def factor_graph(seed: int, zeros: float = 0.3) -> tnl.FactorGraph:
    """Tables over up to three variables of two to four values, some entries zero."""
    random = np.random.default_rng(seed)
    sizes = {f"x{k}": int(random.integers(1, 5)) for k in range(int(random.integers(3, 7)))}
    factors = []
    for _ in range(int(random.integers(3, 9))):
        scope = random.permutation(list(sizes))[: int(random.integers(0, 4))].tolist()
        table = random.gamma(1.0, size=[sizes[name] for name in scope])
        table *= random.random(table.shape) >= zeros
        factors.append((scope, table))
    return tnl.FactorGraph(factors, sizes)


def every_state(model: Any) -> np.ndarray[Any, Any]:
    """All joint states, in the model's own values."""
    values = [model.values(site) for site in model.sites]
    texts = any(isinstance(value, str) for some in values for value in some)
    return np.array(list(itertools.product(*values)), dtype=object if texts else None)


def weights(model: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """All joint states and their weights."""
    states = every_state(model)
    beta = getattr(model, "beta", 1.0)
    return states, np.exp(-beta * np.asarray(model.energy(states), float))
