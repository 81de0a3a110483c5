"""Compressed contraction: exact where nothing is cut, and an error that covers what is."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

import tnlearn as tnl
from random_networks import Case, cases
from small_models import factor_graph, spin_glass, weights
from tnlearn.errors import MemoryLimitError, ModelError
from tnlearn.inference import NotConverged, compress
from tnlearn.physics.exact import torus_log_partition

pytestmark = pytest.mark.filterwarnings("error")


def critical(length: int, periodic: bool = False) -> tnl.Ising:
    """A square lattice at its critical temperature, in a field."""
    graph = nx.grid_2d_graph(length, length, periodic=periodic)
    return tnl.Ising(graph, coupling=1.0, field=0.01, beta=0.44)


@pytest.mark.parametrize("seed", range(20))
def test_small_models_are_as_by_brute_force(seed: int) -> None:
    model: Any = spin_glass(seed) if seed % 2 else factor_graph(seed)
    total = weights(model)[1].sum()
    found = compress(model)
    assert found.converged
    if total:
        assert found.log == pytest.approx(math.log(total), abs=1e-11)
        assert found.phase == 1
    else:
        assert (found.log, found.phase) == (-math.inf, 0)


@settings(max_examples=25, deadline=None)
@given(cases())
def test_networks_of_any_sign_and_shape(case: Case) -> None:
    network = case.network().with_output(())
    exact = tnl.log_contract(network)
    found = compress(network)
    if exact.log == -math.inf or not exact.phase:
        assert found.log < -15  # What rounding leaves of terms that cancel.
    else:
        assert found.log == pytest.approx(float(exact.log), abs=1e-8)
        assert found.phase == pytest.approx(complex(exact.phase), abs=1e-8)


def test_negative_and_complex_entries_hyperedges_and_conjugates() -> None:
    random = np.random.default_rng(0)
    data = random.normal(size=(4, 3, 3, 3)) + 1j * random.normal(size=(4, 3, 3, 3))
    tensors = [
        tnl.Tensor(data[0], "abc"),
        tnl.Tensor(data[1], "abd", conj=True),
        tnl.Tensor(data[2], "bdd"),
        tnl.Tensor(data[3], "bce"),
        tnl.Tensor(-2.5, ""),
    ]
    exact = tnl.log_contract(tnl.TensorNetwork(tensors))
    found = compress(tnl.TensorNetwork(tensors))
    assert found.log == pytest.approx(float(exact.log), abs=1e-11)
    assert found.phase == pytest.approx(complex(exact.phase), abs=1e-11)


def test_no_float_needs_to_hold_the_value() -> None:
    ring = tnl.TensorNetwork([tnl.Tensor(1e-30 * np.eye(2), (k, (k + 1) % 60)) for k in range(60)])
    assert compress(ring).log == pytest.approx(math.log(2) - 1800 * math.log(10), rel=1e-13)


@pytest.mark.parametrize("bond", [4, 8, 16])
def test_the_error_covers_what_is_cut_off_a_critical_lattice(bond: int) -> None:
    model = critical(14)
    exact = float(tnl.log_partition(model, "exact"))
    found = compress(model, bond=bond)
    assert found.bond == bond
    assert 0 < abs(found.log - exact) <= found.error
    assert found.error < {4: 0.2, 8: 1e-2, 16: 1e-4}[bond]


def test_a_lattice_too_large_to_contract() -> None:
    """24 x 24 without field, which free fermions solve."""
    model = tnl.Ising(nx.grid_2d_graph(24, 24), beta=0.44)
    found = compress(model)
    assert found.converged
    assert found.error < 1e-5
    exact = float(tnl.log_partition(model, "shortcut"))
    assert abs(found.log - exact) <= found.error


def test_a_torus() -> None:
    model = tnl.Ising(nx.grid_2d_graph(8, 8, periodic=True), beta=0.3)
    assert compress(model).log == pytest.approx(torus_log_partition(8, 8, 0.3), abs=1e-5)


def test_errors_cover_the_truth_of_random_graphs() -> None:
    """In at least 9 of 10 where it says that it converged, at a bond dimension far too small."""
    covered = []
    for seed in range(30):
        graph = nx.random_regular_graph(3, 30, seed=seed)
        random = np.random.default_rng(seed)
        couplings = {edge: float(random.normal()) for edge in graph.edges}
        model = tnl.Ising(graph, couplings, field=0.1, beta=float(random.uniform(0.3, 1.5)))
        found = compress(model, bond=8)
        if found.converged:
            off = abs(found.log - tnl.log_partition(model, "exact"))
            covered.append(off <= found.error)
    assert len(covered) > 10
    assert np.mean(covered) >= 0.9


def test_what_is_cut_too_much_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    model = critical(10, periodic=True)
    assert not compress(model, work=1e5).converged
    assert compress(model, work=1.0).error == math.inf
    monkeypatch.setitem(compress.__kwdefaults__, "work", 1e5)
    with pytest.warns(NotConverged, match="compressed did not converge"):
        found = tnl.log_partition(model, "compressed")
    assert abs(found - tnl.log_partition(model, "exact")) <= found.error


def test_the_memory_limit_is_kept_or_refused() -> None:
    model = critical(12)
    small, large = compress(model, memory_limit="64KiB"), compress(model)
    assert large == compress(model)
    assert small.bond < large.bond
    with pytest.raises(MemoryLimitError, match="a sweep at bond dimension 4 takes"):
        compress(model, memory_limit=1000)
    with pytest.raises(ModelError, match="at least 2"):
        compress(model, bond=1)


def test_a_negative_value_is_no_partition_function() -> None:
    network = tnl.TensorNetwork([tnl.Tensor([[1.0, -2.0], [3.0, -4.0]], "ab")])
    assert compress(network).phase == -1
    with pytest.raises(ModelError, match="phase -1"):
        tnl.log_partition(network, "compressed")
