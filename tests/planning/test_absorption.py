"""Tensors that are absorbed before a search, and how far a search goes with what is left."""

from __future__ import annotations

import time
from random import Random

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.backend import Machine
from tnlearn.network import as_network
from tnlearn.planning import Structure, structure_of
from tnlearn.planning.absorption import absorbed
from tnlearn.planning.refinement import Refinement
from tnlearn.planning.scoring import Judge
from tnlearn.planning.trials import Effort, search_by_trials
from tnlearn.planning.walk import walk


def random_structure(seed: int) -> Structure:
    """Small tensors on few indices, some open: many stand inside others."""
    random = Random(seed)
    indices = range(random.randint(1, 9))
    terms = [
        random.sample(indices, random.randint(0, min(4, len(indices))))
        for _ in range(random.randint(1, 20))
    ]
    sizes = {i: random.choice((1, 2, 3)) for i in indices}
    tensors = [tnl.Tensor(np.ones([sizes[i] for i in term]), tuple(term)) for term in terms]
    used = sorted({i for term in terms for i in term})
    return structure_of(tnl.TensorNetwork(tensors, [i for i in used if random.random() < 0.2]))[0]


@pytest.mark.parametrize("seed", range(200))
def test_what_stands_inside_another_is_absorbed_and_nothing_grows(seed: int) -> None:
    found = random_structure(seed)
    left = absorbed(found)
    terms = [set(term) for term in left.structure.reduced]
    for number, term in enumerate(terms):
        others = terms[:number] + terms[number + 1 :]
        assert not term or not any(term <= other for other in others)
    after = tuple(
        (k, k + 1) if k == 0 else (len(terms) + k - 1, k + 1) for k in range(len(terms) - 1)
    )
    pairs = walk(found, left.then(after))
    assert [pair[:2] for pair in pairs[: len(left.path)]] == list(left.path)
    live = [*map(set, found.reduced), *(set(pair.result) for pair in pairs)]
    for first, second in left.path:
        assert live[first] <= live[second]
    assert [live[number] for number in left.left] == terms


def test_a_field_goes_to_the_smallest_tensor_that_takes_it() -> None:
    shapes = {"ab": (2, 50), "ac": (2, 3), "a": (2,), "bc": (50, 3)}
    found, _ = structure_of(
        tnl.TensorNetwork([tnl.Tensor(np.ones(s), tuple(t)) for t, s in shapes.items()])
    )
    assert absorbed(found).path == ((2, 1),)


def test_an_index_on_very_many_tensors_takes_no_longer_than_others() -> None:
    count = 20_000
    found, _ = structure_of(tnl.TensorNetwork([tnl.Tensor(np.ones(2), ("hub",))] * count))
    start = time.process_time()
    assert len(absorbed(found).path) == count - 1
    assert time.process_time() - start < 2


@pytest.mark.parametrize("side", [8, 10])
def test_a_probe_of_every_index_leaves_the_search_as_it_was(side: int) -> None:
    """Marginals are asked for by such probes."""
    network = as_network(tnl.Ising(nx.grid_2d_graph(side, side, periodic=True), beta=0.4))
    probes = [
        tnl.Tensor(np.zeros(size), (index,), f"probe {k}", log=True)
        for k, (index, size) in enumerate(network.sizes.items())
    ]
    probed = tnl.TensorNetwork([*network, *probes])
    left = absorbed(structure_of(probed)[0]).structure
    assert sorted(map(sorted, left.inputs)) == sorted(map(sorted, structure_of(network)[0].inputs))
    plain = tnl.plan(network, search="fast", cache=False).cost
    asked = tnl.plan(probed, search="fast", cache=False).cost
    assert asked.flops <= 1.1 * plain.flops


def test_an_order_that_runs_for_long_is_refined_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it would run, and no more than so many times as long as any other."""
    found, _ = structure_of(as_network(tnl.Ising(nx.grid_2d_graph(12, 12, periodic=True))))
    left = absorbed(found).structure
    rounds: list[Refinement] = []
    improve = Refinement.improve

    def counted(tree: Refinement, seed: int) -> float:
        rounds.append(tree)
        return improve(tree, seed)

    monkeypatch.setattr(Refinement, "improve", counted)
    effort = Effort(greedy=16, eliminations=4, refined=2 * len(left.inputs), runs=1_000_000)
    spent = {}
    for flops in (1e12, 1e4):
        rounds.clear()
        judge = Judge(left, "float64", Machine("of some speed", flops, 1e15, 1e-12))
        search_by_trials(judge, effort, 0, lambda path: None)
        spent[flops] = len(rounds), len(set(rounds))
    assert spent[1e12] == (2, 1)
    assert 3 <= spent[1e4][0] <= 12
    assert spent[1e4][1] > 1
