"""Multi-spin coding from inside: rare comparisons, which no distribution of spins would betray."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from sampler_table import ising
from tnlearn.sampling.discrete import prepared
from tnlearn.sampling.kernels import words as kernels
from tnlearn.sampling.pairs import Pairs

ALL = np.uint64(2**64 - 1)


@pytest.mark.parametrize("replicas", [1, 64, 65, 700])
def test_packing_and_unpacking(replicas: int) -> None:
    rows = np.random.default_rng(0).integers(0, 2, (5, replicas)).astype(np.int8)
    words = kernels.pack(rows)
    assert words.shape == (5, -(-replicas // 64))
    assert (kernels.unpack(words, replicas) == rows).all()


@pytest.mark.parametrize(
    ("degree", "unsatisfied"), [(4, 0), (4, 1), (4, 2), (3, 1), (5, 0), (5, 1), (5, 3)]
)
def test_bits_after_the_first_ones_decide_too(degree: int, unsatisfied: int) -> None:
    """A spin among frozen ones, with probability 2^-12 to flip: bits 13 to 53, all of them 1."""
    pairs = prepared(ising(nx.star_graph(degree)))
    assert isinstance(pairs, Pairs)
    count, sweeps = 512, 40
    spins = np.zeros((degree + 1, count), np.uint64)
    spins[1 : unsatisfied + 1] = ALL
    size = max(2, degree) + 1
    masks = np.zeros((size, 53, size), np.uint64)
    masks[degree, 12:, unsatisfied] = ALL
    used = np.full(count, ALL, np.uint64)
    streams = np.random.default_rng(1).integers(0, 2**64, (4, count), dtype=np.uint64)
    signs = np.zeros(len(pairs.neighbours), np.uint64)
    graph = (pairs.starts, pairs.neighbours, signs)
    changed = kernels.sweep(spins, used, *graph, masks, streams, sweeps)
    expected = 64 * count * sweeps * 2.0**-12
    # A spin that has flipped has other bonds unsatisfied, and waits: at most 2 % have.
    slack = 0.02 * expected
    assert abs(changed - expected) < 4 * math.sqrt(expected) + slack
