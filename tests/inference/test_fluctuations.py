"""Covariances and responses beside sums over all states, closed forms and finite differences."""

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
from tnlearn.errors import ModelError

pytestmark = pytest.mark.filterwarnings("error")

few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def covariance(states: Any, weight: Any, columns: Any, terms: Any) -> np.ndarray[Any, Any]:
    """Of terms, from all states; `columns` has the values of every site in order."""
    order = list(columns)
    at = [
        {site: list(columns[site]).index(v) for site, v in zip(order, state, strict=True)}
        for state in states
    ]
    table = np.array(
        [[np.asarray(t, float)[tuple(s[i] for i in sites)] for sites, t in terms] for s in at]
    ).reshape(len(states), len(terms))
    p = weight / weight.sum()
    table = table - p @ table
    return np.asarray((table.T * p) @ table)


def values_of(model: Any) -> dict[Any, Any]:
    return {site: model.values(site) for site in model.sites}


@pytest.mark.parametrize("name", MODELS)
@few
@given(st.data())
def test_susceptibilities_of_every_model(name: str, data: Any) -> None:
    case = data.draw(MODELS[name])
    model = case.model
    terms = [((site,), list(values)) for site, values in case.values.items()]
    wanted = case.beta * covariance(case.states, case.weights, case.values, terms)
    np.testing.assert_allclose(tnl.susceptibility(model), wanted, rtol=1e-10, atol=1e-11)
    field = data.draw(st.lists(st.integers(-3, 3), min_size=len(terms), max_size=len(terms)))
    found = tnl.susceptibility(model, field)
    np.testing.assert_allclose(found, wanted @ field, rtol=1e-10, atol=1e-10)
    named = {site: h for site, h in zip(model.sites, field, strict=True) if h}
    np.testing.assert_array_equal(tnl.susceptibility(model, named), found)


def machines() -> dict[str, Any]:
    random = np.random.default_rng(0)
    graph = nx.cycle_graph(4)
    gains = {site: random.normal(size=3) for site in graph}
    return {
        **{f"spins {k}": spin_glass(k) for k in range(3)},
        "Potts": tnl.Potts(graph, 3, 0.7, gains, 0.8),
        "Clock": tnl.Clock(graph, 3, 0.7, gains, 0.8),
        "BoltzmannMachine": tnl.BoltzmannMachine(
            {("a", "b"): 0.3, ("b", "c"): -1.0}, {"a": 0.2, "d": 1.0}, hidden=["b"], beta=1.5
        ),
        "RestrictedBoltzmann": tnl.RestrictedBoltzmann(
            random.normal(size=(3, 2)), random.normal(size=3), random.normal(size=2)
        ),
        "one site": tnl.Ising(nx.empty_graph(1), field=0.3, beta=2.0),
        "no edges": tnl.Ising(nx.empty_graph(3), field=0.3),
    }


@pytest.mark.parametrize("model", machines().values(), ids=machines())
def test_fisher_information_of_couplings_and_fields(model: Any) -> None:
    states, weight = weights(model)
    terms = list(model.statistics().values())
    wanted = covariance(states, weight, values_of(model), terms)
    found = tnl.fisher_information(model)
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-11)
    np.testing.assert_array_equal(found, found.T)
    rows = np.random.default_rng(1).normal(size=(3, len(terms)))
    products = tnl.fisher_information(model, directions=rows)
    np.testing.assert_allclose(products, rows @ wanted, rtol=1e-10, atol=1e-10)
    one = tnl.fisher_information(model, directions=rows[0])
    np.testing.assert_allclose(one, products[0], rtol=1e-12, atol=1e-12)


STEP = 1e-4


