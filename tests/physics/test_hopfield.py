"""Hopfield's memory: Mattis' sum, the capacity of Amit, Gutfreund and Sompolinsky, dynamics."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy import optimize, special

import tnlearn as tnl
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.physics import Hopfield, Recall

pytestmark = pytest.mark.filterwarnings("error")

Array = np.ndarray[Any, Any]


def random_patterns(count: int, n: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).choice([-1, 1], (count, n))


def curie_weiss(n: int, beta: float) -> float:
    """``ln sum_k C(n, k) exp(beta (n - 2k)^2 / 2n)``, with the diagonal."""
    k = np.arange(n + 1)
    logs = -np.log(n + 1.0) - special.betaln(n - k + 1, k + 1) + beta * (n - 2 * k) ** 2 / (2 * n)
    return float(special.logsumexp(logs))


# The network


@pytest.mark.parametrize("beta", [0.3, 1.0, 1.2, 5.0])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 40, 120])
def test_one_pattern_is_a_curie_weiss_magnet(n: int, beta: float) -> None:
    """Without the diagonal, whose n terms are 1/n each: a factor exp(-beta / 2)."""
    model = Hopfield(random_patterns(1, n), beta=beta)
    expected = curie_weiss(n, beta) - beta / 2
    assert tnl.log_partition(model) == pytest.approx(expected, rel=1e-12)


def test_a_magnet_of_40_spins() -> None:
    n = 40
    pattern = random_patterns(1, n)
    model = Hopfield(pattern, beta=1.5)
    found = tnl.mode(model, count=True)
    assert (found.energy, found.degeneracy) == (-(n - 1) / 2, 2)
    assert abs(model.overlaps([list(found.state.values())])[0, 0]) == 1
    # <s_0 s_1> by <m^2> = (1 + (n - 1) <s_0 s_1>) / n after the gauge.
    k = np.arange(n + 1)
    logs = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    weights = special.softmax(logs + 1.5 * (n - 2 * k) ** 2 / (2 * n))
    correlation = (weights @ ((n - 2 * k) ** 2 / n) - 1) / (n - 1)
    p = tnl.marginals(model, [(0, 1)])[0, 1]
    sign = pattern[0, 0] * pattern[0, 1]
    assert p[0, 0] + p[1, 1] - p[0, 1] - p[1, 0] == pytest.approx(sign * correlation, rel=1e-11)


@pytest.mark.parametrize("rule", ["hebb", "pseudo-inverse"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_counting_agrees_with_all_pairs(count: int, rule: Any) -> None:
    n = 12
    patterns, theta = random_patterns(count, n), np.linspace(-0.4, 0.5, n)
    model = Hopfield(patterns, rule, theta, beta=1.3)
    pairs = {(i, j): model.couplings[i, j] for i in range(n) for j in range(i)}
    ising = tnl.Ising(nx.complete_graph(n), pairs, dict(enumerate(-theta)), beta=1.3)
    assert len(model.network().sizes) > n
    assert tnl.log_partition(model) == pytest.approx(tnl.log_partition(ising), rel=1e-12)
    states = random_patterns(20, n, seed=1)
    np.testing.assert_allclose(model.energy(states), ising.energy(states), atol=1e-12)
    np.testing.assert_allclose(
        model.log_probability(states), ising.log_probability(states), atol=1e-11
    )


@pytest.mark.parametrize(("count", "n"), [(20, 8), (40, 30), (5, 40), (1, 240)])
def test_all_pairs_where_counting_does_not_pay(count: int, n: int) -> None:
    """Sites all of different kinds, of too many kinds, or too many sites of one kind."""
    model = Hopfield(random_patterns(count, n))
    network = model.network()
    assert set(network.sizes) == set(range(n))
    assert len(network) == n * (n - 1) // 2


def test_patterns_of_large_networks_are_counted() -> None:
    """2**60 states, at Z's ferromagnetic and infinite temperatures."""
    model = Hopfield(random_patterns(2, 60), beta=0.0)
    assert tnl.log_partition(model) == pytest.approx(60 * math.log(2), rel=1e-13)
    cold = tnl.log_partition(Hopfield(random_patterns(2, 60), beta=50.0))
    best = tnl.mode(Hopfield(random_patterns(2, 60)), count=True)
    assert cold == pytest.approx(-50 * best.energy + math.log(best.degeneracy or 0), rel=1e-9)


