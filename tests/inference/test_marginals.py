"""Marginals of networks that are no models: every one equals the sum over all states."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations
from random import Random
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import reference
import tnlearn as tnl
from random_networks import Case, random_case
from tnlearn.errors import BackendError, ModelError

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

TOLERANCE = 1e-12


def exact_marginal(case: Case, subset: Sequence[str]) -> Array | None:
    """Weights of the subset's positions, summed over the rest; None if all are zero."""
    terms = [({at: a for at, (a, _) in t.entries.items()}, t.indices) for t in case.terms]
    weights = reference.contract(terms, case.sizes, subset, reference.Algebra())
    whole = sum(weights.values())
    if whole == 0:
        return None
    return np.reshape([weight / whole for weight in weights.values()], case.shape("".join(subset)))


def distribution(seed: int) -> Case:
    """A closed random network of non-negative integers; zeros and copies included."""
    return replace(random_case(seed).magnitudes(), output="", cotangent={(): (1, 0)})


@pytest.mark.parametrize("block", range(10))
def test_random_networks(block: int) -> None:
    """Single indices, and sets of two and three of them, near and far, in any order."""
    for seed in range(30 * block, 30 * block + 30):
        case, random = distribution(seed), Random(seed)
        indices = sorted(case.sizes)
        sets = [tuple(random.sample(s, n)) for n in (2, 3) for s in combinations(indices, n)]
        sets = [*((i,) for i in indices), *random.sample(sets, min(4, len(sets)))]
        network = case.network()
        if exact_marginal(case, ()) is None:
            for questions in (None, [sets[0]], [sets[-1]]) if sets else ():
                with pytest.raises(ModelError, match="zero"):
                    tnl.marginals(network, questions)
            continue
        alone, found = tnl.marginals(network), tnl.marginals(network, sets)
        assert list(alone) == list(network.sizes), case
        assert list(found) == sets, case
        for index in indices:
            np.testing.assert_allclose(alone[index], found[(index,)], rtol=1e-14, atol=1e-300)
        for subset, p in found.items():
            assert p.dtype == np.float64
            expected = exact_marginal(case, subset)
            np.testing.assert_allclose(p, expected, rtol=TOLERANCE, atol=0, err_msg=repr(case))


CLOUD = [[1.0, 2.0, 0.0], [3.0, 1.0, 1.0]]
# name -> arrays, indices of each, subset, its probabilities times `whole`
CASES: dict[str, tuple[list[Any], list[str], str, list[Any]]] = {
    "one tensor": ([CLOUD], ["ab"], "ab", CLOUD),
    "transposed": ([CLOUD], ["ab"], "ba", np.transpose(CLOUD)),
    "zero row": ([[[0.0, 0.0], [1.0, 3.0]]], ["ab"], "a", [0, 1]),
    "diagonal": ([np.arange(1.0, 10.0).reshape(3, 3)], ["aa"], "a", [1, 5, 9]),
    "hyperedge": ([[1.0, 2.0], [3.0, 1.0], [1.0, 4.0]], ["a", "a", "a"], "a", [3, 8]),
    "part of a hyperedge": ([CLOUD, CLOUD, [1.0, 0.0]], ["ab", "ac", "a"], "bc",
                            np.outer([1, 2, 0], [1, 2, 0])),
    "disconnected": ([[1.0, 3.0], [1.0, 1.0, 2.0]], ["a", "b"], "ba",
                     np.outer([1, 1, 2], [1, 3])),
    "size 1": ([[[2.0, 6.0]], [5.0]], ["ab", "a"], "ab", [[1, 3]]),
    "scalars": ([1e-300, [1.0, 3.0], 1e-300], ["", "a", ""], "a", [1, 3]),
    "far beyond floats": ([[1e300, 3e300], [1e300, 1e300]], ["a", "a"], "a", [1, 3]),
    "factors cancel": ([[1.0, 1e-200], [1e-200, 3.0]], ["a", "a"], "a", [1, 3]),
    "rare": ([[1.0, 1e-250]], ["a"], "a", [1, 1e-250]),
}  # fmt: skip


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("arrays", "terms", "subset", "weights"), CASES.values(), ids=CASES)
def test_by_hand(
    arrays: list[Any], terms: list[str], subset: str, weights: list[Any], log: bool
) -> None:
    with np.errstate(divide="ignore"):
        data = [np.log(array) if log else np.asarray(array) for array in arrays]
    pairs = zip(data, terms, strict=True)
    network = tnl.TensorNetwork(tnl.Tensor(array, term, log=log) for array, term in pairs)
    (found,) = tnl.marginals(network, [subset]).values()
    np.testing.assert_allclose(found, np.array(weights) / np.sum(weights), rtol=1e-13)


