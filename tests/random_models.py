"""Every model of the house in one table, with its energy written out by hand.

A line in `MODELS` gives a model every test of `tests/physics/test_model_laws.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from tnlearn.physics import (
    BoltzmannMachine,
    Clock,
    HiddenMarkovTree,
    Hopfield,
    Ising,
    MarkovChain,
    Potts,
)

State: TypeAlias = dict[Any, Any]
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Case:
    """A model, and what is known of it otherwise.

    Attributes
    ----------
    make : callable
        Makes the model of `inputs`.
    inputs : tuple
        Arrays and mappings, which must stay as they are.
    energy : callable
        Of a state ``{site: value}``, from the definition.
    values : dict
        The values of every site, in order of sites and indices.
    visible : sequence of sites
        Those that `log_probability` is about.
    ties : bool
        Whether energies are such that equal ones are equal to the last bit.
    """

    make: Callable[..., Any]
    inputs: tuple[Any, ...]
    energy: Callable[[State], float]
    values: dict[Hashable, Sequence[Any]]
    visible: Sequence[Hashable]
    beta: float = 1.0
    ties: bool = True
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> Any:
        return self.make(*self.inputs, **self.options)

    @property
    def states(self) -> list[tuple[Any, ...]]:
        return list(product(*self.values.values()))

    @property
    def energies(self) -> np.ndarray[Any, Any]:
        """Of all states."""
        found = [self.energy(dict(zip(self.values, s, strict=True))) for s in self.states]
        return np.array(found, dtype=float)

    @property
    def weights(self) -> np.ndarray[Any, Any]:
        """``exp(-beta E)`` of all states."""
        return np.exp(-self.beta * self.energies)


# Quarters: sums of them are exact.
numbers = st.integers(-6, 6).map(lambda k: k / 4)
betas = st.sampled_from([0.5, 1.0, -1.0, 2.0, 0.0])


@st.composite
def graphs(draw: Draw, most: int) -> Any:
    """Up to `most` nodes, of any edges; sometimes parallel ones, and names of all sorts."""
    n = draw(st.integers(1, most))
    names = draw(st.sampled_from([list(range(n)), list("dbcae")[:n], [(k, "x") for k in range(n)]]))
    pairs = [(a, b) for k, a in enumerate(names) for b in names[:k]]
    graph: Any = nx.MultiGraph() if draw(st.booleans()) else nx.Graph()
    graph.add_nodes_from(names)
    if pairs:
        graph.add_edges_from(draw(st.lists(st.sampled_from(pairs), max_size=6)))
    return graph


def edges(graph: Any) -> list[Any]:
    return list(graph.edges(keys=True) if graph.is_multigraph() else graph.edges)


def coupled(draw: Draw, graph: Any) -> dict[Any, float]:
    """A coupling for every edge, in either orientation."""
    turned = [draw(st.sampled_from([e, (e[1], e[0], *e[2:])])) for e in edges(graph)]
    return {edge: draw(numbers) for edge in turned}


def vectors(draw: Draw, graph: Any, q: int) -> dict[Any, Any]:
    return {
        node: np.array(draw(st.lists(numbers, min_size=q, max_size=q)))
        for node in graph
        if draw(st.booleans())
    }


@st.composite
def ising(draw: Draw) -> Case:
    graph, beta = draw(graphs(4)), draw(betas)
    J, h = coupled(draw, graph), {node: draw(numbers) for node in graph}

    def energy(s: State) -> float:
        return -sum(x * s[e[0]] * s[e[1]] for e, x in J.items()) - sum(h[i] * s[i] for i in graph)

    spins = dict.fromkeys(graph, (-1, 1))
    return Case(Ising, (graph, J, h, beta), energy, spins, list(graph), beta)


def many_valued(
    draw: Draw, make: Any, q: int, pair: Callable[[int, int], float], ties: bool
) -> Case:
    graph, beta = draw(graphs(4 if q < 4 else 3)), draw(betas)
    J, h = coupled(draw, graph), vectors(draw, graph, q)

    def energy(s: State) -> float:
        bonds = sum(x * pair(s[e[0]], s[e[1]]) for e, x in J.items())
        return -bonds - sum(h[i][s[i]] for i in h)

    values = {node: range(q) for node in graph}
    return Case(make, (graph, q, J, h, beta), energy, values, list(graph), beta, ties)


@st.composite
def potts(draw: Draw) -> Case:
    q = draw(st.integers(1, 4))
    return many_valued(draw, Potts, q, lambda a, b: float(a == b), True)


@st.composite
def clock(draw: Draw) -> Case:
    q = draw(st.integers(1, 6))
    cosine = lambda a, b: math.cos(2 * math.pi * (a - b) / q)  # noqa: E731
    return many_valued(draw, Clock, q, cosine, q in (1, 2, 3, 4, 6))


@st.composite
def hopfield(draw: Draw) -> Case:
    """One to three patterns, of which some repeat: few kinds of sites, and many."""
    n, rule = draw(st.integers(1, 7)), draw(st.sampled_from(["hebb", "pseudo-inverse"]))
    row = st.lists(st.sampled_from([-1, 1]), min_size=n, max_size=n)
    patterns = np.array(draw(st.lists(row, min_size=1, max_size=3)))
    if np.linalg.matrix_rank(patterns) < len(patterns):
        rule = "hebb"
    theta = draw(
        st.one_of(st.just(0.5), st.just([0.0] * n), st.lists(numbers, min_size=n, max_size=n))
    )
    theta = np.broadcast_to(np.array(theta), (n,))
    overlap = patterns @ patterns.T / n if rule == "pseudo-inverse" else np.eye(len(patterns))
    couplings = patterns.T @ np.linalg.solve(overlap, patterns) / n
    np.fill_diagonal(couplings, 0.0)
    beta = draw(betas)

    def energy(s: State) -> float:
        spins = np.array([s[i] for i in range(n)], dtype=float)
        return float(-0.5 * spins @ couplings @ spins + theta @ spins)

    spins = dict.fromkeys(range(n), (-1, 1))
    return Case(
        Hopfield, (patterns, rule, theta, beta), energy, spins, list(range(n)), beta,
        ties=rule == "hebb" and not theta.any() and n in (1, 2, 4),
    )  # fmt: skip


@st.composite
def boltzmann(draw: Draw) -> Case:
    """By names, with any sites hidden: none, some, all."""
    graph: Any = nx.Graph(draw(graphs(5)))
    J, b, beta = coupled(draw, graph), {node: draw(numbers) for node in graph}, draw(betas)
    hidden = {node for node in graph if draw(st.booleans())}

    def energy(s: State) -> float:
        return -sum(x * s[i] * s[j] for (i, j), x in J.items()) - sum(b[i] * s[i] for i in graph)

    bits = dict.fromkeys(graph, (0, 1))
    seen = [node for node in graph if node not in hidden]
    return Case(BoltzmannMachine, (J, b, hidden, beta), energy, bits, seen, beta)


@st.composite
def boltzmann_of_a_matrix(draw: Draw) -> Case:
    n, beta = draw(st.integers(1, 4)), draw(betas)
    upper = np.triu([[draw(numbers) for _ in range(n)] for _ in range(n)], 1)
    w, b = upper + upper.T, np.array([draw(numbers) for _ in range(n)])

    def energy(s: State) -> float:
        bits = np.array([s[i] for i in range(n)], dtype=float)
        return float(-bits @ upper @ bits - b @ bits)

    bits = dict.fromkeys(range(n), (0, 1))
    seen = list(range(0, n, 2))
    return Case(BoltzmannMachine, (w, b, range(1, n, 2), beta), energy, bits, seen, beta)


def rows(draw: Draw, n: int, q: int) -> np.ndarray[Any, Any]:
    """A table of conditional probabilities, some of them zero."""
    weights = st.lists(st.integers(0, 3), min_size=q, max_size=q).filter(any)
    counts = np.array([draw(weights) for _ in range(n)], dtype=float)
    return counts / counts.sum(axis=1, keepdims=True)


def minus_log(p: float) -> float:
    return -math.log(p) if p > 0 else math.inf


@st.composite
def markov_chain(draw: Draw) -> Case:
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    initial = rows(draw, 1, sizes[0])[0]
    tables = [rows(draw, a, b) for a, b in pairwise(sizes)]

    def energy(s: State) -> float:
        steps = (table[s[k], s[k + 1]] for k, table in enumerate(tables))
        return minus_log(initial[s[0]]) + sum(map(minus_log, steps))

    values = {k: range(size) for k, size in enumerate(sizes)}
    return Case(MarkovChain, (initial, tables), energy, values, list(values), ties=False)


@st.composite
def hidden_markov_tree(draw: Draw) -> Case:
    """Chains by their length, trees rooted anywhere, and trees with arrows."""
    n, q, m = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    initial, emission = rows(draw, 1, q)[0], rows(draw, q, m)
    parents = {k: draw(st.integers(0, k - 1)) for k in range(1, n)}
    tables = {(u, v): rows(draw, q, q) for v, u in parents.items()}
    kind = draw(st.sampled_from(["chain", "rooted", "directed"]))
    observed = list(range(n))
    root, tree, options = 0, n, {}
    given: Any = emission
    if kind == "chain":
        tables = {(k, k + 1): rows(draw, q, q) for k in range(n - 1)}
    elif kind == "directed":
        tree = nx.DiGraph()
        tree.add_nodes_from(reversed(range(n)))
        tree.add_edges_from(tables)
        observed = [v for v in tree if draw(st.booleans())]
        given = dict.fromkeys(observed, emission)
    else:
        tree = nx.Graph()
        tree.add_nodes_from(range(n))
        tree.add_edges_from(tables)
        root = draw(st.integers(0, n - 1))
        tables = {arrow: rows(draw, q, q) for arrow in nx.bfs_edges(tree, root)}
        options = {"root": root}

    def energy(s: State) -> float:
        z = {v: s["hidden", v] for v in range(n)}
        steps = [tables[u, v][z[u], z[v]] for u, v in tables]
        seen = [emission[z[v], s["observed", v]] for v in observed]
        return minus_log(initial[z[root]]) + sum(map(minus_log, [*steps, *seen]))

    nodes = list(tree) if kind != "chain" else list(range(n))
    values = {("hidden", v): range(q) for v in nodes} | {
        ("observed", v): range(m) for v in observed
    }
    return Case(
        HiddenMarkovTree, (tree, initial, tables, given), energy, values,
        [("observed", v) for v in observed], ties=False, options=options,
    )  # fmt: skip


#: name -> random small instances
MODELS: dict[str, st.SearchStrategy[Case]] = {
    "Ising": ising(),
    "Potts": potts(),
    "Clock": clock(),
    "Hopfield": hopfield(),
    "BoltzmannMachine": boltzmann(),
    "BoltzmannMachine of a matrix": boltzmann_of_a_matrix(),
    "MarkovChain": markov_chain(),
    "HiddenMarkovTree": hidden_markov_tree(),
}
