"""Verdicts, and estimates of log Z where exact costs too much."""

from __future__ import annotations

import math
import warnings
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from small_models import factor_graph, spin_glass
from tnlearn.errors import MemoryLimitError, ModelError
from tnlearn.inference import NotConverged, anneal, propagate_beliefs

pytestmark = pytest.mark.filterwarnings("error")

K_C = 0.440686793509771514


def trees() -> list[Any]:
    """Models without loops, of two and more values, with tables of three variables."""
    tree = nx.random_labeled_tree(30, seed=3)
    random = np.random.default_rng(0)
    factors = [((k, k + 1, ("leaf", k)), random.gamma(1.0, size=(3, 3, 2))) for k in range(6)]
    return [
        tnl.Ising(tree, coupling=1.0, field=0.3, beta=0.7),
        tnl.Ising(nx.empty_graph(3), field=0.3, beta=2.0),
        tnl.FactorGraph(factors),
        tnl.FactorGraph([((0, 1), np.eye(2)), ((1, 2), [[1.0, 2.0], [3.0, 4.0]])]),
    ]


@pytest.mark.parametrize("model", trees(), ids=["tree", "sites", "tables", "constraint"])
def test_beliefs_are_exact_on_trees(model: Any) -> None:
    found = propagate_beliefs(model)
    assert found.converged
    assert found.on_tree
    assert found.log_partition == pytest.approx(tnl.log_partition(model), abs=1e-12)
    for site, wanted in tnl.marginals(model).items():
        np.testing.assert_allclose(found.marginals[site], wanted, atol=1e-12)
    value = tnl.log_partition(model, "belief propagation")
    assert (value.method, value.error, value.converged) == ("belief propagation", 0.0, True)


@pytest.mark.parametrize("length", [3, 4, 7])
@pytest.mark.parametrize("beta", [0.3, 1.2])
def test_a_cycle_is_off_by_its_one_loop(length: int, beta: float) -> None:
    """Z / Z_Bethe = 1 + tanh(K)**n."""
    ring = tnl.Ising(nx.cycle_graph(length), beta=beta)
    found = propagate_beliefs(ring)
    gap = tnl.log_partition(ring) - found.log_partition
    assert gap == pytest.approx(math.log1p(math.tanh(beta) ** length), abs=1e-10)
    assert not found.on_tree


#: Coupling -> ln Z per site in Bethe's approximation of the square lattice.
BETHE = {0.2: 2 * math.log(math.cosh(0.2)) + math.log(2), K_C: 0.92521390, 0.5: 1.0248028}


@pytest.mark.parametrize(("coupling", "wanted"), BETHE.items())
def test_the_free_energy_of_bethe(coupling: float, wanted: float) -> None:
    graph = nx.grid_2d_graph(12, 12, periodic=True)
    found = propagate_beliefs(tnl.Ising(graph, field=1e-7, beta=coupling))
    assert found.converged
    assert found.log_partition / 144 == pytest.approx(wanted, abs=1e-6)


def test_beliefs_that_do_not_settle_say_so() -> None:
    graph, random = nx.grid_2d_graph(4, 4), np.random.default_rng(0)
    couplings = {edge: float(random.normal()) for edge in graph.edges}
    fields = {site: float(random.normal(scale=0.3)) for site in graph}
    model = tnl.Ising(graph, couplings, fields, beta=4.0)
    with pytest.warns(NotConverged, match="belief propagation did not converge"):
        found = tnl.log_partition(model, "belief propagation")
    assert not found.converged
    assert found.error == math.inf


def test_errors_of_annealing_cover_the_truth() -> None:
    """In at least 9 of 10 models small enough to be known; 200 in `benchmarks/estimates.py`."""
    covered = []
    for seed in range(24):
        model: Any = spin_glass(seed) if seed % 2 else factor_graph(seed, zeros=0.0)
        found = anneal(model, seed=seed, chains=64, updates=10**6)
        covered.append(abs(found.log_partition - tnl.log_partition(model)) <= found.error)
    assert np.mean(covered) >= 0.9


def test_annealing_is_repeatable_and_not_biased() -> None:
    """The average weight is Z at any number of steps, also far too few."""
    model = spin_glass(1)
    exact = tnl.log_partition(model)
    assert anneal(model, seed=3) == anneal(model, seed=3)
    found = anneal(model, chains=4000, updates=0, seed=5)
    assert found.steps == 64
    assert abs(found.log_partition - exact) < max(found.error, 0.05)


