"""Own kernels for batches of small networks, run on the processor: the NumPy backend's answers.

The source is compiled by g++ and its threads run in a loop; where there is nvcc, it is compiled for
devices as well.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from kernel_shim import builder, compiled_for_devices
from law_tables import DTYPES
from tnlearn.backend import Backend, get_backend
from tnlearn_backends.array_backend.backend import ArrayBackend
from tnlearn_backends.cupy_backend import CupyBackend, registers
from tnlearn_backends.cupy_backend.meetings import Meetings
from tnlearn_backends.cupy_backend.small_networks import SmallNetworks
from tnlearn_backends.cupy_backend.task import THREADS

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++"),
]

Array: TypeAlias = np.ndarray[Any, Any]
Starts: TypeAlias = list[tuple[int, int]]
BATCH = 300


@pytest.fixture
def backend() -> Backend:
    return get_backend("strict")


#: Where tensors are -> up to how many products they may be in registers.
PLACES = {"registers": registers.PRODUCTS, "shared memory": 0}


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def starts(
    request: pytest.FixtureRequest,
    backend: Backend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Starts:
    """Starts of kernels, which every program of the backend with a batch now has."""
    monkeypatch.setattr(registers, "PRODUCTS", request.param)
    found: Starts = []
    build = builder(tmp_path, found)
    assert isinstance(backend, ArrayBackend)

    def compiled(self: Any, instructions: Any, dtype: str, _algebra: Any = None) -> SmallNetworks:
        return SmallNetworks(self.library, instructions, dtype, build)

    monkeypatch.setattr(type(backend), "compile", compiled)
    monkeypatch.setattr(type(backend), "machine", CupyBackend.shipped)
    return found


def batched(
    network: tnl.TensorNetwork, dtype: str, scale: float = 1.0, axis: int = 0, batch: int = BATCH
) -> tnl.TensorNetwork:
    """A network with random entries of some order, a batch along an axis of every tensor."""
    random = np.random.default_rng(0)
    tensors = []
    for number, tensor in enumerate(network):
        at = min(axis, len(tensor.shape))
        shape = (*tensor.shape[:at], batch, *tensor.shape[at:])
        data = random.normal(size=shape)
        if dtype.startswith("complex"):
            data = data + 1j * random.normal(size=shape)
        indices = (*tensor.indices[:at], "batch", *tensor.indices[at:])
        tensors.append(tnl.Tensor((data * scale).astype(dtype), indices, str(number)))
    return tnl.TensorNetwork(tensors, (*network.output, "batch"))


def lattice(length: int) -> tnl.TensorNetwork:
    return tnl.Ising(nx.grid_2d_graph(length, length), field=0.1).network()


def logs(network: tnl.TensorNetwork, backend: str) -> tuple[Array, Array]:
    program = tnl.compile(network, batch="batch", backend=backend)
    value = program.log([tensor.data for tensor in network])
    found = get_backend(backend).log_to_host(value)
    return np.asarray(found.phase), np.asarray(found.log)


NETWORKS: dict[str, Callable[[], tnl.TensorNetwork]] = {
    "a lattice": lambda: lattice(4),
    "a lattice with open spins": lambda: lattice(3).open((0, 0), (2, 1)),
    "a hyperedge and a diagonal": lambda: tnl.TensorNetwork(
        [tnl.Tensor(np.ones((2, 3, 3)), "abb"), tnl.Tensor(np.ones((3, 2)), "bc"),
         tnl.Tensor(np.ones((2, 2)), "ca"), tnl.Tensor(np.ones(2), "a")],
        "a",
    ),
    "one tensor": lambda: tnl.TensorNetwork([tnl.Tensor(np.ones((2, 3)), "ab")], "b"),
    "a chain": lambda: tnl.chain(30, 4, seed=0),
}  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("dtype", ["float64", "complex64"])
def test_one_launch_gives_the_answers_of_numpy(
    backend: Backend,
    starts: Starts,
    network: Callable[[], tnl.TensorNetwork],
    dtype: str,
) -> None:
    net = batched(network(), dtype, axis=("complex64",).count(dtype))
    phase, log = logs(net, backend.name)
    assert [threads for _, threads in starts] == [THREADS]
    wanted_phase, wanted = logs(net, "numpy")
    big = wanted > wanted.max() - 5  # Terms cancel to rounding in some.
    tolerance = 1e3 * DTYPES[dtype]
    np.testing.assert_allclose(log[big], wanted[big], rtol=0, atol=tolerance)
    np.testing.assert_allclose(phase[big], wanted_phase[big], rtol=0, atol=tolerance)


def gradients(
    network: tnl.TensorNetwork, arrays: Sequence[Array], backend: str, weight: Array
) -> list[Array]:
    """The value and the gradient by every array."""
    program = tnl.compile(network, batch="batch", backend=backend)
    value, gradient = program.value_and_gradient(arrays, weight)
    own = get_backend(backend)
    return [own.to_host(one) for one in (value, *program.unpack(gradient))]


TRAINED: dict[str, Callable[[], tnl.TensorNetwork]] = {
    **NETWORKS,
    "two that share, one of them conjugated": lambda: tnl.TensorNetwork(
        [tnl.Tensor(np.ones((2, 3)), "ab", parameter="A"),
         tnl.Tensor(np.ones((2, 3)), "cb", parameter="A", conj=True),
         tnl.Tensor(np.ones((2, 3)), "ad"), tnl.Tensor(np.ones((2, 3)), "cd")],
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("network", TRAINED.values(), ids=TRAINED)
@pytest.mark.parametrize("dtype", DTYPES)
def test_another_launch_gives_the_gradient(
    backend: Backend, starts: Starts, network: Callable[[], tnl.TensorNetwork], dtype: str
) -> None:
    net = batched(network(), dtype, axis=("float64", "complex64").count(dtype))
    shape = [BATCH if i == "batch" else net.sizes[i] for i in net.output]
    weight = np.random.default_rng(1).normal(size=shape).astype(dtype)
    arrays = [np.asarray(tensor.data) for tensor in net]
    found = gradients(net, arrays, backend.name, weight)
    assert len(starts) == 2
    wanted = gradients(net, arrays, "numpy", weight)
    scale = gradients(net, [abs(array) for array in arrays], "numpy", abs(weight))
    for one, right, size in zip(found, wanted, scale, strict=True):
        assert (abs(one - right) <= 30 * DTYPES[dtype] * abs(size)).all()
    assert len(starts) == 2


def test_threads_wait_for_what_others_write(
    backend: Backend, starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without their meetings the same kernel is wrong: the ones there are, are needed."""
    net = batched(lattice(4), "float64")
    wanted = logs(net, "numpy")[1]
    np.testing.assert_allclose(logs(net, backend.name)[1], wanted, rtol=1e-9)
    monkeypatch.setattr(registers, "PRODUCTS", 0)
    monkeypatch.setattr(Meetings, "before", lambda self, reads, writes: ())
    assert not np.allclose(logs(net, backend.name)[1], wanted, rtol=1e-3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_values_no_float_holds(backend: Backend, starts: Starts, dtype: str, scale: float) -> None:
    net = batched(lattice(4), dtype, scale)
    _, log = logs(net, backend.name)
    assert len(starts) == 1
    wanted = logs(net, "numpy")[1]
    big = wanted > wanted.max() - 5
    np.testing.assert_allclose(
        log[big], wanted[big], rtol=3e-6 if "32" in dtype or "64" in dtype[7:] else 1e-12
    )
    assert abs(wanted).max() > 1000


def test_entries_too_far_apart_are_computed_with_care(backend: Backend, starts: Starts) -> None:
    """tr[diag(1, 1e-200)^2 diag(1e-200, 1)^2] = 2e-400, in one batch element of many."""
    tiny, large = np.diag([1.0, 1e-200]), np.diag([1e-200, 1.0])
    arrays = [np.stack([np.eye(2)] * (BATCH - 1) + [m]) for m in (tiny, tiny, large, large)]
    tensors = [tnl.Tensor(a, ("batch", k, (k + 1) % 4)) for k, a in enumerate(arrays)]
    _, log = logs(tnl.TensorNetwork(tensors, ("batch",)), backend.name)
    np.testing.assert_allclose(log, [np.log(2)] * (BATCH - 1) + [np.log(2) - 400 * np.log(10)])


def test_zeros(backend: Backend, starts: Starts) -> None:
    """Tensors of zeros in some of the batch elements, and zeros between others."""
    net = batched(lattice(3), "float64")
    arrays = [np.array(tensor.data) for tensor in net]
    arrays[0][:7] = 0
    arrays[1][:, 0, :] = 0
    program = tnl.compile(net, batch="batch", backend=backend.name)
    found = backend.to_host(program(arrays))
    wanted = tnl.compile(net, batch="batch")(arrays)
    assert len(starts) == 1
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12 * abs(wanted).max())
    assert (found[:7] == 0).all()