def test_couplings_are_those_of_the_rules() -> None:
    patterns = random_patterns(3, 10)
    for rule, inverse in (
        ("hebb", np.eye(3)),
        ("pseudo-inverse", np.linalg.inv(patterns @ patterns.T / 10)),
    ):
        expected = patterns.T @ inverse @ patterns / 10
        np.fill_diagonal(expected, 0.0)
        model = Hopfield(patterns, rule)  # type: ignore[arg-type]
        np.testing.assert_allclose(model.couplings, expected, atol=1e-14)
        np.testing.assert_array_equal(model.couplings, model.couplings.T)
        assert not model.couplings.flags.writeable


def test_overlaps() -> None:
    patterns = random_patterns(3, 10)
    model = Hopfield(patterns)
    np.testing.assert_array_equal(np.diagonal(model.overlaps(patterns)), 1.0)
    np.testing.assert_array_equal(model.overlaps(-patterns), -patterns @ patterns.T / 10)


# Dynamics


def spoilt(patterns: Array, share: float, seed: int) -> Array:
    wrong = np.random.default_rng(seed).random(patterns.shape) < share
    return np.where(wrong, -patterns, patterns)


@pytest.mark.parametrize("rule", ["hebb", "pseudo-inverse"])
@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_energy_never_rises_one_unit_at_a_time(rule: Any, threshold: float) -> None:
    model = Hopfield(random_patterns(12, 100), rule, threshold)
    found = model.recall(random_patterns(40, 100, seed=1), seed=2)
    steps = np.diff(found.energies, axis=0)
    assert (steps <= 0 if rule == "hebb" and not threshold else steps <= 1e-12).all()
    assert (steps < 0).any()
    assert found.converged.all()
    assert (found.periods == 1).all()
    for states, energies in zip(found.trajectory, found.energies, strict=True):
        np.testing.assert_array_equal(model.energy(states), energies)
    # What it ends at is a fixed point, by the definition.
    fields = found.states @ model.couplings - threshold
    assert (fields * found.states >= -1e-12).all()
    assert len(model.recall(found.states, seed=3).trajectory) == 1


def test_energy_never_rises_within_a_step() -> None:
    """Every turn of a unit, not only their sum: one unit turns in a step of a network of pairs."""
    model = Hopfield(random_patterns(3, 9))
    found = model.recall(random_patterns(60, 9, seed=4), seed=1)
    moved = (np.diff(found.trajectory, axis=0) != 0).sum(axis=2) > 0
    assert (np.diff(found.energies, axis=0)[moved] < 0).all()


def test_both_units_of_a_pair_turning_together_never_settle() -> None:
    model = Hopfield([[1, 1]])
    found = model.recall([[1, -1], [1, 1]], "synchronous", steps=7)
    assert found.periods.tolist() == [2, 1]
    assert found.converged.tolist() == [True, True]
    assert found.trajectory[:, 0].tolist() == [[1, -1], [-1, 1], [1, -1]]
    assert model.recall([[1, -1]], seed=0).energies[-1] == -0.5


def test_synchronous_by_the_definition() -> None:
    model = Hopfield(random_patterns(10, 40), threshold=0.05)
    start = random_patterns(30, 40, seed=1)
    found = model.recall(start, "synchronous", steps=60)
    for before, after in zip(found.trajectory, found.trajectory[1:], strict=False):
        fields = before @ model.couplings - 0.05
        expected = np.where(fields > 1e-12, 1, np.where(fields < -1e-12, -1, before))
        np.testing.assert_array_equal(after, expected)
    assert found.converged.all()
    assert set(found.periods.tolist()) == {1, 2}


