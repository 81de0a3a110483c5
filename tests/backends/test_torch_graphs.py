"""PyTorch's recordings, on the processor: every operation done again on the same memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from test_schedules import (  # noqa: E402
    redone,
    test_batches_and_slices_run_as_scheduled,
    test_ordinary_networks_run_as_scheduled,
    test_what_is_too_far_apart_is_redone,
    test_zeros_run_as_scheduled,
)
from test_values import test_batches, test_random_networks, test_slices  # noqa: E402

import tnlearn as tnl  # noqa: E402
from graphs_shim import Graph, Stream, install  # noqa: E402
from recorded_always import recorded_always  # noqa: E402
from tnlearn.backend import Backend, get_backend  # noqa: E402
from tnlearn_backends.torch_backend.recording import record  # noqa: E402

pytestmark = pytest.mark.filterwarnings("error")

#: The laws of every backend, on one whose runs are all recorded.
LAWS = (
    redone,
    test_batches,
    test_batches_and_slices_run_as_scheduled,
    test_ordinary_networks_run_as_scheduled,
    test_random_networks,
    test_slices,
    test_what_is_too_far_apart_is_redone,
    test_zeros_run_as_scheduled,
)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """PyTorch's, on which every run is recorded."""
    install(monkeypatch)
    with recorded_always(monkeypatch):
        yield get_backend("torch")


@pytest.fixture
def arrays_of(backend: Backend) -> Backend:
    return backend


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_a_lattice_again_and_again(backend: Backend, dtype: str) -> None:
    """Groups, measurements, gradients: nothing of them fails to be recorded."""
    model = tnl.Ising(nx.grid_2d_graph(5, 5), 0.4, 0.1).network()
    arrays = [np.exp(np.asarray(tensor.data)).astype(dtype) for tensor in model]
    network = tnl.TensorNetwork(
        [tnl.Tensor(a, t.indices, t.name) for a, t in zip(arrays, model, strict=True)]
    )
    program, plain = tnl.compile(network, backend="torch"), tnl.compile(network)
    for k in range(5):
        scaled = [array * np.asarray(1 + 0.1 * k).astype(dtype) for array in arrays]
        log, slope = program.log_value_and_gradient(scaled)
        wanted, slopes = plain.log_value_and_gradient(scaled)
        exact = 1e-4 if dtype in ("float32", "complex64") else 1e-11
        assert log.log == pytest.approx(wanted.log, rel=exact)
        for found, right in zip(program.unpack(slope), plain.unpack(slopes), strict=True):
            np.testing.assert_allclose(backend.to_host(found), right, atol=exact)
    assert Graph.made >= 2
    assert Graph.replays >= 10


def test_recorded_once_and_used_in_inference_mode(backend: Backend) -> None:
    """And the other way round: the memory of recordings may be written to in any mode."""
    tensors = [tnl.Tensor(np.eye(2), (k, k + 1)) for k in range(12)]
    for first in (False, True):
        program = tnl.compile(tnl.TensorNetwork(tensors, (0, 12)), backend="torch")
        for mode in (first, not first, first):
            array = torch.diag(torch.tensor([1.0, 2.0 + mode], dtype=torch.float64))
            with torch.inference_mode(mode):
                found = program([array, *[torch.eye(2, dtype=torch.float64)] * 11])
            np.testing.assert_array_equal(found.numpy(), array.numpy())
    assert Graph.made >= 2


@pytest.mark.parametrize("look", [float, bool, lambda x: x[x > 0], lambda x: x + torch.tensor(1.0)])
def test_what_looks_is_not_recorded(backend: Backend, look: Any) -> None:
    """And the caller's stream is the current one afterwards."""
    before, ones = Stream.current, torch.ones(())
    with pytest.raises(RuntimeError, match="not permitted"):
        record(lambda arrays: [look(arrays[0])], [ones])
    assert Stream.current is before
