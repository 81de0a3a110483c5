"""Marginals, samples and modes where exact does not fit: approximate only when asked for."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from small_models import factor_graph, spin_glass, weights
from tnlearn.errors import CostError, MemoryLimitError, ModelError
from tnlearn.inference import NotConverged
from tnlearn.inference.approximate import chains
from tnlearn.inference.approximate.ladder import ladder

pytestmark = pytest.mark.filterwarnings("error")


def large() -> tnl.Ising:
    graph = nx.random_regular_graph(3, 60, seed=0)
    return tnl.Ising(graph, coupling=1.0, field=0.1, beta=0.3)


@pytest.mark.parametrize("method", ["gibbs", "tempering"])
def test_marginals_by_chains_are_within_their_errors(method: str) -> None:
    far = []
    for seed in range(6):
        model = spin_glass(seed)
        if method == "gibbs":  # Valleys are what tempering is for.
            graph = nx.Graph(model.couplings.keys())
            graph.add_nodes_from(model.sites)
            model = tnl.Ising(graph, model.couplings, model.fields, beta=0.4)
        exact, found = tnl.marginals(model), tnl.marginals(model, method=method, seed=1)
        assert (found.method, found.converged) == (method, True)
        assert list(found) == list(exact)
        for site, p in found.items():
            assert p.sum() == pytest.approx(1)
            far += ((p - exact[site]) / found.errors[site]).tolist()
    assert max(map(abs, far)) < 5
    assert 0.5 < np.std(far) < 1.6


def test_joint_marginals_by_every_method() -> None:
    model: Any = factor_graph(3, zeros=0.0)
    subset = tuple(next(t.indices for t in model.network() if len(t.indices) > 1)[:2])
    exact = tnl.marginals(model, [subset])[subset]
    found = tnl.marginals(model, [subset], "tempering", seed=0)
    assert (abs(found[subset] - exact) <= 5 * found.errors[subset]).all()
    tree = tnl.FactorGraph(
        [((0, 1, 2), np.random.default_rng(0).random((2, 3, 2))), ((2, 3), np.eye(2) + 1)]
    )
    beliefs = tnl.marginals(tree, [(2, 0), (3,)], "belief propagation")
    for subset, p in tnl.marginals(tree, [(2, 0), (3,)]).items():
        np.testing.assert_allclose(beliefs[subset], p, atol=1e-12)
        assert not beliefs.errors[subset].any()
    with pytest.raises(ModelError, match="no tensor is on all of"):
        tnl.marginals(tree, [(0, 3)], "belief propagation")


def test_hard_zeros_and_bare_networks() -> None:
    """Sites that zeros fix, sites of other sizes, and indices that no site is."""
    tables = [
        ((0, 1), [[1.0, 0.0, 2.0], [0.5, 0.0, 1.0]]),
        ((1, 2), np.ones((3, 2))),
        ((3,), [0, 1]),
    ]
    model = tnl.FactorGraph(tables)
    exact = tnl.marginals(model.network())
    found = tnl.marginals(model.network(), method="gibbs", seed=0)
    for site in exact:
        assert (abs(found[site] - exact[site]) <= 5 * found.errors[site]).all()
    drawn = tnl.sample(model, 400, "gibbs", seed=0)
    assert set(drawn[:, 1].tolist()) == {0, 2}
    assert set(drawn[:, 3].tolist()) == {1}
    best = tnl.mode(model, 2, "tempering")  # Site 2 is free.
    assert best.energies == tnl.mode(model, 2).energies
    assert {tuple(s.values()) for s in best.states} == {(0, 2, 0, 1), (0, 2, 1, 1)}
    with pytest.raises(ModelError, match="probability zero"):
        tnl.sample(tnl.FactorGraph([((0,), [0.0, 0.0])]), 3, "gibbs")


def test_samples_by_tempering_are_distributed_as_the_model() -> None:
    model = spin_glass(2)
    drawn = tnl.sample(model, 2000, "tempering", seed=3)
    assert drawn.shape == (2000, len(model.sites))
    assert drawn.method == "tempering"  # type: ignore[attr-defined]
    assert 500 < drawn.effective_size <= 2000  # type: ignore[attr-defined]
    assert set(np.unique(drawn)) == {-1, 1}
    states, weight = weights(model)
    energies, exact = model.energy(drawn), weight @ model.energy(states) / weight.sum()
    assert abs(energies.mean() - exact) < 5 * energies.std() / np.sqrt(drawn.effective_size)  # type: ignore[attr-defined]
    assert (tnl.sample(model, 2000, "tempering", seed=3) == drawn).all()
    assert (tnl.sample(model, 2000, "tempering", seed=4) != drawn).any()
    assert type(tnl.sample(model, 3, seed=0)) is np.ndarray


def test_refusals_name_the_way_out_and_nothing_is_approximated_unasked() -> None:
    model = large()
    with pytest.raises(MemoryLimitError, match="method='tempering' gives an estimate"):
        tnl.sample(model, 5, memory_limit=1000)
    with pytest.raises(MemoryLimitError, match="method='belief propagation' or method='gibbs'"):
        tnl.marginals(model, memory_limit=1000)
    with pytest.raises(MemoryLimitError, match="method='tempering' gives an estimate"):
        tnl.mode(model, memory_limit=1000)
    chosen = tnl.marginals(model, method="auto", memory_limit=1000)
    assert chosen.method == "tempering"
    assert tnl.marginals(model, method="auto").method == "exact"
    for ask in (tnl.marginals, tnl.mode):
        with pytest.raises(ModelError, match="no method 'guess'"):
            ask(model, method="guess")
    with pytest.raises(ModelError, match="no method 'guess'"):
        tnl.sample(model, 3, "guess")
    with pytest.raises(ModelError, match="only method='exact' counts"):
        tnl.mode(model, method="tempering", count=True)


def test_chains_that_do_not_agree_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two valleys that single flips do not leave."""
    model = tnl.Ising(nx.complete_graph(12), coupling=1.0, beta=2.0)
    monkeypatch.setitem(chains.draw.__kwdefaults__, "updates", 10**5)
    with pytest.warns(NotConverged, match="gibbs did not converge: 100 samples count as"):
        drawn = tnl.sample(model, 100, "gibbs", seed=0)
    assert not drawn.converged  # type: ignore[attr-defined]
    with pytest.warns(NotConverged, match="gibbs did not converge: marginals"):
        tnl.marginals(model, method="gibbs", seed=0)


def test_a_ladder_reaches_from_infinite_temperature_to_the_models_own() -> None:
    model = spin_glass(4)
    betas = ladder(model, np.random.default_rng(0))
    assert (betas[0], betas[-1]) == (0.0, model.beta)
    assert (np.diff(betas) > 0).all()
    assert 2 < len(betas) < 30


@pytest.mark.parametrize(
    "question", [tnl.mode, tnl.marginals, lambda m, **o: tnl.sample(m, 2, **o)]
)
def test_what_would_take_for_ever_is_refused(question: Any) -> None:
    """Before it begins, with what it takes, what to give, and what there is instead."""
    model = spin_glass(3)
    with pytest.raises(CostError, match=r"exact takes .* flops=.*method='tempering' gives an est"):
        question(model, flops=10)
    question(model, flops=np.inf)