@pytest.mark.parametrize("order", ["asynchronous", "synchronous"])
def test_a_unit_that_feels_nothing_stays(order: Any) -> None:
    model = Hopfield([[1, 1, 1], [1, 1, -1]])
    assert not model.couplings[2].any()
    for last in (-1, 1):
        assert model.recall([[-1, 1, last]], order, steps=9, seed=0).states[0, 2] == last
        assert model.recall([[1, 1, last]], order).states.tolist() == [[1, 1, last]]


def test_steps_are_at_most_those_asked_for() -> None:
    model = Hopfield(random_patterns(30, 100))
    start = random_patterns(5, 100, seed=1)
    none = model.recall(start, steps=0)
    assert none.trajectory.shape == (1, 5, 100)
    assert not none.converged.any()
    one = model.recall(start, steps=1, seed=0)
    assert one.trajectory.shape == (2, 5, 100)
    np.testing.assert_array_equal(one.trajectory[0], start)
    assert model.recall(np.empty((0, 100))).trajectory.shape == (1, 0, 100)


def test_the_same_seed_recalls_the_same() -> None:
    model = Hopfield(random_patterns(30, 100))
    start = random_patterns(20, 100, seed=1)
    one, other = (model.recall(start, seed=5).trajectory for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(model.recall(start, steps=1, seed=6).states, one[1])


def test_what_comes_back() -> None:
    found = Hopfield([[1, 1, -1]]).recall([[1, -1, -1]])
    assert isinstance(found, Recall)
    assert repr(found) == "Recall(1 states, 1 steps, 1 converged)"
    assert found.trajectory.dtype == np.int8
    assert not found.trajectory.flags.writeable
    with pytest.raises(AttributeError):
        found.periods = found.periods  # type: ignore[misc]


def test_independent_patterns_are_fixed_by_the_pseudo_inverse() -> None:
    """Half as many as sites, far beyond what Hebb's rule can hold."""
    patterns = random_patterns(50, 100)
    assert (Hopfield(patterns, "pseudo-inverse").recall(patterns).trajectory[-1] == patterns).all()
    assert (Hopfield(patterns).recall(patterns).states != patterns).any()


def test_spoilt_patterns_are_recalled() -> None:
    patterns = random_patterns(20, 1000)
    model = Hopfield(patterns)
    for order in ("asynchronous", "synchronous"):
        found = model.recall(spoilt(patterns, 0.2, seed=1), order, seed=2)  # type: ignore[arg-type]
        assert (np.diagonal(model.overlaps(found.states)) > 0.99).all()


#: P / N -> overlap at zero temperature, replica symmetric: Amit, Gutfreund and Sompolinsky (1985).
OVERLAPS = {0.05: 0.999992, 0.08: 0.999557, 0.10: 0.997999, 0.12: 0.993223}


@pytest.mark.parametrize("load", OVERLAPS)
def test_overlaps_below_capacity(load: float) -> None:
    n = 1000
    patterns = random_patterns(int(load * n), n)
    model = Hopfield(patterns)
    overlaps = np.diagonal(model.overlaps(model.recall(patterns, seed=0).states))
    # A site in a thousand, and the few patterns that are lost to a network of this size.
    assert np.median(overlaps) == pytest.approx(OVERLAPS[load], abs=0.004)
    if load == 0.05:
        assert overlaps.min() > 0.99


def test_overlaps_beyond_capacity() -> None:
    patterns = random_patterns(200, 1000)
    model = Hopfield(patterns)
    found = model.recall(patterns[:60], steps=30, seed=0)
    assert np.diagonal(model.overlaps(found.states)[:, :60]).mean() < 0.6


@pytest.mark.parametrize("load", [0.05, 0.08, 0.1, 0.12])
def test_overlaps_after_recall(load: float) -> None:
    """``m = erf(y)`` with ``sqrt(2 alpha) = erf(y) / y - 2 exp(-y**2) / sqrt(pi)``.

    D. J. Amit, H. Gutfreund, H. Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985): N to infinity, no
    temperature, replica symmetry.
    """

    def excess(y: float) -> float:
        slope = special.erf(y) / y - 2 / math.sqrt(math.pi) * math.exp(-y * y)
        return float(slope - math.sqrt(2 * load))

    expected = special.erf(optimize.brentq(excess, 1.6, 6))
    patterns = random_patterns(int(load * 2000), 2000)
    model, first = Hopfield(patterns), patterns[:100]
    overlaps = np.diagonal(model.overlaps(model.recall(first, steps=60, seed=0).states)[:, :100])
    assert overlaps.mean() == pytest.approx(expected, abs=4 * overlaps.std() / 10 + 1e-4)


def test_bits_that_turn_in_one_step() -> None:
    """Half erfc(1 / sqrt(2 alpha)) of them: crosstalk is Gaussian."""
    n, load = 1000, 0.138
    patterns = random_patterns(int(load * n), n)
    found = Hopfield(patterns).recall(patterns, "synchronous", steps=1)
    turned = (found.states != patterns).mean()
    assert turned == pytest.approx(special.erfc(1 / math.sqrt(2 * load)) / 2, rel=0.15)


# Errors

PAIR = [[1, 1, -1], [1, -1, -1]]
# name -> arguments, what the message must say
MISTAKES: dict[str, tuple[tuple[Any, ...], str]] = {
    "one row": (([1, 1, -1],), r"shape \(n_patterns, n_sites\), got \(3,\)"),
    "no pattern": ((np.empty((0, 3)),), r"got \(0, 3\)"),
    "bits": (([[1, 1], [1, 0]],), "pattern 1 has 0 at 1"),
    "rule": ((PAIR, "storkey"), "no rule 'storkey'.*hebb, pseudo-inverse"),
    "dependent": (([[1, 1], [-1, -1]], "pseudo-inverse"), "2 patterns .* rank 1"),
    "threshold shape": ((PAIR, "hebb", [1, 2]), r"threshold has shape \(2,\); it must be \(3,\)"),
    "threshold nan": ((PAIR, "hebb", math.nan), "threshold is nan"),
    "threshold inf": ((PAIR, "hebb", [0, math.inf, 0]), r"threshold has the entry inf at \(1,\)"),
    "beta": ((PAIR, "hebb", 0.0, math.inf), "beta is inf"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Hopfield(*arguments)


def test_mistakes_in_what_is_asked() -> None:
    model: Any = Hopfield(PAIR)
    with pytest.raises(ModelError, match=r"no order 'parallel'.*asynchronous, synchronous"):
        model.recall(PAIR, "parallel")
    with pytest.raises(ModelError, match="number of steps is -1"):
        model.recall(PAIR, steps=-1)
    with pytest.raises(ModelError, match=r"-1 and [+]1 only"):
        model.recall([[0, 1, 1]])
    with pytest.raises(ModelError, match=r"shape \(n_states, 3\)"):
        model.overlaps([[1, 1]])
    with pytest.raises(DataTypeError, match="threshold is 'high'"):
        Hopfield(PAIR, threshold="high")
    with pytest.raises(DataTypeError, match=r"threshold is \[\[1\], \[1, 2\]\]"):
        Hopfield(PAIR, threshold=[[1], [1, 2]])
    with pytest.raises(DataTypeError, match="array of patterns is"):
        Hopfield([[1, 1], [1]])
    with pytest.raises(DataTypeError, match="array of states is"):
        model.energy([[1, 1, 1], [1]])
