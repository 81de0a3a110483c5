"""Networks as functions of their open indices: building, changing, joining, spelling them.

Values come from `reference`, so nothing here needs a backend.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from random import Random
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import reference
from random_networks import random_case
from tnlearn.errors import DataTypeError, NetworkError, TnlearnError
from tnlearn.network import Tensor, TensorNetwork, as_network
from tnlearn.network.builders import chain, grid, on_graph, tree
from tnlearn.network.spelling import from_einsum, from_interleaved, from_ncon, from_spelling

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]
Builder: TypeAlias = Callable[[], object]

A = np.arange(1.0, 7.0).reshape(2, 3)
B = np.arange(-4.0, 8.0).reshape(3, 4)
C = np.array([[2.0, -1.0], [0.0, 3.0]])
SEEDS = range(0, 200, 5)


def value(network: TensorNetwork) -> Array:
    """The function a network is, entry by entry."""
    terms = [
        (dict(np.ndenumerate(np.conj(t.data) if t.conj else t.data)), t.indices) for t in network
    ]
    entries = reference.contract(terms, network.sizes, network.output, reference.Algebra())
    array = np.zeros(network.shape, complex)
    for at, entry in entries.items():
        array[at] = entry
    return array


def matrices() -> TensorNetwork:
    return TensorNetwork([Tensor(A, "ij", "A"), Tensor(B, "jk", "B")], "ik")


def network_of(seed: int) -> TensorNetwork:
    """A small random network, no two of whose tensors share a parameter."""
    case = random_case(seed)
    terms = tuple(replace(term, owner=k) for k, term in enumerate(case.terms[:4]))
    kept = {index for term in terms for index in term.indices}
    output = "".join(index for index in case.output if index in kept)
    return replace(case, terms=terms, output=output).network()


# Tensors


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_data_are_held_read_only_and_not_copied(dtype: str) -> None:
    data = np.ones((2, 3), dtype)
    tensor = Tensor(data, "ij")
    assert np.shares_memory(tensor.data, data)
    assert tensor.data.dtype == data.dtype
    assert data.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        tensor.data[0, 0] = 2


@pytest.mark.parametrize("data", [2, True, [1, 2], np.arange(3, dtype="uint8"), [[True], [False]]])
def test_integers_and_booleans_become_float64(data: Any) -> None:
    tensor = Tensor(data, "ij"[: np.ndim(data)])
    assert tensor.dtype == "float64"
    np.testing.assert_array_equal(tensor.data, data)


def test_precision_of_scalars_and_half_floats() -> None:
    assert Tensor(np.float32(2), ()).dtype == "float32"
    assert Tensor(1j, ()).dtype == "complex128"
    assert Tensor(np.ones(2, "float16"), "i").dtype == "float32"


def test_tensors_are_frozen_and_equal_only_to_themselves() -> None:
    tensor = Tensor(A, "ij")
    with pytest.raises(FrozenInstanceError):
        tensor.name = "other"  # type: ignore[misc]
    assert tensor != Tensor(A, "ij")
    assert len({tensor, tensor, Tensor(A, "ij")}) == 2


def test_any_hashable_is_an_index() -> None:
    indices = (("edge", 1), frozenset({1, 2}), None, 3.5)
    network = TensorNetwork([Tensor(np.ones((1, 2, 3, 4)), indices)], indices[::-1])
    assert network.shape == (4, 3, 2, 1)


BAD: dict[str, tuple[Builder, type[Exception], str]] = {
    "rank": (lambda: Tensor(A, "ijk", "A"), NetworkError, r"'A'.*\(2, 3\).*2 axes.*3 indices"),
    "class": (lambda: as_network(TensorNetwork), DataTypeError, "class TensorNetwork: make one"),
    "object array": (lambda: Tensor(np.array([1, None]), "i"), DataTypeError, "object"),
    "beyond int64": (lambda: Tensor([2**70], "i"), DataTypeError, "object"),
    "string": (lambda: Tensor("abc", ()), DataTypeError, "<U3"),
    "ragged": (lambda: Tensor([[1, 2], [3]], "ij", "R"), DataTypeError, "'R'.*equal lengths"),
    "longdouble": (lambda: Tensor(np.ones(2, np.longdouble), "i"), DataTypeError, "astype"),
    "complex logs": (lambda: Tensor([1j], "i", log=True), DataTypeError, "log=True"),
    "sizes": (
        lambda: TensorNetwork([Tensor(A, "ij", "A"), Tensor(np.ones((1, 4)), "jk", "B")]),
        NetworkError,
        "'j' has size 3 on tensor 'A' but size 1 on tensor 'B'.*not broadcast",
    ),
    "sizes on one tensor": (lambda: TensorNetwork([Tensor(A, "ii")]), NetworkError, "2.*3"),
    "output nowhere": (
        lambda: TensorNetwork([Tensor(A, "ij")], "ik"), NetworkError, "'k' is on no .*'i', 'j'"
    ),
    "output twice": (lambda: TensorNetwork([Tensor(A, "ij")], "ii"), NetworkError, "'i'.*twice"),
    "no tensors": (lambda: TensorNetwork([]), NetworkError, "at least one"),
    "names": (
        lambda: TensorNetwork([Tensor(A, "ij", "A"), Tensor(A, "ij", "A")]),
        NetworkError,
        "'A', at positions 0 and 1",
    ),
    "name of a position": (
        lambda: TensorNetwork([Tensor(A, "ij", "1"), Tensor(A, "ij")]), NetworkError, "called '1'"
    ),
    "shapes of a parameter": (
        lambda: TensorNetwork([Tensor(A, "ij", parameter="p"), Tensor(B, "jk", parameter="p")]),
        NetworkError,
        r"parameter 'p'.*\(2, 3\) and \(3, 4\)",
    ),
    "dtypes of a parameter": (
        lambda: TensorNetwork(
            [Tensor(A, "ij", parameter="p"), Tensor(A.astype("float32"), "ij", parameter="p")]
        ),
        NetworkError,
        "float64 and float32",
    ),
    "no such tensor": (lambda: matrices()["C"], NetworkError, "'C'; there are 'A', 'B'"),
    "relabel": (lambda: matrices().relabel({"x": "y"}), NetworkError, "'x' is on no tensor"),
    "relabel sizes": (lambda: matrices().relabel({"i": "k"}), NetworkError, "2.*4"),
    "fix nowhere": (lambda: matrices().fix({"x": 0}), NetworkError, "'x' is on no tensor"),
    "fix beyond": (lambda: matrices().fix({"j": 3}), NetworkError, "'j'.*at 3.*from 0 to 2"),
    "fix below": (lambda: matrices().fix({"j": -1}), NetworkError, "'j'.*at -1"),
    "open twice": (lambda: matrices().open("i"), NetworkError, "twice"),
    "close a summed": (lambda: matrices().close("j"), NetworkError, "'j' is not open"),
    "join names": (lambda: matrices() | matrices(), NetworkError, "two tensors are called 'A'"),
    "join sizes": (
        lambda: TensorNetwork([Tensor(A, "ij")], "i") | TensorNetwork([Tensor(B, "ij")], "i"),
        NetworkError,
        "'i' has size 2.*3",
    ),
    "not a network": (lambda: as_network(A), DataTypeError, "ndarray"),  # type: ignore[arg-type]
    "directed": (lambda: TensorNetwork.from_graph(nx.DiGraph()), NetworkError, "undirected"),
    "no tensor on a node": (
        lambda: TensorNetwork.from_graph(nx.path_graph(2), {0: A[0]}), NetworkError, "node 1 has no"
    ),
    "too few axes": (
        lambda: TensorNetwork.from_graph(nx.path_graph(3), dict.fromkeys(range(3), A[0])),
        NetworkError,
        r"node 1 has 2 edge ends.*1 axes.*\(3,\)",
    ),
    "edge nowhere": (
        lambda: TensorNetwork.from_graph(nx.path_graph(2), {0: C[0], 1: C[0]}, {(0, 5): C}),
        NetworkError,
        r"\(0, 5\).*not in the graph",
    ),
    "neither tensor nor index": (
        lambda: TensorNetwork.from_networkx(nx.MultiGraph([(0, 1)])), NetworkError, "'size'"
    ),
    "axis gone": (lambda: _without_an_axis(matrices()), NetworkError, r"2 axes.*\[0\]"),
    "einsum count": (lambda: from_einsum("ij,jk", [A]), NetworkError, "2 tensors but 1 arrays"),
    "einsum rank": (lambda: from_einsum("ijk", [A]), NetworkError, "'ijk'.*3 indices.*2 axes"),
    "einsum rank dots": (lambda: from_einsum("i...jk", [A]), NetworkError, "3 indices.*2 axes"),
    "einsum sign": (lambda: from_einsum("i1", [A]), NetworkError, "'i1'.*no letter"),
    "einsum output": (lambda: from_einsum("ij->ik", [A]), NetworkError, "'k' is on no tensor"),
    "einsum broadcast": (
        lambda: from_einsum("...,...", [np.ones((2, 3)), np.ones((1, 3))]), NetworkError, "2.*1"
    ),
    "ncon count": (lambda: from_ncon([A, B], [[-1, 1]]), NetworkError, "2 arrays and 1 lists"),
    "ncon zero": (lambda: from_ncon([A], [[0, -1]]), NetworkError, "not 0"),
    "ncon once": (lambda: from_ncon([A], [[1, -1]]), NetworkError, "label 1 appears 1 times.*2"),
    "ncon open twice": (lambda: from_ncon([A, B], [[-1, 1], [1, -1]]), NetworkError, "-1.*2 times"),
    "no spelling": (lambda: from_spelling(3, 4), DataTypeError, "got int, int"),
    "short chain": (lambda: chain(0, 2), NetworkError, "length 0"),
    "short ring": (lambda: chain(2, 2, periodic=True), NetworkError, "ring.*length 2"),
    "bad tree": (lambda: tree(-1, 2), NetworkError, "depth -1"),
    "bad grid": (lambda: grid(2, 3, 2, periodic=True), NetworkError, "torus.*2 x 3"),
}  # fmt: skip


@pytest.mark.parametrize(("build", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input(build: Builder, error: type[Exception], message: str) -> None:
    """What is wrong, where, and the numbers: in an error of ours that is also the built-in one."""
    with pytest.raises(error, match="(?s)" + message) as caught:
        build()
    assert isinstance(caught.value, TnlearnError)


def _without_an_axis(network: TensorNetwork) -> TensorNetwork:
    graph = network.to_networkx()
    graph.remove_edge(("tensor", "A"), ("index", "j"))
    return TensorNetwork.from_networkx(graph)


# Networks


def test_names_sizes_and_shape() -> None:
    network = TensorNetwork([Tensor(A, "ij", "A"), Tensor(B, "jk")], "ki")
    assert network.names == ("A", "1")
    assert network["1"] is network.tensors[1]
    assert network.position("1") == 1
    assert list(network.sizes.items()) == [("i", 2), ("j", 3), ("k", 4)]
    assert network.shape == (4, 2)
    assert [t.indices for t in network] == [("i", "j"), ("j", "k")]
    with pytest.raises(TypeError):
        network.sizes["i"] = 5  # type: ignore[index]


LARGE = 100_000
STEPS: dict[str, Callable[[TensorNetwork], object]] = {
    "relabel": lambda network: network.relabel({k: -k for k in range(1, LARGE)}),
    "fix": lambda network: network.fix(dict.fromkeys(range(LARGE), 0)),
    "select": lambda network: network.select(network.names[::2]),
    "join": lambda network: network.close(0) | network.close(2),
    "norm_squared": lambda network: network.norm_squared(),
    "close": lambda network: network.close(*network.output),
    "to_networkx": lambda network: network.to_networkx(),
}


@pytest.fixture(scope="module")
def large() -> TensorNetwork:
    return TensorNetwork([Tensor(C, (k, k + 1)) for k in range(LARGE)], range(0, LARGE, 2))


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_work_on_large_networks_is_linear(
    step: Callable[[TensorNetwork], object], large: TensorNetwork
) -> None:
    """Seconds for 10^5 tensors; a quadratic step takes longer, and soon for ever."""
    start = time.process_time()
    step(large)
    assert time.process_time() - start < 8


def test_relabel_swaps_and_merges() -> None:
    network = TensorNetwork([Tensor(C, "ij"), Tensor(C, "jk")], "ik")
    swapped = network.relabel({"i": "k", "k": "i"})
    assert swapped.output == ("k", "i")
    np.testing.assert_array_equal(value(swapped), C @ C)
    traced = network.close("k").relabel({"k": "i"})
    np.testing.assert_array_equal(value(traced), np.diag(C @ C))


@pytest.mark.parametrize("seed", SEEDS)
def test_fix_is_a_slice(seed: int) -> None:
    network = network_of(seed)
    open_all = network.with_output(tuple(network.sizes))
    random = Random(seed)
    at = {i: random.randrange(d) for i, d in network.sizes.items() if d and random.random() < 0.5}
    expected = value(open_all)[tuple(at.get(i, slice(None)) for i in network.sizes)]
    fixed = open_all.fix(at)
    assert fixed.output == tuple(i for i in network.sizes if i not in at)
    np.testing.assert_array_equal(value(fixed), expected)


def test_fix_keeps_what_a_tensor_is() -> None:
    network = TensorNetwork(
        [
            Tensor(C, "ij", "x", parameter="p", log=True),
            Tensor(C, "ik", "y", parameter="p", log=True),
            Tensor(C, "ki", "z", parameter="p", log=True),
        ]
    )
    x, y, z = network.fix({"i": 1})
    assert {x.log, y.log, z.log} == {True}
    # Rows of one parameter are still shared; a column is something else.
    assert x.parameter == y.parameter
    assert x.parameter not in (z.parameter, "p", None)


def test_open_close_and_with_output() -> None:
    network = matrices()
    assert network.open("j").output == ("i", "k", "j")
    assert network.close("i").output == ("k",)
    assert network.close("k", "i").output == ()
    assert network.output == ("i", "k")
    np.testing.assert_array_equal(value(network.with_output("ki")), (A @ B).T)
    np.testing.assert_array_equal(value(network.close("i")), (A @ B).sum(axis=0))


def test_select_opens_what_it_cuts() -> None:
    tensors = [Tensor(A, "ij"), Tensor(B, "jk"), Tensor(B, "jl"), Tensor(np.ones(2), "m")]
    part = TensorNetwork(tensors, "lm").select(["2", "1"])
    assert part.names == ("1", "2")
    assert part.output == ("j", "l")
    np.testing.assert_array_equal(value(part), B.sum(axis=1)[:, None] * B)


# Products


def test_join_shares_open_indices() -> None:
    left = TensorNetwork([Tensor(A, "ij", "A")], "ij")
    right = TensorNetwork([Tensor(B, "jk", "B")], "kj")
    assert (left | right).output == ("i", "j", "k")
    np.testing.assert_array_equal(value(left | right), A[:, :, None] * B)


@pytest.mark.parametrize(("left", "right"), [("i", "jk"), ("ij", "k"), ("i", "k")])
def test_join_keeps_summed_indices_private(left: str, right: str) -> None:
    a, b = TensorNetwork([Tensor(A, "ij", "A")], left), TensorNetwork([Tensor(B, "jk", "B")], right)
    expected = np.multiply.outer(value(a), value(b))
    np.testing.assert_array_equal(value(a | b), expected)


def test_join_finds_names_that_are_free() -> None:
    left = TensorNetwork([Tensor(C, ("j", ("j", 1)), "A")])
    right = TensorNetwork([Tensor(C, ("j", ("j", 1)), "B")], "j")
    np.testing.assert_array_equal(value(left | right), C.sum() * C.sum(axis=1))


@pytest.mark.parametrize("seed", SEEDS)
def test_join_is_the_product_of_functions(seed: int) -> None:
    left, right = network_of(seed), network_of(seed + 1)
    right = right.with_output([i for i in right.output if right.sizes[i] == left.sizes.get(i, -1)])
    shared = [i for i in right.output if i in left.output]
    letters = {index: chr(ord("a") + k) for k, index in enumerate({**left.sizes, **right.sizes})}
    joined = left | right
    assert joined.output == tuple(dict.fromkeys([*left.output, *right.output])), shared
    terms = ["".join(letters[i] for i in n.output) for n in (left, right, joined)]
    expected = np.einsum(f"{terms[0]},{terms[1]}->{terms[2]}", value(left), value(right))
    np.testing.assert_array_equal(value(joined), expected)


def test_join_with_anything_else_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        matrices() | 3  # type: ignore[operator]


@pytest.mark.parametrize("seed", SEEDS)
def test_norm_squared(seed: int) -> None:
    network = network_of(seed)
    norm = network.norm_squared()
    assert norm.names == (*network.names, *[f"{name}*" for name in network.names])
    for ket, bra in zip(network.names, norm.names[len(network) :], strict=True):
        assert norm[ket].parameter == norm[bra].parameter is not None
        assert norm[ket].conj != norm[bra].conj
    assert value(norm) == (abs(value(network)) ** 2).round().sum()


# Graphs


def letters_of(graph: nx.Graph[Any]) -> dict[Any, Array]:
    """Every node a different array with an axis of size 2 per edge end."""
    random = Random(0)
    return {
        node: np.reshape([random.randint(-3, 3) for _ in range(2**degree)], (2,) * degree)
        for node, degree in graph.degree
    }


def test_from_graph_on_a_triangle() -> None:
    network = TensorNetwork.from_graph(nx.cycle_graph(3), {0: C, 1: C + 1, 2: C + 2})
    assert network.names == ("0", "1", "2")
    # Edges are (0, 1), (0, 2), (1, 2).
    assert set(network.sizes) == {(0, 1), (0, 2), (1, 2)}
    expected = np.einsum("ab,ac,bc->", C, C + 1, C + 2)  # axes follow graph.edges(node)
    assert value(network) == expected


@pytest.mark.parametrize("flip", [False, True])
def test_from_graph_with_edge_matrices(flip: bool) -> None:
    row, column = np.array([1.0, 2.0]), np.array([-1.0, 5.0])
    edges = {("v", "u"): C.T} if flip else {("u", "v"): C}
    graph = nx.Graph([("u", "v")])
    network = TensorNetwork.from_graph(graph, {"u": row, "v": column}, edges)
    assert value(network) == row @ C @ column
    graph.nodes["u"]["tensor"], graph.nodes["v"]["tensor"] = row, column
    graph.edges["u", "v"]["tensor"] = C
    assert value(TensorNetwork.from_graph(graph)) == row @ C @ column


def test_from_graph_with_a_self_loop_and_parallel_edges() -> None:
    loop = nx.Graph([("u", "u")])
    assert value(TensorNetwork.from_graph(loop, {"u": C})) == np.trace(C)
    with_matrix = TensorNetwork.from_graph(loop, {"u": C}, {("u", "u"): A[:, :2]})
    assert value(with_matrix) == (C * A[:, :2]).sum()
    double = nx.MultiGraph([("u", "v"), ("u", "v")])
    network = TensorNetwork.from_graph(double, {"u": C, "v": C + 1})
    assert set(network.sizes) == {("u", "v", 0), ("u", "v", 1)}
    assert value(network) == (C * (C + 1)).sum()


@pytest.mark.parametrize("nodes", ["uv", (0, 1), ((0, 0), (0, 1))])
@pytest.mark.parametrize("extra", [1, 2])
def test_from_graph_opens_further_axes(nodes: tuple[Any, Any], extra: int) -> None:
    """A matrix product operator: the open axes are new indices, whatever the nodes are called."""
    u, v = nodes
    shape = (2,) * (1 + extra)
    left, right = np.arange(2.0 ** len(shape)).reshape(shape), np.ones(shape)
    network = TensorNetwork.from_graph(nx.Graph([(u, v)]), {u: left, v: right})
    assert len(network.output) == 2 * extra
    assert len(network.sizes) == 2 * extra + 1
    np.testing.assert_array_equal(value(network), np.tensordot(left, right, (0, 0)))


@pytest.mark.parametrize("seed", SEEDS)
def test_networkx_round_trip(seed: int) -> None:
    """Hyperedges, diagonals, scalars and open indices survive."""
    network = random_case(seed).network()
    graph = network.to_networkx()
    assert nx.is_bipartite(graph)
    assert graph.number_of_edges() == sum(len(t.indices) for t in network)
    back = TensorNetwork.from_networkx(graph)
    assert back.tensors == network.tensors
    assert back.output == network.output


def test_networkx_edges_name_the_axes() -> None:
    graph = matrices().to_networkx()
    nx.relabel_nodes(graph, {("index", "j"): ("index", "x")}, copy=False)
    assert TensorNetwork.from_networkx(graph)["B"].indices == ("x", "k")
    assert graph.nodes["index", "k"] == {"bipartite": 1, "size": 4, "open": 1}


# Spellings

EINSUMS: list[tuple[str, list[Array]]] = [
    ("ij,jk->ik", [A, B]),
    ("ij , jk -> ki", [A, B]),
    ("ij,jk", [A, B]),
    ("zj,ja", [A, B]),
    ("Bj,ja", [A, B]),
    ("ii", [C]),
    ("ii->i", [C]),
    ("ij->", [A]),
    (",ij", [np.array(2.0), A]),
    ("...j,jk->...k", [A, B]),
    ("...j,jk", [A, B]),
    ("i...->...i", [A]),
    ("...", [A]),
    ("...,...", [A, A]),
    ("...i,...i->...", [np.arange(12.0).reshape(2, 2, 3), A]),
    ("a...b,b...->...a", [np.arange(12.0).reshape(2, 2, 3), B[:, :2]]),
]


@pytest.mark.parametrize(("equation", "arrays"), EINSUMS, ids=[e for e, _ in EINSUMS])
def test_einsum(equation: str, arrays: list[Array]) -> None:
    network = from_spelling(equation, *arrays)
    np.testing.assert_array_equal(value(network), np.einsum(equation, *arrays))


def test_interleaved() -> None:
    product = A @ B
    np.testing.assert_array_equal(value(from_spelling(A, "ij", B, "jk", "ki")), product.T)
    np.testing.assert_array_equal(value(from_spelling(A, [5, 7], B, [7, 3])), product.T)
    edges = [("u", 1), ("v", 2), ("w", 3)]
    network = from_interleaved([A, edges[:2], B, edges[1:], [edges[0], edges[2]]])
    np.testing.assert_array_equal(value(network), product)


def test_ncon() -> None:
    np.testing.assert_array_equal(value(from_ncon([A, B], [[-2, 1], [1, -1]])), (A @ B).T)
    assert value(from_ncon([A, B, np.ones((4, 2))], [[3, 1], [1, 2], [2, 3]])) == (A @ B).sum()
    assert value(from_ncon([C], [[1, 1]])) == 5


# Builders


def test_chain_and_ring() -> None:
    fill = {0: C[:1], 1: C, 2: C.T}
    network = chain(3, 2, fill=lambda node, shape: np.resize(fill[node], shape))
    assert value(network) == np.resize(C[:1], 2) @ C @ np.resize(C.T, 2)
    ring = chain(4, 3, 2, periodic=True, seed=0)
    assert ring.output == (0, 1, 2, 3)
    assert [t.shape for t in ring] == [(3, 3, 2)] * 4
    assert chain(1, 5).shape == ()


def test_tree_and_grid() -> None:
    binary = tree(3, 2, 5, seed=1)
    assert len(binary) == 15
    assert binary.output == tuple(range(7, 15))
    assert binary.shape == (5,) * 8
    lattice = grid(3, 4, 2, 3, seed=1)
    assert lattice.output == tuple((r, c) for r in range(3) for c in range(4))
    assert lattice[str((1, 1))].shape == (2, 2, 2, 2, 3)
    assert {t.shape for t in grid(3, 3, 2, periodic=True, seed=1)} == {(2,) * 4}


def test_builders_fill_by_seed() -> None:
    same = [on_graph(nx.petersen_graph(), 2, seed=7) for _ in range(2)]
    other = on_graph(nx.petersen_graph(), 2, seed=np.random.default_rng(8))
    first, second, third = (np.array([t.data for t in network]) for network in [*same, other])
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)
    assert abs(np.std(first) - 2**-0.5) < 0.15


def test_as_network_takes_networks_and_models() -> None:
    class Model:
        def network(self) -> TensorNetwork:
            return matrices()

    network = matrices()
    assert as_network(network) is network
    assert as_network(Model()).names == ("A", "B")
