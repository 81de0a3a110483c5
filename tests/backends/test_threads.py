"""Large steps shared among threads: the same bits, whoever takes part."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.backend import one_thread, threads
from tnlearn_backends.numpy_backend.native import helpers

Array = np.ndarray[Any, Any]


def large_steps(dtype: str = "float64") -> tuple[tnl.TensorNetwork, list[Array]]:
    """Products of matrices, by entries and of one long sum, each worth sharing."""
    random = np.random.default_rng(0)
    terms = ("ab", "bc", "cd", "da", "bd")
    arrays = [random.standard_normal((400, 400)).astype(dtype) for _ in terms]
    return tnl.TensorNetwork(map(tnl.Tensor, arrays, terms), "c"), arrays


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_the_same_bits_with_any_number_of_threads(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, arrays = large_steps(dtype)
    program = tnl.compile(network)
    found = []
    for count in (1, 2, 5):
        monkeypatch.setattr(helpers, "_pool", None)
        monkeypatch.setattr(helpers, "threads", lambda count=count: count)
        value, gradient = program.value_and_gradient(arrays, np.ones(400, dtype))
        found.append([value, *program.unpack(gradient)])
    wanted = np.einsum("ab,bc,cd,da,bd->c", *arrays, optimize=True)
    np.testing.assert_allclose(
        found[0][0], wanted, rtol=1e-2 if dtype in ("float32", "complex64") else 1e-9
    )
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_array_equal(one, other)


def test_helpers_really_take_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are run by threads of the pool, unless only one is allowed."""
    network, arrays = large_steps()
    program = tnl.compile(network)
    called: list[int] = []
    helping = helpers._help

    def noticed(*given: Any) -> None:
        called.append(1)
        helping(*given)

    monkeypatch.setattr(helpers, "_help", noticed)
    monkeypatch.setattr(helpers, "_pool", None)
    monkeypatch.setattr(helpers, "threads", lambda: 3)
    for _ in range(20):
        program(arrays)
    assert called
    called.clear()
    monkeypatch.undo()
    monkeypatch.setattr(helpers, "_help", noticed)
    with one_thread():
        program(arrays)
    assert not called


def test_many_callers_share_the_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    network, arrays = large_steps()
    program = tnl.compile(network)
    wanted = program(arrays)
    monkeypatch.setattr(helpers, "_pool", None)
    monkeypatch.setattr(helpers, "threads", lambda: 2)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: program(arrays), range(24)):
            np.testing.assert_array_equal(found, wanted)


def test_slices_are_shared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a slice, in the calling process."""
    network = tnl.Ising(nx.grid_2d_graph(15, 15), beta=0.4).network()
    program = tnl.compile(network, memory_limit=2**18)
    arrays = [tensor.data for tensor in network]
    found = []
    for count in (1, 3):
        monkeypatch.setattr(helpers, "_pool", None)
        monkeypatch.setattr(helpers, "threads", lambda count=count: count)
        found.append(program.log(arrays).log)
    assert found[0] == found[1]


def test_as_many_threads_as_the_environment_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads() == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    cores = threads()
    assert cores >= 1
    for said in ("", "none", "0", "-3"):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert threads() == cores
    with one_thread():
        assert threads() == 1


def _in_child(network: tnl.TensorNetwork, arrays: list[Array], queue: Any) -> None:
    queue.put(tnl.compile(network)(arrays))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_makes_helpers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    network, arrays = large_steps()
    monkeypatch.setattr(helpers, "_pool", None)
    monkeypatch.setattr(helpers, "threads", lambda: 2)
    wanted = tnl.compile(network)(arrays)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(network, arrays, queue))
    child.start()
    np.testing.assert_array_equal(queue.get(timeout=60), wanted)
    child.join()
