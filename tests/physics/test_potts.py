"""Potts and clock models: closed forms, and how they are the Ising model and each other."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.physics import Clock, Potts

pytestmark = pytest.mark.filterwarnings("error")

GRAPHS: dict[str, Any] = {
    "ring": nx.cycle_graph(5),
    "torus": nx.grid_2d_graph(3, 3, periodic=True),
    "random": nx.gnp_random_graph(7, 0.5, seed=1),
    "parallel": nx.MultiGraph([(0, 1), (1, 0), (1, 2), (2, 0)]),
}


def couplings(graph: Any, seed: int = 0) -> dict[Any, float]:
    random = np.random.default_rng(seed)
    edges = list(graph.edges(keys=True) if graph.is_multigraph() else graph.edges)
    return {edge: float(random.normal()) for edge in edges}


@pytest.mark.parametrize("q", range(1, 7))
@pytest.mark.parametrize(("coupling", "n"), [(0.7, 3), (-1.3, 4), (2.0, 9)])
def test_potts_ring(q: int, coupling: float, n: int) -> None:
    """Eigenvalues ``e^K + q - 1`` once and ``e^K - 1`` q - 1 times: Potts (1952)."""
    beta = 0.8
    k = math.exp(beta * coupling)
    expected = (k + q - 1) ** n + (q - 1) * (k - 1) ** n
    assert tnl.log_partition(Potts(nx.cycle_graph(n), q, coupling, beta=beta)) == pytest.approx(
        math.log(expected), rel=1e-13
    )


@pytest.mark.parametrize("q", range(1, 7))
def test_clock_ring(q: int) -> None:
    """The matrix of a bond is circulant: its eigenvalues are a Fourier transform."""
    beta, coupling, n = 0.8, 1.4, 5
    row = np.exp(beta * coupling * np.cos(2 * np.pi * np.arange(q) / q))
    expected = math.log((np.fft.fft(row).real ** n).sum())
    model = Clock(nx.cycle_graph(n), q, coupling, beta=beta)
    assert tnl.log_partition(model) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("name", GRAPHS)
def test_two_states_are_ising(name: str) -> None:
    """As a clock with the same coupling; as Potts with half, and J/2 less energy an edge."""
    graph, J = GRAPHS[name], couplings(GRAPHS[name])
    h = {site: 0.1 * k - 0.2 for k, site in enumerate(graph)}
    field = {site: [-x, x] for site, x in h.items()}
    ising = tnl.Ising(graph, J, h, 0.7)
    clock, potts = Clock(graph, 2, J, field, 0.7), Potts(graph, 2, J, field, 0.7)
    half = tnl.Ising(graph, {edge: x / 2 for edge, x in J.items()}, h, 0.7)
    bits = np.random.default_rng(0).integers(0, 2, (50, len(graph)))
    np.testing.assert_allclose(clock.energy(bits), ising.energy(2 * bits - 1), atol=1e-13)
    shift = sum(J.values()) / 2
    np.testing.assert_allclose(potts.energy(bits), half.energy(2 * bits - 1) - shift, atol=1e-13)
    assert tnl.log_partition(clock) == pytest.approx(tnl.log_partition(ising), rel=1e-13)
    np.testing.assert_allclose(
        clock.log_probability(bits), ising.log_probability(2 * bits - 1), atol=1e-12
    )


@pytest.mark.parametrize("name", GRAPHS)
def test_three_directions_are_potts(name: str) -> None:
    graph, J = GRAPHS[name], couplings(GRAPHS[name])
    clock = Clock(graph, 3, J, [0.1, 0.5, -0.2], 0.7)
    potts = Potts(graph, 3, {e: 1.5 * x for e, x in J.items()}, [0.1, 0.5, -0.2], 0.7)
    shift = sum(J.values()) / 2
    expected = tnl.log_partition(potts) - 0.7 * shift
    assert tnl.log_partition(clock) == pytest.approx(expected, rel=1e-13)
    states = np.random.default_rng(0).integers(0, 3, (50, len(graph)))
    np.testing.assert_allclose(clock.energy(states), potts.energy(states) + shift, atol=1e-13)


def test_four_directions_are_two_ising_models() -> None:
    """A unit vector at multiples of 90 degrees is two spins of half the coupling each."""
    graph = nx.grid_2d_graph(3, 4)
    clock = tnl.log_partition(Clock(graph, 4, 0.9, beta=0.6))
    assert clock == pytest.approx(2 * tnl.log_partition(tnl.Ising(graph, 0.45, beta=0.6)), 1e-13)


@pytest.mark.parametrize("q", [1, 2, 3, 4, 6])
def test_cosines_are_exact(q: int) -> None:
    energies = [-e for e in tnl.density_of_states(Clock(nx.path_graph(2), q))]
    assert all(2 * energy == round(2 * energy) for energy in energies)


def test_colourings() -> None:
    """The chromatic polynomial of the Petersen graph at 3 colours is 120."""
    found = tnl.mode(Potts(nx.petersen_graph(), 3, -1.0), count=True)
    assert (found.energy, found.degeneracy) == (0.0, 120)


def test_energies_are_totals_in_units_of_the_coupling() -> None:
    model = Potts(nx.cycle_graph(4), 3, 2.0, {0: [0, 1, 5]}, beta=9.0)
    assert model.energy([[2, 2, 2, 2], [0, 1, 2, 1], [1, 1, 2, 2]]).tolist() == [-13, 0, -5]


def test_many_states_at_once_are_as_each() -> None:
    graph = nx.gnp_random_graph(12, 0.4, seed=0)
    model = Clock(graph, 5, couplings(graph))
    states = np.random.default_rng(0).integers(0, 5, (300_000, 12))
    found = model.energy(states)
    some = [0, 1, 99_999, 299_999]
    for k in some:
        assert found[k] == pytest.approx(model.energy(states[k : k + 1])[0], abs=1e-12)


PATH = nx.path_graph(3)
# name -> model, arguments, what the message must say
MISTAKES: dict[str, tuple[tuple[Any, ...], str]] = {
    "directed": ((nx.DiGraph([(0, 1)]), 3), "undirected"),
    "self-loop": ((nx.Graph([(1, 1)]), 3), "self-loop at 1"),
    "no state": ((PATH, 0), "number of states is 0; it must be at least 1"),
    "missing coupling": ((PATH, 3, {(0, 1): 1.0}), r"edge \(1, 2\) has no coupling"),
    "infinite coupling": ((PATH, 3, math.inf), r"coupling of \(0, 1\) is inf"),
    "short field": ((PATH, 3, 1.0, [1, 2]), r"field of 0 has shape \(2,\); it must be \(3,\)"),
    "number for a field": ((PATH, 3, 1.0, 0.5), r"field of 0 has shape \(\)"),
    "long field of a node": ((PATH, 3, 1.0, {1: [1] * 4}), r"field of 1 has shape \(4,\)"),
    "nan in a field": ((PATH, 3, 1.0, {1: [0, math.nan, 0]}), r"field of 1 .* nan at \(1,\)"),
    "unknown node": ((PATH, 3, 1.0, {7: [0, 0, 0]}), "7.*no node"),
    "beta": ((PATH, 3, 1.0, None, math.nan), "beta is nan"),
    "beyond a float": ((PATH, 3, 1e200, None, 1e200), "beta times 1e[+]200 is inf"),
}


@pytest.mark.parametrize("model", [Potts, Clock])
@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(model: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        model(*arguments)


@pytest.mark.parametrize("model", [Potts, Clock])
def test_what_is_no_number_is_named(model: Any) -> None:
    with pytest.raises(DataTypeError, match=r"number of states is 2\.5"):
        model(PATH, 2.5)
    with pytest.raises(DataTypeError, match="field of 2 is 'abc'"):
        model(PATH, 3, 1.0, {2: "abc"})
    with pytest.raises(ModelError, match="state 1 has site 2 at 3; its values are 0 to 2"):
        model(PATH, 3).energy([[0, 1, 2], [0, 1, 3]])
