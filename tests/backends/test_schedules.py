"""Scheduled runs: that they are taken where they may be, given up where they must, and right.

These are about `tnlearn_backends.array_backend`, on any backend that is built on it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from law_tables import on_host
from tnlearn.backend import Backend
from tnlearn_backends.array_backend.backend import ArrayBackend
from tnlearn_backends.array_backend.careful import Careful

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

ROUNDING = {"float32": 1e-4, "float64": 1e-11, "complex64": 1e-4, "complex128": 1e-11}


@pytest.fixture
def arrays_of(backend: Backend) -> Backend:
    if not isinstance(backend, ArrayBackend):
        pytest.skip(f"{backend.name} has an executor of its own")
    return backend


@pytest.fixture
def redone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were done with care."""
    found: list[str] = []
    for name in ("run", "run_with_gradient"):
        right = getattr(Careful, name)

        def noted(self: Careful, *given: Any, _name: str = name, _right: Any = right) -> Any:
            found.append(_name)
            return _right(self, *given)

        monkeypatch.setattr(Careful, name, noted)
    return found


def lattice(dtype: str, signed: bool, spread: float = 0.0, zeros: float = 0.0) -> tnl.TensorNetwork:
    """A random graph of 40 tensors with entries of order ``10**(+-spread)``, some of them 0."""
    random = np.random.default_rng(0)
    graph = nx.random_regular_graph(3, 40, seed=1)
    arrays = {}
    for node in graph:
        shape = (2,) * 3
        entries = random.standard_normal(shape) + 1j * random.standard_normal(shape)
        entries = entries if dtype.startswith("complex") else entries.real
        entries = entries if signed else abs(entries)
        entries = entries * 10.0 ** random.uniform(-spread, spread, shape)
        arrays[node] = np.where(random.random(shape) < zeros, 0, entries).astype(dtype)
    return tnl.TensorNetwork.from_graph(graph, arrays)


def assert_like_numpy(network: tnl.TensorNetwork, backend: Backend, dtype: str) -> None:
    """Value and gradients of the logarithm; a sum of magnitudes says how far they may be off."""
    wanted, slopes = tnl.log_value_and_gradient(network)
    value, found = tnl.log_value_and_gradient(network, backend=backend.name)
    assert value.log == pytest.approx(wanted.log, abs=ROUNDING[dtype], rel=ROUNDING[dtype])
    for name, slope in slopes.items():
        got = backend.log_to_host(found[name])
        numbers = [v.phase * np.exp(np.minimum(v.log, 700)) for v in (got, slope)]
        scale = abs(numbers[1]).max()
        np.testing.assert_allclose(numbers[0] / scale, numbers[1] / scale, atol=ROUNDING[dtype])


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("dtype", ROUNDING)
def test_ordinary_networks_run_as_scheduled(
    arrays_of: Backend, redone: list[str], dtype: str, signed: bool
) -> None:
    network = lattice(dtype, signed)
    before = len(redone)
    tnl.log_value_and_gradient(network, backend=arrays_of.name)
    assert redone[before:] == []
    assert_like_numpy(network, arrays_of, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_zeros_run_as_scheduled(arrays_of: Backend, redone: list[str], dtype: str) -> None:
    """After a first run that finds them."""
    network = lattice(dtype, signed=True, zeros=0.15)
    program = tnl.compile(network, backend=arrays_of.name)
    x = program.pack([tensor.data for tensor in network])
    program.log_value_and_gradient(x)
    before = len(redone)
    program.log_value_and_gradient(x)
    assert redone[before:] == []
    assert_like_numpy(network, arrays_of, dtype)


@pytest.mark.parametrize(("dtype", "spread"), [("float32", 12), ("float64", 100)])
@pytest.mark.parametrize("zeros", [0.0, 0.1])
def test_what_is_too_far_apart_is_redone(
    arrays_of: Backend, redone: list[str], dtype: str, spread: float, zeros: float
) -> None:
    network = lattice(dtype, signed=True, spread=spread, zeros=zeros)
    tnl.log_contract(network, backend=arrays_of.name)
    assert redone
    assert_like_numpy(network, arrays_of, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batches_and_slices_run_as_scheduled(
    arrays_of: Backend, redone: list[str], dtype: str
) -> None:
    """A chain whose batch elements are 60 decades apart, and its gradient, which sums over them."""
    random = np.random.default_rng(2)
    scales = 10.0 ** np.linspace(-30, 30, 7)
    chain = [random.standard_normal((3, 3)).astype(dtype) for _ in range(20)]
    data = (random.standard_normal((7, 3)) * scales[:, None]).astype(dtype)
    tensors = [tnl.Tensor(a, (k, k + 1), name=f"{k}") for k, a in enumerate(chain)]
    network = tnl.TensorNetwork([tnl.Tensor(data, ("b", 0), name="data"), *tensors], ("b",))
    program = tnl.compile(network, batch="b", constants=["data"], backend=arrays_of.name)
    x = program.pack([data, *chain])
    plain = tnl.compile(network, batch="b", constants=["data"])
    one = np.ones(7, dtype)
    got, slope = program.log_value_and_gradient(x, lambda log: arrays_of.asarray(one, dtype))
    want, slopes = plain.log_value_and_gradient([data, *chain], one)
    found = arrays_of.log_to_host(got)
    np.testing.assert_allclose(found.log, want.log, rtol=ROUNDING[dtype])
    np.testing.assert_array_equal(found.phase, want.phase)
    assert redone == [] or dtype == "float32"
    for a, b in zip(program.unpack(slope)[1:], plain.unpack(slopes)[1:], strict=True):
        scale = abs(b).max()
        np.testing.assert_allclose(
            on_host(arrays_of, a) / scale, b / scale, atol=100 * ROUNDING[dtype]
        )
    plan = replace(tnl.plan(network, batch="b", backend=arrays_of.name), sliced=(3, 9))
    sliced = tnl.compile(network, batch="b", plan=plan, backend=arrays_of.name)
    again = arrays_of.log_to_host(sliced.log([data, *chain]))
    np.testing.assert_allclose(again.log, want.log, rtol=10 * ROUNDING[dtype])


def test_tensors_sent_to_another_process_have_the_same_bits(backend: Backend) -> None:
    """``run(receive(*send(x)))`` is ``run(x)``, to the last bit."""
    for spread in (0.0, 100.0):
        network = lattice("float64", signed=True, spread=spread)
        program = tnl.compile(network, backend=backend.name)
        executable = backend.compile(program.instructions, program.dtype)
        inputs = executable.pack([tensor.data for tensor in network], True)
        header, arrays = executable.send(inputs)
        assert all(isinstance(array, np.ndarray) for array in arrays)
        again = executable.receive(json.loads(json.dumps(header)), arrays)
        logs = [executable.log(executable.run(x, range(1))) for x in (inputs, again)]
        assert (logs[0].phase, logs[0].log) == (logs[1].phase, logs[1].log)
        results = [executable.run(inputs, range(1)), None]
        header, arrays = executable.send(results)
        first, nothing = executable.receive(json.loads(json.dumps(header)), arrays)
        assert nothing is None
        assert executable.log(first).log == logs[0].log
