"""Slices on real executors: the same bits as without one, arrays sent once, workers killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import networkx as nx
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import tnlearn as tnl
from tnlearn.backend import get_backend
from tnlearn.errors import DataTypeError
from tnlearn.execution import slices, worker
from tnlearn.execution.blas import one_blas_thread
from tnlearn.execution.recipe import Recipe, from_text

pytestmark = pytest.mark.filterwarnings("error::UserWarning")

TERMS, SLICED = ["abc", "bcd", "cde", "dea", "eab", "aab"], "abcd"  # 81 slices


def network(kind: str, size: int = 4) -> tnl.TensorNetwork:
    random = np.random.default_rng(0)
    tensors = []
    for k, term in enumerate(TERMS):
        data = random.uniform(-1, 1, (3,) * len(term))
        if kind == "wide":
            data = data * 10.0 ** random.integers(-300, 300, data.shape)
        if kind == "complex64":
            data = (data + 1j * random.uniform(-1, 1, data.shape)).astype("complex64")
        name = "shared" if kind == "shared" and k < 2 else None
        data = tensors[0].data if name and k else data
        log = kind == "log" and k % 2 == 0
        tensors.append(tnl.Tensor(data, term, parameter=name, conj=k == 3, log=log))
    if kind == "batch":
        tensors.append(tnl.Tensor(random.random((size, 3)), "za"))
    return tnl.TensorNetwork(tensors, {"open": "ea", "wide": "e", "batch": "z"}.get(kind, ""))


def compiled(kind: str, executor: Any = None, **options: Any) -> tnl.Program:
    net = network(kind)
    batch = "z" if kind == "batch" else None
    plan = tnl.plan(net, batch=batch)
    numbers = tuple(list(net.sizes).index(index) for index in SLICED)
    plan = replace(plan, sliced=numbers)
    return tnl.compile(net, plan=plan, batch=batch, executor=executor, **options)


def bits(kind: str, executor: Any = None) -> bytes:
    """Value, logarithm and both gradients."""
    program, net = compiled(kind, executor), network(kind, size=5)
    x = program.pack([tensor.data for tensor in net])
    weight = np.random.default_rng(1).uniform(0.5, 1, net.shape)
    log, gradient = program.log_value_and_gradient(x, weight)
    found = [program.log(x), log, *program.unpack(gradient, log=True)]
    if kind != "wide":
        value, gradient = program.value_and_gradient(x, weight)
        plain = [program(x), value, *program.unpack(gradient)]
        found += [tnl.LogValue(array, 0) for array in plain]
    return b"".join(np.asarray(part).tobytes() for v in found for part in (v.phase, v.log))


KINDS = ("float64", "complex64", "shared", "log", "open", "wide", "batch")


@pytest.fixture(scope="module")
def wanted() -> dict[str, bytes]:
    return {kind: bits(kind) for kind in KINDS}


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield pool


@contextmanager
def loky_processes() -> Iterator[Any]:
    loky = pytest.importorskip("loky")
    with loky.ProcessPoolExecutor(2) as pool:
        yield pool


@contextmanager
def dask_client() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@contextmanager
def dask_cluster() -> Iterator[Any]:
    with dask_client() as client:
        yield client.get_executor()


EXECUTORS: dict[str, Callable[[], Any]] = {
    **{f"threads {n}": lambda n=n: ThreadPoolExecutor(n) for n in (1, 2, 4)},
    **{f"processes {n}": lambda n=n: processes(n) for n in (1, 2, 4)},
    "loky": loky_processes,
    "dask": dask_cluster,
}


class Counting:
    """An executor that counts what it is sent."""

    def __init__(self, executor: Any, before: Callable[[int], None] = lambda number: None) -> None:
        self.executor = executor
        self.before = before
        self.sent: list[Any] = []

    def submit(self, function: Any, /, *arguments: Any) -> Any:
        self.sent.extend(arguments)
        self.before(len(self.sent))
        return self.executor.submit(function, *arguments)

    @property
    def loads(self) -> int:
        return sum(task.load is not None for task in self.sent)


@pytest.mark.parametrize("make", EXECUTORS.values(), ids=EXECUTORS)
def test_every_executor_gives_the_same_bits(make: Any, wanted: dict[str, bytes]) -> None:
    with make() as executor:
        for kind in ("open", "wide") if make is dask_cluster else KINDS:
            assert bits(kind, executor) == wanted[kind], kind


def test_one_worker_is_sent_the_arrays_once(wanted: dict[str, bytes]) -> None:
    with processes(1) as pool:
        counting = Counting(pool)
        for _ in range(2):  # the second time they are packed anew, but are the same
            assert bits("float64", counting) == wanted["float64"]
        assert counting.loads == 1
        assert bits("open", counting) == wanted["open"]
        assert counting.loads == 2


def test_two_workers_are_sent_the_arrays_about_once() -> None:
    model = tnl.Ising(nx.grid_2d_graph(8, 8, periodic=True), coupling=1.0, field=0.1, beta=0.4)
    plan = tnl.plan(model, memory_limit=tnl.plan(model).cost.peak_bytes // 8)
    assert plan.cost.slices >= 8
    with processes(2) as pool:
        counting = Counting(pool)
        found = [tnl.log_partition(model, plan=plan, executor=counting) for _ in range(4)]
    assert set(map(float, found)) == {float(tnl.log_partition(model, plan=plan))}
    # A worker that has them may be quicker than the one that asked, which then asks again.
    assert 1 <= counting.loads <= 8
    assert len(counting.sent) >= 4 * 8


def test_threads_are_given_the_arrays_themselves() -> None:
    with ThreadPoolExecutor(2) as pool:
        counting = Counting(pool)
        pool.submit = counting.submit  # type: ignore[method-assign]
        counting.executor = ThreadPoolExecutor(1)
        compiled("float64", pool).log([tensor.data for tensor in network("float64")])
        counting.executor.shutdown()
    assert counting.sent
    assert all(type(argument) is range for argument in counting.sent)


def test_a_killed_process_is_survived(wanted: dict[str, bytes]) -> None:
    with processes(2) as pool:
        first = pool.submit(os.getpid).result()
        done = threading.Event()

        def kill(number: int) -> None:
            if number == 60 and not done.is_set():
                done.set()
                os.kill(first, signal.SIGKILL)

        with pytest.warns(UserWarning, match="cannot be used any more .*computed in this process"):
            assert bits("float64", Counting(pool, kill)) == wanted["float64"]


def test_a_killed_dask_worker_is_survived(wanted: dict[str, bytes]) -> None:
    with dask_client() as client:
        first, *_ = client.run(os.getpid).values()
        done = threading.Event()

        def kill(number: int) -> None:
            if number == 60 and not done.is_set():
                done.set()
                os.kill(first, signal.SIGKILL)

        assert bits("open", Counting(client.get_executor(), kill)) == wanted["open"]
        assert done.is_set()


def test_many_threads_may_call_with_one_executor(wanted: dict[str, bytes]) -> None:
    with processes(2) as pool, ThreadPoolExecutor(3) as callers:
        kinds = ("float64", "log", "open") * 2
        found = list(callers.map(lambda kind: bits(kind, pool), kinds))
    assert found == [wanted[kind] for kind in kinds]


class Inline:
    """Runs tasks in this process, when they are submitted."""

    def submit(self, function: Any, /, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


def unaligned(arrays: Sequence[Any]) -> list[Any]:
    """Read-only, and no entry where a processor would have it."""
    odd = []
    for array in arrays:
        buffer = bytearray(array.nbytes + 64)
        at = -np.frombuffer(buffer, np.uint8).ctypes.data % 64 + 1
        buffer[at : at + array.nbytes] = array.tobytes()
        shifted = np.frombuffer(memoryview(buffer)[at : at + array.nbytes], array.dtype)
        odd.append(shifted.reshape(array.shape))
        odd[-1].flags.writeable = False
    return odd


class Careless(Inline):
    """Puts what it was sent anywhere in memory, as dask does."""

    def submit(self, function: Any, /, *arguments: Any) -> Future[Any]:
        (task,) = arguments
        if task.load:
            load = task.load._replace(arrays=unaligned(task.load.arrays))
            task = task._replace(load=load)
        if task.cotangent:
            header, arrays = task.cotangent
            task = task._replace(cotangent=(header, unaligned(arrays)))
        return super().submit(function, task)


@pytest.mark.parametrize("kind", KINDS)
def test_where_arrays_arrive_in_memory_is_of_no_account(
    kind: str, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, bytes]
) -> None:
    monkeypatch.setattr(worker, "_kept", {})
    assert bits(kind, Careless()) == wanted[kind]


def test_a_worker_refuses_what_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_kept", {})
    monkeypatch.setattr(worker, "available_bytes", lambda _backend: 1)
    program = compiled("float64", Inline())
    arrays = [tensor.data for tensor in network("float64")]
    with pytest.warns(UserWarning, match=r"MemoryLimitError: the plan takes .* 1 B free") as seen:
        found = program.log(arrays)
    assert len(seen) == 1
    assert found.log == compiled("float64").log(arrays).log


def test_a_worker_keeps_few_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_kept", {})
    for kind in (*KINDS, *KINDS):
        compiled(kind, Inline()).log([tensor.data for tensor in network(kind)])
    assert len(worker._kept) == worker.KEPT
    monkeypatch.setattr(worker, "KEPT_BYTES", 0)
    compiled("float64", Inline()).log([tensor.data for tensor in network("float64")])
    assert len(worker._kept) <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_is_the_same_after_a_journey(kind: str) -> None:
    program = compiled(kind)
    recipe: Recipe = program._slices._compiled.recipe
    again = from_text(recipe.text)
    assert again.plan == recipe.plan
    for with_gradient in (False, True):
        assert again.lower(with_gradient) == recipe.lower(with_gradient)
    assert again.text == recipe.text
    assert get_backend(again.backend).name == "numpy"


@pytest.mark.parametrize("question", ["log_contract", "log_partition", "marginals"])
def test_every_question_takes_an_executor(question: str) -> None:
    model = tnl.Ising(nx.grid_2d_graph(6, 6, periodic=True), coupling=1.0, field=0.1, beta=0.4)
    limit = tnl.plan(model).cost.peak_bytes // 2
    ask = getattr(tnl, question)
    with ThreadPoolExecutor(2) as pool:
        counting = Counting(pool)
        found, expected = (ask(model, memory_limit=limit, executor=e) for e in (counting, None))
    assert counting.sent
    if question == "marginals":
        assert all(np.array_equal(found[site], expected[site]) for site in expected)
    else:
        assert getattr(found, "log", found) == getattr(expected, "log", expected)


def test_the_bar_counts_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def bar(work: Any, name: str, wanted: bool, total: int | None = None) -> Any:
        parts = list(work)
        seen.append((name, wanted, total, len(parts)))
        return parts

    monkeypatch.setattr(slices, "progress_bar", bar)
    with ThreadPoolExecutor(2) as pool:
        program = compiled("float64", pool, progress=True)
        program.log([tensor.data for tensor in network("float64")])
    assert seen == [("slices", True, 41, 41)]


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(DataTypeError, match=r"executor=4 has no submit"):
        compiled("float64", 4)


def blas_threads() -> set[int]:
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


def test_linear_algebra_has_one_thread_while_anyone_is_inside() -> None:
    with threadpool_limits(2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("this BLAS cannot have two threads here")
        with one_blas_thread():
            with ThreadPoolExecutor(1) as pool:
                pool.submit(one_blas_thread().__enter__)
                assert blas_threads() == {1}
            with one_blas_thread():
                assert blas_threads() == {1}
            assert blas_threads() == {1}
