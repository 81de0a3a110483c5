"""Exact integers: small ones against the definition, large ones against known counts."""

from __future__ import annotations

from random import Random
from typing import Any

import networkx as nx
import numpy as np
import pytest

import reference
import tnlearn as tnl
from random_networks import random_case
from tnlearn.execution import combined, primes_of

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("block", range(4))
def test_random_networks_of_large_integers(block: int) -> None:
    for seed in range(25 * block, 25 * block + 25):
        case, random = random_case(seed), Random(seed)
        scale = 10 ** random.choice([0, 3, 9])
        arrays = [array.real * scale for array in case.arrays()]
        terms = [
            ({at: int(x) for at, x in np.ndenumerate(arrays[t.owner])}, t.indices)
            for t in case.terms
        ]
        wanted = reference.contract(terms, case.sizes, case.output, reference.Algebra())
        got = tnl.integer_contract(case.network(arrays))
        if not case.output:
            assert type(got) is int
            assert got == wanted[()]
        else:
            assert got.shape == case.shape(case.output)
            assert dict(np.ndenumerate(got)) == wanted


def test_tilings_of_a_chessboard() -> None:
    """Domino tilings: Kasteleyn (1961), Physica 27, 1209."""
    graph = nx.grid_2d_graph(8, 8)
    assert tnl.integer_contract(perfect_matchings(graph)) == 12_988_816


def test_independent_sets_of_a_grid() -> None:
    """https://oeis.org/A006506: more than a float64 holds from 9 x 9 on."""
    pair = np.array([[1, 1], [1, 0]])
    counts = []
    for n in (2, 6, 9, 10):
        edges = nx.grid_2d_graph(n, n).edges
        counts.append(tnl.integer_contract(tnl.TensorNetwork(tnl.Tensor(pair, e) for e in edges)))
    assert counts == [7, 5598861, 770548397261707, 2030049051145980050]


def test_a_number_of_104_digits() -> None:
    fibonacci = [0, 1]
    while len(fibonacci) < 502:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    matrix = np.array([[1, 1], [1, 0]])
    network = tnl.TensorNetwork(
        (tnl.Tensor(matrix, (k, k + 1)) for k in range(500)), output=(0, 500)
    )
    np.testing.assert_array_equal(
        tnl.integer_contract(network),
        np.array([[fibonacci[501], fibonacci[500]], [fibonacci[500], fibonacci[499]]], object),
    )


def test_what_is_refused() -> None:
    for data, log, error in (
        ([0.5], False, ValueError),
        ([1j], False, TypeError),
        ([0.0], True, TypeError),
    ):
        network = tnl.TensorNetwork([tnl.Tensor(data, "i", log=log)])
        with pytest.raises(error, match="'0' holds"):
            tnl.integer_contract(network)


def test_primes_and_residues() -> None:
    primes = primes_of(100)
    assert len(set(primes)) == len(primes) == 5
    assert all(2**23 < p < 2**24 for p in primes)
    numbers: list[Any] = [0, 1, -1, 2**100, -(2**100), 12345678901234567890]
    residues = [np.array([n % p for n in numbers], np.int64) for p in primes]
    assert combined(residues, primes, signed=True).tolist() == numbers


def perfect_matchings(graph: nx.Graph[Any]) -> tnl.TensorNetwork:
    """A network over edges whose value is the number of perfect matchings."""
    tensors = []
    for node in graph:
        edges = [tuple(sorted((node, other))) for other in graph[node]]
        one = np.zeros((2,) * len(edges))
        for k in range(len(edges)):
            one[tuple(int(k == j) for j in range(len(edges)))] = 1
        tensors.append(tnl.Tensor(one, edges))
    return tnl.TensorNetwork(tensors)