def test_statistics_are_derivatives_by_couplings_and_fields() -> None:
    """F is the Hessian of log Z by what the model was given: second differences."""
    graph, beta = nx.path_graph(3), 0.7
    J, h = {(0, 1): 0.5, (1, 2): -0.8}, {0: 0.1, 1: -0.3, 2: 0.4}
    keys = [("coupling", e) for e in J] + [("field", i) for i in h]
    assert list(tnl.Ising(graph, J, h, beta).statistics()) == keys

    def log_z(moved: dict[Any, float]) -> float:
        couplings = {e: x + moved.get(("coupling", e), 0.0) for e, x in J.items()}
        fields = {i: x + moved.get(("field", i), 0.0) for i, x in h.items()}
        return float(tnl.log_partition(tnl.Ising(graph, couplings, fields, beta)))

    found = tnl.fisher_information(tnl.Ising(graph, J, h, beta))
    for a, first in enumerate(keys):
        for b, second in enumerate(keys[:a]):
            pairs = [(x, y) for x in (STEP, -STEP) for y in (STEP, -STEP)]
            signed = [np.sign(x * y) * log_z({first: x, second: y}) for x, y in pairs]
            assert found[a, b] == pytest.approx(math.fsum(signed) / (4 * STEP**2), abs=1e-5)


def test_the_entries_of_a_network() -> None:
    """By the logarithms of all entries, zeros and diagonals among them."""
    a, b = np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([[0.5, 9.0], [9.0, 1.5]])
    network = tnl.TensorNetwork([tnl.Tensor(a, "ij"), tnl.Tensor(b, "jj"), tnl.Tensor(7.0, ())])
    joint = a * b.diagonal()
    p = joint / joint.sum()
    events = [p * (np.indices((2, 2)) == np.reshape(k, (2, 1, 1))).all(0) for k in np.ndindex(2, 2)]
    on = [np.where(e > 0, 1.0, 0.0).ravel() for e in events]
    on += [np.where(np.indices((2, 2))[1] == k, 1.0, 0.0).ravel() for k in range(2)]
    stacked = np.stack([*on[:4], on[4], 0 * on[4], 0 * on[4], on[5], on[4] + on[5]])
    centred = stacked - (stacked @ p.ravel())[:, None]
    wanted = (centred * p.ravel()) @ centred.T
    np.testing.assert_allclose(tnl.fisher_information(network), wanted, atol=1e-14)


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_terms_of_ones_own_with_hard_zeros(seed: int) -> None:
    model = factor_graph(seed, zeros=0.2)
    states, weight = weights(model)
    random = np.random.default_rng(seed)
    places = [[0], [1, 0], [2, 0, 1], [], [0], [1]]
    terms = []
    for columns in places:
        sites = [model.sites[k] for k in columns]
        terms.append((sites, random.normal(size=[len(model.values(site)) for site in sites])))
    wanted = covariance(states, weight, values_of(model), terms)
    found = tnl.fisher_information(model, terms)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert (found[3] == 0).all()


@pytest.mark.parametrize("beta", [0.4, 1.2, -0.3])
def test_a_ring(beta: float) -> None:
    """chi per site is beta exp(2 K), but for winding round (Ising 1925)."""
    n, t = 200, math.tanh(beta)
    found = tnl.susceptibility(tnl.Ising(nx.cycle_graph(n), beta=beta), np.ones(n))
    exact = beta * (1 + t) / (1 - t) * (1 - t**n) / (1 + t**n)
    assert found.sum() / n == pytest.approx(exact, rel=1e-11)
    if abs(t) < 0.9 and t > 0:
        assert exact == pytest.approx(beta * math.exp(2 * beta), rel=1e-12)


def test_curie_and_weiss() -> None:
    """All spins coupled alike: states are counted by their magnetisation."""
    n, J, h, beta = 9, 0.15, 0.2, 0.8
    ups = np.arange(n + 1)
    m = 2.0 * ups - n
    logs = [math.log(math.comb(n, k)) for k in ups] + beta * (J * (m**2 - n) / 2 + h * m)
    p = np.exp(logs - np.max(logs))
    p /= p.sum()
    variance = p @ m**2 - (p @ m) ** 2
    model = tnl.Ising(nx.complete_graph(n), J, h, beta)
    assert tnl.susceptibility(model).sum() == pytest.approx(beta * variance, rel=1e-11)


