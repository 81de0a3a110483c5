"""Indices whose sum is known: the value stays, and what stands alone goes."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.inference.barren import without_barren


def chain_of_variables(count: int, width: int) -> tnl.BayesianNetwork:
    """Every variable depends on `width` before it: without evidence nothing needs contraction."""
    random = np.random.default_rng(count)
    tables = {}
    for k in range(count):
        parents = list(range(max(k - width, 0), k))
        rows = random.random([2] * len(parents) + [2])
        tables[k] = (parents, rows / rows.sum(axis=-1, keepdims=True))
    return tnl.BayesianNetwork(tables)


def test_a_network_without_evidence_is_1() -> None:
    network = without_barren(chain_of_variables(60, 12).network())
    assert not network.sizes
    assert math.isclose(float(tnl.contract(network)), 1.0, rel_tol=1e-12)


def test_too_wide_to_contract() -> None:
    """Forty variables with a common parent each, all parents of all: one table is 2**21."""
    model = chain_of_variables(40, 18)
    assert tnl.assess(model, flops=1e3).method == "exact"
    assert abs(tnl.log_partition(model, memory_limit="256MiB")) < 1e-11


@pytest.mark.parametrize("seed", range(20))
def test_the_value_stays(seed: int) -> None:
    """Random tables, some with rows that sum to the same, some logarithms, lone indices of all."""
    random = np.random.default_rng(seed)
    tensors = []
    for _ in range(6):
        scope = random.choice(6, random.integers(1, 4), replace=False).tolist()
        data = random.random([2 + index % 2 for index in scope])
        if random.random() < 0.6:
            data /= data.sum(axis=-1, keepdims=True)
        if random.random() < 0.3:
            data = np.full(data.shape, 0.7)
        log = random.random() < 0.3
        tensors.append(tnl.Tensor(np.log(data) if log else data, scope, log=log))
    network = tnl.TensorNetwork(tensors)
    left = without_barren(network)
    assert math.isclose(tnl.log_contract(left).log, tnl.log_contract(network).log, abs_tol=1e-12)


def test_several_indices_that_are_alone_on_one_tensor() -> None:
    left = without_barren(tnl.TensorNetwork([tnl.Tensor(np.full((2, 3, 5), 0.5), "abc")]))
    assert not left.sizes
    assert float(tnl.contract(left)) == 15.0


def test_what_sums_to_different_numbers_is_left() -> None:
    network = tnl.TensorNetwork(
        [tnl.Tensor([[1.0, 2.0], [3.0, 4.0]], "ab"), tnl.Tensor([1.0, 2], "a")]
    )
    assert without_barren(network) is network
    ring = tnl.Ising(nx.cycle_graph(5)).network()
    assert without_barren(ring) is ring
