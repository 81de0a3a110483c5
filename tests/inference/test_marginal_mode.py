"""The most probable values of some sites with the others summed, beside sums over all states."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tnlearn as tnl
from random_models import MODELS
from small_models import factor_graph, spin_glass, weights
from tnlearn.errors import MemoryLimitError, ModelError
from tnlearn.inference import marginal_mode

pytestmark = pytest.mark.filterwarnings("error")

few = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def summed(states: Any, weight: Any, columns: list[int]) -> dict[tuple[Any, ...], float]:
    """Weights of the states of some sites."""
    found: dict[tuple[Any, ...], list[float]] = {}
    for state, one in zip(states, weight, strict=True):
        found.setdefault(tuple(state[k] for k in columns), []).append(float(one))
    return {state: math.fsum(some) for state, some in found.items()}


def check(model: Any, columns: list[int], exact: dict[tuple[Any, ...], float], k: int) -> None:
    """The `k` best of a model are those of the table, all different."""
    sites = [model.sites[c] for c in columns]
    best = sorted((w for w in exact.values() if w > 0), reverse=True)[:k]
    if not best:
        with pytest.raises(ModelError, match="probability zero"):
            tnl.mode(model, k, sites=sites)
        return
    found = tnl.mode(model, k, sites=sites)
    assert found.degeneracy is None
    rows = [tuple(state[site] for site in sites) for state in found.states]
    assert len(set(rows)) == len(rows) == len(best)
    np.testing.assert_allclose(-np.array(found.energies), np.log(best), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose([exact[row] for row in rows], best, rtol=1e-10)


def some_of(model: Any, seed: int) -> list[int]:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, len(model.sites) + 1))
    return random.permutation(len(model.sites))[:count].tolist()


@pytest.mark.parametrize("name", MODELS)
@few
@given(st.data())
def test_every_model(name: str, data: Any) -> None:
    case = data.draw(MODELS[name])
    columns = data.draw(
        st.lists(st.integers(0, len(case.values) - 1), min_size=1, unique=True), label="sites"
    )
    check(case.model, columns, summed(case.states, case.weights, columns), 3)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("room", [2**20, 32, 4], ids=lambda room: f"tables of {room}")
def test_sites_are_held_where_tables_are_large(
    seed: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marginal_mode, "MOST_ENTRIES", room)
    for model in (spin_glass(seed), factor_graph(seed)):
        columns = some_of(model, seed)
        states, weight = weights(model)
        check(model, columns, summed(states.tolist(), weight, columns), 4)


def held(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sites every search from now on holds."""
    found: list[int] = []
    to_hold = marginal_mode._to_hold

    def watched(*arguments: Any) -> Any:
        found.append(len(to_hold(*arguments)))
        return to_hold(*arguments)

    monkeypatch.setattr(marginal_mode, "_to_hold", watched)
    return found


def lattice() -> tuple[tnl.Ising, list[Any]]:
    """Spins whose border is wanted: what is inside is one part, with 12 sites around it."""
    random = np.random.default_rng(1)
    graph = nx.grid_2d_graph(5, 5)
    couplings = {edge: random.normal() for edge in graph.edges}
    model = tnl.Ising(graph, couplings, {site: 0.3 * random.normal() for site in graph})
    return model, [site for site in graph if {0, 4} & set(site)]


