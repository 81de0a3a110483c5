"""Batches of small networks on the processor: one number of many batch elements in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from law_tables import DTYPES
from laws import SEEDS, assert_answers, cotangent, exact_gradient, exact_value, regrown
from random_networks import random_case
from tnlearn.backend import get_backend, one_thread
from tnlearn_backends.numpy_backend.lanes import program, writing
from tnlearn_backends.numpy_backend.lanes.program import Lanes
from tnlearn_backends.numpy_backend.native import program as native

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]
#: Whether every run over lanes lost nothing.
Runs: TypeAlias = list[bool]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs over lanes, those that might have lost a number marked."""
    found: Runs = []
    run = Lanes.run

    def noted(self: Lanes, *given: Any) -> bool:
        found.append(run(self, *given))
        return found[-1]

    monkeypatch.setattr(Lanes, "run", noted)
    monkeypatch.setattr(native, "WORTH_WRITING", 0)
    return found


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever can be written out is, for batches of any size."""
    monkeypatch.setattr(native, "row_length", lambda _dtype: 1)
    monkeypatch.setattr(writing, "TERMS_EACH", 0.0)
    monkeypatch.setattr(writing, "IN_PRODUCTS", 1.0)


def on_tape(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing is run over lanes."""
    monkeypatch.setattr(native, "WORTH_WRITING", np.inf)


def batched(
    network: tnl.TensorNetwork, dtype: str, batch: int, scale: float = 1.0, axis: int = 0
) -> tnl.TensorNetwork:
    """A network with random entries of some order, a batch along an axis of every tensor."""
    random = np.random.default_rng(0)
    tensors = []
    for number, tensor in enumerate(network):
        at = min(axis, len(tensor.shape))
        data = random.normal(size=(*tensor.shape[:at], batch, *tensor.shape[at:]))
        if dtype.startswith("complex"):
            data = data + 1j * random.normal(size=data.shape)
        indices = (*tensor.indices[:at], "batch", *tensor.indices[at:])
        tensors.append(tnl.Tensor((data * scale).astype(dtype), indices, str(number)))
    return tnl.TensorNetwork(tensors, (*network.output, "batch"))


def lattice(length: int) -> tnl.TensorNetwork:
    return tnl.Ising(nx.grid_2d_graph(length, length), field=0.1).network()


def answers(network: tnl.TensorNetwork, arrays: Sequence[Array]) -> list[Array]:
    """The value, and the gradient for some cotangent."""
    made = tnl.compile(network, batch="batch")
    weight = np.random.default_rng(1).normal(size=np.shape(made(arrays))).astype(made.dtype)
    value, gradient = made.value_and_gradient(arrays, weight)
    return [np.asarray(made(arrays)), value, *made.unpack(gradient)]


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("size", [1, 2, 5])
def test_answers_are_exact(runs: Runs, size: int) -> None:
    """Hyperedges, diagonals, conjugates, tensors without the batch, several outputs."""
    backend, seen = get_backend("numpy"), 0
    for seed in SEEDS:
        case = random_case(seed)
        if not case.output or 0 in case.sizes.values():
            continue
        batch = Random(seed).choice(case.output)
        grown = regrown(case, batch, size)
        made = tnl.compile(grown.network(), batch=batch)
        before = len(runs)
        wanted = exact_value(grown), exact_gradient(grown)
        assert_answers(backend, made, grown.arrays(), cotangent(grown), *wanted, grown)
        seen += len(runs) > before
    assert seen > 10
    assert all(runs)


NETWORKS: dict[str, Callable[[], tnl.TensorNetwork]] = {
    "a lattice": lambda: lattice(4),
    "a lattice with open spins": lambda: lattice(3).open((0, 0), (2, 1)),
    "a grid": lambda: tnl.grid(3, 3, 2, seed=0),
}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [256, 300, 1000])
def test_the_answers_of_a_tape(
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
    network: Callable[[], tnl.TensorNetwork],
    dtype: str,
    batch: int,
) -> None:
    """Full blocks and others, the batch in front and behind."""
    net = batched(network(), dtype, batch, axis=batch % 3)
    arrays = [np.asarray(tensor.data) for tensor in net]
    found = answers(net, arrays)
    assert len(runs) >= 2
    assert all(runs)
    on_tape(monkeypatch)
    wanted = answers(net, arrays)
    scale = answers(net, [abs(array) for array in arrays])
    for one, right, size in zip(found, wanted, scale, strict=True):
        # What cancels is a rounding of the terms, which may be larger than with a weight's sign.
        assert (abs(one - right) <= 100 * DTYPES[dtype] * np.max(abs(size))).all()


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_might_be_lost_is_computed_otherwise(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, dtype: str, scale: float
) -> None:
    """Values beyond a float, of entries that are not."""
    net = batched(lattice(5), dtype, 300, scale**2 if dtype == "float64" else scale)
    arrays = [np.asarray(tensor.data) for tensor in net]
    made = tnl.compile(net, batch="batch")
    log, slope = made.log_value_and_gradient(arrays, lambda log: np.ones(300))
    assert not all(runs)
    assert abs(log.log).max() > 600
    on_tape(monkeypatch)
    other = tnl.compile(net, batch="batch")
    wanted, right = other.log_value_and_gradient(arrays, lambda log: np.ones(300))
    np.testing.assert_array_equal(log.log, wanted.log)
    for one, two in zip(made.unpack(slope, log=True), other.unpack(right, log=True), strict=True):
        np.testing.assert_array_equal(one.log, two.log)


