"""The families of networks, each built from a seed in several sets of arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import networkx as nx
import numpy as np

import tnlearn as tnl
from benchmarks.instances import Array, Instance, numbered

#: Sets of arrays of an instance, through which every measurement rotates.
SETS = 3
CLASSES = 10


def ising(graph: Callable[[int], nx.Graph[Any]], beta: float, seed: int) -> Instance:
    """The partition function of an Ising model: a matrix exp(beta J s s') on every bond.

    A spin is one index on all its bonds (a hyperedge). Couplings J are drawn around 1, so that
    every set has other entries.

    Parameters
    ----------
    graph : callable
        Gives the graph when called with the seed.
    """
    network = tnl.Ising(graph(seed), beta=beta).network()
    random = np.random.default_rng(seed)
    bonds = [np.asarray(tensor.data) for tensor in network]  # beta s s'
    sets = [[np.exp(bond * random.normal(1.0, 0.1)) for bond in bonds] for _ in range(SETS)]
    return numbered([tensor.indices for tensor in network], sets)


def lattice(length: int) -> Callable[[int], nx.Graph[Any]]:
    """An open square lattice."""
    return lambda seed: nx.grid_2d_graph(length, length)


def regular(degree: int, nodes: int) -> Callable[[int], nx.Graph[Any]]:
    """A random regular graph."""
    return lambda seed: nx.random_regular_graph(degree, nodes, seed=seed)


def complete(nodes: int) -> Callable[[int], nx.Graph[Any]]:
    """Every node a neighbour of every other."""
    return lambda seed: nx.complete_graph(nodes)


def rbm(visible: int, hidden: int, batch: int, seed: int) -> Instance:
    """Partition functions of a restricted Boltzmann machine under a batch of visible biases.

    A unit is one index (bits) on all its tensors: a matrix exp(v W h) for every pair, a vector
    for every bias. The visible biases carry the batch, an index on all of them and in the
    output: the generating function of the machine at many fields, in a form that any einsum
    can express. The machine itself is contracted once for the whole batch.
    """
    random = np.random.default_rng(seed)
    pairs = [(("v", i), ("h", j)) for i in range(visible) for j in range(hidden)]
    terms: list[tuple[Hashable, ...]] = [*pairs, *((("h", j),) for j in range(hidden))]
    terms += [("batch", ("v", i)) for i in range(visible)]
    bits = np.array([0.0, 1.0])
    scale = (visible + hidden) ** -0.5

    def factors() -> list[Array]:
        weights = random.normal(scale=scale, size=len(pairs))
        fields = random.normal(scale=scale, size=(visible, batch))
        return [
            *(np.exp(w * np.outer(bits, bits)) for w in weights),
            *(np.exp(bias * bits) for bias in random.normal(scale=scale, size=hidden)),
            *(np.exp(np.outer(field, bits)) for field in fields),
        ]

    return numbered(terms, [factors() for _ in range(SETS)], ["batch"], "batch")


def bond_grid(length: int, bond: int, seed: int) -> Instance:
    """A closed square lattice of dense tensors: nearly all its time is matrix products."""
    networks = [tnl.grid(length, length, bond, seed=seed + k) for k in range(SETS)]
    return numbered(
        [tensor.indices for tensor in networks[0]],
        [[np.asarray(tensor.data) for tensor in network] for network in networks],
    )


def mps(sites: int, bond: int, batch: int, dtype: str, seed: int) -> Instance:
    """A matrix-product classifier: a core and a feature vector per site, loss over a batch.

    Cores are (left, physical, right), near the identity, as at the start of training; the core
    in the middle has no features but the open index of the classes. Features are (1 - x, x).
    """
    random = np.random.default_rng(seed)
    middle = sites // 2
    cores = [
        (("bond", k), ("site", k), ("bond", k + 1))[k == 0 : 2 + (k < sites)]
        for k in range(sites + 1)
    ]
    features = [k for k in range(sites + 1) if k != middle]
    terms = [*cores, *(("batch", ("site", k)) for k in features)]

    def arrays() -> list[Array]:
        sizes = [CLASSES if k == middle else 2 for k in range(sites + 1)]
        whole = [_near_identity(random, bond, size) for size in sizes]
        whole[0], whole[-1] = whole[0][0], whole[-1][..., 0]
        return [a.astype(dtype) for a in (*whole, *_features(random, sites, batch))]

    sets = [arrays() for _ in range(SETS)]
    return _classifier(terms, sets, ("site", middle), random)


def ttn(depth: int, bond: int, batch: int, dtype: str, seed: int) -> Instance:
    """A binary-tree classifier: feature vectors on the leaves, the classes open at the root."""
    random = np.random.default_rng(seed)
    leaves = 2**depth
    inner = range(1, leaves)  # Node k has the children 2k and 2k + 1; leaves come last.
    terms: list[tuple[Hashable, ...]] = [(k, 2 * k, 2 * k + 1) for k in inner]
    terms += [("batch", k) for k in range(leaves, 2 * leaves)]

    def size(node: int) -> int:
        return CLASSES if node == 1 else 2 if node >= leaves else bond

    def core(node: int) -> Array:
        # Features add up to 1. Near a tree of averages, scores are of order 1 at any depth.
        shape = (size(node), size(2 * node), size(2 * node + 1))
        count = 1 if 2 * node >= leaves else bond**2
        return random.normal(1.0, 0.5, size=shape) / count

    def arrays() -> list[Array]:
        cores = [core(node) for node in inner]
        return [a.astype(dtype) for a in (*cores, *_features(random, leaves, batch))]

    return _classifier(terms, [arrays() for _ in range(SETS)], 1, random)


def circuit(rows: int, columns: int, depth: int, seed: int) -> Instance:
    """The amplitude <0|U|0> of a random circuit in the manner of Sycamore, complex128.

    In every layer each qubit gets a random square root of X, Y or W = (X + Y) / sqrt(2), as a
    tensor of its own, and the pairs of one of four patterns a random fSim gate.
    """
    qubits = [(r, c) for r in range(rows) for c in range(columns)]
    kinds = [layer % 4 for layer in range(depth)]
    terms: list[tuple[Hashable, ...]] = []
    sets: list[list[Array]] = []
    for number in range(SETS):
        terms, arrays = _amplitude(qubits, kinds, np.random.default_rng([seed, number]))
        sets.append(arrays)
    return numbered(terms, sets)


def sycamore(cycles: int, seed: int) -> Instance:
    """The amplitude <0|U|0> of a circuit like Sycamore's (Arute et al. 2019), complex128.

    53 qubits on a square lattice that lacks a corner, its pairs coupled in the order ABCDCDAB;
    gates as in `circuit`. One set of arrays.
    """
    qubits = [(r, c) for r in range(6) for c in range(9) if (r, c) != (0, 0)]
    kinds = [(0, 1, 2, 3, 2, 3, 0, 1)[cycle % 8] for cycle in range(cycles)]
    terms, arrays = _amplitude(qubits, kinds, np.random.default_rng(seed))
    return numbered(terms, [arrays])


def ising_batch(length: int, batch: int, beta: float, seed: int) -> Instance:
    """Partition functions of many small Ising models at once, couplings of their own for each."""
    network = tnl.Ising(nx.grid_2d_graph(length, length), beta=beta).network()
    random = np.random.default_rng(seed)
    bonds = [np.asarray(tensor.data) for tensor in network]
    shape = (batch, 1, 1)
    sets = [
        [np.exp(bond * random.normal(1.0, 0.1, size=shape)) for bond in bonds]
        for _ in range(SETS if batch <= 1000 else 1)
    ]
    terms = [("batch", *tensor.indices) for tensor in network]
    return numbered(terms, sets, ["batch"], "batch")


def _amplitude(
    qubits: Sequence[tuple[int, int]], kinds: Sequence[int], random: np.random.Generator
) -> tuple[list[tuple[Hashable, ...]], list[Array]]:
    time = dict.fromkeys(qubits, 0)
    zero = np.array([1, 0], complex)
    terms: list[tuple[Hashable, ...]] = [((q, 0),) for q in qubits]
    arrays = [zero] * len(qubits)

    def apply(gate: Array, *on: tuple[int, int]) -> None:
        before = [(q, time[q]) for q in on]
        time.update({q: time[q] + 1 for q in on})
        terms.append((*((q, time[q]) for q in on), *before))
        arrays.append(gate)

    for kind in kinds:
        for q in qubits:
            apply(_square_root(random), q)
        for pair in _pattern(qubits, kind):
            apply(_fsim(random), *pair)
    terms += [((q, time[q]),) for q in qubits]
    return terms, arrays + [zero] * len(qubits)


def _pattern(
    qubits: Sequence[tuple[int, int]], kind: int
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Neighbours that one of the four kinds of layer couples: no qubit twice."""
    down, odd = divmod(kind, 2)
    there = set(qubits)
    return [
        ((r, c), (r + down, c + 1 - down))
        for r, c in qubits
        if (r + down, c + 1 - down) in there and (r if down else c) % 2 == odd
    ]


def _square_root(random: np.random.Generator) -> Array:
    x, y = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]])
    pauli = (x, y, (x + y) / np.sqrt(2))[random.integers(3)]
    return np.asarray((np.eye(2) - 1j * pauli) / np.sqrt(2))


