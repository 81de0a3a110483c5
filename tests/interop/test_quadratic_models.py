"""Models that come from dimod and go there have the same energies."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import dimod
import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.interop import from_bqm, to_bqm
from tnlearn.physics.quadratic import quadratic_model

NAMES = ["b", "a", 3, (1, 2), "lonely"]


def random_bqm(seed: int, vartype: str, dyadic: bool = False) -> Any:
    random = np.random.default_rng(seed)

    def bias() -> float:
        return float(random.integers(-64, 65)) / 16 if dyadic else float(random.normal())

    bqm = dimod.BinaryQuadraticModel(vartype)
    for name in NAMES:
        bqm.add_variable(name, bias())
    for a, b in itertools.combinations(NAMES[:-1], 2):
        if random.random() < 0.7:
            bqm.add_quadratic(a, b, bias())
    bqm.offset = bias()
    return bqm


def energies(bqm: Any, model: tnl.Ising) -> tuple[Any, Any]:
    """Of all states: what dimod says, and what the model says."""
    states = np.array([*itertools.product((-1, 1), repeat=len(model.sites))])
    values = states if bqm.vartype.name == "SPIN" else (states + 1) // 2
    return bqm.energies((values, list(model.sites))), model.energy(states)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_energies_are_the_same_for_all_states(seed: int, vartype: str) -> None:
    bqm = random_bqm(seed, vartype)
    model, offset = from_bqm(bqm, beta=0.3)
    assert (model.beta, list(model.sites)) == (0.3, NAMES)
    theirs, ours = energies(bqm, model)
    np.testing.assert_allclose(ours + offset, theirs, rtol=0, atol=1e-13)


@pytest.mark.parametrize("vartype", ["SPIN", "BINARY"])
def test_numbers_that_floats_hold_are_exact(vartype: str) -> None:
    bqm = random_bqm(7, vartype, dyadic=True)
    model, offset = from_bqm(bqm)
    theirs, ours = energies(bqm, model)
    np.testing.assert_array_equal(ours + offset, theirs)


def test_a_model_goes_there_and_comes_back() -> None:
    graph = nx.relabel_nodes(nx.cycle_graph(4), dict(enumerate(NAMES)))
    graph.add_node("lonely")
    coupling = {edge: 0.1 * k - 0.2 for k, edge in enumerate(graph.edges)}
    model = tnl.Ising(graph, coupling, {"a": -0.3}, beta=0.7)
    bqm = to_bqm(model)
    assert bqm.vartype.name == "SPIN"
    theirs, ours = energies(bqm, model)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)
    found, offset = from_bqm(bqm, beta=0.7)
    assert offset == 0
    assert found.sites == model.sites
    assert found.fields == model.fields
    assert {frozenset(edge): J for edge, J in found.couplings.items()} == {
        frozenset(edge): J for edge, J in model.couplings.items()
    }


@pytest.mark.parametrize("kind", ["Float32BQM", "DictBQM"])
def test_models_of_other_numbers(kind: str) -> None:
    bqm = getattr(dimod, kind)({0: 0.5}, {(0, 1): -0.25}, 1.5, "BINARY")
    model, offset = from_bqm(bqm)
    theirs, ours = energies(bqm, model)
    np.testing.assert_array_equal(ours + offset, theirs)


def test_the_ground_state_is_theirs() -> None:
    bqm = random_bqm(11, "BINARY")
    best = dimod.ExactSolver().sample(bqm).first
    model, offset = from_bqm(bqm)
    found = tnl.mode(model)
    assert found.energy + offset == pytest.approx(best.energy, abs=1e-13)
    assert {name: (s + 1) // 2 for name, s in found.state.items()} == dict(best.sample)


def test_what_is_none_is_refused() -> None:
    with pytest.raises(DataTypeError, match="a dict is no binary quadratic model"):
        from_bqm({})  # type: ignore[arg-type]
    with pytest.raises(DataTypeError, match="needs an Ising model, not a dict"):
        to_bqm({})  # type: ignore[arg-type]


def test_an_empty_or_endless_model_is_refused() -> None:
    with pytest.raises(ModelError, match="at least one node"):
        from_bqm(dimod.BinaryQuadraticModel("SPIN"))
    with pytest.raises(ModelError, match="must be finite"):
        from_bqm(dimod.BinaryQuadraticModel({0: float("inf")}, {}, "SPIN"))
    with pytest.raises(ModelError, match="more than a float holds"):
        from_bqm(dimod.BinaryQuadraticModel({0: 1.7e308, 1: 1.7e308, 2: 1.7e308}, {}, "BINARY"))


def test_a_name_that_no_graph_has_is_refused() -> None:
    with pytest.raises(ModelError, match="None is no name of a site"):
        quadratic_model({None: 1.0}, {}, bits=False)


def test_a_missing_dimod_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dimod", None)
    with pytest.raises(ImportError, match=r"pip install 'tnlearn-engine\[interop\]'"):
        to_bqm(tnl.Ising(nx.path_graph(2)))
