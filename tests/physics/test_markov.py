"""Markov chains and hidden Markov trees: channels, the forward algorithm, long ones, refusals."""

from __future__ import annotations

import itertools
import math
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.physics import HiddenMarkovTree, MarkovChain

pytestmark = pytest.mark.filterwarnings("error")

Array = np.ndarray[Any, Any]


def random_rows(random: np.random.Generator, n: int, q: int) -> Array:
    return random.dirichlet(np.ones(q), n)


def flip(e: float) -> Array:
    return np.array([[1 - e, e], [e, 1 - e]])


def information(joint: Array) -> float:
    """Mutual information, in nats."""
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / product[there])).sum())


# Markov chains


def test_symmetric_channels_compose() -> None:
    """Flips e_k make one of ``(1 - prod(1 - 2 e_k)) / 2``."""
    rates = (0.1, 0.2, 0.05)
    chain = MarkovChain([0.5, 0.5], [flip(e) for e in rates])
    joint = tnl.marginals(chain, [(0, 3)])[0, 3]
    expected = (1 - math.prod(1 - 2 * e for e in rates)) / 2
    assert round(expected, 3) == 0.284
    assert joint[0, 1] + joint[1, 0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_information_is_only_lost(seed: int) -> None:
    """The data-processing inequality: ``I(x_0; x_k)`` never rises, whatever the channels."""
    random = np.random.default_rng(seed)
    sizes = [3, 4, 2, 5, 3, 3]
    chain = MarkovChain(
        random.dirichlet(np.ones(3)),
        [random_rows(random, a, b) for a, b in itertools.pairwise(sizes)],
    )
    joint = tnl.marginals(chain, [(0, k) for k in range(1, len(sizes))])
    lost = [information(joint[0, k]) for k in range(1, len(sizes))]
    assert all(after <= before + 1e-14 for before, after in itertools.pairwise(lost))
    assert lost[-1] < lost[0]


def test_marginals_are_powers() -> None:
    random = np.random.default_rng(0)
    p, table = random.dirichlet(np.ones(3)), random_rows(random, 3, 3)
    found = tnl.marginals(MarkovChain(p, table, length=6))
    for k in range(6):
        np.testing.assert_allclose(found[k], p @ np.linalg.matrix_power(table, k), rtol=1e-12)


def test_inference_mirrors_generation() -> None:
    """``p(x_{i-1} | x_n)`` is Bayes' kernel of one step applied to ``p(x_i | x_n)``."""
    random = np.random.default_rng(3)
    p, tables = random.dirichlet(np.ones(3)), [random_rows(random, 3, 3) for _ in range(4)]
    chain = MarkovChain(p, tables)
    prior, posterior = tnl.marginals(chain), tnl.marginals(chain.network().fix({4: 1}))
    for i in range(1, 4):
        kernel = prior[i - 1][:, None] * tables[i - 1] / prior[i]
        np.testing.assert_allclose(posterior[i - 1], kernel @ posterior[i], rtol=1e-12)


def test_what_cannot_be() -> None:
    chain = MarkovChain([1.0, 0.0], [[[0.0, 1.0], [0.5, 0.5]], [[0.5, 0.5], [1.0, 0.0]]])
    assert chain.log_probability([[0, 1, 0], [0, 0, 0], [1, 1, 1]]).tolist() == [
        0.0, -math.inf, -math.inf,
    ]  # fmt: skip
    found = tnl.mode(chain)
    assert (found.states, found.energies) == (({0: 0, 1: 1, 2: 0},), (0.0,))
    assert tnl.sample(chain, 3, seed=0).tolist() == [[0, 1, 0]] * 3


def test_a_long_chain() -> None:
    n, table = 10_000, np.array([[0.9, 0.1], [0.2, 0.8]])
    chain = MarkovChain([0.5, 0.5], table, length=n)
    assert tnl.log_partition(chain) == pytest.approx(0.0, abs=1e-11)
    states = np.random.default_rng(0).integers(0, 2, (4, n))
    expected = math.log(0.5) + np.log(table[states[:, :-1], states[:, 1:]]).sum(axis=1)
    np.testing.assert_allclose(chain.log_probability(states), expected, rtol=1e-12)


def test_length() -> None:
    table = flip(0.1)
    assert MarkovChain([1.0, 0.0], table, length=1).sites == (0,)
    assert MarkovChain([1.0, 0.0], table.tolist(), length=3).sites == (0, 1, 2)
    assert MarkovChain([1.0, 0.0], [table, table], length=3).sites == (0, 1, 2)
    assert MarkovChain([1.0, 0.0], np.stack([table, table])).sites == (0, 1, 2)
    assert MarkovChain([1.0, 0.0], []).sites == (0,)


def test_rounding_of_rows_is_no_mistake() -> None:
    thirds = [1 / 3, 1 / 3, 1 / 3 + 1e-12]
    chain = MarkovChain(thirds, [thirds] * 3, length=1000)
    assert tnl.log_partition(chain) == pytest.approx(0.0, abs=1e-12)


def test_normalise_on_request() -> None:
    counts = [[3, 1], [0, 5]]
    chain = MarkovChain([2, 2], counts, length=2, normalise=True)
    np.testing.assert_allclose(chain.transitions[0], [[0.75, 0.25], [0, 1]])
    np.testing.assert_allclose(np.exp(chain.log_probability([[0, 1]])), [0.125])
    assert not chain.transitions[0].flags.writeable


TABLE, WIDE = flip(0.1), [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]
# name -> arguments, options, what the message must say
CHAINS: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "row": (([1.0, 0.0], [[[0.5, 0.5], [0.5, 0.4]]]), {}, r"row 1 of transition 0 sums to 0\.9, "),
    "second": (([1.0, 0.0], [TABLE, [[2, 0], [0, 1]]]), {}, "row 0 of transition 1 sums to 2"),
    "initial": (([0.5, 0.6], [TABLE]), {}, r"initial distribution sums to 1\.1.*normalise=True"),
    "negative": (([1.0, 0.0], [[[1.5, -0.5], [0, 1]]]), {}, r"row 0 of transition 0 .*-0\.5 at 1"),
    "nan": (([1.0, 0.0], [[[math.nan, 1], [0, 1]]]), {}, "entry nan at 0"),
    "nothing": (([1.0, 0.0], [[[0, 0], [0, 1]]]), {"normalise": True}, "row 0 .* sums to 0"),
    "rows": (([1.0, 0.0], [np.eye(3)]), {}, r"transition 0 has shape \(3, 3\); it needs 2 rows"),
    "rows of one given twice": (
        ([1.0, 0.0], [WIDE, WIDE]), {}, r"transition 1 has shape \(2, 3\); it needs 3 rows",
    ),
    "no length": (([1.0, 0.0], TABLE), {}, "give length="),
    "not square": (([1.0, 0.0], [[0.5, 0.2, 0.3]] * 2), {"length": 3}, "must be square"),
    "other length": (([1.0, 0.0], [TABLE]), {"length": 3}, "1 transitions make 2 sites"),
    "length 0": (([1.0, 0.0], TABLE), {"length": 0}, "length is 0; it must be at least 1"),
    "matrix": ((TABLE, [TABLE]), {}, r"initial distribution has shape \(2, 2\)"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "options", "message"), CHAINS.values(), ids=CHAINS)