def test_singles_and_pairs_agree() -> None:
    random = Random(0)
    graph = nx.grid_2d_graph(4, 4)
    coupling = {edge: random.gauss(0, 1) for edge in graph.edges}
    model = tnl.Ising(graph, coupling, {node: random.gauss(0, 1) for node in graph})
    singles = tnl.marginals(model)
    pairs = [*graph.edges, ((0, 0), (3, 3)), ((3, 0), (0, 3))]
    for (a, b), p in tnl.marginals(model, pairs).items():
        assert p.sum() == pytest.approx(1, abs=1e-14)
        np.testing.assert_allclose(p.sum(axis=1), singles[a], rtol=0, atol=1e-13)
        np.testing.assert_allclose(p.sum(axis=0), singles[b], rtol=0, atol=1e-13)
    turned = tnl.marginals(model, [pair[::-1] for pair in pairs])
    for pair, p in tnl.marginals(model, pairs).items():
        np.testing.assert_allclose(turned[pair[::-1]], p.T, rtol=0, atol=1e-14)


def test_network_and_model_agree() -> None:
    model = tnl.Ising(nx.path_graph("dbca"), 0.5, 0.3)
    of_network = tnl.marginals(model.network())
    for site, p in tnl.marginals(model).items():
        np.testing.assert_array_equal(p, of_network[site])
    assert tuple(tnl.marginals(model)) == model.sites


def test_a_set_asked_twice_is_one_answer() -> None:
    model = tnl.Ising(nx.path_graph(4), 0.5, 0.3)
    found = tnl.marginals(model, [(0, 1), (0, 3), (0, 1), (0, 3), [0, 1]])
    assert list(found) == [(0, 1), (0, 3)]


def test_no_sets_no_answers() -> None:
    assert tnl.marginals(tnl.Ising(nx.path_graph(4)), []) == {}
    assert tnl.marginals(tnl.TensorNetwork([tnl.Tensor(2.0, ())])) == {}


def test_subsets_may_come_from_an_iterator() -> None:
    model = tnl.Ising(nx.path_graph(3), 0.5)
    assert list(tnl.marginals(model, ((k, k + 1) for k in range(2)))) == [(0, 1), (1, 2)]


