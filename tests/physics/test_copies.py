"""Models go to other processes and are copied: pickled, they answer to the same bits."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.network import ReadOnly

RING = nx.cycle_graph(4)
FLIP = [[0.9, 0.1], [0.2, 0.8]]
MODELS = {
    "ising": tnl.Ising(RING, 0.5, {0: 0.1}, beta=0.7),
    "potts": tnl.Potts(RING, 3, 0.5, {0: [0.1, 0.2, 0.3]}),
    "clock": tnl.Clock(RING, 4, 0.5, {0: [0.1, 0.2, 0.3, 0.4]}),
    "hopfield": tnl.Hopfield([[1, -1, 1], [1, 1, -1]]),
    "boltzmann": tnl.BoltzmannMachine({("a", "b"): 1.0, ("b", "h"): -0.5}, 0.3, hidden=["h"]),
    "restricted": tnl.RestrictedBoltzmann([[1.0, -1.0]], [0.5], [0.1, 0.2]),
    "factors": tnl.FactorGraph([(("a", "b"), FLIP)], {"a": ["x", "y"]}),
    "bayesian": tnl.BayesianNetwork({"a": ((), [0.3, 0.7]), "b": (("a",), FLIP)}),
    "chain": tnl.MarkovChain([0.3, 0.7], FLIP, length=3),
    "tree": tnl.HiddenMarkovTree(3, [0.3, 0.7], FLIP, FLIP),
    "conditioned": tnl.condition(tnl.Ising(RING, 0.5), {0: 1}),
}
WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_a_copy_answers_the_same(name: str, way: str) -> None:
    model = MODELS[name]
    again = WAYS[way](model)
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert again.sites == model.sites
    assert float(tnl.log_partition(again)) == float(tnl.log_partition(model))
    states = tnl.sample(model, 5, seed=0)
    np.testing.assert_array_equal(again.energy(states), model.energy(states))


def test_a_mapping_that_nobody_can_write_to() -> None:
    given = {"a": 1, "b": 2}
    held = ReadOnly(given)
    given["a"] = 3
    assert held == {"a": 1, "b": 2}
    assert repr(held) == "{'a': 1, 'b': 2}"
    assert [*held.keys()] == [*held] == ["a", "b"]
    assert [*held.values()] == [1, 2]
    assert "a" in held
    assert len(held) == 2
    with pytest.raises(TypeError, match="item assignment"):
        held["a"] = 4  # type: ignore[index]