def test_tensors_that_all_share(backend: Backend, starts: Starts) -> None:
    """A field for every batch element, couplings once for all."""
    random = np.random.default_rng(0)
    fields = [tnl.Tensor(random.random((BATCH, 2)), ("batch", k)) for k in range(5)]
    bonds = [tnl.Tensor(random.random((2, 2)), (k, (k + 1) % 5)) for k in range(5)]
    net = tnl.TensorNetwork([*fields, *bonds], ("batch",))
    _, log = logs(net, backend.name)
    assert len(starts) == 1
    np.testing.assert_allclose(log, logs(net, "numpy")[1], rtol=1e-12)


def test_batches_of_other_sizes(backend: Backend, starts: Starts) -> None:
    """Another size takes the same kernel, a small one runs as other programs do."""
    net = batched(lattice(3), "float64")
    program, wanted = (tnl.compile(net, batch="batch", backend=b) for b in (backend.name, "numpy"))
    for size in (1000, 257, 5, 0):
        arrays = [np.resize(t.data, (size, *t.shape[1:])) for t in net]
        found = backend.to_host(program(arrays))
        np.testing.assert_allclose(found, wanted(arrays), rtol=1e-9)
    assert len(starts) == 2


def test_sums_over_nothing(backend: Backend, starts: Starts) -> None:
    pair = [tnl.Tensor(np.ones((BATCH, 0)), ("batch", "a"), name) for name in "xy"]
    _, log = logs(tnl.TensorNetwork(pair, ("batch",)), backend.name)
    assert np.isneginf(log).all()
    assert not starts


