"""What CuPy is asked for to record, and cuTENSOR to contract, by modules in their place."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import array_api_compat.numpy
import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("error")

FOLDER = "tnlearn_backends.cupy_backend"


class Device:
    """Arrays of NumPy do not say that they are there, so a test does."""

    done: list[str]  # What streams and memory were asked for, in order.
    allocator: Any = None
    captured: Any = None

    def __init__(self) -> None:
        self.done = []
        self.main, self.streams = Stream(self, "main", 0), 0
        self.current = self.main
        self.cuda = SimpleNamespace(
            get_current_stream=lambda: self.current,
            Stream=self.stream,
            MemoryPool=lambda: SimpleNamespace(malloc=self.malloc),
            using_allocator=self.using,
        )

    def stream(self, non_blocking: bool) -> Stream:
        assert non_blocking
        return Stream(self, "side", 2)

    def malloc(self, size: int) -> object:
        return object()

    @contextmanager
    def using(self, allocator: Any) -> Iterator[None]:
        before, self.allocator = self.allocator, allocator
        yield
        self.allocator = before

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class Stream:
    def __init__(self, device: Device, name: str, ptr: int) -> None:
        self.device, self.name, self.ptr, self.capturing = device, name, ptr, False

    def record(self) -> str:
        return f"all of {self.name}"

    def wait_event(self, event: str) -> None:
        self.device.done.append(f"{self.name} waits for {event}")

    def synchronize(self) -> None:
        self.device.done.append("synchronize")

    def begin_capture(self) -> None:
        self.capturing = True
        self.device.done.append("begin")

    def end_capture(self) -> Any:
        self.capturing = False
        self.device.done.append("end")
        return SimpleNamespace(launch=lambda: self.device.captured())

    def is_capturing(self) -> bool:
        assert self.ptr not in (0, 1)
        return self.capturing

    def __enter__(self) -> None:
        self.before, self.device.current = self.device.current, self

    def __exit__(self, *_: object) -> None:
        self.device.current = self.before


class Placed(np.ndarray):  # type: ignore[type-arg]
    """An array on a `Device`."""

    device: Any = None


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    """The only one of a module in the place of CuPy."""
    found = Device()
    cupy = ModuleType("cupy")
    vars(cupy).update(vars(np), cuda=found.cuda, RawModule=None, __name__="cupy")
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", array_api_compat.numpy)
    monkeypatch.setattr(array_api_compat, "cupy", array_api_compat.numpy, raising=False)
    for name in ("recording", "contracting"):
        monkeypatch.delitem(sys.modules, f"{FOLDER}.{name}", raising=False)
    return found


def test_a_recording_has_a_stream_and_memory_of_its_own(device: Device) -> None:
    recording = importlib.import_module(f"{FOLDER}.recording")
    given, kept = np.arange(3.0).view(Placed), []
    given.device = device
    result = np.zeros(3)

    def function(arrays: list[Any]) -> list[Any]:
        """Records itself, and asks for memory."""
        stream, device.captured = device.current, lambda: np.add(arrays[0], 1, out=result)
        assert stream.name == "side"
        kept.extend(device.allocator(8) for _ in range(3))
        device.done.append("captured" if stream.is_capturing() else "run")
        assert recording.can_record() is not stream.is_capturing()
        return [device.captured()]

    results, replay = recording.record(function, [given])
    assert device.done == [
        "side waits for all of main", "run", "synchronize", "begin", "captured", "end",
    ]  # fmt: skip
    assert device.current is device.main
    assert recording.can_record()
    replay([np.arange(3.0) * 10])
    np.testing.assert_array_equal(results[0], [1, 11, 21])
    # What was asked for while recording is kept as long as the recording can be replayed.
    held = next(c.cell_contents for c in replay.__closure__ if isinstance(c.cell_contents, list))
    assert held == kept[3:]
    device.done.clear()
    recording.mark(device)()
    assert device.done == ["main waits for all of main"]


def test_what_fails_leaves_the_stream(device: Device) -> None:
    recording = importlib.import_module(f"{FOLDER}.recording")
    given = np.arange(3.0).view(Placed)
    given.device = device

    def function(arrays: list[Any]) -> list[Any]:
        if device.current.is_capturing():
            raise NotImplementedError("calling cuBLAS API during stream capture")
        return []

    with pytest.raises(NotImplementedError, match="cuBLAS"):
        recording.record(function, [given])
    assert device.done[-1] == "end"
    assert device.current is device.main


class Tensors(ModuleType):
    """In the place of `cupyx.cutensor`: einsum, and only where entries are all there."""

    fails = False

    def check_availability(self, name: str) -> bool:
        return name == "contraction"

    def contraction(
        self, alpha: float, a: Any, first: Any, b: Any, second: Any, beta: float, c: Any, modes: Any
    ) -> Any:
        if self.fails:
            raise ArithmeticError("not supported")
        assert (alpha, beta) == (1.0, 0.0)
        assert 0 not in (*a.strides, *b.strides)
        c[...] = np.einsum(a, first, b, second, modes)
        return c


def test_what_cutensor_is_asked_for(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors, backends = Tensors("cupyx.cutensor"), ModuleType("cupy_backends.cuda.libs.cutensor")
    vars(backends)["CuTensorError"] = ArithmeticError
    for name in ("cupyx", "cupy_backends", "cupy_backends.cuda", "cupy_backends.cuda.libs"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    vars(sys.modules["cupyx"])["cutensor"] = tensors
    monkeypatch.setitem(sys.modules, backends.__name__, backends)
    contracting = importlib.import_module(f"{FOLDER}.contracting")
    assert contracting.available()
    random = np.random.default_rng(0)
    a = random.normal(size=(2, 3, 4)) + 1j
    b = np.broadcast_to(random.normal(size=(3, 1, 2)) + 0j, (3, 5, 2))
    found = contracting.contract(a, (0, 1, 2), b, (1, 3, 0), (0, 3, 2))
    np.testing.assert_allclose(found, np.einsum("abc,bda->adc", a, b), rtol=1e-13)
    assert found.dtype == np.complex128
    tensors.fails = True
    assert contracting.contract(a, (0, 1, 2), b, (1, 3, 0), (0, 3, 2)) is None


def test_without_cutensor(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy_backends", None)
    assert not importlib.import_module(f"{FOLDER}.contracting").available()