@pytest.mark.usefixtures("always")
def test_one_number_that_is_lost_is_seen(runs: Runs) -> None:
    """In one batch element of many: tr[diag(1, 1e-140)^2 diag(1e-140, 1)^2] = 2e-280."""
    tiny, large = np.diag([1.0, 1e-140]), np.diag([1e-140, 1.0])
    arrays = [np.stack([np.eye(2)] * 300 + [m]) for m in (tiny, tiny, large, large)]
    ring = [tnl.Tensor(a, ("batch", k, (k + 1) % 4)) for k, a in enumerate(arrays)]
    net = tnl.TensorNetwork(ring, ("batch",))
    asked = []

    def weight(log: tnl.LogValue) -> Array:
        asked.append(log)
        return np.ones(301)

    made = tnl.compile(net, batch="batch")
    log, _ = made.log_value_and_gradient([tensor.data for tensor in net], weight)
    assert runs
    assert not any(runs)
    assert len(asked) == 1
    np.testing.assert_allclose(log.log, [np.log(2)] * 300 + [np.log(2) - 280 * np.log(10)])


def test_a_cotangent_that_is_asked_for_is_asked_for_once(runs: Runs) -> None:
    """The value is fine over lanes, its gradient is not."""
    net = batched(lattice(3), "float64", 300)
    asked = []

    def weight(value: Array) -> Array:
        asked.append(value)
        return 1e-200 * np.where(np.arange(300) == 7, 1e200, 1.0)

    made = tnl.compile(net, batch="batch")
    arrays = [np.asarray(tensor.data) for tensor in net]
    _, gradient = made.value_and_gradient(arrays, weight)
    assert len(asked) == 1
    assert runs[0]
    _, ones = made.value_and_gradient(arrays, np.ones(300))
    for one, other in zip(made.unpack(gradient), made.unpack(ones), strict=True):
        factor = np.where(np.arange(300) == 7, 1.0, 1e-200).reshape(-1, 1, 1)
        np.testing.assert_allclose(one, (other.reshape(300, -1, 1) * factor).reshape(other.shape))


def test_zeros(runs: Runs) -> None:
    """They are no small numbers: in some batch elements, and at some entries of all."""
    net = batched(lattice(4), "float64", 300)
    arrays = [np.array(tensor.data) for tensor in net]
    arrays[0][:7] = 0
    arrays[1][:, 0, :] = 0
    value, *_ = answers(net, arrays)
    assert runs
    assert all(runs)
    assert (value[:7] == 0).all()
    assert (value[7:] != 0).all()


def test_the_same_bits_with_any_number_of_threads(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = batched(lattice(4), "float64", 2000)
    arrays = [np.asarray(tensor.data) for tensor in net]
    monkeypatch.setattr(program, "WORTH_CALLING", 0.0)
    found = []
    for count in (1, 2, 5):
        monkeypatch.setattr(program, "threads", lambda count=count: count)
        found.append(answers(net, arrays))
    with one_thread():
        found.append(answers(net, arrays))
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one, other)
    assert runs


def test_it_is_written_when_that_is_worth_it(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some thousand batch elements, in however many runs."""
    monkeypatch.setattr(native, "WORTH_WRITING", 1000)
    net = batched(lattice(4), "float64", 300)
    made = tnl.compile(net, batch="batch")
    x = made.pack([tensor.data for tensor in net])
    found = []
    for _ in range(6):
        found.append(made(x))
        np.testing.assert_allclose(found[-1], found[0], rtol=1e-9, atol=1e-9)
    assert len(runs) == 3


def test_what_is_better_on_a_tape_is_left_there(runs: Runs) -> None:
    """Products of matrices, sums over the batch, small batches, and where there is little to do."""
    for net in (
        batched(tnl.grid(3, 3, 16, seed=0), "float64", 300),
        batched(lattice(3), "float64", 50),
        batched(tnl.chain(20, 4, seed=0), "float64", 300),
    ):
        answers(net, [np.asarray(tensor.data) for tensor in net])
    assert not runs
    shared = [*lattice(3)]
    fields = [tnl.Tensor(np.ones((300, 2)), ("batch", site)) for site in [(0, 0), (1, 1)]]
    net = tnl.TensorNetwork([*shared, *fields], ("batch",))
    made = tnl.compile(net, batch="batch")
    made.value_and_gradient([tensor.data for tensor in net], np.ones(300))
    assert len(runs) <= 1, "the gradient of what all share is a sum"


def test_second_derivatives(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their sums have terms without any axis but the batch."""
    net = batched(lattice(4), "float64", 300)
    arrays = [np.asarray(tensor.data) for tensor in net]
    along = [np.random.default_rng(1).normal(size=array.shape) for array in arrays]
    found = []
    for way in (lambda: None, lambda: on_tape(monkeypatch)):
        way()
        made = tnl.compile(net, batch="batch")
        value, product = made.hvp(arrays, along, np.ones(300))
        found.append([value, *made.unpack(product)])
    assert runs
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-10 * abs(other).max())
