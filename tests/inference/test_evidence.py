"""Evidence and hard zeros: what is left is the model of what agrees with them."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from small_models import every_state, factor_graph, spin_glass, weights
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.inference.support import supported

pytestmark = pytest.mark.filterwarnings("error")

MODELS = {
    **{f"spins {k}": spin_glass(k) for k in range(6)},
    **{f"tables {k}": factor_graph(k, zeros=0.0) for k in range(6)},
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_evidence_holds(model: Any) -> None:
    random = np.random.default_rng(1)
    states, weight = weights(model)
    sites = [model.sites[k] for k in random.permutation(len(model.sites))[:2]]
    evidence = {site: model.values(site)[-1] for site in sites}
    columns = [model.sites.index(site) for site in sites]
    agrees = np.all(states[:, columns] == [evidence[site] for site in sites], axis=1)
    given = tnl.condition(model, evidence)
    assert tnl.log_partition(given) == pytest.approx(math.log(weight[agrees].sum()), rel=1e-12)
    assert given.sites == tuple(site for site in model.sites if site not in evidence)
    found = tnl.marginals(given)
    for site in given.sites:
        column = states[agrees, model.sites.index(site)]
        wanted = [weight[agrees][column == value].sum() for value in model.values(site)]
        np.testing.assert_allclose(found[site], np.array(wanted) / weight[agrees].sum(), atol=1e-12)
    drawn = tnl.sample(given, 3, seed=0)
    assert drawn.shape == (3, len(given.sites))
    assert np.isfinite(np.asarray(given.energy(drawn), float)).all()
    best = tnl.mode(given)
    assert best.energy == pytest.approx(-np.log(weight[agrees].max()) / getattr(model, "beta", 1.0))


def test_energies_of_what_is_left_are_those_of_the_whole() -> None:
    model = spin_glass(2)
    site = model.sites[1]
    given = tnl.condition(model, {site: -1})
    states = every_state(given)
    whole = np.insert(states, 1, -1, axis=1)
    np.testing.assert_array_equal(given.energy(states), model.energy(whole))
    assert tnl.mode(given, count=True).degeneracy == 1


def test_evidence_for_a_network_is_by_position() -> None:
    network = tnl.TensorNetwork([tnl.Tensor([[1.0, 2.0], [3.0, 4.0]], ("a", "b"))])
    assert tnl.contract(tnl.condition(network, {"a": 1})) == 7


@pytest.mark.parametrize("model", [spin_glass(0), factor_graph(0)], ids=["Ising", "FactorGraph"])
def test_evidence_that_cannot_be(model: Any) -> None:
    with pytest.raises(ModelError, match="'nowhere', which is no site"):
        tnl.condition(model, {"nowhere": 1})
    with pytest.raises(ModelError, match="has no value 17"):
        tnl.condition(model, {model.sites[0]: 17})


@pytest.mark.parametrize("seed", range(40))
def test_hard_zeros_are_cut_out(seed: int) -> None:
    model = factor_graph(seed, zeros=0.55)
    states, weight = weights(model)
    total = weight.sum()
    support = supported(model.network())
    for number, site in enumerate(model.sites):
        alive = set(states[weight > 0, number].tolist())
        assert alive <= set(support.kept[site].tolist()), "a possible value was cut"
    assert tnl.log_partition(model) == pytest.approx(
        math.log(total) if total else -math.inf, rel=1e-12
    )
    if not total:
        for question in (tnl.marginals, tnl.mode, lambda thing: tnl.sample(thing, 1)):
            with pytest.raises(ModelError, match="every state has probability zero"):
                question(model)
        return
    found = tnl.marginals(model)
    for number, site in enumerate(model.sites):
        wanted = [weight[states[:, number] == value].sum() / total for value in model.values(site)]
        np.testing.assert_allclose(found[site], wanted, atol=1e-12)
    pair = model.sites[:2]
    table = tnl.marginals(model, [pair])[pair]
    wanted_pair = np.zeros(table.shape)
    np.add.at(wanted_pair, tuple(states[:, :2].astype(int).T), weight / total)
    np.testing.assert_allclose(table, wanted_pair, atol=1e-12)
    best = tnl.mode(model, count=True)
    assert best.energy == pytest.approx(-math.log(weight.max()), abs=1e-12)
    drawn = tnl.sample(model, 20, seed=seed)
    assert np.isfinite(model.energy(drawn)).all()


def test_a_chain_of_constraints_fixes_all() -> None:
    """Only all zeros: one end is known, and every link says "alike"."""
    alike = np.eye(3)
    factors = [((k, k + 1), alike) for k in range(200)]
    model = tnl.FactorGraph([*factors, ((0,), [5.0, 0.0, 0.0])])
    support = supported(model.network())
    assert not support.network.sizes
    assert tnl.log_partition(model) == pytest.approx(math.log(5))
    assert set(tnl.mode(model).state.values()) == {0}
    np.testing.assert_array_equal(tnl.marginals(model)[200], [1, 0, 0])


def test_a_plan_that_was_given_is_for_the_whole_network() -> None:
    model = tnl.FactorGraph([((0, 1), np.eye(2)), ((1, 2), np.ones((2, 2))), ((0,), [1.0, 0.0])])
    made = tnl.plan(model)
    assert tnl.log_partition(model, plan=made) == pytest.approx(math.log(2))
    assert tnl.mode(model, plan=made).state[0] == 0


def test_a_repeated_index_is_on_the_diagonal() -> None:
    table = np.array([[0.0, 7.0], [0.0, 2.0]])
    network = tnl.TensorNetwork([tnl.Tensor(table, ("a", "a")), tnl.Tensor([1.0, 1.0], ("b",))])
    assert supported(network).kept["a"].tolist() == [1]
    assert tnl.log_partition(network) == pytest.approx(math.log(4))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.float32, int])
@pytest.mark.parametrize("held", [-1, 1])
def test_energies_of_states_of_any_kind(dtype: Any, held: int) -> None:
    """Evidence of -1 is no bool and no unsigned number."""
    model = tnl.Ising(nx.path_graph(3), 0.5, 0.25)
    left = np.ones((1, 2), dtype)
    given = tnl.condition(model, {0: held})
    np.testing.assert_array_equal(given.energy(left), model.energy([[held, 1, 1]]))


def test_energies_beside_evidence_larger_than_a_bool() -> None:
    model = tnl.Potts(nx.path_graph(3), 3, field=[0.0, 1.0, 5.0])
    given = tnl.condition(model, {0: 2})
    states = np.array([[True, False]])
    np.testing.assert_array_equal(given.energy(states), model.energy([[2, 1, 0]]))


@pytest.mark.parametrize("names", [(0, 0.5), ((0, 1), (2, 3)), (None, (1, 2)), (1, "1")])
def test_values_of_any_kind_are_held_and_drawn_whole(names: tuple[Any, Any]) -> None:
    tables = {"a": ((), [0.9, 0.1]), "b": (("a",), [[0.5, 0.5], [0.2, 0.8]])}
    model = tnl.BayesianNetwork(tables, {"a": names})
    given = tnl.condition(model, {"a": names[1]})
    np.testing.assert_allclose(given.energy([[1]]), -np.log(0.1 * 0.8), rtol=1e-12)
    drawn = tnl.sample(model, 50, seed=0)
    assert drawn.shape == (50, 2)
    assert set(drawn[:, 0].tolist()) == set(names)
    assert {type(value) for value in drawn[:, 0].tolist()} >= {type(names[1])}
    assert np.isfinite(model.energy(drawn)).all()


@pytest.mark.parametrize("evidence", [None, [(0, 1)], 3])
def test_evidence_is_a_mapping(evidence: Any) -> None:
    with pytest.raises(DataTypeError, match="give a mapping from site to value"):
        tnl.condition(spin_glass(0), evidence)
    with pytest.raises(DataTypeError, match="expected a TensorNetwork or a model, got int"):
        tnl.condition(3, {})  # type: ignore[call-overload]
