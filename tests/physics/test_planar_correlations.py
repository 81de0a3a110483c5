"""Correlations across bonds of planar models, and their mean energy."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from random_planar import planar_models, random_bonds
from tnlearn.errors import ModelError
from tnlearn.physics import Ising, exact
from tnlearn.physics.planar import planar_bond_correlations, planar_log_partition


def averages(model: Ising) -> tuple[dict[Any, float], float]:
    """Correlations and energy over all states."""
    states = exact.enumerate_states(len(model.sites)).astype(float)
    energies = model.energy(states)
    weights = np.exp(-model.beta * energies - exact.brute_force_log_partition(model))
    column = {site: k for k, site in enumerate(model.sites)}
    found = {
        (a, b): float(weights @ (states[:, column[a]] * states[:, column[b]]))
        for a, b in model.couplings
    }
    return found, float(weights @ energies)


@given(planar_models(largest=2.0))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_random_planar_models_against_brute_force(model: Ising) -> None:
    truth, energy = averages(model)
    found = planar_bond_correlations(model)
    assert list(found.bonds) == list(model.couplings)
    for bond, value in truth.items():
        assert abs(found.bonds[bond] - value) <= found.error + 1e-14
    assert found.error < 1e-8
    assert found.energy == pytest.approx(energy, abs=1e-9)
    assert not found.sites


def test_fields_give_magnetizations() -> None:
    graph = nx.cycle_graph(8)
    field = {0: 0.4, 3: -0.2, 4: 1.0}
    model = Ising(graph, random_bonds(graph, 0, "normal"), field, beta=0.9)
    found = planar_bond_correlations(model)
    marginals = exact.brute_force_marginals(model, [(site,) for site in field])
    assert list(found.sites) == list(field)
    for site, value in found.sites.items():
        up = float(marginals[(site,)][1])
        assert value == pytest.approx(2.0 * up - 1.0, abs=1e-12)
    assert found.energy == pytest.approx(averages(model)[1], abs=1e-12)


def test_the_energy_is_the_slope() -> None:
    graph = nx.grid_2d_graph(20, 20)
    bonds, step = random_bonds(graph, 2), 1e-4
    hot, cold = (planar_log_partition(Ising(graph, bonds, beta=b)) for b in (1 - step, 1 + step))
    energy = planar_bond_correlations(Ising(graph, bonds)).energy
    assert energy == pytest.approx(-(cold - hot) / (2.0 * step), rel=1e-7)


def test_the_middle_of_a_large_square_is_the_bulk() -> None:
    coupling = 0.3
    found = planar_bond_correlations(Ising(nx.grid_2d_graph(40, 40), coupling))
    inside = found.bonds[(19, 19), (19, 20)]
    assert inside == pytest.approx(-0.5 * exact.bulk_energy_per_site(coupling) / coupling, abs=1e-9)


def test_where_rounding_leaves_nothing_the_error_says_so() -> None:
    graph = nx.grid_2d_graph(9, 9)
    for seed in range(3):
        found = planar_bond_correlations(Ising(graph, random_bonds(graph, seed), beta=100.0))
        assert found.error > 1e-6 or all(math.isfinite(x) for x in found.bonds.values())


def test_refusal() -> None:
    with pytest.raises(ModelError, match="not planar"):
        planar_bond_correlations(Ising(nx.complete_graph(5)))
