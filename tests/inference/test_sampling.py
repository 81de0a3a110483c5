"""Samples are exact and independent: chi-squared tests that a slightly wrong sampler fails."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest
from scipy import stats

import reference
import tnlearn as tnl
from tnlearn.errors import ModelError
from tnlearn.physics import exact

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

#: A right sampler fails a test once in a thousand seeds; the seeds are fixed.
ACCEPTED = 1e-3
#: What a wrong one must not reach.
REFUSED = 1e-6

# name -> arrays, indices of each: distributions with something special about them
NETWORKS: dict[str, tuple[list[Any], list[str]]] = {
    "one tensor": ([[[1.0, 2.0], [3.0, 0.0]]], ["ab"]),
    "one index": ([[0.0, 1.0, 3.0, 0.0]], ["a"]),
    "certain": ([np.eye(3)[:2], [0.0, 5.0, 0.0]], ["ab", "b"]),
    "hard zeros": ([1 - np.eye(3), 1 - np.eye(3), 1 - np.eye(3)], ["ab", "bc", "ca"]),
    "exactly one of four": ([np.eye(2), [[1.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]],
                             [1.0, 2.0]], ["ab", "bc", "cd", "d"]),
    "hyperedge": ([[1.0, 2.0, 3.0], [2.0, 0.5, 1.0], [1.0, 1.0, 4.0]], ["a", "a", "a"]),
    "hyperedge with leaves": ([np.arange(6.0).reshape(2, 3), np.ones((2, 2)) + np.eye(2),
                               [[1.0, 4.0], [0.0, 2.0]]], ["ab", "ac", "ad"]),
    "diagonal": ([np.arange(1.0, 10.0).reshape(3, 3), [1.0, 2.0, 0.5]], ["aa", "a"]),
    "diagonal and more": ([np.arange(8.0).reshape(2, 2, 2), [[3.0, 1.0], [1.0, 2.0]]],
                          ["aba", "bc"]),
    "disconnected": ([[1.0, 3.0], [[1.0, 0.0], [2.0, 1.0]], [5.0, 1.0, 2.0]], ["a", "bc", "d"]),
    "scalars among tensors": ([1e-200, [1.0, 2.0], 1e-200], ["", "a", ""]),
    "size 1": ([np.ones((1, 2)), [2.0], [[1.0, 2.0], [3.0, 4.0]]], ["ab", "a", "bc"]),
    "loop": ([[[1.0, 2.0], [3.0, 4.0]]] * 5, ["ab", "bc", "cd", "de", "ea"]),
    "index on every tensor": ([np.arange(1.0, 5.0).reshape(2, 2)] * 3, ["ab", "ac", "bc"]),
}  # fmt: skip


@dataclass(frozen=True)
class Factors:
    """A model: a network, and what the positions of its sites stand for."""

    tensors: tuple[tnl.Tensor, ...]
    choices: dict[Any, tuple[Any, ...]]

    @property
    def sites(self) -> tuple[Any, ...]:
        return tuple(self.choices)

    def network(self) -> tnl.TensorNetwork:
        return tnl.TensorNetwork(self.tensors)

    def values(self, site: Any) -> tuple[Any, ...]:
        return self.choices[site]

    def energy(self, states: Any) -> Array:
        raise NotImplementedError("sampling needs no energies")


def network_of(name: str, log: bool = False) -> tnl.TensorNetwork:
    arrays, indices = NETWORKS[name]
    if log:
        with np.errstate(divide="ignore"):
            arrays = [np.log(array) for array in arrays]
    pairs = zip(arrays, indices, strict=True)
    return tnl.TensorNetwork(tnl.Tensor(array, term, log=log) for array, term in pairs)


def joint(network: tnl.TensorNetwork) -> Array:
    """Probability of every state, an axis per index in the order of ``network.sizes``."""
    terms = [
        ({at: Fraction(float(x)) for at, x in np.ndenumerate(t.data)}, t.indices) for t in network
    ]
    order, shape = tuple(network.sizes), tuple(network.sizes.values())
    weights = reference.contract(terms, network.sizes, order, reference.Algebra()).values()
    whole = sum(weights)
    return np.array([float(weight / whole) for weight in weights]).reshape(shape)


def counted(positions: Array, shape: Sequence[int]) -> Array:
    """How often every joint position was drawn."""
    flat = np.ravel_multi_index(tuple(positions.T), tuple(shape))
    return np.bincount(flat, minlength=math.prod(shape))


def p_value(counts: Array, probabilities: Array) -> float:
    """Of the chi-squared test; outcomes expected fewer than 10 times are put together."""
    counts, expected = counts.ravel(), probabilities.ravel() * counts.sum()
    assert not counts[expected == 0].any(), "an impossible state was drawn"
    often = expected >= 10
    rest = expected[~often].sum()
    groups = [*zip(counts[often], expected[often], strict=True)]
    if rest >= 10:
        groups.append((counts[~often].sum(), rest))
    else:
        groups[0] = (groups[0][0] + counts[~often].sum(), groups[0][1] + rest)
    if len(groups) == 1:
        return 1.0
    seen, wanted = zip(*groups, strict=True)
    return float(stats.chisquare(seen, wanted).pvalue)


def square(beta: float) -> tnl.Ising:
    """2 x 2 spins with couplings and fields of both signs."""
    graph = nx.grid_2d_graph(2, 2)
    coupling = dict(zip(graph.edges, [1.0, -0.5, 0.8, 0.3], strict=True))
    return tnl.Ising(graph, coupling, dict(zip(graph, [0.2, -0.4, 0.6, 0.1], strict=True)), beta)


@pytest.mark.parametrize("beta", [0.7, 1.5])
@pytest.mark.parametrize("seed", range(2))
def test_sixteen_states(seed: int, beta: float) -> None:
    """The right sampler passes, and one that is 5 % too cold fails the same test."""
    probabilities = exact.brute_force_probabilities(square(beta))
    for factor, passes in [(1.0, True), (1.05, False)]:
        states = tnl.sample(square(factor * beta), 100_000, seed=seed)
        p = p_value(counted((states + 1) // 2, (2,) * 4), probabilities)
        assert p > ACCEPTED if passes else p < REFUSED


DENSITY_4 = [2, 0, 32, 64, 424, 1728, 6688, 13568, 20524]


@pytest.mark.parametrize(("factor", "passes"), [(1.0, True), (1.05, False)])
def test_energies_of_a_torus(factor: float, passes: bool) -> None:
    """Of the 4 x 4 torus at criticality, against the number of states of every energy."""
    beta = exact.CRITICAL_COUPLING
    model = tnl.Ising(nx.grid_2d_graph(4, 4, periodic=True), beta=factor * beta)
    levels = np.array(DENSITY_4 + DENSITY_4[-2::-1], float)
    weights = levels * np.exp(-beta * 4 * np.arange(len(levels)))
    energies = model.energy(tnl.sample(model, 30_000, seed=1))
    counts = np.bincount(((energies + 32) / 4).astype(int), minlength=len(levels))
    p = p_value(counts, weights / weights.sum())
    assert p > ACCEPTED if passes else p < REFUSED


@pytest.mark.parametrize("search", ["balanced", "greedy", "random-greedy", "optimal"])
def test_any_order_of_contraction_will_do(search: str) -> None:
    probabilities = exact.brute_force_probabilities(square(1.0))
    states = tnl.sample(square(1.0), 20_000, seed=4, search=search)
    assert p_value(counted((states + 1) // 2, (2,) * 4), probabilities) > ACCEPTED


def test_bonds_of_a_chain_are_independent() -> None:
    """Without a field each bond is satisfied with probability e^K / 2 cosh K, on its own."""
    n, k, size = 60, 0.6, 20_000
    states = tnl.sample(tnl.Ising(nx.path_graph(n), beta=k), size, seed=2)
    satisfied = (states[:, 1:] == states[:, :-1]).sum(axis=1)
    binomial = stats.binom(n - 1, 1 / (1 + math.exp(-2 * k))).pmf(np.arange(n))
    assert p_value(np.bincount(satisfied, minlength=n), binomial) > ACCEPTED
    up = states[:, [0, n - 1]].mean(axis=0)
    assert np.all(abs(up) < 4 / math.sqrt(size))


def test_samples_are_independent_of_each_other() -> None:
    """Pairs of samples that follow each other are as random as the two alone."""
    network = network_of("hard zeros")
    drawn = tnl.sample(network, 40_000, seed=3)
    pairs = np.concatenate([drawn[::2], drawn[1::2]], axis=1)
    p = joint(network)
    counts = counted(pairs, (3,) * 6)
    assert p_value(counts, np.multiply.outer(p, p)) > ACCEPTED


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_bare_networks(name: str, log: bool) -> None:
    """Positions, columns in the order of ``network.sizes``; impossible states never."""
    network = network_of(name, log)
    positions = tnl.sample(network, 5_000, seed=5)
    assert positions.dtype == np.int64
    assert positions.shape == (5_000, len(network.sizes))
    counts = counted(positions, tuple(network.sizes.values()))
    assert p_value(counts, joint(network_of(name))) > ACCEPTED


@pytest.mark.parametrize("size", [0, 1, 4])
def test_a_network_of_scalars_has_one_state(size: int) -> None:
    network = tnl.TensorNetwork([tnl.Tensor(2.0, ()), tnl.Tensor(3.0, ())])
    assert tnl.sample(network, size, seed=0).shape == (size, 0)


SMALL = 1e-200
# name -> entries on "a", "ab", "b"; the probabilities of ab = 00, 01, 10, 11
EXTREMES: dict[str, tuple[list[Any], list[list[float]]]] = {
    "factors cancel": ([[1, SMALL], [[SMALL, 0], [0, 1]], [1, 1]], [[0.5, 0], [0, 0.5]]),
    "all tiny": ([[SMALL, 3 * SMALL], [[SMALL, 0], [0, SMALL]], [SMALL] * 2], [[1, 0], [0, 3]]),
    "all huge": ([[1e200, 3e200], [[1e200, 0], [0, 1e200]], [1e200] * 2], [[1, 0], [0, 3]]),
    "never seen": ([[1, SMALL], [[1, 1], [1, 1]], [1, 3]], [[0.25, 0.75], [0, 0]]),
    "rare given rare": ([[1, SMALL], [[SMALL, SMALL], [1, 1]], [1, SMALL]], [[0.5, 0], [0.5, 0]]),
    "spread": ([[1e-300, 1e300], [[1e300, 0], [1e-300, 3e-300]], [1, 1]], [[1, 0], [1, 3]]),
}  # fmt: skip


@pytest.mark.parametrize(("arrays", "weights"), EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("log", [False, True])
def test_extreme_conditionals(arrays: list[Any], weights: list[list[float]], log: bool) -> None:
    with np.errstate(divide="ignore"):
        arrays = [np.log(array) if log else np.array(array, float) for array in arrays]
    pairs = zip(arrays, ["a", "ab", "b"], strict=True)
    network = tnl.TensorNetwork(tnl.Tensor(array, term, log=log) for array, term in pairs)
    counts = counted(tnl.sample(network, 10_000, seed=6), (2, 2))
    assert p_value(counts, np.array(weights) / np.sum(weights)) > ACCEPTED


def test_logarithms_beyond_any_float() -> None:
    """Of a cold frustrated ring only the ground states are drawn, all equally often."""
    n = 5
    model = tnl.Ising(nx.cycle_graph(n), -1.0, beta=1e4)
    states = tnl.sample(model, 10_000, seed=7)
    every = exact.enumerate_states(n)
    ground = model.energy(every) == 2 - n
    assert ground.sum() == 2 * n
    counts = counted((states + 1) // 2, (2,) * n)
    assert p_value(counts, ground / ground.sum()) > ACCEPTED


# Values, columns and shapes


def test_columns_and_values_are_the_model_s_own() -> None:
    """Sites in another order than the indices; an index that is no site is summed."""
    certain = [
        tnl.Tensor([0.0, 1.0, 0.0], ("x",)),
        tnl.Tensor([[0.0, 0.0], [1.0, 0.0]], ("y", "z")),
        tnl.Tensor([1.0, 1.0], ("hidden",)),
    ]
    model = Factors(tuple(certain), {"z": (7, 8), "x": (10, 20, 30), "y": (-1, 1)})
    states = tnl.sample(model, 3, seed=0)
    assert states.tolist() == [[7, 20, 1]] * 3
    named = Factors(tuple(certain), {"y": ("down", "up"), "x": ("red", "green", "blue")})
    assert tnl.sample(named, 2, seed=0).tolist() == [["up", "green"]] * 2
    halves = Factors(tuple(certain), {"y": (-0.5, 0.5)})
    assert tnl.sample(halves, 2, seed=0).tolist() == [[0.5]] * 2


def test_columns_of_an_ising_model_follow_its_sites() -> None:
    nodes = ["d", "a", "c", "b", 1, "1"]
    field = dict(zip(nodes, [50.0, -50.0, 50.0, 50.0, -50.0, 50.0], strict=True))
    graph = nx.path_graph(nodes)
    states = tnl.sample(tnl.Ising(graph, 0.1, field), 4, seed=0)
    assert states.tolist() == [[1, -1, 1, 1, -1, 1]] * 4


@pytest.mark.parametrize("size", [0, 1, np.int64(3)])
def test_shapes(size: int) -> None:
    states = tnl.sample(square(0.5), size, seed=0)
    assert states.shape == (size, 4)
    assert states.dtype == np.int64
    assert tnl.sample(network_of("loop"), size, seed=0).shape == (size, 5)


# Seeds


def test_same_seed_same_bits() -> None:
    first, second = (tnl.sample(square(0.5), 1000, seed=11) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (tnl.sample(square(0.5), 1000, seed=12) != first).any()
    assert (tnl.sample(square(0.5), 1000) != tnl.sample(square(0.5), 1000)).any()


def test_a_generator_goes_on() -> None:
    generator = np.random.default_rng(11)
    first, second = (tnl.sample(square(0.5), 1000, seed=generator) for _ in range(2))
    np.testing.assert_array_equal(first, tnl.sample(square(0.5), 1000, seed=11))
    assert (first != second).any()


def test_no_global_state() -> None:
    before = str(np.random.get_state())  # noqa: NPY002
    tnl.sample(square(0.5), 10)
    assert str(np.random.get_state()) == before  # noqa: NPY002


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_chunks_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    expected = tnl.sample(square(0.5), 200, seed=0)
    monkeypatch.setattr(sys.modules["tnlearn.inference.drawing"], "CHUNK", chunk)
    np.testing.assert_array_equal(tnl.sample(square(0.5), 200, seed=0), expected)


# Errors

ONE = tnl.Tensor([1.0, 2.0], ("a",))
# name -> network, what the message must say
MISTAKES: dict[str, tuple[list[tnl.Tensor], str, str]] = {
    "open": ([ONE], "a", "open indices"),
    "negative": ([ONE, tnl.Tensor([-1.0, 2.0], "a", name="bad")], "", "'bad'.*negative"),
    "negative, yet positive in all": (
        [tnl.Tensor([-1.0, -2.0], "a", name=name) for name in "xy"],
        "",
        "negative",
    ),
    "complex": ([ONE, tnl.Tensor([1j, 2.0], "a", name="bad")], "", "'bad'.*complex"),
    "zero": ([tnl.Tensor([0.0, 1.0], "a"), tnl.Tensor([1.0, 0.0], "a")], "", "probability zero"),
    "zero logarithms": ([tnl.Tensor([-np.inf] * 2, "a", log=True)], "", "probability zero"),
    "size 0": ([tnl.Tensor(np.ones((0, 2)), "ab")], "", "size 0"),
}


@pytest.mark.parametrize("size", [0, 10])
@pytest.mark.parametrize(("tensors", "output", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(tensors: list[tnl.Tensor], output: str, message: str, size: int) -> None:
    with pytest.raises(ModelError, match=message):
        tnl.sample(tnl.TensorNetwork(tensors, output), size, seed=0)


def test_negative_size() -> None:
    with pytest.raises(ModelError, match="-1"):
        tnl.sample(square(0.5), -1)


@pytest.mark.parametrize("size", [2.5, "ten", None])
def test_a_size_that_is_no_integer(size: Any) -> None:
    with pytest.raises((tnl.TnlearnError, TypeError)):
        tnl.sample(square(0.5), size)


def test_a_plan_in_slices_draws_the_slice_first() -> None:
    network = network_of("loop")
    plan = replace(tnl.plan(network), sliced=(0, 3))
    counts = counted(tnl.sample(network, 5_000, seed=8, plan=plan), (2,) * 5)
    assert p_value(counts, joint(network)) > ACCEPTED


def test_single_precision_samples_as_well() -> None:
    arrays, indices = NETWORKS["loop"]
    tensors = [tnl.Tensor(np.float32(a), i) for a, i in zip(arrays, indices, strict=True)]
    counts = counted(tnl.sample(tnl.TensorNetwork(tensors), 5_000, seed=8), (2,) * 5)
    assert p_value(counts, joint(network_of("loop"))) > ACCEPTED


def test_every_state_of_a_cube_is_reached() -> None:
    """No state is favoured by how the columns are drawn."""
    model = tnl.Ising(nx.hypercube_graph(3), beta=0.0)
    states = tnl.sample(model, 20_000, seed=9)
    assert set(map(tuple, states.tolist())) == set(itertools.product((-1, 1), repeat=8))
    assert p_value(counted((states + 1) // 2, (2,) * 8), np.full(256, 1 / 256)) > ACCEPTED
