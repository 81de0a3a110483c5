"""Densities of states, against published ones, exact results and all states listed."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.physics.exact import torus_log_partition

pytestmark = pytest.mark.filterwarnings("error")

#: States 4 k J above the ground state of L x L tori: Beale (1996), Phys. Rev. Lett. 76, 78, gives
#: the largest; all are on his pages.
TORI = {
    3: [2, 0, 18, 48, 198, 144, 102],
    4: [2, 0, 32, 64, 424, 1728, 6688, 13568, 20524, 13568],
    6: [2, 0, 72, 144, 1620, 6048, 35148, 159840, 804078, 3846576, 17569080, 71789328],
}


def torus(size: int, coupling: float = 1.0, **options: Any) -> tnl.Ising:
    return tnl.Ising(nx.grid_2d_graph(size, size, periodic=True), coupling, **options)


@pytest.mark.parametrize("size", TORI)
def test_tori(size: int) -> None:
    found = tnl.density_of_states(torus(size))
    ground = -2.0 * size**2
    assert [found.get(ground + 4 * k, 0) for k in range(len(TORI[size]))] == TORI[size]
    assert sum(found.values()) == 2**size**2
    assert list(found) == sorted(found)
    assert all(type(count) is int and count > 0 for count in found.values())
    if size % 2 == 0:
        assert all(found[-energy] == count for energy, count in found.items())


def test_a_torus_of_64_sites_sums_to_its_partition_function() -> None:
    """Counts up to 2**61 or so, and log Z from them as Kaufman has it."""
    found = tnl.density_of_states(torus(8))
    n = 64
    assert sum(found.values()) == 2**n
    # The lowest levels of any torus larger than 5: Bhanot, Creutz and Lacki's series.
    lowest = [2, 0, 2 * n, 4 * n, n**2 + 9 * n, 4 * n**2 + 24 * n]
    assert [found.get(-128.0 + 4 * k, 0) for k in range(6)] == lowest
    for beta in (0.1, 0.44, 1.0):
        terms = [math.log(count) - beta * energy for energy, count in found.items()]
        top = max(terms)
        log_z = top + math.log(math.fsum(math.exp(term - top) for term in terms))
        assert log_z == pytest.approx(torus_log_partition(8, 8, beta), rel=1e-13)


@pytest.mark.parametrize("seed", range(20))
def test_random_models(seed: int) -> None:
    """Couplings and fields of all kinds: odd and even levels, several quanta, none at all."""
    random = np.random.default_rng(seed)
    quantum = random.choice([1.0, 0.5, 3.0, 0.1])
    graph = nx.gnp_random_graph(int(random.integers(1, 10)), 0.5, seed=seed)
    coupling = {edge: round(quantum * random.integers(-2, 4), 6) for edge in graph.edges}
    field = {site: round(quantum * random.integers(0, 3), 6) for site in graph} if seed % 3 else 0.0
    model = tnl.Ising(graph, coupling, field)
    states = np.array(list(product((-1, 1), repeat=len(graph))))
    wanted = Counter(np.round(model.energy(states), 9).tolist())
    found = tnl.density_of_states(model)
    rounded = {round(energy, 9): count for energy, count in found.items()}
    assert {e + 0.0: n for e, n in rounded.items()} == {e + 0.0: n for e, n in wanted.items()}


def test_slices() -> None:
    model = torus(5)
    assert tnl.density_of_states(model, memory_limit=2**18) == tnl.density_of_states(model)


def test_it_agrees_with_the_mode() -> None:
    model = tnl.Ising(nx.triangular_lattice_graph(4, 6), coupling=-1.0)
    energy, count = next(iter(tnl.density_of_states(model).items()))
    found = tnl.mode(model, count=True)
    assert (found.energy, found.degeneracy) == (energy, count)


def test_what_is_refused() -> None:
    random = np.random.default_rng(0)
    graph = nx.path_graph(4)
    model = tnl.Ising(graph, {edge: random.normal() for edge in graph.edges})
    with pytest.raises(ValueError, match=r"multiples of .* levels: more than 65,536") as caught:
        tnl.density_of_states(model)
    assert isinstance(caught.value, tnl.TnlearnError)
    with pytest.raises(ValueError, match=r"TensorNetwork has no energies\(\)"):
        tnl.density_of_states(model.network())  # type: ignore[arg-type]


def test_forbidden_entries() -> None:
    """Hard constraints, as energies that are inf: neighbours on a ring are not both 1."""

    class HardCore:
        sites, beta = tuple(range(6)), 1.0

        def values(self, site: Any) -> tuple[int, int]:
            return (0, 1)

        def energy(self, states: Any) -> Any:
            return -np.asarray(states, float).sum(axis=1)

        def energies(self) -> tnl.TensorNetwork:
            pair = np.array([[0.0, 0.0], [0.0, np.inf]])
            bonds = [tnl.Tensor(pair, (k, (k + 1) % 6)) for k in range(6)]
            return tnl.TensorNetwork([*bonds, *(tnl.Tensor([0.0, -1.0], (k,)) for k in range(6))])

        def network(self) -> tnl.TensorNetwork:
            raise NotImplementedError

    # Independent sets of the hexagon by size.
    assert tnl.density_of_states(HardCore()) == {-3.0: 2, -2.0: 9, -1.0: 6, 0.0: 1}
    assert tnl.mode(HardCore(), count=True).degeneracy == 2
