"""What a device does to a program: its memory is what plans keep to, its failures are said clearly.

No device is needed: a library's functions are made to fail in the words of CUDA's own messages.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.backend import Backend, get_backend
from tnlearn.errors import BackendError, MemoryLimitError
from tnlearn.planning.memory import as_bytes
from tnlearn_backends.array_backend.executable import ArrayExecutable
from tnlearn_backends.array_backend.failures import complain
from tnlearn_backends.cupy_backend import CupyBackend

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

NETWORK = tnl.Ising(nx.random_regular_graph(3, 24, seed=0), 0.4, 0.1).network()
ARRAYS = [tensor.data for tensor in NETWORK]


class OutOfMemoryError(MemoryError):
    """In the words of CuPy's."""


MESSAGES: dict[str, tuple[Exception, type[Exception], str]] = {
    "memory": (
        OutOfMemoryError("Out of memory allocating 8,589,934,592 bytes (allocated so far: 0)"),
        MemoryLimitError,
        r"no memory left \(Out of memory allocating 8,589,.*smaller memory_limit",
    ),
    "torch": (
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...\nIf reserved"),
        MemoryLimitError,
        "Tried to allocate 2.00 GiB",
    ),
    "busy": (
        RuntimeError("cudaErrorDevicesUnavailable: CUDA-capable device(s) is/are busy or unavail"),
        BackendError,
        "is busy, another process has it",
    ),
    "lost": (
        RuntimeError("cudaErrorLaunchFailure: unspecified launch failure"),
        BackendError,
        "is lost: start the process again .*launch failure",
    ),
    "gone": (
        RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected"),
        BackendError,
        "is gone",
    ),
    "hardware": (
        RuntimeError("cudaErrorECCUncorrectable: uncorrectable ECC error encountered"),
        BackendError,
        "is lost.*uncorrectable ECC error",
    ),
}


@pytest.mark.parametrize(("error", "kind", "message"), MESSAGES.values(), ids=MESSAGES)
def test_a_failure_of_the_device_is_one_clear_sentence(
    error: Exception, kind: type[Exception], message: str
) -> None:
    def failing(*_: Any) -> Any:
        raise error

    strict: Any = get_backend("strict")
    program = tnl.compile(NETWORK, backend="strict")
    library = replace(strict.library, matmul=failing, name="cupy")
    executable = ArrayExecutable(library, program.instructions, "float64")
    x = executable.pack(ARRAYS, True)
    with pytest.raises(kind, match=f"^the device of cupy .*{message}") as found:
        executable.run(x, range(1))
    assert "\n" not in str(found.value)
    assert found.value.__cause__ is error
    library = replace(library, from_host=failing)
    executable = ArrayExecutable(library, program.instructions, "float64")
    with pytest.raises(kind, match=message):
        executable.pack(ARRAYS, True)


def test_other_errors_stay_what_they_are() -> None:
    for error in (ValueError("out of memory"), RuntimeError("a bug"), KeyError("x")):
        with pytest.raises(type(error)) as found:
            complain("cupy", error)
        assert found.value is error


# Memory


def test_plans_keep_to_what_is_free_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it by default; less is sliced, and what fits in no slices is refused at once."""
    backend = get_backend("strict")
    monkeypatch.setattr(type(backend), "free_bytes", lambda self: 3 * 2**20)
    assert as_bytes(None, "strict") == 2**20
    assert as_bytes(None, "numpy") > 2**20
    assert as_bytes("2 MB", "strict") == 2_000_000
    model = tnl.Ising(nx.random_regular_graph(3, 120, seed=0), 0.4, 0.1)
    plan = tnl.plan(model, backend="strict")
    assert plan.memory_limit == 2**20
    assert plan.cost.slices > 1 == tnl.plan(model).cost.slices
    assert plan.cost.peak_bytes <= 2**20
    with pytest.raises(MemoryLimitError, match=r"memory limit is 1\.0 MiB"):
        tnl.plan(tnl.grid(3, 3, 40, seed=0), backend="strict")
    limits = [plan.memory_limit for plan in tnl.plan(model, backend=["numpy", "strict"])]
    assert limits == [as_bytes(None), 2**20]


def fake_cupy(**memory: int) -> Any:
    """A CuPy of one device, with no arrays."""
    pool = SimpleNamespace(
        free_bytes=lambda: memory.get("cached", 0),
        used_bytes=lambda: memory.get("used", 0),
        get_limit=lambda: memory.get("limit", 0),
    )
    runtime = SimpleNamespace(
        CUDARuntimeError=RuntimeError,
        getDeviceCount=lambda: 1,
        runtimeGetVersion=lambda: 13000,
        memGetInfo=lambda: (memory["free"], 2 * memory["free"]),
    )
    return SimpleNamespace(
        __version__="14.0",
        cuda=SimpleNamespace(runtime=runtime),
        get_default_memory_pool=lambda: pool,
    )


@pytest.mark.parametrize(
    ("memory", "free"),
    [
        ({"free": 1000}, 1000),
        ({"free": 1000, "cached": 500}, 1500),
        ({"free": 1000, "cached": 500, "used": 300, "limit": 400}, 100),
        ({"free": 1000, "limit": 10_000}, 1000),
    ],
)
def test_memory_of_cupy_s_pool(
    memory: dict[str, int], free: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(**memory))
    assert CupyBackend().free_bytes() == free


def test_memory_of_torch_s_default_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of that device, which need not be the first."""
    pytest.importorskip("torch")
    backend, default = get_backend("torch"), SimpleNamespace(type="cuda", index=1)
    cuda = SimpleNamespace(
        mem_get_info=lambda device: (1000 * device.index, 10_000),
        memory_reserved=lambda device: 500 * device.index,
        memory_allocated=lambda device: 200 * device.index,
    )
    torch = SimpleNamespace(cuda=cuda, get_default_device=lambda: default)
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert backend.free_bytes() == 1300