def test_a_memory_limit_holds_sites(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sites = lattice()
    seen = held(monkeypatch)
    whole = tnl.mode(model, 3, sites=sites)
    tight = tnl.mode(model, 3, sites=sites, memory_limit=2**17)
    assert seen == [0, 2]
    np.testing.assert_allclose(tight.energies, whole.energies, rtol=1e-12)
    assert tight.states == whole.states


def test_bounds_leave_few_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2**10 cases of the sites that are held."""
    model, border = lattice()
    whole = tnl.mode(model, sites=border)
    tried = []
    factors = marginal_mode.Search._factors

    def counted(self: Any, case: Any) -> Any:
        tried.append(case)
        return factors(self, case)

    monkeypatch.setattr(marginal_mode.Search, "_factors", counted)
    monkeypatch.setattr(marginal_mode, "MOST_ENTRIES", 4)
    found = tnl.mode(model, sites=border)
    assert found.states == whole.states
    assert found.energy == pytest.approx(whole.energy, rel=1e-12)
    assert 10 < len(tried) < 200


def test_what_fits_in_no_number_of_cases() -> None:
    """A hidden hub around which 60 sites are wanted: a table of 2**60."""
    star = tnl.Ising(nx.star_graph(60), beta=0.1)
    leaves = list(range(1, 61))
    with pytest.raises(MemoryLimitError, match=r"take tables of 32\.0 EiB|memory_limit=64\.0 KiB"):
        tnl.mode(star, sites=leaves, memory_limit="64KiB")


def test_evidence() -> None:
    model = spin_glass(4)
    first, *others = range(len(model.sites))
    states, weight = weights(model)
    up = states[:, first] == 1
    exact = summed(states[up].tolist(), weight[up], others[:3])
    found = tnl.mode(tnl.condition(model, {model.sites[first]: 1}), sites=[model.sites[1]])
    assert max(summed(states[up], weight[up], [1]).values()) == pytest.approx(
        math.exp(-found.energy)
    )
    found = tnl.mode(
        tnl.condition(model, {model.sites[first]: 1}), sites=[model.sites[k] for k in others[:3]]
    )
    assert exact[tuple(found.state.values())] == max(exact.values())


def test_the_sum_and_the_maximum_do_not_commute() -> None:
    """The best value of a site is not the one it has in the best state."""
    table = [[0.4, 0.0, 0.0], [0.2, 0.2, 0.2]]
    model = tnl.FactorGraph([(["a", "b"], table)])
    assert tnl.mode(model).state == {"a": 0, "b": 0}
    found = tnl.mode(model, 2, sites=["a"])
    assert found.states == ({"a": 1}, {"a": 0})
    np.testing.assert_allclose(np.exp(-np.array(found.energies)), [0.6, 0.4])


def test_ties_give_different_states() -> None:
    ring = tnl.Ising(nx.cycle_graph(6), coupling=-1.0)
    found = tnl.mode(ring, 3, sites=[0, 2, 4])
    assert found.states[0] == {0: found.states[0][0]} | dict.fromkeys((2, 4), found.states[0][0])
    assert {state[0] for state in found.states[:2]} == {-1, 1}
    assert found.energies[1] == pytest.approx(found.energies[0])
    assert found.energies[2] > found.energies[1] + 0.1


def test_bare_networks_and_tiny_ones() -> None:
    one = tnl.Ising(nx.empty_graph(1), field=0.5)
    found = tnl.mode(one, 5, sites=[0])
    np.testing.assert_allclose(found.energies, [-0.5, 0.5], atol=1e-15)
    network = tnl.TensorNetwork([tnl.Tensor([[1, 2], [3, 4]], "ij"), tnl.Tensor([0, 1], "j")])
    found = tnl.mode(network, 3, sites="i")
    assert found.states == ({"i": 1}, {"i": 0})
    assert tnl.mode(network, sites="j").states == ({"j": 1},)
    alone = tnl.Ising(nx.empty_graph(3), field=[0.1, 2.0, 0.3][1])
    assert tnl.mode(alone, sites=[2]).energy == pytest.approx(-2.0 - 2 * math.log(2 * math.cosh(2)))
    loop = tnl.TensorNetwork(
        [tnl.Tensor([[1.0, 9.0], [9.0, 2.0]], "ii"), tnl.Tensor([5.0, 1], "j")]
    )
    assert tnl.mode(loop, sites="i").energy == pytest.approx(-math.log(12))
    assert tnl.mode(loop, sites="i", method="auto") == tnl.mode(loop, sites="i")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"sites": ["nowhere"]}, "'nowhere' is unknown"),
    "repeated": ({"sites": [0, 0]}, "each once"),
    "none": ({"sites": []}, "no set of sites"),
    "a lone site": ({"sites": 0}, "no set of sites"),
    "counted": ({"sites": [0], "count": True}, "count=True"),
    "searched": ({"sites": [0], "method": "subgraphs"}, "for states of all sites"),
    "planned": ({"sites": [0], "plan": tnl.plan(tnl.Ising(nx.path_graph(2)))}, "plan="),
    "no states": ({"sites": [0], "k": 0}, "cannot find 0"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        tnl.mode(tnl.Ising(nx.path_graph(2)), **options)


def test_no_distribution_is_refused() -> None:
    with pytest.raises(ModelError, match="negative"):
        tnl.mode(tnl.TensorNetwork([tnl.Tensor([[1.0, -1.0]], "ab")]), sites="a")
    with pytest.raises(ModelError, match="size 0"):
        tnl.mode(tnl.TensorNetwork([tnl.Tensor(np.ones((2, 0)), "ab")]), sites="a")
    with pytest.raises(ModelError, match="probability zero"):
        tnl.mode(tnl.TensorNetwork([tnl.Tensor(np.zeros((2, 2)), "ab")]), sites="a")