@contextmanager
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each kind of run of a program was asked for."""
    counts: Counter[str] = Counter()
    with monkeypatch.context() as patch:
        for name in ("__call__", "log", "value_and_gradient", "log_value_and_gradient"):
            original = getattr(tnl.Program, name)

            def counting(*args: Any, _name: str = name, _original: Any = original) -> Any:
                counts[_name] += 1
                return _original(*args)

            patch.setattr(tnl.Program, name, counting)
        yield counts


@pytest.mark.parametrize(
    ("subsets", "sweeps", "contractions"),
    [
        (None, 1, 0),
        ([], 0, 0),
        ([(0,), (3,)], 1, 0),
        ([(0, 1), (1, 2), (4, 3), (2,), (5, 0)], 1, 0),
        ([(0, 2)], 0, 1),
        ([(0, 2), (0, 3), (1, 3, 5)], 0, 3),
        ([(0, 1), (0, 2), (1, 2)], 1, 1),
    ],
)
def test_near_sets_take_one_reverse_sweep(
    monkeypatch: pytest.MonkeyPatch, subsets: Any, sweeps: int, contractions: int
) -> None:
    model = tnl.Ising(nx.cycle_graph(6), 0.5, 0.3)
    with runs(monkeypatch) as counts:
        tnl.marginals(model, subsets)
    assert counts == +Counter(log_value_and_gradient=sweeps, log=contractions)


@pytest.mark.parametrize("subset", ["abc", "ca", "bcde", "ea"])
def test_a_set_on_one_tensor_is_near(monkeypatch: pytest.MonkeyPatch, subset: str) -> None:
    random = np.random.default_rng(0)
    network = tnl.TensorNetwork(
        tnl.Tensor(random.random((2,) * len(term)), term) for term in ("abc", "bcde", "ea")
    )
    with runs(monkeypatch) as counts:
        (p,) = tnl.marginals(network, [subset]).values()
    assert counts == Counter(log_value_and_gradient=1)
    opened = tnl.contract(network.with_output(tuple(subset)))
    np.testing.assert_allclose(p, opened / opened.sum(), rtol=TOLERANCE)


def test_slices_change_nothing() -> None:
    model = tnl.Ising(nx.grid_2d_graph(5, 5, periodic=True), 0.4, 0.1)
    limit = tnl.plan(model).cost.peak_bytes // 2
    assert tnl.plan(model, memory_limit=limit).sliced
    sets = [((0, 0),), ((0, 0), (0, 1)), ((0, 0), (2, 3))]
    sliced = tnl.marginals(model, sets, memory_limit=limit)
    for subset, p in tnl.marginals(model, sets).items():
        np.testing.assert_allclose(sliced[subset], p, rtol=0, atol=1e-13)


@pytest.mark.parametrize("subsets", [None, [(0, 1)], [(0, 3)]])
def test_options_reach_every_contraction(subsets: Any) -> None:
    with pytest.raises(BackendError, match="nobody"):
        tnl.marginals(MODEL, subsets, backend="nobody")


# Errors

MODEL = tnl.Ising(nx.path_graph(4), 0.5, 0.3)


def vectors(**entries: list[float]) -> tnl.TensorNetwork:
    """One index per vector, on no other tensor."""
    return tnl.TensorNetwork(tnl.Tensor(entry, (index,)) for index, entry in entries.items())


# name -> thing, subsets, what the message must say
MISTAKES: dict[str, tuple[Any, Any, str]] = {
    "open": (vectors(a=[1.0, 2.0]).open("a"), None, r"open indices \('a',\)"),
    "unknown site": (MODEL, [(0, 1), (0, 7)], "7 is unknown"),
    "repeated near": (MODEL, [(0, 1, 0)], "give some, each once"),
    "repeated far": (MODEL, [(0, 3, 0)], "give some, each once"),
    "empty set": (MODEL, [()], r"\(\) is no set"),
    "a tuple site alone": (tnl.Ising(nx.grid_2d_graph(2, 2)), [(0, 0)], "0 is unknown"),
    "zero": (vectors(a=[0.0, 0.0]), None, "zero"),
    "zero far": (vectors(a=[0.0], b=[1.0]), ["ab"], "zero"),
    "zero logs": (tnl.TensorNetwork([tnl.Tensor([-math.inf] * 2, "a", log=True)]), None, "zero"),
    "size 0": (vectors(a=[], b=[1.0]), None, "zero|size 0"),
    "size 0 far": (vectors(a=[], b=[1.0]), ["ab"], "zero|size 0"),
    "negative": (vectors(a=[-1.0, 2.0]), None, "negative"),
    "negative far": (vectors(a=[-1.0, 2.0], b=[1.0]), ["ab"], "negative"),
    "negative everywhere": (vectors(a=[-1.0, -2.0]), None, "negative"),
    "complex": (vectors(a=[1j, 1.0]), None, "complex"),
}


@pytest.mark.parametrize(("thing", "subsets", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(thing: Any, subsets: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        tnl.marginals(thing, subsets)


def test_sites_that_are_in_no_set() -> None:
    with pytest.raises((tnl.TnlearnError, TypeError)):
        tnl.marginals(MODEL, [0, 1])
