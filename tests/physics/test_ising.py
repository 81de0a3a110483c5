"""The Ising model on any graph: against closed forms, and against listing every state."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.network import Model
from tnlearn.physics import exact

pytestmark = pytest.mark.filterwarnings("error")

Graph: TypeAlias = "nx.Graph[Any]"

TOLERANCE = 1e-12


def near(expected: Any, rel: float = TOLERANCE) -> Any:
    """Relative only: pytest.approx alone would also let any difference below 1e-12 pass."""
    return pytest.approx(expected, rel=rel, abs=0.0)


def torus(n: int) -> Graph:
    return nx.grid_2d_graph(n, n, periodic=True)


def parallel() -> Graph:
    """Edges 0-1 three times and 1-2 twice, two of them given the other way round."""
    graph = nx.MultiGraph([(0, 1), (1, 0), (0, 1), (1, 2), (2, 1), (2, 3)])
    graph.add_edge(3, 0, key="named")
    return graph


# name -> a graph of at most 9 nodes
GRAPHS: dict[str, Callable[[], Graph]] = {
    "single node": lambda: nx.empty_graph(1),
    "isolated nodes": lambda: nx.empty_graph(4),
    "isolated nodes beside edges": lambda: nx.disjoint_union(nx.empty_graph(2), nx.star_graph(3)),
    "disconnected": lambda: nx.disjoint_union(nx.cycle_graph(4), nx.path_graph(3)),
    "parallel edges": parallel,
    "complete": lambda: nx.complete_graph(7),
    "bipartite": lambda: nx.complete_bipartite_graph(3, 4),
    "star": lambda: nx.star_graph(8),
    "tree": lambda: nx.balanced_tree(2, 2),
    "random tree": lambda: nx.random_labeled_tree(9, seed=1),
    "grid with tuple names": lambda: nx.grid_2d_graph(3, 3),
    "torus": lambda: torus(3),
    "sparse random": lambda: nx.gnp_random_graph(9, 0.25, seed=2),
    "dense random": lambda: nx.gnp_random_graph(8, 0.7, seed=3),
    "string names": lambda: nx.relabel_nodes(nx.cycle_graph(5), dict(enumerate("probe"))),
    "names of one spelling": lambda: nx.Graph([(1, "1"), ("1", (1,)), ((1,), "(1,)"), ("(1,)", 1)]),
    "names in odd order": lambda: nx.Graph([(5, 2), (2, 9), (9, 0), (0, 5), (0, 2)]),
}


def edges_of(graph: Graph) -> list[Any]:
    """The edges as a coupling names them: those of a multigraph with their key."""
    return list(graph.edges(keys=True) if graph.is_multigraph() else graph.edges)


def random_model(name: str, beta: float = 0.8, seed: int = 0) -> tnl.Ising:
    """Couplings and fields of both signs, some fields 0; edges named in either orientation."""
    graph, random = GRAPHS[name](), Random(f"{name} {seed}")
    coupling = {
        random.choice([e, (e[1], e[0], *e[2:])]): random.gauss(0, 1) for e in edges_of(graph)
    }
    field = {node: random.choice([0.0, random.gauss(0, 1)]) for node in graph}
    return tnl.Ising(graph, coupling, field, beta)


def energy_by_hand(
    graph: Graph, coupling: dict[Any, float], field: dict[Any, float], spin: dict[Any, int]
) -> float:
    """``-sum_edges J_ij s_i s_j - sum_i h_i s_i``."""
    bonds = sum(coupling[e] * spin[e[0]] * spin[e[1]] for e in edges_of(graph))
    return -bonds - sum(field[node] * spin[node] for node in graph)


# Closed forms


@pytest.mark.parametrize("k", [0.1, 0.3, 0.44068679, 0.7, 1.2])
@pytest.mark.parametrize("n", range(3, 9))
def test_torus_equals_kaufman(n: int, k: float) -> None:
    value = tnl.log_partition(tnl.Ising(torus(n), coupling=2 * k, beta=0.5))
    expected = exact.torus_log_partition(n, n, 2 * k, 0.5)
    assert value == near(expected)
    # What it says of its own error is neither too small nor useless.
    assert abs(value - expected) <= 4 * value.error
    assert value.error < TOLERANCE


@pytest.mark.parametrize(("n", "expected"), [(4, 15.521915458755), (8, 60.141780789069)])
def test_critical_torus_as_published(n: int, expected: float) -> None:
    value = tnl.log_partition(tnl.Ising(torus(n), beta=exact.CRITICAL_COUPLING))
    assert value == near(expected, 1e-13)


@pytest.mark.parametrize("coupling", [0.7, -0.7, 0.0, 20.0, -20.0])
@pytest.mark.parametrize("field", [0.0, 0.3, -1.5, 30.0])
@pytest.mark.parametrize("n", [3, 6, 7, 50])
def test_ring_and_chain_in_a_field(n: int, coupling: float, field: float) -> None:
    beta = 0.8
    ring = tnl.Ising(nx.cycle_graph(n), coupling, field, beta)
    assert tnl.log_partition(ring) == near(exact.ring_log_partition(n, coupling, field, beta))
    chain = tnl.Ising(nx.path_graph(n), coupling, field, beta)
    assert tnl.log_partition(chain) == near(
        exact.open_chain_log_partition(n, coupling, field, beta)
    )


@pytest.mark.parametrize("field", [0.0, 0.4])
def test_ring_of_two_has_two_bonds(field: float) -> None:
    model = tnl.Ising(nx.MultiGraph([(0, 1), (0, 1)]), 0.6, field, 1.1)
    assert tnl.log_partition(model) == near(exact.ring_log_partition(2, 0.6, field, 1.1))


def test_long_chain() -> None:
    n = 2000
    value = tnl.log_partition(tnl.Ising(nx.path_graph(n), 1.0, 0.2, 0.9))
    assert value == near(exact.open_chain_log_partition(n, 1.0, 0.2, 0.9), 1e-13)


@pytest.mark.parametrize("coupling", [0.9, -0.9])
def test_ring_correlations(coupling: float) -> None:
    n, beta = 12, 0.7
    model = tnl.Ising(nx.cycle_graph(n), coupling, beta=beta)
    for (_, r), p in tnl.marginals(model, [(0, r) for r in range(1, n)]).items():
        expected = exact.ring_correlation(n, r, coupling, beta)
        assert p[0, 0] + p[1, 1] - p[0, 1] - p[1, 0] == pytest.approx(expected, abs=1e-13)


# Every state of small models


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("beta", [0.8, -0.5, 3.0])
def test_log_partition_equals_brute_force(name: str, beta: float) -> None:
    model = random_model(name, beta)
    expected = exact.brute_force_log_partition(model)
    assert tnl.log_partition(model) == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize("name", GRAPHS)
def test_marginals_of_sites_equal_brute_force(name: str) -> None:
    model = random_model(name)
    expected = exact.brute_force_marginals(model, [(site,) for site in model.sites])
    found = tnl.marginals(model)
    assert tuple(found) == model.sites
    for site, p in found.items():
        np.testing.assert_allclose(p, expected[(site,)], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", [name for name in GRAPHS if len(GRAPHS[name]()) >= 3])
def test_joint_marginals_equal_brute_force(name: str, size: int) -> None:
    """All pairs and triples, near and far apart, with the sites in a random order."""
    model, random = random_model(name), Random(name)
    subsets = [
        tuple(random.sample(subset, size)) for subset in itertools.combinations(model.sites, size)
    ]
    subsets = random.sample(subsets, min(12, len(subsets)))
    expected = exact.brute_force_marginals(model, subsets)
    found = tnl.marginals(model, subsets)
    assert list(found) == subsets
    for subset, p in found.items():
        np.testing.assert_allclose(p, expected[subset], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", GRAPHS)
def test_laws_of_a_model(name: str) -> None:
    """``contract(network()) == sum_s exp(-beta E(s))``, and so for every state alone."""
    model = random_model(name)
    assert isinstance(model, Model)
    states = np.array(list(itertools.product((-1, 1), repeat=len(model.sites))))
    weights = np.exp(-model.beta * model.energy(states))
    network = model.network()
    assert network.output == ()
    assert set(network.sizes) == set(model.sites)
    assert float(tnl.contract(network)) == near(weights.sum())
    for row in Random(name).sample(range(len(states)), min(16, len(states))):
        at = {
            site: model.values(site).index(spin)
            for site, spin in zip(model.sites, states[row].tolist(), strict=True)
        }
        assert float(tnl.contract(network.fix(at))) == near(weights[row])


@pytest.mark.parametrize("name", GRAPHS)
def test_energy_by_hand(name: str) -> None:
    graph, random = GRAPHS[name](), Random(name)
    coupling = {edge: random.gauss(0, 1) for edge in edges_of(graph)}
    field = {node: random.gauss(0, 1) for node in graph}
    model = tnl.Ising(graph, coupling, field)
    assert model.sites == tuple(graph)
    states = [[random.choice((-1, 1)) for _ in graph] for _ in range(20)]
    expected = [
        energy_by_hand(graph, coupling, field, dict(zip(graph, state, strict=True)))
        for state in states
    ]
    energies = model.energy(states)
    assert energies.shape == (20,)
    np.testing.assert_allclose(energies, expected, rtol=0, atol=1e-13)


def test_energies_are_totals_in_units_of_the_coupling() -> None:
    model = tnl.Ising(torus(4), coupling=2.0, field=0.5, beta=7.0)
    up = np.ones((1, 16))
    assert model.energy(up).tolist() == [-(2 * 32 + 8.0)]
    assert model.energy(-up).tolist() == [-(2 * 32 - 8.0)]
    assert model.energy(np.empty((0, 16))).shape == (0,)


# Couplings and fields


def test_a_coupling_goes_by_either_orientation() -> None:
    graph = nx.path_graph(["a", "b", "c"])
    forwards = tnl.Ising(graph, {("a", "b"): 1.5, ("b", "c"): -2.0})
    backwards = tnl.Ising(graph, {("b", "a"): 1.5, ("c", "b"): -2.0})
    assert dict(forwards.couplings) == dict(backwards.couplings)
    assert dict(forwards.couplings) == {("a", "b"): 1.5, ("b", "c"): -2.0}


def test_a_coupling_given_in_both_orientations_is_refused() -> None:
    with pytest.raises(ModelError, match=r"twice|both"):
        tnl.Ising(nx.path_graph(2), {(0, 1): 1.0, (1, 0): 2.0})


def test_parallel_edges_add() -> None:
    graph = parallel()
    couplings = dict(zip(edges_of(graph), [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0], strict=True))
    sums = {frozenset((0, 1)): 0.0, frozenset((1, 2)): 0.0, frozenset((2, 3)): 0.0}
    sums[frozenset((3, 0))] = 0.0
    for (a, b, _), value in couplings.items():
        sums[frozenset((a, b))] += value
    model = tnl.Ising(graph, couplings)
    assert {frozenset(edge): value for edge, value in model.couplings.items()} == sums
    turned = {(b, a, key): value for (a, b, key), value in couplings.items()}
    assert dict(tnl.Ising(graph, turned).couplings) == dict(model.couplings)
    assert sum(tnl.Ising(graph, 0.5).couplings.values()) == 7 * 0.5


def test_a_field_may_leave_nodes_out() -> None:
    model = tnl.Ising(nx.path_graph(3), field={2: -1.0})
    assert dict(model.fields) == {0: 0.0, 1: 0.0, 2: -1.0}


def test_numbers_of_numpy_are_numbers() -> None:
    model = tnl.Ising(nx.path_graph(2), np.float32(0.5), np.int64(2), beta=np.float64(0.25))
    assert tnl.log_partition(model) == near(exact.open_chain_log_partition(2, 0.5, 2.0, 0.25))


def test_nodes_that_print_alike_are_different_sites() -> None:
    class Spin:
        def __repr__(self) -> str:
            return "Spin()"

    for graph in (nx.path_graph([Spin(), Spin(), Spin()]), nx.empty_graph([Spin(), Spin()])):
        model = tnl.Ising(graph, 0.3, 0.2)
        assert tnl.log_partition(model) == near(exact.brute_force_log_partition(model))


# Temperatures


@pytest.mark.parametrize("name", GRAPHS)
def test_infinite_temperature(name: str) -> None:
    model = random_model(name, beta=0.0)
    n = len(model.sites)
    assert tnl.log_partition(model) == near(n * math.log(2), 1e-14)
    for p in tnl.marginals(model).values():
        np.testing.assert_allclose(p, [0.5, 0.5], rtol=1e-14)


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("beta", [1e4, -1e4])
def test_hardly_any_temperature(name: str, beta: float) -> None:
    """Nothing overflows, and the state of least energy is all there is."""
    model = random_model(name, beta)
    value = tnl.log_partition(model)
    expected = exact.brute_force_log_partition(model)
    assert value == pytest.approx(expected, rel=1e-14, abs=1e-13)
    wanted = exact.brute_force_marginals(model, [(site,) for site in model.sites])
    for site, p in tnl.marginals(model).items():
        np.testing.assert_allclose(p, wanted[(site,)], rtol=0, atol=1e-9)


@pytest.mark.parametrize("beta", [1.0, 1e2, 1e4])
def test_error_of_large_logarithms(beta: float) -> None:
    """An absolute error of a float of size 1e5 cannot be 1e-15."""
    for name in ("disconnected", "torus", "dense random"):
        model = random_model(name, beta)
        value = tnl.log_partition(model)
        assert abs(value - exact.brute_force_log_partition(model)) <= 4 * value.error
        assert value.error <= TOLERANCE * max(1.0, abs(value))


@pytest.mark.parametrize("n", [5, 8])
def test_frustrated_and_cold(n: int) -> None:
    """An odd ring has 2 n ground states, an even one 2; all are equally likely."""
    model = tnl.Ising(nx.cycle_graph(n), -1.0, beta=1e4)
    energy, states = (2 - n, 2 * n) if n % 2 else (-n, 2)
    assert tnl.log_partition(model) == near(-1e4 * energy + math.log(states), 1e-15)
    pair = tnl.marginals(model, [(0, 1)])[0, 1]
    alike = 1 / n if n % 2 else 0.0
    expected = [[alike / 2, (1 - alike) / 2], [(1 - alike) / 2, alike / 2]]
    np.testing.assert_allclose(pair, expected, rtol=0, atol=1e-10)


def test_sign_of_the_field() -> None:
    model = tnl.Ising(nx.empty_graph(1), field=0.3, beta=2.0)
    (p,) = tnl.marginals(model).values()
    assert p[1] / p[0] == near(math.exp(2 * 0.3 * 2))
    assert model.values(0) == (-1, 1)


# What log_partition returns


def test_log_partition_is_a_float_with_a_pedigree() -> None:
    value = tnl.log_partition(tnl.Ising(nx.cycle_graph(4), beta=0.5))
    assert isinstance(value, float)
    assert (value.method, value.converged) == ("exact", True)
    assert 0 < value.error < TOLERANCE
    assert "exact" in repr(value)
    assert value == near(exact.ring_log_partition(4, 1.0, 0.0, 0.5))


def test_log_partition_can_be_copied_and_sent() -> None:
    """A float that worker processes, copies and caches can hold."""
    import copy
    import pickle

    value = tnl.log_partition(tnl.Ising(nx.cycle_graph(4), beta=0.5))
    for other in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert other == value
        assert vars(other) == vars(value)


# Errors


def looped() -> Graph:
    return nx.Graph([(0, 1), (1, 1)])


NAN, INF = math.nan, math.inf
PATH = nx.path_graph(3)

# name -> what is given, and what the message must say
MISTAKES: dict[str, tuple[tuple[Any, ...], str]] = {
    "directed": ((nx.DiGraph([(0, 1)]),), "undirected"),
    "empty": ((nx.Graph(),), "at least one node"),
    "self-loop": ((looped(),), "self-loop at 1"),
    "self-loop in a multigraph": ((nx.MultiGraph([(0, 1), (2, 2)]),), "self-loop at 2"),
    "missing coupling": ((PATH, {(0, 1): 1.0}), r"edge \(1, 2\) has no coupling"),
    "missing key": ((nx.MultiGraph([(0, 1), (0, 1)]), {(0, 1, 0): 1.0}), r"edge \(0, 1, 1\)"),
    "unknown edge": ((PATH, {(0, 1): 1.0, (1, 2): 1.0, (0, 2): 1.0}), r"\(0, 2\).*no edge"),
    "multigraph edge without key": ((nx.MultiGraph([(0, 1)]), {(0, 1): 1.0}), "no edge"),
    "unknown node": ((PATH, 1.0, {7: 1.0}), "7.*no node"),
    "coupling nan": ((PATH, NAN), r"coupling of \(0, 1\) is nan"),
    "coupling inf": ((PATH, {(0, 1): 1.0, (1, 2): INF}), r"coupling of \(1, 2\) is inf"),
    "field nan": ((PATH, 1.0, {1: NAN}), "field of 1 is nan"),
    "field inf": ((PATH, 1.0, -INF), "field of 0 is -inf"),
    "beta nan": ((PATH, 1.0, 0.0, NAN), "beta is nan"),
    "beta inf": ((PATH, 1.0, 0.0, INF), "beta is inf"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        tnl.Ising(*arguments)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("number", ["strong", None, 1j, [1.0, 2.0]])
@pytest.mark.parametrize("name", ["coupling", "field", "beta"])
def test_what_is_no_number_is_named(name: str, number: Any) -> None:
    with pytest.raises(tnl.TnlearnError, match=name):
        tnl.Ising(PATH, **{name: number})


@pytest.mark.parametrize("arguments", [(1e200, 0.0, 1e200), (1.0, 1e200, 1e200)])
def test_a_product_with_beta_beyond_a_float_is_refused(arguments: tuple[float, ...]) -> None:
    with pytest.raises(tnl.TnlearnError, match=r"inf|beta"):
        tnl.log_partition(tnl.Ising(PATH, *arguments))


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([1, 1, 1], r"shape \(n_states, 3\), got \(3,\)"),
        ([[1, 1]], r"shape \(n_states, 3\), got \(1, 2\)"),
        (np.ones((2, 2, 3)), r"got \(2, 2, 3\)"),
        ([[1, 0, 1]], "-1 and [+]1 only"),
        ([[1, -1, 2]], "-1 and [+]1 only"),
        ([[1, NAN, 1]], "-1 and [+]1 only"),
    ],
)
def test_states_that_are_none(states: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        tnl.Ising(PATH).energy(states)


def test_values_of_an_unknown_site() -> None:
    with pytest.raises(ModelError, match="7"):
        tnl.Ising(PATH).values(7)


@pytest.mark.parametrize("graph", [None, 3, [(0, 1)], np.eye(2)])
def test_what_is_no_graph_is_refused(graph: Any) -> None:
    with pytest.raises(DataTypeError, match="the Ising model needs a networkx graph, got "):
        tnl.Ising(graph)


def test_a_whole_number_that_no_float_holds_is_refused() -> None:
    with pytest.raises(ModelError, match="beta is larger than any float"):
        tnl.Ising(nx.path_graph(2), beta=10**400)
