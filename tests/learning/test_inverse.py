"""The inverse Ising problem: closed forms, moments, standard errors, and what has no answer."""

from __future__ import annotations

import itertools
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
import tnlearn.sampling
from tnlearn.errors import DataTypeError, MemoryLimitError, ModelError
from tnlearn.learning import Fit
from tnlearn.learning.low_rank import fitted_patterns
from tnlearn.learning.pair_family import family_of
from tnlearn.learning.pair_moments import PairMoments
from tnlearn.learning.pair_objectives import Likelihood, Objective, PseudoLikelihood, Shrunk

SPINS = np.array([-1.0, 1.0])


def glass(n: int, strength: float = 0.4, seed: int = 0) -> tnl.Ising:
    """All pairs coupled at random, in random fields."""
    random, graph = np.random.default_rng(seed), nx.complete_graph(n)
    couplings = {edge: strength * random.normal() for edge in graph.edges}
    return tnl.Ising(graph, couplings, {k: 0.3 * random.normal() for k in graph}, beta=0.8)


def states_of(model: Any, values: Any = (-1, 1)) -> tuple[Any, Any]:
    """All states, and their probabilities by enumeration of energies."""
    every = np.array(list(itertools.product(values, repeat=len(model.sites))))
    weights = np.exp(-model.beta * model.energy(every))
    return every, weights / weights.sum()


def moments(model: Any, values: Any = (-1, 1)) -> tuple[Any, Any]:
    every, p = states_of(model, values)
    return np.einsum("s,si,sj->ij", p, every, every), p @ every


def assert_moments_match(found: Fit, states: Any, values: Any = (-1, 1)) -> None:
    pairs, means = moments(found.model, values)
    column = {site: k for k, site in enumerate(found.model.sites)}
    np.testing.assert_allclose(means, states.mean(axis=0), atol=1e-8)
    for a, b in found.model.couplings:
        i, j = column[a], column[b]
        assert pairs[i, j] == pytest.approx((states[:, i] * states[:, j]).mean(), abs=1e-8)


def objectives() -> dict[str, Objective]:
    """On the same spins of four sites, of which all pairs but one are coupled."""
    pairs = np.array(list(itertools.combinations(range(4), 2)))[:-1]
    states = np.random.default_rng(1).choice(SPINS, (30, 4))
    table = states.T @ states / 30
    seen = np.concatenate([table[pairs[:, 0], pairs[:, 1]], states.mean(axis=0)])
    bits = (states + 1) / 2
    exact = Likelihood(PairMoments(SPINS, 4, pairs), seen)
    return {
        "likelihood": exact,
        "pseudo, spins": PseudoLikelihood(SPINS, states, pairs),
        "pseudo, bits": PseudoLikelihood(np.array([0.0, 1.0]), bits, pairs),
        "shrunk": Shrunk(exact, 0.3),
    }


@pytest.mark.parametrize("name", objectives())
def test_slopes_and_curvatures_are_differences(name: str) -> None:
    objective, random = objectives()[name], np.random.default_rng(2)
    x, direction, h = random.normal(size=9), random.normal(size=9), 1e-5
    above, below = (objective.value_and_gradient(x + s * h * direction) for s in (1, -1))
    _, gradient = objective.value_and_gradient(x)
    assert gradient @ direction == pytest.approx((above[0] - below[0]) / 2 / h, abs=1e-8)
    curved = objective.hessian_times(x, direction)
    np.testing.assert_allclose(curved, (above[1] - below[1]) / 2 / h, atol=1e-8)
    hessian = objective.hessian(x)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-12)


def test_the_pseudo_likelihood_is_the_product_of_conditionals() -> None:
    model, states = glass(4), np.random.default_rng(1).choice(SPINS, (30, 4))
    family = family_of(model)
    x = np.array([*model.couplings.values(), *model.fields.values()]) * model.beta
    value, _ = PseudoLikelihood(SPINS, states, family.pairs).value_and_gradient(x)
    expected = 0.0
    for site in range(4):
        flipped = states.copy()
        flipped[:, site] *= -1
        expected += np.log1p(np.exp(model.beta * (model.energy(states) - model.energy(flipped))))
    assert value == pytest.approx(np.mean(expected), rel=1e-12)


