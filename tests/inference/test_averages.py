"""Means of sums of tables, and entropies, beside sums over all states."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from small_models import factor_graph, spin_glass, weights
from tnlearn.errors import ModelError, TnlearnError

pytestmark = pytest.mark.filterwarnings("error")

MODELS = {
    **{f"spins {k}": spin_glass(k) for k in range(4)},
    **{f"tables {k}": factor_graph(k, zeros=0.2) for k in (0, 1, 2, 5)},
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_entropy_is_that_of_all_states(model: Any) -> None:
    _, weight = weights(model)
    if not weight.sum():
        pytest.fail("a model of this table forbids every state")
    p = weight[weight > 0] / weight.sum()
    assert tnl.entropy(model) == pytest.approx(-np.sum(p * np.log(p)), abs=1e-10)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_expectations_are_those_of_all_states(model: Any) -> None:
    random = np.random.default_rng(0)
    states, weight = weights(model)
    p = weight / weight.sum()
    places = [[0], [1, 0], [2, 0, 1], []]
    terms, wanted = [], 0.0
    for columns in places:
        sites = [model.sites[k] for k in columns]
        table = random.normal(size=[len(model.values(site)) for site in sites])
        terms.append((sites, table))
        at = [
            [list(model.values(site)).index(value) for value in states[:, k]]
            for k, site in zip(columns, sites, strict=True)
        ]
        wanted += float(np.sum(p * table[tuple(at)]))
    assert tnl.expectation(model, terms) == pytest.approx(wanted, abs=1e-11)


def test_the_energy_of_a_ring() -> None:
    """U = -N tanh K, exactly but for winding round."""
    ring, t = tnl.Ising(nx.cycle_graph(50), beta=0.4), math.tanh(0.4)
    bonds = [((k, (k + 1) % 50), [[-1, 1], [1, -1]]) for k in range(50)]
    wanted = -50 * (t + t**49) / (1 + t**50)
    assert tnl.expectation(ring, bonds) == pytest.approx(wanted, rel=1e-12)


def test_tables_that_do_not_fit() -> None:
    model = spin_glass(0)
    with pytest.raises(ModelError, match=r"has shape \(3,\); the sites have \(2,\) values"):
        tnl.expectation(model, [(model.sites[:1], [1, 2, 3])])
    assert tnl.expectation(model, []) == 0


@pytest.mark.parametrize(
    ("sites", "table", "message"),
    [
        ((), [2.0], "over no sites has shape"),
        ((0,), [np.nan, 1.0], "holds nan"),
        ((0,), ["a", "b"], "give real numbers"),
        ((0,), [1j, 2.0], "give real numbers"),
    ],
)
def test_tables_that_cannot_be_averaged_are_refused(sites: Any, table: Any, message: str) -> None:
    with pytest.raises(TnlearnError, match=message):
        tnl.expectation(tnl.Ising(nx.path_graph(2)), [(sites, table)])