def test_lower_precision_is_asked_for_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(free=1))
    monkeypatch.delenv("CUPY_TF32", raising=False)
    assert CupyBackend().versions == {"cupy": "14.0", "cuda": "13.0"}
    monkeypatch.setenv("CUPY_TF32", "1")
    assert "relative errors of 5e-4" in CupyBackend().versions["float32 products"]


def test_lower_precision_of_torch_is_shown() -> None:
    torch = pytest.importorskip("torch")
    assert list(get_backend("torch").versions) == ["torch"]
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        assert "relative errors of 5e-4" in get_backend("torch").versions["float32 products"]
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False


def test_lower_precision_by_torch_s_new_name_is_shown() -> None:
    """Once it is used, the old name raises."""
    matmul = pytest.importorskip("torch").backends.cuda.matmul
    if not hasattr(matmul, "fp32_precision"):
        pytest.skip("this PyTorch has the old name alone")
    before, matmul.fp32_precision = matmul.fp32_precision, "tf32"
    try:
        assert "relative errors of 5e-4" in get_backend("torch").versions["float32 products"]
    finally:
        matmul.fp32_precision = before


# Transfers


@pytest.fixture
def transfers(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Arrays moved to and from the host, and numbers that were waited for."""
    found: Counter[str] = Counter()
    strict: Any = get_backend("strict")
    library = strict.library

    def counted(name: str) -> Any:
        right = getattr(library, name)

        def moved(array: Any, *more: Any) -> Any:
            found[name] += 1
            found[f"{name} entries"] += int(np.prod(array.shape))
            return right(array, *more)

        return moved

    ways = {name: counted(name) for name in ("from_host", "to_host")}
    monkeypatch.setattr(type(strict), "library", replace(library, **ways))
    for name in ("__bool__", "__float__", "__int__", "__complex__"):
        right = getattr(library.kind, name)

        def looked(self: Any, _right: Any = right) -> Any:
            found["waited"] += 1
            return _right(self)

        monkeypatch.setattr(library.kind, name, looked)
    return found


def test_nothing_is_moved_unasked(transfers: Counter[str]) -> None:
    """Arrays of the device are packed, run and differentiated without a copy to the host."""
    strict: Backend = get_backend("strict")
    there = [strict.asarray(array, "float64") for array in ARRAYS]
    program = tnl.compile(NETWORK, backend="strict")
    program(there)
    transfers.clear()
    x = program.pack(there)
    program.unpack(program.value_and_gradient(x)[1])
    program(x)
    assert transfers["from_host entries"] <= 1  # the cotangent of a closed network, once
    assert transfers["to_host entries"] <= 2 * len(NETWORK)  # powers of two, at the end of a run
    transfers.clear()
    program(x)
    assert transfers["to_host"] <= 1
    assert transfers["waited"] <= 2  # whether all checks held, and nothing on the way


def test_arrays_of_the_host_go_in_one_transfer(transfers: Counter[str]) -> None:
    program = tnl.compile(NETWORK, backend="strict")
    x = program.pack(ARRAYS)
    assert transfers["from_host"] == 1
    assert transfers["from_host entries"] == sum(array.size for array in ARRAYS)
    transfers.clear()
    for _ in range(3):
        program(x)
    assert transfers["from_host"] == 0


# Own kernels: how they are started


def test_a_kernel_is_given_arrays_in_order_and_whole_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What CuPy is given: entries one after another, 64 bits for the size, one tuple each."""
    seen: list[Any] = []

    class Module:
        def __init__(self, code: str, options: tuple[str, ...]) -> None:
            seen.append((code, options))

        def get_function(self, name: str) -> Any:
            return lambda *given: seen.append((name, *given))

    monkeypatch.setitem(
        sys.modules,
        "cupy",
        SimpleNamespace(RawModule=Module, ascontiguousarray=np.ascontiguousarray),
    )
    monkeypatch.delitem(sys.modules, "tnlearn_backends.cupy_backend.launching", raising=False)
    from tnlearn_backends.cupy_backend.launching import build_for_entries as build

    launch = build("source", "name")
    launch(3, 64, [np.arange(6.0).reshape(2, 3).T, 2**40])
    monkeypatch.delitem(sys.modules, "tnlearn_backends.cupy_backend.launching")
    compiled, (name, blocks, threads, (array, size)) = seen
    assert compiled == ("source", ("--std=c++14",))
    assert (name, blocks, threads) == ("name", (3,), (64,))
    assert array.flags.c_contiguous
    assert (type(size), int(size)) == (np.int64, 2**40)
