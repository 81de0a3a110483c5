"""Runs that are recorded and started again as one: the same answers, and memory of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest
import strict_backend
from test_schedules import (
    redone,
    test_batches_and_slices_run_as_scheduled,
    test_ordinary_networks_run_as_scheduled,
    test_what_is_too_far_apart_is_redone,
    test_zeros_run_as_scheduled,
)
from test_schedules_given_up import (
    test_batch_elements_that_add_up_but_are_far_apart,
    test_factors_that_drift_apart,
    test_what_cancellation_leaves_is_kept,
)
from test_values import test_batches, test_random_networks, test_slices, test_threads

import tnlearn as tnl
from law_tables import DTYPES, on_host
from recorded_always import recorded_always
from recorder_shim import Shim
from tnlearn.backend import Backend, get_backend
from tnlearn_backends.array_backend import kinds, recording

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

#: The laws of every backend, on one whose runs are all recorded.
LAWS = (
    redone,
    test_batch_elements_that_add_up_but_are_far_apart,
    test_batches,
    test_batches_and_slices_run_as_scheduled,
    test_factors_that_drift_apart,
    test_ordinary_networks_run_as_scheduled,
    test_random_networks,
    test_slices,
    test_threads,
    test_what_cancellation_leaves_is_kept,
    test_what_is_too_far_apart_is_redone,
    test_zeros_run_as_scheduled,
)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Shim:
    """What the strict library records with."""
    shim = Shim(monkeypatch)
    library = replace(strict_backend.LIBRARY, recorder=shim)
    monkeypatch.setattr(strict_backend, "LIBRARY", library)
    return shim


@pytest.fixture
def backend(recorder: Shim, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """The strict backend, on which every run is recorded."""
    with recorded_always(monkeypatch):
        yield get_backend("strict")


@pytest.fixture
def arrays_of(backend: Backend) -> Backend:
    return backend


class Chain:
    """A ring of 2 x 2 matrices that change from run to run, and what is right about it."""

    def __init__(self, dtype: str = "float64", count: int = 12) -> None:
        self.dtype, self.count = dtype, count
        self.random = np.random.default_rng(0)
        self.network = tnl.TensorNetwork(
            [tnl.Tensor(a, (k, (k + 1) % count), str(k)) for k, a in enumerate(self.arrays())]
        )

    def arrays(self, scale: float = 1.0) -> list[Array]:
        arrays = self.random.uniform(0.5, 1.0, (self.count, 2, 2))
        if self.dtype.startswith("complex"):
            arrays = arrays * np.exp(1j * self.random.uniform(0, 1, arrays.shape))
        return list((scale * arrays).astype(self.dtype))

    def value(self, arrays: list[Array]) -> complex:
        return complex(np.trace(np.linalg.multi_dot([a.astype(complex) for a in arrays])))

    def gradient(self, arrays: list[Array], k: int) -> Array:
        others = [a.astype(complex) for a in arrays[k + 1 :] + arrays[:k]]
        return np.linalg.multi_dot(others).T

    def check(self, program: tnl.Program) -> None:
        """A value, a gradient and a gradient of the logarithm with new arrays."""
        strict, arrays = get_backend("strict"), self.arrays()
        close = {"rtol": 100 * DTYPES[self.dtype]}
        wanted = self.value(arrays)
        np.testing.assert_allclose(on_host(strict, program(arrays)), wanted, **close)
        value, packed = program.value_and_gradient(arrays, np.asarray(3.0, self.dtype))
        np.testing.assert_allclose(on_host(strict, value), wanted, **close)
        log, slope = program.log_value_and_gradient(arrays)
        assert log.log == pytest.approx(math.log(abs(wanted)), abs=100 * DTYPES[self.dtype])
        gradients = zip(program.unpack(packed), program.unpack(slope), strict=True)
        for k, (found, logarithmic) in enumerate(gradients):
            right = self.gradient(arrays, k)
            np.testing.assert_allclose(on_host(strict, found), 3 * right, **close)
            np.testing.assert_allclose(on_host(strict, logarithmic), right / wanted, **close)


@pytest.mark.parametrize("dtype", DTYPES)
def test_recorded_runs_compute_with_what_they_are_given(recorder: Shim, dtype: str) -> None:
    chain = Chain(dtype)
    program = tnl.compile(chain.network, backend="strict", search=one_by_one(chain.count))
    for _ in range(4):
        chain.check(program)
    before = recorder.replays
    for _ in range(4):
        chain.check(program)
    # Of a program without gradients one sweep; of one with them three, for two kinds of cotangents.
    # Where bounds of what is random are rounded to others there are a few more.
    assert 4 <= recorder.records <= 12
    assert recorder.replays >= before + 4 * 4


def one_by_one(count: int) -> list[tuple[int, int]]:
    """The path that takes the first two of `count` tensors, and then each next one."""
    return [(0, 1), *((0, last) for last in range(count - 2, 0, -1))]


def runs(recorder: Shim, program: tnl.Program, arrays: list[Array], count: int = 3) -> list[int]:
    """How many recordings there are after each run."""
    found = []
    for _ in range(count):
        program(arrays)
        found.append(recorder.records)
    return found


def test_the_first_run_is_plain(recorder: Shim) -> None:
    chain = Chain()
    program = tnl.compile(chain.network, backend="strict", search=one_by_one(12))
    assert runs(recorder, program, chain.arrays()) == [0, 1, 1]
    assert recorder.replays == 2


@pytest.mark.parametrize("limit", ["MOST_ENTRIES", "MOST_TERMS"])
def test_only_what_starts_take_longest_is_recorded(
    recorder: Shim, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    few = Chain(count=5)
    program = tnl.compile(few.network, backend="strict", search=one_by_one(5))
    assert runs(recorder, program, few.arrays()) == [0, 0, 0]
    monkeypatch.setattr(recording, limit, 50)
    large = Chain()
    program = tnl.compile(large.network, backend="strict", search=one_by_one(12))
    assert runs(recorder, program, large.arrays()) == [0, 0, 0]


def test_a_large_batch_is_not_recorded(recorder: Shim) -> None:
    """A batch may be of any size, whatever was guessed."""
    tensors = [tnl.Tensor(np.ones((3, 2, 2)), ("b", k, k + 1)) for k in range(12)]
    network = tnl.TensorNetwork(tensors, ("b", 0, 12))
    program = tnl.compile(network, batch="b", backend="strict", search=one_by_one(12))
    for size, recorded in ((recording.MOST_ENTRIES // 16, 0), (20, 1)):
        assert runs(recorder, program, [np.ones((size, 2, 2))] * 12)[-1] == recorded


def test_results_are_the_callers_own(recorder: Shim) -> None:
    """What one run gave is not changed by the next, nor by the caller for the next."""
    tensors = [tnl.Tensor(np.eye(2), (k, k + 1)) for k in range(12)]
    network = tnl.TensorNetwork(tensors, (0, 12))
    program = tnl.compile(network, backend="strict", search=one_by_one(12))
    strict, found = get_backend("strict"), []
    for k in range(1, 6):
        arrays = [np.diag([1.0, float(k)]), *[np.eye(2)] * 11]
        value, packed = program.value_and_gradient(arrays, np.eye(2))
        last = program.unpack(packed)[-1]
        found.append((value, last))
        for result, number in zip(found, range(1, k + 1), strict=True):
            for part in result:
                np.testing.assert_array_equal(on_host(strict, part), np.diag([1, number]))
    assert recorder.records == 2
    for part in found[-1]:
        part[...] = strict.asarray(np.zeros((2, 2)), "float64")
    np.testing.assert_array_equal(on_host(strict, program(arrays)), np.diag([1, 5]))
    np.testing.assert_array_equal(on_host(strict, found[-2][0]), np.diag([1, 4]))


def test_powers_of_two_are_those_of_each_run(recorder: Shim) -> None:
    """Values far beyond a float: in inputs they are another kind, in cotangents they are not."""
    chain = Chain(count=24)
    program = tnl.compile(chain.network, backend="strict", search=one_by_one(24))
    for scale in (1.0, 1e200, 1e-200, 1e200, 1.0, 1e-200, 1.0):
        for _ in range(2):
            arrays = chain.arrays()
            log, slope = program.log_value_and_gradient([scale * a for a in arrays])
            wanted = chain.value(arrays).real
            assert log.log == pytest.approx(math.log(wanted) + 24 * math.log(scale), rel=1e-13)
            found = program.unpack(slope, log=True)[3]
            right = np.log(chain.gradient(arrays, 3).real) - math.log(wanted) - math.log(scale)
            np.testing.assert_allclose(on_host(get_backend("strict"), found.log), right, rtol=1e-12)
    assert 4 <= recorder.records <= 10


def test_a_failure_is_found_after_the_replay(
    recorder: Shim, request: pytest.FixtureRequest
) -> None:
    """Factors that drift apart lose an entry; the same program knew nothing of it before."""
    careful: list[str] = request.getfixturevalue("redone")
    half, small = 40, 1e-15
    fine = [np.diag([1.0, small]) + small] * (2 * half)
    apart = [np.diag([1.0, small])] * half + [np.diag([small, 1.0])] * half
    tensors = [tnl.Tensor(a, (k, (k + 1) % (2 * half))) for k, a in enumerate(fine)]
    network = tnl.TensorNetwork(tensors)
    program = tnl.compile(network, backend="strict", search=one_by_one(2 * half))
    for _ in range(4):
        program.log_value_and_gradient(fine)
    assert recorder.records
    for _ in range(3):
        before = len(careful), recorder.replays
        log, _ = program.log_value_and_gradient(apart)
        assert log.log == pytest.approx(math.log(2) + half * math.log(small), rel=1e-13)
        assert len(careful) > before[0]
    assert recorder.replays > before[1]


@pytest.mark.parametrize("sweep", ["forward", "backward"])
def test_what_cannot_be_recorded_is_run(
    recorder: Shim, monkeypatch: pytest.MonkeyPatch, sweep: str
) -> None:
    """And it is not tried again, by a program without gradients and by one with them."""
    chain, right = Chain(), recorder.record

    def record(function: Any, arrays: list[Any]) -> Any:
        if sweep == "backward" and recorder.records < 2:
            return right(function, arrays)
        recorder.records += 1
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(recorder, "record", record)
    program = tnl.compile(chain.network, backend="strict", search=one_by_one(12))
    for _ in range(5):
        chain.check(program)
    assert recorder.records == (2 if sweep == "forward" else 3)


def looks(xp: Any, array: Any) -> list[Callable[[], Any]]:
    """Ways to the host, and from there."""
    return [
        lambda: bool(xp.all(array > 0)),
        lambda: float(xp.max(array)),
        lambda: int(xp.argmax(array)),
        lambda: strict_backend.LIBRARY.to_host(array),
        lambda: array[array > 0],
        lambda: xp.asarray(2.0),
    ]


def test_the_stand_in_notices_who_looks(recorder: Shim) -> None:
    xp = strict_backend.LIBRARY.xp
    for look in looks(xp, xp.ones((2,))):
        look()
        with recorder.recording(), pytest.raises(RuntimeError, match="not permitted"):
            look()


def test_a_cotangent_may_run_the_program_itself(recorder: Shim) -> None:
    """While the recordings are in use it runs as if there were none."""
    chain = Chain()
    program = tnl.compile(chain.network, backend="strict", search=one_by_one(12))
    strict, one = get_backend("strict"), np.asarray(1.0)
    for _ in range(4):
        arrays, others = chain.arrays(), chain.arrays()
        inner = partial(program.value_and_gradient, others, one)
        value, packed = program.value_and_gradient(arrays, lambda _, inner=inner: inner()[0])
        np.testing.assert_allclose(on_host(strict, value), chain.value(arrays).real, rtol=1e-12)
        wanted = chain.value(others).real * chain.gradient(arrays, 5).real
        np.testing.assert_allclose(on_host(strict, program.unpack(packed)[5]), wanted, rtol=1e-12)
    assert recorder.records == 2


def test_a_cotangent_that_fails_leaves_nothing_behind(recorder: Shim) -> None:
    chain = Chain()
    program = tnl.compile(chain.network, backend="strict", search=one_by_one(12))
    for _ in range(3):
        with pytest.raises(KeyError):
            program.value_and_gradient(chain.arrays(), lambda value: {}[0])
        chain.check(program)


def test_kinds_that_alternate_are_recorded_less_and_less(recorder: Shim) -> None:
    tensors = [tnl.Tensor(np.ones((3, 2, 2)), ("b", k, k + 1)) for k in range(12)]
    network = tnl.TensorNetwork(tensors, ("b", 0, 12))
    program = tnl.compile(network, batch="b", backend="strict", search=one_by_one(12))
    for _ in range(20):
        for size in range(1, 2 * kinds.KINDS):
            arrays = [np.ones((size, 2, 2))] * 12
            for _ in range(2):
                found = on_host(get_backend("strict"), program(arrays))
                np.testing.assert_array_equal(found, np.full((size, 2, 2), 2.0**11))
    assert recorder.records < 20


def test_nothing_is_recorded_on_the_processor() -> None:
    torch = pytest.importorskip("torch")
    library: Any = get_backend("torch").library  # type: ignore[attr-defined]
    assert library.recorder(torch.device("cpu")) is None


def test_a_lattice_is_recorded_with_its_groups(recorder: Shim) -> None:
    model = tnl.Ising(nx.grid_2d_graph(6, 6), 0.4, 0.1).network()
    program = tnl.compile(model, backend="strict")
    plain = tnl.compile(model)
    for beta in (0.5, 1.0, 1.5, 2.0):
        arrays = [beta * np.asarray(tensor.data) for tensor in model]
        log, slope = program.log_value_and_gradient(arrays)
        wanted, slopes = plain.log_value_and_gradient(arrays)
        assert log.log == pytest.approx(wanted.log, rel=1e-12)
        for found, right in zip(program.unpack(slope), plain.unpack(slopes), strict=True):
            np.testing.assert_allclose(on_host(get_backend("strict"), found), right, atol=1e-10)
    assert recorder.records >= 2