def test_two_spins_have_a_closed_form() -> None:
    """``4 beta J = ln (n++ n-- / n+- n-+)`` and ``4 beta h = ln (n++ n+- / n-+ n--)`` of a."""
    counts = {(1, 1): 50, (1, -1): 20, (-1, 1): 13, (-1, -1): 40}
    states = np.repeat(list(counts), list(counts.values()), axis=0)
    for method in ("likelihood", "pseudo-likelihood"):
        found = tnl.fit(tnl.Ising(nx.path_graph(2), beta=2.0), states, method=method).model
        ln = {pair: np.log(count) for pair, count in counts.items()}
        coupling = (ln[1, 1] + ln[-1, -1] - ln[1, -1] - ln[-1, 1]) / 8
        first = (ln[1, 1] + ln[1, -1] - ln[-1, 1] - ln[-1, -1]) / 8
        assert found.couplings[0, 1] == pytest.approx(coupling, abs=1e-9)
        assert found.fields[0] == pytest.approx(first, abs=1e-9)


def test_trees_have_a_closed_form() -> None:
    """On a tree ``p = prod p(a, b) / prod p(a)^(degree - 1)``: couplings are those of two spins."""
    tree = nx.random_labeled_tree(12, seed=3)
    truth = tnl.Ising(tree, {edge: (-1) ** k * 0.6 for k, edge in enumerate(tree.edges)}, 0.2)
    states = tnl.sample(truth, 3000, seed=1)
    found = tnl.fit(truth, states)
    assert found.method == "likelihood"
    for a, b in tree.edges:
        n = {
            (s, t): ((states[:, a] == s) & (states[:, b] == t)).sum() for s in SPINS for t in SPINS
        }
        expected = np.log(n[1, 1] * n[-1, -1] / n[1, -1] / n[-1, 1]) / 4
        assert found.model.couplings[a, b] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("bits", [False, True])
def test_the_likelihood_matches_all_moments(bits: bool) -> None:
    truth = glass(6)
    states = tnl.sample(truth, 500, seed=0)
    if bits:
        machine = tnl.BoltzmannMachine(dict(truth.couplings), dict(truth.fields), beta=0.8)
        states = (states + 1) // 2
        found = tnl.fit(machine, states)
        assert isinstance(found.model, tnl.BoltzmannMachine)
    else:
        found = tnl.fit(truth, states)
        assert isinstance(found.model, tnl.Ising)
    assert found.converged
    assert found.slope <= 1e-9
    assert found.model.beta == 0.8
    assert_moments_match(found, states, (0, 1) if bits else (-1, 1))
    assert found.log_likelihood == pytest.approx(found.model.log_probability(states).mean())