def test_mistakes_in_chains(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        MarkovChain(*arguments, **options)


def test_what_is_no_table_is_named() -> None:
    with pytest.raises(DataTypeError, match="transition 0 is"):
        MarkovChain([1.0, 0.0], [[[0.5, 0.5], [1.0]]])
    with pytest.raises(DataTypeError, match=r"transition is \[\[0.5, 0.5\], \[1.0\]\]; it must be"):
        MarkovChain([1.0, 0.0], [[0.5, 0.5], [1.0]], length=3)
    with pytest.raises(DataTypeError, match="transitions are 7: give a matrix"):
        MarkovChain([1.0, 0.0], 7)
    with pytest.raises(DataTypeError, match="initial distribution is 'even'"):
        MarkovChain("even", [TABLE])
    with pytest.raises(ModelError, match="state 0 has site 2 at 2; its values are 0 to 1"):
        MarkovChain([1.0, 0.0], TABLE, length=3).energy([[0, 1, 2]])


# Hidden Markov trees


def forward(initial: Array, transition: Array, emission: Array, seen: Array) -> float:
    """The forward algorithm, in probabilities scaled at every step."""
    message, total = initial, 0.0
    for k, value in enumerate(seen):
        message = (message if k == 0 else message @ transition) * emission[:, value]
        total += math.log(message.sum())
        message = message / message.sum()
    return total


@pytest.mark.parametrize("n", [1, 2, 30, 2000])
def test_likelihood_is_that_of_the_forward_algorithm(n: int) -> None:
    random = np.random.default_rng(n)
    tables = random_rows(random, 1, 3)[0], random_rows(random, 3, 3), random_rows(random, 3, 4)
    model = HiddenMarkovTree(n, *tables)
    seen = random.integers(0, 4, (3, n))
    expected = [forward(*tables, row) for row in seen]
    np.testing.assert_allclose(model.log_probability(seen), expected, rtol=1e-12)


def test_upwards_on_a_tree() -> None:
    """Pearl's recursion from the leaves to the root, every leaf seen and no other node."""
    random = np.random.default_rng(0)
    tree = nx.balanced_tree(2, 4)
    initial, emission = random_rows(random, 1, 3)[0], random_rows(random, 3, 2)
    arrows = {arrow: random_rows(random, 3, 3) for arrow in nx.bfs_edges(tree, 0)}
    leaves = [v for v in tree if tree.degree[v] == 1]
    model = HiddenMarkovTree(tree, initial, arrows, dict.fromkeys(leaves, emission))
    assert model.visible == tuple(("observed", leaf) for leaf in leaves)
    states = random.integers(0, 2, (6, len(leaves)))

    def upwards(node: int, row: Array) -> Array:
        message = emission[:, row[leaves.index(node)]] if node in leaves else np.ones(3)
        for child in (v for u, v in arrows if u == node):
            message = message * (arrows[node, child] @ upwards(child, row))
        return np.asarray(message)

    expected = [math.log(initial @ upwards(0, row)) for row in states]
    np.testing.assert_allclose(model.log_probability(states), expected, rtol=1e-12)


def test_smoothing() -> None:
    """Hidden values given all that is seen: forwards times backwards."""
    random = np.random.default_rng(1)
    initial, table, emission = np.array([0.3, 0.7]), flip(0.2), random_rows(random, 2, 3)
    seen = random.integers(0, 3, 6)
    model = HiddenMarkovTree(6, initial, table, emission)
    found = tnl.marginals(
        model.network().fix({("observed", k): int(x) for k, x in enumerate(seen)})
    )
    for k in range(6):
        alpha = initial * emission[:, seen[0]]
        for x in seen[1 : k + 1]:
            alpha = (alpha @ table) * emission[:, x]
        beta = np.ones(2)
        for x in seen[:k:-1]:
            beta = table @ (emission[:, x] * beta)
        np.testing.assert_allclose(found["hidden", k], alpha * beta / (alpha @ beta), rtol=1e-12)


def test_a_root_may_be_any_node_of_a_reversible_tree() -> None:
    """Symmetric channels and a flat start: the likelihood does not depend on the root."""
    tree = nx.random_labeled_tree(9, seed=4)
    seen = np.random.default_rng(0).integers(0, 2, (5, 9))
    found = [
        HiddenMarkovTree(tree, [0.5, 0.5], flip(0.1), flip(0.2), root=root).log_probability(seen)
        for root in tree
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-12)


def test_nothing_seen() -> None:
    model = HiddenMarkovTree(4, [0.5, 0.5], flip(0.1), {})
    assert model.visible == ()
    np.testing.assert_allclose(model.log_probability(np.empty((2, 0))), [0.0, 0.0], atol=1e-14)


def test_a_deep_tree_is_no_recursion() -> None:
    n = 2000
    tree = nx.path_graph(n)
    model = HiddenMarkovTree(tree, [0.5, 0.5], flip(0.1), flip(0.2), root=n // 2)
    seen = np.zeros((1, n), dtype=int)
    chain = HiddenMarkovTree(n, [0.5, 0.5], flip(0.1), flip(0.2))
    np.testing.assert_allclose(model.log_probability(seen), chain.log_probability(seen), rtol=1e-12)


PATH = nx.path_graph(3)
HALF, EMIT = [0.5, 0.5], flip(0.2)
# name -> arguments, options, what the message must say
TREES: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "cycle": ((nx.cycle_graph(3), HALF, TABLE, EMIT), {}, "3 nodes and 3 edges is no tree"),
    "two parts": ((nx.empty_graph(2), HALF, TABLE, EMIT), {}, "2 nodes and 0 edges is no tree"),
    "empty": ((nx.Graph(), HALF, TABLE, EMIT), {}, "0 nodes"),
    "two parents": ((nx.DiGraph([(0, 2), (1, 2)]), HALF, TABLE, EMIT), {}, "parents to children"),
    "root": ((PATH, HALF, TABLE, EMIT), {"root": 7}, "7 cannot be the root: it is no node"),
    "root of arrows": ((nx.DiGraph([(0, 1)]), HALF, TABLE, EMIT), {"root": 1}, "start at 0"),
    "root of a chain": ((3, HALF, TABLE, EMIT), {"root": 1}, "root of a chain is 0, not 1"),
    "length": ((0, HALF, TABLE, EMIT), {}, "length of the chain is 0"),
    "transition": (
        (PATH, HALF, [[0.5, 0.5], [0.1, 0.8]], EMIT),
        {},
        r"row 1 of the transition 0 -> 1 sums to 0\.9",
    ),
    "missing": ((PATH, HALF, {(0, 1): TABLE}, EMIT), {}, r"arrow \(1, 2\) has no transition"),
    "backwards": (
        (PATH, HALF, {(1, 0): TABLE, (1, 2): TABLE}, EMIT),
        {},
        r"\(1, 0\), which is no arrow",
    ),
    "emission": (
        (PATH, HALF, TABLE, {1: [[1, 0], [0.5, 0.4]]}),
        {},
        r"row 1 of the emission of 1 sums to 0\.9",
    ),
    "rows": ((PATH, HALF, TABLE, np.eye(3)), {}, r"emission of 0 has shape \(3, 3\); it needs 2"),
    "rows of one for all": (
        (PATH, HALF, WIDE, {}),
        {},
        r"1 -> 2 has shape \(2, 3\); it needs 3 rows",
    ),
    "nobody": ((PATH, HALF, TABLE, {9: EMIT}), {}, "emission for 9, which is no node"),
}


@pytest.mark.parametrize(("arguments", "options", "message"), TREES.values(), ids=TREES)
def test_mistakes_in_trees(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        HiddenMarkovTree(*arguments, **options)


def test_states_that_are_not_seen() -> None:
    model = HiddenMarkovTree(2, HALF, TABLE, EMIT)
    with pytest.raises(ModelError, match=r"site \('observed', 1\) at 2; its values are 0 to 1"):
        model.log_probability([[0, 2]])
    with pytest.raises(DataTypeError, match="length of the chain is 'long'"):
        HiddenMarkovTree("long", HALF, TABLE, EMIT)  # type: ignore[arg-type]
