"""Every sampler of discrete models, and models to try it on: a new one gets every test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

import tnlearn as tnl
from tnlearn.network import Tensor, TensorNetwork
from tnlearn.sampling import Gibbs, Metropolis, MultiSpin, ParallelTempering, Wolff


@dataclass(frozen=True)
class Potts:
    """Three values on a path with a triangle, a field, and a pair of neighbours never both 2."""

    beta: float = 0.8
    sites: tuple[str, ...] = ("a", "b", "c", "d")

    def values(self, site: str) -> tuple[int, ...]:
        """0, 1 and 2; site d has 0 and 1 only."""
        return (0, 1, 2)[: 2 if site == "d" else 3]

    def energies(self) -> TensorNetwork:
        """Tables of one, two and three sites; a constant; and one site twice on a table."""
        forbidden = -np.eye(3)
        forbidden[2, 2] = np.inf
        three = np.random.default_rng(0).normal(size=(3, 3, 2))
        return TensorNetwork(
            [
                Tensor(np.array([0.0, 0.3, -0.7]), "a"),
                Tensor(-np.eye(3), "ab"),
                Tensor(forbidden, "cb"),
                Tensor(three, "acd"),
                Tensor(np.array(0.25), ""),
                Tensor(np.diag([0.1, -0.2, 0.4]) + 9 * (1 - np.eye(3)), "cc"),
            ]
        )

    def network(self) -> TensorNetwork:
        """The Boltzmann factors."""
        return TensorNetwork(
            Tensor(-self.beta * tensor.data, tensor.indices, log=True) for tensor in self.energies()
        )

    def energy(self, states: Any) -> Any:
        """Entry by entry."""
        column = {site: k for k, site in enumerate(self.sites)}
        return np.array(
            [
                sum(
                    float(tensor.data[tuple(state[column[i]] for i in tensor.indices)])
                    for tensor in self.energies()
                )
                for state in np.asarray(states)
            ]
        )


def ising(graph: Any, coupling: Any = 1.0, field: Any = 0.0, beta: float = 0.5) -> tnl.Ising:
    return tnl.Ising(graph, coupling, field, beta)


def signs(graph: Any, strength: float = 1.0) -> dict[Any, float]:
    random = np.random.default_rng(5)
    return {edge: strength * float(random.choice([-1, 1])) for edge in graph.edges}


def normals(things: Any) -> dict[Any, float]:
    random = np.random.default_rng(6)
    return {thing: float(random.normal()) for thing in things}


RING, WHEEL, CLIQUE = nx.cycle_graph(5), nx.wheel_graph(6), nx.complete_graph(6)
PARTS = nx.disjoint_union(nx.cycle_graph(4), nx.path_graph(3))

#: Without a field and with couplings of one sign: for every sampler.
FERROMAGNETS: dict[str, Callable[[], tnl.Ising]] = {
    "single site": lambda: ising(nx.empty_graph(1)),
    "free spins": lambda: ising(nx.empty_graph(4)),
    "infinite temperature": lambda: ising(RING, beta=0.0),
    "parts": lambda: ising(PARTS),
    "star of odd degree": lambda: ising(nx.star_graph(5), 1.3),
    "clique of degree 5": lambda: ising(CLIQUE, 0.4),
    "no bond at all": lambda: ising(nx.path_graph(2), 0.0),
}
#: Couplings of both signs, of one strength.
GLASSES: dict[str, Callable[[], tnl.Ising]] = {
    "frustrated triangle": lambda: ising(nx.complete_graph(3), -1.0, beta=0.9),
    "wheel": lambda: ising(WHEEL, signs(WHEEL, 0.7), beta=0.7),
    "diluted": lambda: ising(WHEEL, {e: s * (e[0] > 0) for e, s in signs(WHEEL).items()}),
    "negative temperature": lambda: ising(RING, beta=-0.6),
}
OTHERS: dict[str, Callable[[], Any]] = {
    "field in units": lambda: ising(PARTS, signs(PARTS), {0: 1.5, 5: -0.5}),
    "any couplings": lambda: ising(WHEEL, normals(WHEEL.edges), normals(WHEEL), 0.6),
    "strong field": lambda: ising(nx.path_graph(2), 1.0, 40.0, 3.0),
    "tables": Potts,
}
LADDER = (0.1, 0.4)


@dataclass(frozen=True)
class Tempered:
    """Parallel tempering over a ladder that has the model's own beta on it."""

    def init(self, model: Any, chains: int, seed: Any = None, **options: Any) -> Any:
        """A ladder of three."""
        ladder = ParallelTempering(Gibbs(), (*LADDER, model.beta))
        return ladder.init(model, chains, seed, **options)

    def step(self, state: Any, sweeps: int = 1) -> Any:
        """One of the ladder."""
        return ParallelTempering(Gibbs(), LADDER).step(state, sweeps)


#: sampler, models it knows, sweeps that are enough to forget the start
SAMPLERS: dict[str, tuple[Any, dict[str, Callable[[], Any]], int]] = {
    "Gibbs": (Gibbs(), FERROMAGNETS | GLASSES | OTHERS, 40),
    "Metropolis": (Metropolis(), FERROMAGNETS | GLASSES | OTHERS, 60),
    "MultiSpin": (MultiSpin(), FERROMAGNETS | GLASSES, 60),
    "Wolff": (Wolff(), FERROMAGNETS, 60),
    "ParallelTempering": (Tempered(), FERROMAGNETS | GLASSES | OTHERS, 20),
}
CASES = [(sampler, model) for sampler, (_, models, _) in SAMPLERS.items() for model in models]
