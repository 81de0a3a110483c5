"""What planar models are made of: Pfaffians, drawings, orders, low states and errors."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
import pytest

from random_planar import planar_graph, random_bonds
from tnlearn.physics import Ising
from tnlearn.physics.planar.cold import between
from tnlearn.physics.planar.dissection import LEAF, Region, dissect
from tnlearn.physics.planar.gauge import low_state
from tnlearn.physics.planar.gaussian import Manner, integrate_out, pfaffian
from tnlearn.physics.planar.joining import city
from tnlearn.physics.planar.surface import Surface, split, surfaces
from tnlearn.physics.planar.trust import Estimate, repeated

Array = np.ndarray[Any, np.dtype[Any]]


def skew(n: int, seed: int = 0) -> Array:
    upper = np.triu(np.random.default_rng(seed).normal(size=(n, n)), 1)
    return upper - upper.T


def expanded(a: Array) -> float:
    """The Pfaffian by its definition, along the first row."""
    if not len(a):
        return 1.0
    rest = range(1, len(a))
    minors = (np.delete(np.delete(a, [0, k], 0), [0, k], 1) for k in rest)
    pairs = zip(rest, minors, strict=True)
    return sum((-1) ** (k - 1) * a[0, k] * expanded(minor) for k, minor in pairs)


@pytest.mark.parametrize("n", [0, 2, 4, 8])
def test_pfaffians_by_definition(n: int) -> None:
    for seed in range(5):
        sign, log = pfaffian(skew(n, seed))
        assert sign * math.exp(log) == pytest.approx(expanded(skew(n, seed)), rel=1e-12)


def test_large_pfaffians_square_to_determinants_and_keep_their_sign() -> None:
    matrix = skew(700)
    sign, log = pfaffian(matrix)
    assert 2.0 * log == pytest.approx(np.linalg.slogdet(matrix)[1], rel=1e-12)
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(700)
        expected = (sign * np.linalg.det(np.eye(700)[order]), log)
        assert pfaffian(matrix[np.ix_(order, order)]) == pytest.approx(expected, rel=1e-12)


def test_singular_and_odd_pfaffians_vanish() -> None:
    assert pfaffian(np.zeros((4, 4))) == (0.0, -math.inf)
    assert pfaffian(np.outer([1.0, 2.0, 3.0, 4.0], np.ones(4)) * 0.0)[0] == 0.0


@pytest.mark.parametrize("careful", [False, True])
def test_what_is_integrated_out_and_what_is_left_make_the_whole(careful: bool) -> None:
    matrix = skew(20)
    gone, kept = np.arange(3, 15), np.array([0, 1, 2, 15, 16, 17, 18, 19])
    left, log = integrate_out(matrix, gone, kept, Manner(careful))
    assert log + pfaffian(left)[1] == pytest.approx(pfaffian(matrix)[1], rel=1e-12)
    assert np.array_equal(left, -left.T)
    noisy, _ = integrate_out(matrix, gone, kept, Manner(noise=np.random.default_rng(0)))
    changed = np.abs(noisy - left)[left != 0.0] / np.abs(left[left != 0.0])
    assert 0.0 < changed.max() < 1e-11


def test_cities_weigh_all_even_sets() -> None:
    walls = np.array([0.5, 0.3, 0.9, 0.2, 0.7])
    matrix = city(walls)
    for size in (2, 4):
        for chosen in map(list, itertools.combinations(range(5), size)):
            assert expanded(matrix[np.ix_(chosen, chosen)]) == pytest.approx(walls[chosen].prod())


def drawn(seed: int = 0) -> Surface:
    graph = planar_graph(40, 1.0, seed)
    return next(surfaces(Ising(graph, random_bonds(graph, seed))))


def test_drawings_obey_euler_and_splitting_keeps_them() -> None:
    for surface in (drawn(), split(drawn(), 3)):
        assert len(surface.sites) - len(surface.couplings) + len(surface.faces) == 2
        assert sorted(d for face in surface.faces for d in face) == list(range(len(surface.tails)))
        for face in surface.faces:
            for here, there in zip(face, face[1:] + face[:1], strict=True):
                assert surface.tails[here ^ 1] == surface.tails[there]
    assert max(map(len, split(drawn(), 3).faces)) == 3


def test_dissections_have_every_face_once_and_short_lines() -> None:
    graph = nx.grid_2d_graph(40, 40)
    surface = split(next(surfaces(Ising(graph))))
    whole = dissect(surface, np.random.default_rng(0))

    def leaves(region: Region) -> list[Region]:
        return [x for half in region.halves for x in leaves(half)] if region.halves else [region]

    found = np.concatenate([leaf.faces for leaf in leaves(whole)])
    assert sorted(found.tolist()) == list(range(len(surface.faces)))
    assert max(len(leaf.faces) for leaf in leaves(whole)) <= LEAF
    left = {d for f in whole.halves[0].faces for d in surface.faces[f]}
    assert sum(d ^ 1 not in left for d in left) < 100


def test_low_states_break_no_bond_without_need() -> None:
    graph = nx.grid_2d_graph(40, 40)
    edges = np.array(list(nx.convert_node_labels_to_integers(graph).edges))
    gauge = np.random.default_rng(3).choice([-1.0, 1.0], size=1600)
    couplings = gauge[edges].prod(axis=1)
    spins = low_state(*edges.T, couplings, 1600, np.random.default_rng(0))
    assert np.all(couplings * spins[edges].prod(axis=1) > 0)
    couplings[5] *= -1.0
    spins = low_state(*edges.T, couplings, 1600, np.random.default_rng(0))
    assert np.sum(couplings * spins[edges].prod(axis=1) < 0) == 1


def test_repetitions_own_up_to_their_spread() -> None:
    found = repeated(lambda random, careful, noisy: 3.0 + 1e-6 * noisy, scale=1.0)
    assert found.value == 3.0
    assert found.error == pytest.approx(1e-5)
    assert repeated(lambda *_: math.nan, scale=1.0).error == math.inf
    assert repeated(lambda random, careful, noisy: 3.0 * noisy, scale=1.0).error == math.inf
    better = repeated(lambda random, careful, noisy: 2.0 + noisy * (not careful), scale=1.0)
    assert better.error < 1e-14


def test_bounds_win_over_poor_estimates() -> None:
    assert Estimate(3.0, 0.1).within(2.0, 4.0) == Estimate(3.0, 0.1)
    for poor in (Estimate(3.0, 2.0), Estimate(9.0, 0.1)):
        held = poor.within(2.0, 4.0)
        assert held.value == 3.0
        assert held.error == pytest.approx(1.0)


def test_convexity_bounds_a_known_function() -> None:
    """Two levels, E = -5 once and +5 seven times over 8 spins' worth of states."""

    def log(scale: float) -> float:
        return 5.0 * scale + math.log1p(7.0 * math.exp(-10.0 * scale))

    def estimate(scale: float) -> Estimate:
        return Estimate(log(scale), 1e-12 if scale < 0.6 else math.inf)

    low, high = between(estimate, 1.0, (5.0 - math.log(2.0), 5.0), 8)
    assert low <= log(1.0) <= high
    assert high - low < 0.2
