"""Closed forms against brute force, transfer matrices and the published numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import special

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.physics import exact

CATALAN = 0.915965594177219015
T_CRITICAL = 2.269185314213022
BULK_CRITICAL = 0.92969539834161021
COUPLINGS = [0.0, 1e-12, 0.1, 0.4, exact.CRITICAL_COUPLING, 0.7, 1.2]
SIGNED = [*COUPLINGS, *(-k for k in COUPLINGS)]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Spins:
    """The smallest Ising model: `bonds` are (i, j) pairs of columns, repeats add."""

    sites: tuple[Any, ...]
    bonds: tuple[tuple[int, int], ...]
    coupling: float
    field: float = 0.0
    beta: float = 1.0

    def values(self, site: Any) -> tuple[int, ...]:
        return (-1, 1)

    def energy(self, states: Array) -> Array:
        pairs = np.zeros(len(states))
        for i, j in self.bonds:
            pairs += states[:, i] * states[:, j]
        return np.asarray(-self.coupling * pairs - self.field * states.sum(axis=1))


@dataclass(frozen=True)
class Table:
    """A model given by its energies, one per state, with any values on the sites."""

    choices: dict[Any, tuple[Any, ...]]
    energies: Array
    beta: float = 1.0

    @property
    def sites(self) -> tuple[Any, ...]:
        return tuple(self.choices)

    def values(self, site: Any) -> tuple[Any, ...]:
        return self.choices[site]

    def energy(self, states: Array) -> Array:
        index = np.zeros(len(states), dtype=int)
        for column, site in enumerate(self.sites):
            own = self.choices[site]
            index = index * len(own) + [own.index(value) for value in states[:, column].tolist()]
        return self.energies[index]


def near(expected: Any, rel: float) -> Any:
    """Relative only: pytest.approx alone would also let any difference below 1e-12 pass."""
    return pytest.approx(expected, rel=rel, abs=0.0)


def chain(n: int, coupling: float, field: float = 0.0, beta: float = 1.0) -> Spins:
    return Spins(tuple(range(n)), tuple((i, i + 1) for i in range(n - 1)), coupling, field, beta)


def ring(n: int, coupling: float, field: float = 0.0, beta: float = 1.0) -> Spins:
    bonds = tuple((i, (i + 1) % n) for i in range(n))
    return Spins(tuple(range(n)), bonds, coupling, field, beta)


def torus(rows: int, columns: int, coupling: float) -> Spins:
    sites = tuple(itertools.product(range(rows), range(columns)))
    at = {site: place for place, site in enumerate(sites)}
    right = [(at[i, j], at[i, (j + 1) % columns]) for i, j in sites]
    down = [(at[i, j], at[(i + 1) % rows, j]) for i, j in sites]
    return Spins(sites, tuple(right + down), coupling)


def torus_by_transfer_matrix(rows: int, columns: int, k: float) -> float:
    """``ln tr T^rows`` with the dense 2^columns x 2^columns row-to-row matrix."""
    rings = exact.enumerate_states(columns).astype(float)
    within = k * (rings * np.roll(rings, 1, axis=1)).sum(axis=1)
    logs = k * rings @ rings.T + 0.5 * (within[:, None] + within)
    values = np.linalg.eigvalsh(np.exp(logs - logs.max()))
    top = float(values.max())
    return rows * (float(logs.max()) + math.log(top)) + math.log(((values / top) ** rows).sum())


# Chains


@pytest.mark.parametrize("n", [2, 3, 6, 7])
@pytest.mark.parametrize("coupling", [*SIGNED, 20.0, -20.0])
@pytest.mark.parametrize("field", [0.0, 1e-9, 0.3, -1.5, 30.0])
def test_chains_equal_brute_force(n: int, coupling: float, field: float) -> None:
    beta = 0.8
    for closed, model in [
        (exact.ring_log_partition, ring(n, coupling, field, beta)),
        (exact.open_chain_log_partition, chain(n, coupling, field, beta)),
    ]:
        expected = exact.brute_force_log_partition(model)
        assert closed(n, coupling, field, beta) == near(expected, 2e-15)


@pytest.mark.parametrize("k", SIGNED)
@pytest.mark.parametrize("n", [2, 5, 12, 101])
def test_zero_field_relations(n: int, k: float) -> None:
    ring_value = n * math.log(2 * math.cosh(k)) + math.log1p(math.tanh(k) ** n)
    open_value = math.log(2) + (n - 1) * math.log(2 * math.cosh(k))
    assert exact.ring_log_partition(n, k) == near(ring_value, 1e-14)
    assert exact.open_chain_log_partition(n, k) == near(open_value, 1e-14)


@pytest.mark.parametrize("field", [0.0, 2.5, -700.0])
def test_single_site_and_free_spins(field: float) -> None:
    one = float(np.logaddexp(field, -field))
    assert exact.open_chain_log_partition(1, 500.0, field) == near(one, 1e-15)
    assert exact.ring_log_partition(10**6, 0.0, field) == near(10**6 * one, 1e-14)


def test_chains_in_the_extremes() -> None:
    n, k = 10**6, 500.0
    assert exact.ring_log_partition(n, k) == near(n * k + math.log(2), 1e-15)
    assert exact.open_chain_log_partition(n, k) == pytest.approx((n - 1) * k + math.log(2))
    assert exact.ring_log_partition(n, 1.0, 1.0, k) == near(2 * n * k, 1e-15)
    # A frustrated ring has 2 n ground states, one domain wall on any bond.
    walls = (n + 1 - 2) * k + math.log(2 * (n + 1))
    assert exact.ring_log_partition(n + 1, -k) == near(walls, 1e-15)
    assert exact.ring_log_partition(3, -k) == near(k + math.log(6), 1e-15)
    # Two spins held antiparallel in a field that loses to their bond.
    assert exact.open_chain_log_partition(2, -k, 60.0) == near(k + math.log(2), 1e-15)


@pytest.mark.parametrize("n", [2, 5, 6])
@pytest.mark.parametrize("coupling", [*SIGNED, 3.0, -3.0])
def test_ring_correlation_equals_brute_force(n: int, coupling: float) -> None:
    probabilities = exact.brute_force_probabilities(ring(n, coupling, beta=0.7))
    states = exact.enumerate_states(n)
    for distance in range(n + 1):
        expected = probabilities @ (states[:, 0] * states[:, distance % n])
        value = exact.ring_correlation(n, distance, coupling, 0.7)
        assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_ring_correlation_of_a_frozen_frustrated_ring() -> None:
    assert exact.ring_correlation(5, 1, -500.0, 1.0) == pytest.approx(-3 / 5)
    assert exact.ring_correlation(5, 2, -500.0, 1.0) == pytest.approx(1 / 5)
    assert exact.ring_correlation(5, 2, -5.0, 1.0) == near(1 / 5, 1e-3)


@pytest.mark.parametrize("coupling", [0.0, 0.6, -0.6])
@pytest.mark.parametrize("field", [0.0, 0.05, -2.0])
def test_chain_magnetization_is_the_limit_of_a_long_ring(coupling: float, field: float) -> None:
    n, beta, step = 2000, 1.3, 1e-5
    above, below = (exact.ring_log_partition(n, coupling, field + s, beta) for s in (step, -step))
    expected = (above - below) / (2 * step * n * beta)
    assert exact.chain_magnetization(coupling, field, beta) == pytest.approx(expected, abs=1e-8)


def test_chain_magnetization_in_the_extremes() -> None:
    assert exact.chain_magnetization(500.0, 1e-300, 1.0) == 1.0
    assert exact.chain_magnetization(-500.0, -1.0, 1.0) == 0.0
    assert exact.chain_magnetization(-1.0, -3000.0, 1.0) == -1.0
    paramagnet = exact.chain_magnetization(0.0, 0.4, 2.0)
    assert paramagnet == near(math.tanh(0.8), 1e-14)


# The finite torus

TORUS_CRITICAL = {
    2: 4.382026634674,
    4: 15.521915458755,
    8: 60.141780789069,
    16: 238.642256635133,
    32: 952.648079548543,
    64: 3808.672283419810,
    128: 15232.769323338785,
}
# Number of states 4 k above the ground state: complete for 3x3, symmetric for 4x4.
DENSITY_3 = [2, 0, 18, 48, 198, 144, 102]
DENSITY_4 = [2, 0, 32, 64, 424, 1728, 6688, 13568, 20524]


@pytest.mark.parametrize(("size", "expected"), TORUS_CRITICAL.items())
def test_critical_torus(size: int, expected: float) -> None:
    value = exact.torus_log_partition(size, size, exact.CRITICAL_COUPLING)
    assert value == near(expected, 1e-13)


@pytest.mark.parametrize("rows", range(2, 9))
@pytest.mark.parametrize("columns", range(2, 9))
def test_torus_equals_transfer_matrix(rows: int, columns: int) -> None:
    for k in COUPLINGS:
        expected = torus_by_transfer_matrix(rows, columns, k)
        value = exact.torus_log_partition(rows, columns, 2 * k, 0.5)
        # At 1e-12 two logs of about 28 per site cancel.
        assert value == near(expected, 3e-15 if k > 1e-3 else 1e-14), k


@pytest.mark.parametrize("shape", [(2, 2), (2, 3), (3, 3), (3, 4), (4, 4)])
@pytest.mark.parametrize("k", [0.2, 0.6])
def test_torus_equals_brute_force(shape: tuple[int, int], k: float) -> None:
    expected = exact.brute_force_log_partition(torus(*shape, k))
    assert exact.torus_log_partition(*shape, k) == near(expected, 3e-15)


@pytest.mark.parametrize("k", COUPLINGS)
def test_torus_equals_density_of_states(k: float) -> None:
    for n, density in [(3, DENSITY_3), (4, DENSITY_4 + DENSITY_4[-2::-1])]:
        assert sum(density) == 2 ** (n * n)
        weights = [g * math.exp(-4 * k * level) for level, g in enumerate(density)]
        expected = 2 * n * n * k + math.log(math.fsum(weights))
        assert exact.torus_log_partition(n, n, k) == near(expected, 3e-15)


def test_torus_of_a_million_sites() -> None:
    n = 1000
    critical = exact.torus_log_partition(n, n, exact.CRITICAL_COUPLING)
    assert critical - n * n * BULK_CRITICAL == pytest.approx(0.6399119472, abs=2e-7)
    # Away from criticality the torus is the bulk times the number of ground states.
    cold = n * n * exact.bulk_log_partition_per_site(0.6) + math.log(2)
    assert exact.torus_log_partition(n, n, 0.6) == near(cold, 1e-14)
    warm = n * n * exact.bulk_log_partition_per_site(0.3)
    assert exact.torus_log_partition(n, n, 0.3) == near(warm, 1e-14)


@pytest.mark.parametrize("k", [5.0, 20.0, 500.0, 1e6])
def test_cold_torus(k: float) -> None:
    expected = 2 * 70 * k + math.log(2) + 70 * math.exp(-8 * k)
    assert exact.torus_log_partition(7, 10, k) == near(expected, 1e-15)
    even = exact.torus_log_partition(6, 10, k)
    assert exact.torus_log_partition(6, 10, -k) == even


@pytest.mark.parametrize("k", [0.0, 1e-300, 1e-12, -1e-12])
def test_hot_torus(k: float) -> None:
    free = 60 * math.log(2)
    assert exact.torus_log_partition(6, 10, k) == near(free, 1e-12)
    assert exact.torus_log_partition(10, 6, k) == exact.torus_log_partition(6, 10, k)


@pytest.mark.parametrize("k", [0.3, 0.8])
def test_even_antiferromagnet_equals_ferromagnet(k: float) -> None:
    expected = exact.brute_force_log_partition(torus(4, 4, -k))
    assert exact.torus_log_partition(4, 4, -k) == near(expected, 3e-15)


# The infinite lattice


def test_bulk_log_partition() -> None:
    critical = 0.5 * math.log(2) + 2 * CATALAN / math.pi
    assert critical == near(BULK_CRITICAL, 1e-15)
    value = exact.bulk_log_partition_per_site(exact.CRITICAL_COUPLING)
    assert value == near(critical, 1e-15)
    assert -T_CRITICAL * value == near(-2.109651144608207, 1e-14)
    for temperature, free_energy in [
        (2.0, -2.0515856253898),
        (0.98 * T_CRITICAL, -2.0968238996165),
        (2.5, -2.1984095519374),
    ]:
        value = -temperature * exact.bulk_log_partition_per_site(1.0, 1 / temperature)
        assert value == near(free_energy, 1e-13)


@pytest.mark.parametrize("k", [0.02, 0.2, 0.35])
def test_bulk_obeys_duality_and_the_series(k: float) -> None:
    dual = 0.5 * math.asinh(1 / math.sinh(2 * k))
    hot, cold = (
        exact.bulk_log_partition_per_site(x) - 0.5 * math.log(math.sinh(2 * x)) for x in (k, dual)
    )
    assert hot == near(cold, 1e-14)
    v = math.tanh(k)
    terms = {4: 1, 6: 2, 8: 4.5, 10: 12, 12: 112 / 3, 14: 130, 16: 1961 / 4}
    series = math.log(2 * math.cosh(k) ** 2) + sum(c * v**p for p, c in terms.items())
    assert exact.bulk_log_partition_per_site(k) == pytest.approx(series, abs=4000 * v**18 + 1e-15)


@pytest.mark.parametrize("k", [0.05, 0.2, 0.4, 0.5, 0.8, 1.2])
def test_bulk_energy_and_specific_heat_as_onsager_wrote_them(k: float) -> None:
    m = (2 * math.sinh(2 * k) / math.cosh(2 * k) ** 2) ** 2
    first, second, t = special.ellipk(m), special.ellipe(m), math.tanh(2 * k)
    energy = -1 / t * (1 + 2 / math.pi * (2 * t * t - 1) * first)
    heat = 0.5 * math.pi + (2 * t * t - 1) * first
    heat = 4 * k * k / (math.pi * t * t) * (first - second - (1 - t * t) * heat)
    assert exact.bulk_energy_per_site(1.0, k) == near(energy, 1e-12)
    assert exact.bulk_specific_heat_per_site(1.0, k) == near(heat, 1e-11)


@pytest.mark.parametrize("coupling", [1.7, -1.7])
@pytest.mark.parametrize("beta", [0.1, 0.24, 0.3, 0.7, -0.3])
def test_bulk_derivatives(coupling: float, beta: float) -> None:
    step = 1e-5
    logs = [exact.bulk_log_partition_per_site(coupling, beta + s) for s in (step, -step)]
    energies = [exact.bulk_energy_per_site(coupling, beta + s) for s in (step, -step)]
    energy = -(logs[0] - logs[1]) / (2 * step)
    heat = -(beta**2) * (energies[0] - energies[1]) / (2 * step)
    assert exact.bulk_energy_per_site(coupling, beta) == near(energy, 1e-7)
    assert exact.bulk_specific_heat_per_site(coupling, beta) == near(heat, 1e-6)


def test_bulk_at_and_around_the_critical_point() -> None:
    k = exact.CRITICAL_COUPLING
    assert k == near(0.440686793509771514, 1e-15)
    assert 1 / k == near(T_CRITICAL, 1e-15)
    assert exact.bulk_energy_per_site(1.0, k) == near(-math.sqrt(2), 1e-14)
    assert exact.bulk_specific_heat_per_site(1.0, k) == math.inf
    slope = -8 / math.pi * k * k
    for sign in (1, -1):
        far, close = (exact.bulk_specific_heat_per_site(1.0, k + sign * d) for d in (1e-5, 1e-8))
        assert close - far == near(slope * math.log(1e-3), 1e-3)


def test_bulk_in_the_extremes() -> None:
    assert exact.bulk_log_partition_per_site(0.0) == math.log(2)
    assert exact.bulk_energy_per_site(1.0, 0.0) == 0.0
    assert exact.bulk_energy_per_site(1.0, 1e-12) == near(-2e-12, 1e-12)
    assert exact.bulk_specific_heat_per_site(1.0, 1e-12) == near(2e-24, 1e-12)
    hot = 1e-4  # the next terms of both series are below 1e-14
    assert exact.bulk_energy_per_site(1.0, hot) == near(-2 * hot - 10 / 3 * hot**3, 1e-13)
    assert exact.bulk_specific_heat_per_site(1.0, hot) == near(hot**2 * (2 + 10 * hot**2), 1e-13)
    assert exact.bulk_log_partition_per_site(1.0, 1e4) == near(2e4, 1e-15)
    assert exact.bulk_energy_per_site(3.0, 1e4) == -6.0
    cold = exact.bulk_specific_heat_per_site(1.0, 10.0)
    assert cold == near(6400 * math.exp(-80), 1e-12)
    assert exact.bulk_specific_heat_per_site(1.0, 1e4) == 0.0


def test_spontaneous_magnetization() -> None:
    for temperature, value in [(0.98, 0.7462431475), (0.995, 0.6296481630)]:
        beta = 1 / (temperature * T_CRITICAL)
        assert exact.spontaneous_magnetization(1.0, beta) == pytest.approx(value, abs=6e-11)
    k = 0.6
    published = (1 - math.sinh(2 * k) ** -4) ** 0.125
    assert exact.spontaneous_magnetization(k) == near(published, 1e-14)
    assert exact.spontaneous_magnetization(exact.CRITICAL_COUPLING) == 0.0
    assert exact.spontaneous_magnetization(0.1) == 0.0
    assert exact.spontaneous_magnetization(-1.0) == 0.0
    assert exact.spontaneous_magnetization(500.0) == 1.0


# Brute force


def test_enumerate_states_counts_in_binary() -> None:
    states = exact.enumerate_states(3)
    assert states.dtype == np.int8
    expected = np.array(list(itertools.product((-1, 1), repeat=3)))
    np.testing.assert_array_equal(states, expected)
    assert exact.enumerate_states(0).shape == (1, 0)


def test_probabilities_and_marginals_of_any_values() -> None:
    rng = np.random.default_rng(1)
    choices = {"a": (0, 5), "b": (2,), ("c", 1): (7, 3, 1), "d": (-1, 0, 1, 2)}
    model = Table(choices, rng.normal(size=24), beta=1.5)
    weights = np.exp(-1.5 * model.energies).reshape(2, 1, 3, 4)
    table = weights / weights.sum()
    assert exact.brute_force_log_partition(model) == pytest.approx(math.log(weights.sum()))
    np.testing.assert_allclose(exact.brute_force_probabilities(model), table.ravel(), rtol=1e-13)
    marginals = exact.brute_force_marginals(model, [("d", "a"), [("c", 1)], ("b", "d"), ()])
    np.testing.assert_allclose(marginals["d", "a"], table.sum(axis=(1, 2)).T, rtol=1e-13)
    np.testing.assert_allclose(marginals[("c", 1),], table.sum(axis=(0, 1, 3)), rtol=1e-13)
    np.testing.assert_allclose(marginals["b", "d"], table.sum(axis=(0, 2)), rtol=1e-13)
    assert marginals[()] == pytest.approx(1.0)


def test_brute_force_over_more_than_one_block() -> None:
    model = chain(18, 0.9, field=0.1)
    expected = exact.open_chain_log_partition(18, 0.9, 0.1)
    assert exact.brute_force_log_partition(model) == near(expected, 1e-14)
    ends = exact.brute_force_marginals(model, [(17, 0)])[17, 0]
    half = np.exp([-0.05, 0.05])
    transfer = np.exp([[0.9, -0.9], [-0.9, 0.9]]) * np.outer(half, half)
    weights = np.linalg.matrix_power(transfer, 17) * np.outer(half, half)
    np.testing.assert_allclose(ends, weights / weights.sum(), rtol=1e-12)


def test_forbidden_states_have_probability_zero() -> None:
    model = Table({"a": (0, 1), "b": (0, 1)}, np.array([0.0, 0.0, 0.0, math.inf]))
    np.testing.assert_allclose(exact.brute_force_probabilities(model), [1 / 3, 1 / 3, 1 / 3, 0])
    nothing = Table({"a": (0, 1)}, np.array([math.inf, math.inf]))
    assert exact.brute_force_log_partition(nothing) == -math.inf
    with pytest.raises(ModelError, match="every state has infinite energy"):
        exact.brute_force_probabilities(nothing)


def test_a_hundred_fixed_sites_are_no_obstacle() -> None:
    model = Table({**dict.fromkeys(range(100), (4,)), "free": (0, 1)}, np.array([0.0, 1.0]))
    marginals = exact.brute_force_marginals(model, [("free", 3)])
    assert marginals["free", 3].shape == (2, 1)
    assert marginals["free", 3][1, 0] == pytest.approx(1 / (1 + math.e))


# What is refused, and what the message says

REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: exact.ring_log_partition(1, 1.0), "n must be at least 2, got 1"),
    (lambda: exact.open_chain_log_partition(0, 1.0), "n must be at least 1, got 0"),
    (lambda: exact.ring_log_partition(4, math.nan), "coupling must be finite, got nan"),
    (lambda: exact.ring_log_partition(4, 1.0, math.inf), "field must be finite, got inf"),
    (lambda: exact.ring_log_partition(4, 1.0, beta=math.inf), "beta must be finite, got inf"),
    (lambda: exact.ring_log_partition(4, 1e150, beta=1e100), r"beta \* coupling is 1e\+250"),
    (lambda: exact.ring_correlation(4, 5, 1.0, 1.0), "distance 5 on a ring of 4 sites"),
    (lambda: exact.ring_correlation(4, -1, 1.0, 1.0), "distance must be at least 0, got -1"),
    (lambda: exact.torus_log_partition(1, 4), "rows must be at least 2, got 1"),
    (lambda: exact.torus_log_partition(4, 0), "columns must be at least 2, got 0"),
    (lambda: exact.torus_log_partition(3, 4, -0.5), r"coupling is -0.5 on a 3 x 4 torus.*even"),
    (lambda: exact.torus_log_partition(4, 5, 1.0, -1.0), r"coupling is -1 on a 4 x 5 torus"),
    (lambda: exact.bulk_energy_per_site(math.nan), "coupling must be finite, got nan"),
    (lambda: exact.enumerate_states(25), r"25 sites have 33,554,432 states .* 16,777,216"),
    (lambda: exact.enumerate_states(-1), "n must be at least 0, got -1"),
    (lambda: exact.brute_force_log_partition(chain(300, 1.0)), r"about 10\*\*90 .*fewer sites"),
    (lambda: exact.brute_force_log_partition(chain(25, 1.0)), r"tnlearn\.log_partition\(model\)"),
    (lambda: exact.brute_force_log_partition(Table({"a": ()}, np.zeros(0))), "1 sites have 0 st"),
    (lambda: exact.brute_force_marginals(chain(3, 1.0), [(0, 7)]), "no site 7 in the model"),
    (lambda: exact.brute_force_marginals(chain(3, 1.0), [(1, 1)]), r"\(1, 1\) names a site twice"),
    (
        lambda: exact.brute_force_log_partition(Table({"a": (0, 1)}, np.array([0.0, math.nan]))),
        r"energy is nan for the state \[1\]",
    ),
    (
        lambda: exact.brute_force_log_partition(Table({"a": (0, 1)}, np.zeros((2, 3)))),
        r"energy of states \(2, 1\) must be \(2,\), got \(2, 3\)",
    ),
]


@pytest.mark.parametrize(("call", "text"), REFUSED, ids=[text for _, text in REFUSED])
def test_bad_arguments_are_refused(call: Callable[[], object], text: str) -> None:
    with pytest.raises(ModelError, match=text):
        call()


def test_wrong_kinds_are_refused() -> None:
    with pytest.raises(DataTypeError, match=r"rows must be an integer, got 3\.0"):
        exact.torus_log_partition(3.0, 3)  # type: ignore[arg-type]
    with pytest.raises(DataTypeError, match="one value for all sites or bonds"):
        exact.ring_log_partition(3, {(0, 1): 1.0})  # type: ignore[arg-type]


def test_every_public_name_is_exported() -> None:
    assert all(hasattr(exact, name) for name in exact.__all__)