def test_bits_and_spins_are_the_same_problem() -> None:
    states = tnl.sample(glass(5), 400, seed=0)
    pairs = dict.fromkeys(itertools.combinations(range(5), 2), 1.0)
    one = tnl.fit(tnl.Ising(nx.complete_graph(5)), states)
    other = tnl.fit(tnl.BoltzmannMachine(pairs), (states + 1) // 2)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-12)
    for pair in pairs:
        assert other.model.couplings[pair] == pytest.approx(4 * one.model.couplings[pair], abs=1e-7)


@pytest.mark.parametrize("method", ["likelihood", "pseudo-likelihood"])
def test_couplings_are_recovered_within_their_standard_errors(method: str) -> None:
    """Over 40 data sets the squares of all errors in units of the standard ones are 1 in the mean.

    Their spread then is below 0.1: an error of a fifth in the standard errors would be seen.
    """
    truth, squares = glass(5), []
    for seed in range(40):
        found = tnl.fit(truth, tnl.sample(truth, 2000, seed=seed), method=method)
        for given, known in (
            (found.model.couplings, truth.couplings),
            (found.model.fields, truth.fields),
        ):
            squares += [((given[k] - known[k]) / found.errors[k]) ** 2 for k in known]
    assert np.mean(squares) == pytest.approx(1, abs=0.2)


def test_large_lattices_are_fitted_by_pseudo_likelihood() -> None:
    graph = nx.grid_2d_graph(10, 10, periodic=True)
    signs = np.random.default_rng(0).choice(SPINS, graph.number_of_edges())
    truth = tnl.Ising(graph, dict(zip(graph.edges, signs, strict=True)), beta=0.5)
    states = tnl.sampling.run(tnl.sampling.Gibbs(), truth, 3000, chains=500, seed=0).samples
    found = tnl.fit(truth, states)
    assert found.method == "pseudo-likelihood"
    assert found.converged
    off = np.array([found.model.couplings[e] - truth.couplings[e] for e in truth.couplings])
    errors = np.array([found.errors[e] for e in truth.couplings])
    assert abs(off / errors).max() < 6
    assert np.sqrt(((off / errors) ** 2).mean()) < 1.6  # Draws of a chain are not independent.


def test_absent_couplings_are_zero_with_l1() -> None:
    """By pseudo-likelihood the graph is found (Ravikumar, Wainwright, Lafferty 2010)."""
    ring = nx.cycle_graph(8)
    states = tnl.sample(tnl.Ising(ring, 0.6), 4000, seed=0)
    complete = tnl.Ising(nx.complete_graph(8))
    found = tnl.fit(complete, states, method="pseudo-likelihood", l1=0.1)
    there = {frozenset(pair) for pair, j in found.model.couplings.items() if j}
    assert there == {frozenset(edge) for edge in ring.edges}
    with pytest.raises(ModelError, match="no standard errors of sparse"):
        found.errors  # noqa: B018


def test_l1_meets_the_conditions_of_its_minimum() -> None:
    """Slopes are -l1 sign(J) where J is not 0, and at most l1 where it is."""
    states = tnl.sample(glass(5), 300, seed=2)
    found = tnl.fit(tnl.Ising(nx.complete_graph(5)), states, l1=0.1)
    pairs, _ = moments(found.model)
    for (a, b), coupling in found.model.couplings.items():
        slope = pairs[a, b] - (states[:, a] * states[:, b]).mean()
        if coupling:
            assert slope == pytest.approx(-0.1 * np.sign(coupling), abs=1e-5)
        else:
            assert abs(slope) <= 0.1 + 1e-5
    assert 0 in found.model.couplings.values()


def test_l2_keeps_all_finite() -> None:
    states = np.ones((10, 3))
    found = tnl.fit(tnl.Ising(nx.complete_graph(3)), states, l2=1e-3)
    assert found.converged
    _, means = moments(found.model)
    for k in range(3):  # The slope of the penalty is that of the likelihood.
        assert 1 - means[k] == pytest.approx(1e-3 * found.model.fields[k], abs=1e-8)
        assert np.isfinite(found.errors[k])


def test_what_has_no_finite_answer_is_refused() -> None:
    model = tnl.Ising(nx.complete_graph(3))
    with pytest.raises(ModelError, match=r"site 1 is -1 in every state.*give l2"):
        tnl.fit(model, [[1, -1, 1], [-1, -1, -1]])
    with pytest.raises(ModelError, match=r"sites 0 and 1 are never -1 and 1 together.*give l2"):
        tnl.fit(model, [[1, 1, 1], [1, -1, 1], [-1, -1, -1], [1, -1, -1]])
    # All pairs of values are there, but never three alike: only the end of the search shows it.
    odd = [s for s in itertools.product((-1, 1), repeat=3) if abs(sum(s)) < 3]
    with pytest.raises(ModelError, match="do not fix it; give l2"):
        tnl.fit(model, odd)
    assert tnl.fit(model, odd, l2=1e-2).converged


def test_patterns_are_found_again() -> None:
    """Couplings of a Hopfield model of two patterns, from what it visits."""
    xi = np.random.default_rng(0).choice([-1, 1], (2, 10))
    memory = tnl.Hopfield(xi, beta=0.9)
    states = tnl.sample(memory, 20000, seed=0)
    found = tnl.fit(memory, states)
    assert found.converged
    assert found.patterns is not None
    assert found.patterns.shape == (2, 10)
    j = found.patterns.T @ found.patterns / 10
    off = np.array(
        [j[a, b] - memory.couplings[a, b] for a, b in itertools.combinations(range(10), 2)]
    )
    assert abs(off).max() < 0.05
    for (a, b), coupling in found.model.couplings.items():
        assert coupling == pytest.approx(j[a, b], abs=1e-12)
    truth = float(memory.log_probability(states).mean())
    full = tnl.fit(tnl.Ising(nx.complete_graph(10), beta=0.9), states)
    assert truth < found.log_likelihood < full.log_likelihood
    fewer = tnl.fit(tnl.Hopfield(xi[:1], beta=0.9), states)
    assert fewer.log_likelihood < found.log_likelihood - 0.05


def test_slopes_by_patterns_vanish_at_the_end() -> None:
    """By differences of the true likelihood, and not by the chain rule that found it."""
    memory = tnl.Hopfield([[1, 1, 1, 1, 1], [1, -1, 1, -1, 1]], beta=0.7)
    states, family = tnl.sample(memory, 300, seed=1), family_of(memory)
    likelihood = Likelihood(PairMoments(SPINS, 5, family.pairs), family.means(states))
    xi, minimum = fitted_patterns(likelihood, states, 2, 0.7, 1e-9)

    def loss(patterns: Any) -> float:
        couplings = {(a, b): (patterns.T @ patterns / 5)[a, b] for a, b in family.pairs.tolist()}
        fields = dict(enumerate((minimum.parameters[10:] / 0.7).tolist()))
        model = tnl.Ising(nx.complete_graph(5), couplings, fields, 0.7)
        return -float(model.log_probability(states).mean())

    for place in np.ndindex(xi.shape):
        step = np.zeros(xi.shape)
        step[place] = 1e-4
        assert abs(loss(xi + step) - loss(xi - step)) / 2e-4 < 1e-4


def test_too_much_for_the_likelihood_goes_by_pseudo_likelihood() -> None:
    model = tnl.Ising(nx.complete_graph(24))
    states = np.random.default_rng(0).choice([-1, 1], (500, 24))
    assert tnl.fit(model, states).method == "pseudo-likelihood"
    with pytest.raises(MemoryLimitError):
        tnl.fit(model, states, method="likelihood", memory_limit=64)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "magic"}, ModelError, "method='magic' is unknown"),
        ({"l1": -1}, ModelError, "l1=-1 must be a finite number, not negative"),
        ({"l2": np.nan}, ModelError, "l2=nan must be"),
        ({"tolerance": 0}, ModelError, "tolerance=0 must be"),
        ({"progress": 1}, DataTypeError, "progress=1 must be True or False"),
    ],
)
def test_wrong_options_are_refused(options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        tnl.fit(tnl.Ising(nx.path_graph(2)), [[1, 1]], **options)


def test_wrong_models_and_states_are_refused() -> None:
    with pytest.raises(DataTypeError, match="not Graph"):
        tnl.fit(nx.path_graph(2), [[1, 1]])  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="beta=0"):
        tnl.fit(tnl.Ising(nx.path_graph(2), beta=0.0), [[1, 1]])
    with pytest.raises(ModelError, match="state 1 has site 0 at 0"):
        tnl.fit(tnl.Ising(nx.path_graph(2)), [[1, 1], [0, 1]])
    with pytest.raises(ModelError, match="no states"):
        tnl.fit(tnl.Ising(nx.path_graph(2)), np.zeros((0, 2)))
    with pytest.raises(ModelError, match="l1 makes couplings sparse"):
        tnl.fit(tnl.Hopfield([[1, -1]]), [[1, 1], [-1, 1], [1, -1], [-1, -1]], l1=0.1)