def _fsim(random: np.random.Generator) -> Array:
    """fSim(theta, phi) as (out, out, in, in)."""
    theta, phi = random.uniform(0, np.pi, size=2)
    gate = np.diag([1, np.cos(theta), np.cos(theta), np.exp(-1j * phi)])
    gate[1, 2] = gate[2, 1] = -1j * np.sin(theta)
    return np.reshape(gate, (2, 2, 2, 2))


def _classifier(
    terms: Sequence[tuple[Hashable, ...]],
    sets: list[list[Array]],
    classes: Hashable,
    random: np.random.Generator,
) -> Instance:
    data = [k for k, term in enumerate(terms) if term[0] == "batch"]
    batch = len(sets[0][data[0]])
    target = np.eye(CLASSES, dtype=sets[0][0].dtype)[random.integers(CLASSES, size=batch)]
    return numbered(terms, sets, ["batch", classes], "batch", data, target)


def _features(random: np.random.Generator, sites: int, batch: int) -> list[Array]:
    """(1 - x, x) of random pixels, an array of shape (batch, 2) per site."""
    pixels = random.random((sites, batch))
    return list(np.stack([1 - pixels, pixels], axis=-1))


def _near_identity(random: np.random.Generator, bond: int, physical: int) -> Array:
    noise = random.normal(scale=0.1 * bond**-0.5, size=(bond, physical, bond))
    return np.asarray(np.eye(bond)[:, None] + noise)
