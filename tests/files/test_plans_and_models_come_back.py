"""Plans, models and fitted estimators come back from a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from saved_things import (
    BAYES,
    GRAPH,
    A,
    Tiny,
    assert_same_bits,
    assert_same_factors,
    assert_same_network,
    back,
    typed,
)
from tnlearn.files import load, save

pytestmark = pytest.mark.filterwarnings("error")


def some_plans() -> Iterator[tnl.Plan]:
    yield tnl.plan(tnl.TensorNetwork([tnl.Tensor(A, "ij")], "j"))
    yield tnl.plan(tnl.chain(8, 3, 2, seed=0))
    yield tnl.plan(tnl.grid(4, 4, 3, seed=0), search="fast", seed=5)
    yield tnl.plan(tnl.grid(5, 5, 4, seed=0), search="fast", memory_limit="70KiB")


@pytest.mark.parametrize("plan", [*some_plans()], ids=lambda plan: plan.order)
def test_plans_come_back(plan: tnl.Plan, path: Path) -> None:
    found = back(plan, path)
    assert found == plan
    assert str(found) == str(plan)
    assert found.pairs == plan.pairs


def test_a_plan_that_came_back_contracts(path: Path) -> None:
    network = tnl.grid(3, 3, 2, seed=0)
    program = tnl.compile(network, plan=back(tnl.plan(network, memory_limit=850), path))
    assert program.plan.cost.slices > 1
    assert program([t.data for t in network]) == pytest.approx(float(tnl.contract(network)))


def test_an_ising_model_comes_back(path: Path) -> None:
    graph = nx.MultiGraph([("b", "a"), ("a", (1, 2)), ("a", "b"), (3, "b")])
    coupling = {edge: 0.1 * k - 0.2 for k, edge in enumerate(graph.edges(keys=True))}
    model = tnl.Ising(graph, coupling, field={"a": -0.3}, beta=0.7)
    found = back(model, path)
    assert (found.sites, found.beta) == (model.sites, model.beta)
    assert list(found.couplings.items()) == list(model.couplings.items())
    assert list(found.fields.items()) == list(model.fields.items())


LOGS = tnl.FactorGraph([("xy", np.log(A)), ("y", [-np.inf, 1e9, -0.0])], log=True)


@pytest.mark.parametrize("model", [GRAPH, LOGS], ids=["weights", "logarithms"])
def test_a_factor_graph_comes_back(model: tnl.FactorGraph, path: Path) -> None:
    found = back(model, path)
    assert_same_factors(found, model)
    assert_same_network(found.network(), model.network())


def test_a_bayesian_network_comes_back(path: Path) -> None:
    """Its rows are as they were, rounded or not."""
    rough = tnl.BayesianNetwork({"b": ((), [0.33, 0.33, 0.333]), "a": (("b",), [[1.0, 0.0]] * 3)})
    for model in (BAYES, rough):
        found = back(model, path)
        assert found.sites == model.sites
        assert found.parents == model.parents
        for one, other in zip(found.factors.factors, model.factors.factors, strict=True):
            assert one.scope == other.scope
            assert_same_bits(one.table, other.table)
        for site in model.sites:
            assert typed(found.values(site)) == typed(model.values(site))
        assert_same_network(found.network(), model.network())


@pytest.mark.parametrize("classes", [(0, 1), ("no", "yes"), (2.0, 3.0), (False, True)])
def test_a_classifier_comes_back(classes: tuple[Any, Any], path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = np.array(classes)[(X[:, 0] > 0).astype(int)]
    model = tnl.MPSClassifier(bond_dimension=2, epochs=1, random_state=0).fit(X, y)
    found = back(model, path)
    assert found.get_params() == model.get_params()
    assert vars(found).keys() == vars(model).keys()
    assert_same_bits(found.predict_proba(X), model.predict_proba(X))
    assert found.classes_.dtype == model.classes_.dtype
    assert list(found.predict(X)) == list(model.predict(X))


FITTED = {
    "n_iter_": 3,
    "loss_": np.float64(0.1) + 0.2,
    "curve_": [0.1, math.inf, math.nan, np.float32(0.5)],
    "nothing_": None,
    "kind_": "é\ud800",
    "path_": ((1, 2), "x"),
    "tensors_": [np.arange(6, dtype="float32").reshape(2, 3), np.array(1j)],
    "mask_": np.array([True, False]),
    "counts_": np.arange(3),
    "bytes_": np.arange(3, dtype=">i2"),
    "labels_": np.array([["a", "bcd"], ["", "é"]]),
    "feature_names_in_": np.array(["x", "a longer one"], dtype=object),
    "mixed_": np.array([None, (1, 2), "a", 2.5], dtype=object),
    "pairs_": np.fromiter([(1, 2), (3, 4)], object),
    "empty_": np.array([], dtype="<U3"),
}


def test_every_fitted_attribute_comes_back(tiny: type[Tiny], path: Path) -> None:
    model = tiny(alpha=None, shape=((1, 2.0), True)).fit(**FITTED, _cache=object(), other=object())
    found = back(model, path)
    assert typed(found.shape) == typed(model.shape)
    assert found.alpha is None
    for name, value in FITTED.items():
        other = getattr(found, name)
        if isinstance(value, np.ndarray):
            assert other.dtype.kind == value.dtype.kind
            assert other.shape == value.shape
            np.testing.assert_array_equal(other, value)
        elif isinstance(value, list):
            for one, two in zip(value, other, strict=True):
                np.testing.assert_array_equal(two, one)
        else:
            assert other == value
    assert not {"_cache", "other"} & vars(found).keys()


def test_an_estimator_can_go_on_changing_its_arrays(tiny: type[Tiny], path: Path) -> None:
    back(tiny().fit(tensors_=[A]), path).tensors_[0][0, 0] = 5


def test_many_tensors(path: Path) -> None:
    network = tnl.chain(20_000, 1, fill=lambda node, shape: np.full(shape, float(node)))
    found = back(network, path)
    assert len(found) == 20_000
    assert found.tensors[-1].data.item() == 19_999


def test_the_names_of_the_top_level_are_these() -> None:
    assert (tnl.save, tnl.load) == (save, load)