def test_large_ones_are_left_to_the_library(backend: Backend, starts: Starts) -> None:
    """A program whose tensors are too much for a thread, and one that is mostly shared."""
    big = batched(tnl.grid(3, 3, 8, seed=0), "float64", batch=260)
    logs(big, backend.name)
    shared = [tnl.Tensor(np.ones((2, 2)), (k, k + 1)) for k in range(40)]
    end = tnl.Tensor(np.ones((BATCH, 2)), ("batch", 0))
    logs(tnl.TensorNetwork([*shared, end], ("batch", 40)), backend.name)
    assert not starts


def test_gradients_of_values_no_float_holds(backend: Backend, starts: Starts) -> None:
    """Of a logarithm: scaled on the way, forwards and back."""
    net = batched(tnl.chain(60, 3, seed=0), "float64", 1e-40)
    arrays = [np.asarray(tensor.data) for tensor in net]
    found = []
    for name in (backend.name, "numpy"):
        program = tnl.compile(net, batch="batch", backend=name)
        value, slope = program.log_value_and_gradient(arrays, lambda log: np.ones(BATCH))
        parts = [value, *program.unpack(slope, log=True)]
        found.append([get_backend(name).log_to_host(part) for part in parts])
    assert len(starts) == 2
    assert found[1][0].log.max() < -5000
    for one, right in zip(*found, strict=True):
        big = right.log > np.max(right.log) - 5  # Terms cancel to rounding in some.
        np.testing.assert_allclose(one.log[big], right.log[big], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(one.phase[big], right.phase[big])


def test_gradients_that_might_lose_an_entry(backend: Backend, starts: Starts) -> None:
    """They are computed again, with the cotangent that was asked for once."""
    entries = np.array([1.0, 1e-200]), np.array([1e-200, 1.0])
    arrays = [np.stack([np.diag(e)] * BATCH) for e in (*entries, *entries)]
    net = tnl.TensorNetwork(
        [tnl.Tensor(a, ("batch", k, (k + 1) % 4)) for k, a in enumerate(arrays)], ("batch",)
    )
    asked = []

    def weight(value: Any) -> Any:
        asked.append(value)
        return np.ones(BATCH)

    program = tnl.compile(net, batch="batch", backend=backend.name)
    _, slope = program.log_value_and_gradient(arrays, weight)
    assert len(asked) == 1
    # log Z = log(2 * 1e-400): every entry on a diagonal has a share of 1/2.
    for array, part in zip(arrays, program.unpack(slope, log=True), strict=True):
        found = get_backend(backend.name).log_to_host(part)
        share = found.phase[:, [0, 1], [0, 1]] * np.exp(
            found.log[:, [0, 1], [0, 1]] + np.log(array[:, [0, 1], [0, 1]])
        )
        np.testing.assert_allclose(share, 0.5)


def test_gradients_that_are_summed_over_the_batch(backend: Backend, starts: Starts) -> None:
    """Of couplings once for all; where they are constants, nothing is summed."""
    random = np.random.default_rng(0)
    fields = [tnl.Tensor(random.random((BATCH, 2)), ("batch", k), f"f{k}") for k in range(5)]
    bonds = [tnl.Tensor(random.random((2, 2)), (k, (k + 1) % 5), f"b{k}") for k in range(5)]
    net = tnl.TensorNetwork([*fields, *bonds], ("batch",))
    arrays = [np.asarray(tensor.data) for tensor in net]
    for constants, launches in ((), 0), ([f"b{k}" for k in range(5)], 2):
        found = []
        for name in (backend.name, "numpy"):
            options = {"batch": "batch", "constants": constants, "backend": name}
            program = tnl.compile(net, **options)
            value, gradient = program.value_and_gradient(arrays, np.ones(BATCH))
            parts = [part for part in program.unpack(gradient) if part is not None]
            found.append([get_backend(name).to_host(part) for part in (value, *parts)])
        assert len(starts) == launches
        for one, right in zip(*found, strict=True):
            np.testing.assert_allclose(one, right, rtol=1e-12)


KERNELS: dict[str, tuple[int, bool]] = {
    "registers": (registers.PRODUCTS, False),
    "shared memory": (0, False),
    "gradient": (0, True),
}


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="there is no nvcc")
@pytest.mark.parametrize(("products", "with_gradient"), KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_devices_take_the_source(
    dtype: str,
    products: int,
    with_gradient: bool,
    backend: Backend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = batched(lattice(4), dtype)
    sources: list[str] = []
    on_host = builder(tmp_path, [])

    def build(source: str, name: str) -> Any:
        sources.append(source)
        return on_host(source, name)

    def compiled(self: Any, instructions: Any, dtype: str, _algebra: Any = None) -> SmallNetworks:
        return SmallNetworks(self.library, instructions, dtype, build)

    monkeypatch.setattr(registers, "PRODUCTS", products)
    monkeypatch.setattr(type(backend), "compile", compiled)
    program = tnl.compile(net, batch="batch", backend=backend.name)
    arrays = [tensor.data for tensor in net]
    if with_gradient:
        program.value_and_gradient(arrays, np.ones(BATCH, dtype))
    else:
        program(arrays)
    assert len(sources) == 1 + with_gradient
    said = compiled_for_devices(sources[-1], tmp_path)
    assert "tnlearn_program" in said
    if not dtype.startswith("complex"):
        assert " 0 bytes spill stores" in said
