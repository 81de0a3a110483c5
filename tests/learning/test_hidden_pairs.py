"""Boltzmann machines with hidden sites fitted to visible states: against lists of all states."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import ModelError
from tnlearn.learning import hidden_pairs
from tnlearn.learning.pair_family import family_of

#: Visible bits with an even number of ones: no two of them depend on each other.
EVEN = np.array([bits for bits in product((0, 1), repeat=3) if sum(bits) % 2 == 0])


def machine(seed: int, visible: int, hidden: int, beta: float = 1.0) -> tnl.BoltzmannMachine:
    """All sites coupled to all, those hidden among those visible."""
    random = np.random.default_rng(seed)
    sites = [f"v{k}" for k in range(visible)] + [f"h{k}" for k in range(hidden)]
    sites = [sites[k] for k in random.permutation(len(sites))]
    couplings = {(a, b): random.normal() for k, a in enumerate(sites) for b in sites[:k]}
    fields = {site: random.normal() for site in sites}
    named = [site for site in sites if site.startswith("h")]
    return tnl.BoltzmannMachine(couplings, fields, named, beta)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("chunk", [2, 1024])
def test_slopes_are_those_of_the_likelihood(
    monkeypatch: pytest.MonkeyPatch, seed: int, chunk: int
) -> None:
    monkeypatch.setattr(hidden_pairs, "CHUNK", chunk)
    model = machine(seed, 3, 2)
    family, random = family_of(model), np.random.default_rng(seed)
    seen = family.states(random.integers(0, 2, (20, 3)))
    clamped = hidden_pairs.ClampedMoments(family, seen)

    def expected(parameters: np.ndarray[Any, Any]) -> float:
        other = family.model(parameters)
        return float(other.log_probability(seen).mean() + tnl.log_partition(other))

    parameters = random.normal(size=len(family.pairs) + 5)
    value, slopes = clamped(parameters)
    assert value == pytest.approx(expected(parameters), abs=1e-12)
    for k, unit in enumerate(1e-5 * np.eye(len(parameters))):
        rise = (expected(parameters + unit) - expected(parameters - unit)) / 2e-5
        assert slopes[k] == pytest.approx(rise, abs=1e-8)


@pytest.mark.parametrize("beta", [1.0, 0.5, -2.0])
def test_a_machine_is_at_least_as_likely_as_the_one_that_made_the_states(beta: float) -> None:
    truth = machine(1, 4, 2, beta)
    joint = tnl.sample(truth, 3000, seed=0)
    columns = [truth.sites.index(site) for site in truth.visible]
    states = joint[:, columns]
    found = tnl.fit(truth, states, l2=1e-4)
    assert found.converged
    assert found.model.hidden == truth.hidden
    assert found.model.visible == truth.visible
    assert found.log_likelihood == pytest.approx(found.model.log_probability(states).mean())
    assert found.log_likelihood > truth.log_probability(states).mean()
    with pytest.raises(ModelError, match="no standard errors with hidden sites"):
        _ = found.errors


def test_hidden_sites_learn_what_pairs_do_not_say() -> None:
    """Parity: -3 ln 2 without a hidden site, and nearly -2 ln 2 with one."""
    names = ("a", "b", "c")
    pairs = {(a, b): 0.0 for k, a in enumerate(names) for b in names[:k]}
    alone = tnl.fit(tnl.BoltzmannMachine(pairs), EVEN[:, ::-1])
    assert alone.log_likelihood == pytest.approx(-3 * np.log(2), abs=1e-9)
    hidden = {(name, "h"): 0.0 for name in names}
    found = tnl.fit(tnl.BoltzmannMachine(pairs | hidden, hidden=["h"]), EVEN, l2=1e-4, seed=1)
    assert found.log_likelihood > -2 * np.log(2) - 0.1


def test_what_hidden_sites_do_not_allow() -> None:
    model = tnl.BoltzmannMachine({("v", "h"): 1.0}, hidden=["h"])
    for options in ({"method": "pseudo-likelihood"}, {"l1": 0.1}):
        with pytest.raises(ModelError, match="'h' is hidden, and l1 and the pseudo-likelihood"):
            tnl.fit(model, [[0], [1]], **options)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="state 1 has site 'v' at 2"):
        tnl.fit(model, [[0], [2]])
    with pytest.raises(ModelError, match=r"needs? shape|shape \(n_states, 1\)"):
        tnl.fit(model, [[0, 1]])