def test_annealing_of_little() -> None:
    assert anneal(tnl.FactorGraph([((), 3.0)])).log_partition == pytest.approx(math.log(3))
    none = anneal(tnl.FactorGraph([((0,), [0.0, 0.0])]))
    assert none.log_partition == -math.inf
    alone = anneal(tnl.FactorGraph([((0,), [1.0, 3.0])]), chains=2000)
    assert alone.log_partition == pytest.approx(math.log(4), abs=alone.error)
    with pytest.raises(ModelError, match="3 chains"):
        anneal(spin_glass(0), chains=3)


def test_constraints_that_keep_chains_apart_are_noticed() -> None:
    """Parity of many bits: one flip is never allowed."""
    parity = np.indices((2,) * 6).sum(axis=0) % 2 == 0
    rows = [[k, k + 1, k + 2, k + 3, k + 4, k + 5] for k in range(0, 40, 2)]
    model = tnl.FactorGraph([(row, parity.astype(float)) for row in rows])
    assert not anneal(model, updates=10**5).converged


def test_auto_is_exact_inside_the_budgets_and_estimates_outside() -> None:
    model = tnl.Ising(nx.grid_2d_graph(7, 7), coupling=1.0, field=0.1, beta=0.3)
    exact = tnl.log_partition(model)
    assert exact.method == "exact"
    sliced = tnl.log_partition(model, memory_limit=8000)
    assert sliced.method == "exact"
    assert sliced == pytest.approx(exact, rel=1e-12)
    swept = tnl.log_partition(model, flops=10.0)
    assert swept.method == "compressed"
    assert swept.converged
    assert abs(swept - exact) <= swept.error < 1e-5
    annealed = tnl.log_partition(model, memory_limit=100)  # No room for a sweep.
    assert annealed.method in ("loops", "annealing")
    assert annealed.converged
    assert 0 < abs(annealed - exact) <= annealed.error
    with pytest.raises(MemoryLimitError):
        tnl.log_partition(model, "exact", memory_limit=100)
    assert tnl.log_partition(model, "exact", flops=10.0) == exact


def test_an_estimate_that_cannot_be_trusted_warns() -> None:
    graph = nx.random_regular_graph(3, 60, seed=0)
    random = np.random.default_rng(0)
    model = tnl.Ising(graph, {e: float(random.choice([-1, 1])) for e in graph.edges}, beta=5.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        network = model.network()
        found = anneal(network, updates=10**5)
    assert not caught
    assert not found.converged


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(ModelError, match="no method 'guess': choose from auto, exact"):
        tnl.log_partition(spin_glass(0), "guess")


def test_a_verdict_says_what_it_would_do() -> None:
    model = tnl.Ising(nx.grid_2d_graph(7, 7), beta=0.3)
    verdict = tnl.assess(model)
    assert verdict.method == "exact"
    assert verdict.plan == tnl.plan(model)
    assert verdict.log_states == pytest.approx(49 * math.log(2))
    text = str(verdict)
    for word in ("10^14.75", "flops", "peak memory", "fits the memory limit"):
        assert word in text
    assert "slices" in tnl.assess(model, memory_limit=3000).reason
    assert "more than the 1.0e+01 allowed" in tnl.assess(model, flops=10).reason
    small = tnl.assess(model, memory_limit=100)
    assert small.plan is None
    assert not small.rungs  # It is planar.
    field = tnl.Ising(nx.grid_2d_graph(7, 7), field=0.1, beta=0.3)
    narrow = tnl.assess(field, memory_limit=100)
    assert [rung.method for rung in narrow.rungs] == ["loops", "annealing"]
    assert narrow.method == "loops"
    costly = tnl.assess(field, flops=10)
    assert [rung.method for rung in costly.rungs] == ["compressed", "loops", "annealing"]
    assert all(rung.least <= rung.most for rung in costly.rungs)
    assert "annealing, about" in str(costly)
    assert not verdict.rungs
    assert "memory limit is 100 B" in small.reason
    assert "memory limit" in str(small)


def test_a_verdict_on_constraints() -> None:
    alike = [((k, k + 1), np.eye(2)) for k in range(9)]
    fixed = tnl.assess(tnl.FactorGraph([*alike, ((0,), [1.0, 0.0])]))
    assert (fixed.fixed, fixed.log_states) == (10, 0.0)
    assert "10 indices by hard zeros" in str(fixed)
    none = tnl.assess(tnl.FactorGraph([((0,), [0.0, 0.0])]))
    assert (none.method, none.log_states) == ("exact", -math.inf)
    assert "forbid every state" in str(none)
