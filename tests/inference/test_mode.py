"""Ground states, their order and their number, against all states listed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.inference import mode as modes

pytestmark = pytest.mark.filterwarnings("error")

COUPLINGS = [-2.0, -1.0, 0.0, 1.0, 1.0, 3.0]


def spin_glass(seed: int, most: int = 10, **options: Any) -> tnl.Ising:
    """A random graph, perhaps in parts, with integer couplings and some fields: many ties."""
    random = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(int(random.integers(1, most)), 0.4, seed=seed)
    coupling = {edge: float(random.choice(COUPLINGS)) for edge in graph.edges}
    field = {site: float(random.choice([-1, 0, 0, 2])) for site in graph if random.random() < 0.5}
    return tnl.Ising(graph, coupling, field, **options)


def all_states(model: tnl.Ising) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    states = np.array(list(product((-1, 1), repeat=len(model.sites))))
    return states, model.energy(states)


def rows(model: Any, states: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [tuple(state[site] for site in model.sites) for state in states]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("beta", [0.3, 400.0, -1.0, 0.0])
def test_spin_glasses(seed: int, beta: float) -> None:
    model = spin_glass(seed, beta=beta)
    _, energies = all_states(model)
    best = np.sort(energies * np.sign(beta)) * (np.sign(beta) or 1)
    found = tnl.mode(model, 7, count=True)
    one = tnl.mode(model)
    assert (len(one.states), one.degeneracy) == (1, None)
    if beta:
        np.testing.assert_array_equal(found.energies, best[:7])
        assert one.energy == found.energy == best[0]
    assert found.degeneracy == (np.count_nonzero(energies == best[0]) if beta else len(energies))
    distinct = rows(model, found.states)
    assert len(set(distinct)) == len(distinct) == min(7, len(energies))
    np.testing.assert_array_equal(model.energy(distinct), found.energies)
    assert one.state == one.states[0]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [1, 5])
def test_slices(seed: int, count: int) -> None:
    model = spin_glass(seed + 100, most=12)
    wanted = np.sort(all_states(model)[1])[:count]
    network = model.energies()
    plan = tnl.plan(network)
    plan = replace(plan, sliced=tuple(range(0, len(network.sizes), 3)))
    found = tnl.mode(model, count, plan=plan, count=True)
    np.testing.assert_array_equal(found.energies, wanted)
    assert len(set(rows(model, found.states))) == len(wanted)
    assert found.degeneracy == np.count_nonzero(all_states(model)[1] == wanted[0])


def test_a_memory_limit_slices() -> None:
    """All intermediates of a slice are kept, so these are what must fit."""
    graph = nx.grid_2d_graph(6, 6)
    model = tnl.Ising(graph, coupling={e: (-1.0) ** sum(e[0]) for e in graph.edges}, field=0.5)
    whole = tnl.mode(model, 2, count=True)
    tight = tnl.mode(model, 2, count=True, memory_limit=2**15)
    assert tight.energies == whole.energies
    assert tight.degeneracy == whole.degeneracy
    with pytest.raises(tnl.TnlearnError, match=r"memory.limit"):
        tnl.mode(model, 2, memory_limit=512)


def test_all_states_of_a_small_model_and_no_more() -> None:
    model = spin_glass(3, most=6)
    found = tnl.mode(model, 10**3)
    assert sorted(found.energies) == sorted(all_states(model)[1])
    assert len(set(rows(model, found.states))) == 2 ** len(model.sites)


def test_ties_of_fractions_that_differ_by_a_flip() -> None:
    random = np.random.default_rng(5)
    graph = nx.grid_2d_graph(3, 4)
    model = tnl.Ising(graph, {edge: random.normal() for edge in graph.edges})
    found = tnl.mode(model, 2, count=True)
    assert found.degeneracy == 2
    np.testing.assert_allclose(found.energies, np.sort(all_states(model)[1])[:2], rtol=1e-14)
    (first, second) = rows(model, found.states)
    assert first == tuple(-s for s in second)


def test_a_glass_of_12x12_against_its_density_of_states() -> None:
    """Exact integers of another algebra: how many of 2**144 states have the least energy."""
    graph = nx.grid_2d_graph(12, 12)
    random = np.random.default_rng(0)
    signs = {edge: float(random.choice([-1, 1])) for edge in graph.edges}
    model = tnl.Ising(graph, coupling=signs)
    found, density = tnl.mode(model, count=True), tnl.density_of_states(model)
    assert (found.energy, found.degeneracy) == min(density.items())
    assert sum(density.values()) == 2**144
    assert sum(1 for _ in tnl.optima(model)) == found.degeneracy


def test_degeneracies_beyond_any_float() -> None:
    assert tnl.mode(tnl.Ising(nx.empty_graph(70)), count=True).degeneracy == 2**70
    network = tnl.TensorNetwork(tnl.Tensor(np.ones(1024), (k,)) for k in range(110))
    assert tnl.mode(network, count=True).degeneracy == 2**1100


def test_the_triangular_antiferromagnet() -> None:
    """A frustrated lattice: its degeneracy against all states listed."""
    graph = nx.triangular_lattice_graph(3, 4)
    model = tnl.Ising(graph, coupling=-1.0)
    _, energies = all_states(model)
    found = tnl.mode(model, count=True)
    assert found.energy == energies.min()
    assert found.degeneracy == np.count_nonzero(energies == energies.min())


def test_a_bare_network_is_judged_by_its_weights() -> None:
    weights = np.array([[0.5, 2.0, 0.0], [1.0, 2.0, 4.0]])
    logs = np.log([1.0, 1.0, 0.25])
    network = tnl.TensorNetwork([tnl.Tensor(weights, "ab"), tnl.Tensor(logs, "b", log=True)])
    found = tnl.mode(network, 9, count=True)
    table = weights * np.exp(logs)
    assert [s["a"] for s in found.states[:2]] == [0, 1]
    np.testing.assert_allclose(found.energies, np.sort(-np.log(table[table > 0])), atol=1e-15)
    assert len(found.states) == 5  # One of six is forbidden.
    assert found.degeneracy == 2
    assert found.states[0] == {"a": 0, "b": 1}


def test_a_model_without_energies_is_judged_by_its_weights() -> None:
    inner = spin_glass(11)

    class Bare:
        sites, values, energy = inner.sites, inner.values, inner.energy

        def network(self) -> tnl.TensorNetwork:
            return inner.network()

    found = tnl.mode(Bare(), 3)
    np.testing.assert_allclose(found.energies, np.sort(all_states(inner)[1])[:3])


def test_the_count_does_not_trust_floats() -> None:
    """Ways just beyond 2**53, of which a float holds only every other."""
    factors = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]
    network = tnl.TensorNetwork(tnl.Tensor(np.ones(n), (n,)) for n in factors)
    exact = math.prod(factors)
    assert exact > 2**53
    assert int(float(exact)) != exact
    assert tnl.mode(network, count=True).degeneracy == exact


REFUSED: list[tuple[str, Any, int, str]] = [
    ("no states wanted", tnl.Tensor([1.0], "a"), 0, "cannot find 0 states"),
    ("negative", tnl.Tensor([1.0, -1.0], "a"), 1, "'0' has negative"),
    ("complex", tnl.Tensor([1.0, 1j], "a"), 1, "complex"),
    ("all zero", tnl.Tensor([0.0, 0.0], "a"), 1, "probability zero"),
    ("no states", tnl.Tensor(np.ones(0), "a"), 1, "size 0"),
]


@pytest.mark.parametrize(
    ("tensor", "count", "message"), [pytest.param(*r[1:], id=r[0]) for r in REFUSED]
)
def test_what_is_refused(tensor: tnl.Tensor, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        tnl.mode(tnl.TensorNetwork([tensor]), count)
    assert isinstance(caught.value, tnl.TnlearnError)


def test_open_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="open"):
        tnl.mode(tnl.TensorNetwork([tnl.Tensor([1.0], "a")], "a"))


def test_the_name_is_the_function() -> None:
    assert modes is tnl.mode