def test_responses_are_those_of_a_field() -> None:
    graph, step = nx.grid_2d_graph(3, 3), 1e-5
    field = {site: 0.1 * k - 0.3 for k, site in enumerate(graph)}

    def means(h: float) -> Any:
        moved = {site: field[site] + (h if site == (1, 1) else 0.0) for site in graph}
        found = tnl.marginals(tnl.Ising(graph, 0.4, moved, beta=1.3))
        return np.array([p[1] - p[0] for p in found.values()])

    found = tnl.susceptibility(tnl.Ising(graph, 0.4, field, beta=1.3), {(1, 1): 1.0})
    np.testing.assert_allclose(found, (means(step) - means(-step)) / (2 * step), rtol=1e-8)


def test_large_weights_and_strong_order_lose_nothing() -> None:
    """log Z is near 3000, and the covariance 1e-5 of what would be subtracted."""
    chain = tnl.Ising(nx.path_graph(300), coupling=5.0, field=1.0, beta=2.0)
    found = tnl.susceptibility(chain, {150: 1.0})[150]
    spins = tnl.marginals(chain)[150]
    assert found == pytest.approx(2.0 * 4 * spins[0] * spins[1], rel=1e-9)


def test_many_directions_and_a_memory_limit() -> None:
    """More directions than go together, whole and in slices."""
    model = tnl.Ising(nx.grid_2d_graph(9, 9), coupling=0.4, field=0.1)
    whole = tnl.susceptibility(model)
    columns = np.eye(81)[[0, 40, 80]]
    tight = tnl.susceptibility(model, columns, memory_limit=2**17)
    np.testing.assert_allclose(tight, whole[[0, 40, 80]], rtol=1e-9, atol=1e-12)
    assert np.linalg.eigvalsh(whole).min() > 0


def test_nothing_to_respond() -> None:
    network = tnl.TensorNetwork([tnl.Tensor([0.0, 2.0], "a"), tnl.Tensor([[3.0]], "bc")])
    assert tnl.susceptibility(network).tolist() == [[0.0] * 3] * 3
    assert tnl.fisher_information(network, []).shape == (0, 0)
    pair = tnl.Ising(nx.path_graph(2))
    assert tnl.susceptibility(pair, np.zeros((0, 2))).shape == (0, 2)
    held = tnl.condition(pair, {0: 1})
    t = math.tanh(1.0)
    np.testing.assert_allclose(tnl.susceptibility(held), [[1 - t**2]], rtol=1e-12)


PAIR = tnl.Ising(nx.path_graph(2))
TEXTS = tnl.FactorGraph([(["a"], [1.0, 2.0])], {"a": ["no", "yes"]})
REFUSED: dict[str, tuple[Any, str]] = {
    "shape": (lambda: tnl.fisher_information(PAIR, [((0,), [1, 2, 3])]), r"has shape \(3,\)"),
    "site": (lambda: tnl.fisher_information(PAIR, [((9,), [1, 2])]), "9 is unknown"),
    "nan": (lambda: tnl.fisher_information(PAIR, [((0,), [1, math.nan])]), "nan or inf"),
    "directions": (lambda: tnl.fisher_information(PAIR, directions=[1.0]), r"shape \(3,\) or"),
    "wild direction": (lambda: tnl.susceptibility(PAIR, [1.0, math.inf]), "nan or inf"),
    "field": (lambda: tnl.susceptibility(PAIR, {9: 1.0}), "field on 9, which is no site"),
    "texts": (lambda: tnl.susceptibility(TEXTS), "'no', 'yes'; give tables"),
    "no parameters": (lambda: tnl.fisher_information(TEXTS), r"no statistics\(\)"),
    "negative": (
        lambda: tnl.susceptibility(tnl.TensorNetwork([tnl.Tensor([1.0, -1.0], "a")])),
        "negative",
    ),
    "no state": (
        lambda: tnl.susceptibility(tnl.TensorNetwork([tnl.Tensor([0.0, 0.0], "a")])),
        "probability zero",
    ),
    "frustrated": (
        lambda: tnl.susceptibility(
            tnl.TensorNetwork(tnl.Tensor([[0.0, 1.0], [1.0, 0.0]], ab) for ab in ("ab", "bc", "ca"))
        ),
        "probability zero",
    ),
    "open": (
        lambda: tnl.susceptibility(tnl.TensorNetwork([tnl.Tensor([1.0, 2.0], "a")], "a")),
        "open",
    ),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        call()
