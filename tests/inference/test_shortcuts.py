"""Models with a way around contraction: when it is taken, and that it gives the same."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import ModelError
from tnlearn.inference import shortcuts

pytestmark = pytest.mark.filterwarnings("error")


def glass(length: int, periodic: bool = False) -> tnl.Ising:
    """Couplings -1 and 1 on a square lattice, so that ground states differ from one another."""
    graph = nx.grid_2d_graph(length, length, periodic=periodic)
    random = np.random.default_rng(length)
    return tnl.Ising(graph, {e: float(random.choice([-1, 1])) for e in graph.edges}, beta=0.8)


@pytest.mark.parametrize("periodic", [False, True])
def test_planar_models_too_large_to_contract_go_their_own_way(periodic: bool) -> None:
    model = glass(8, periodic)
    exact = tnl.log_partition(model)
    assert exact.method == "exact"
    for found in (tnl.log_partition(model, flops=10.0), tnl.log_partition(model, "shortcut")):
        assert found.method == "planar"
        assert found == pytest.approx(exact, rel=1e-11)
    verdict = tnl.assess(model, flops=10.0)
    assert verdict.method == "planar"
    assert "allowed" in verdict.reason


def test_large_planar_models_are_not_planned_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    model = glass(8)
    exact, ground = tnl.log_partition(model), tnl.mode(model)
    monkeypatch.setattr(shortcuts, "LARGE", 60)
    assert tnl.assess(model).plan is None
    assert tnl.log_partition(model) == pytest.approx(exact, rel=1e-11)
    found = tnl.mode(model)
    assert found.energy == ground.energy == model.energy([[*found.state.values()]])[0]
    assert tnl.mode(model, count=True).degeneracy == tnl.mode(model, 2, count=True).degeneracy


def test_models_without_a_shortcut_say_so() -> None:
    field = tnl.Ising(nx.grid_2d_graph(4, 4), field=0.1)
    for model in (field, tnl.Ising(nx.complete_graph(6)), tnl.FactorGraph([(("a",), [1.0])])):
        with pytest.raises(ModelError, match="no way around contraction"):
            tnl.log_partition(model, "shortcut")


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (1, 4), (4, 1)])
def test_restricted_machines_sum_their_smaller_layer(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    machine = tnl.RestrictedBoltzmann(
        random.normal(size=shape), random.normal(size=shape[0]), random.normal(size=shape[1])
    )
    bits = np.array(np.meshgrid(*[[0, 1]] * sum(shape), indexing="ij")).reshape(sum(shape), -1).T
    exact = np.log(np.exp(-machine.energy(bits)).sum())
    assert machine.log_partition == pytest.approx(exact, rel=1e-12)
    assert tnl.log_partition(machine) == pytest.approx(exact, rel=1e-12)
    annealed = machine._annealed()
    assert abs(annealed - exact) <= annealed.error < 0.5
    visible = np.array(np.meshgrid(*[[0, 1]] * shape[0], indexing="ij")).reshape(shape[0], -1).T
    assert np.exp(machine.log_probability(visible)).sum() == pytest.approx(1)
