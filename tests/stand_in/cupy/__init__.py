"""NumPy with the manners of CuPy 14, for the tests alone: there need be no device for them.

What is the library's own is there as NumPy has it, and nothing is faster or slower. Strict is what
a device would be strict about: arrays never become NumPy's by themselves nor take those of NumPy,
results without axes are arrays, devices cannot be hashed, keywords that CuPy lacks are refused, and
an array is computed with on its own device alone (CuPy would copy, or complain).
`counts` says how often the host was waited for, what was moved, and which kernels were started.
"""

from __future__ import annotations

import operator
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from . import graphs

__version__ = "14.2.0"

#: "waits" of the host for a number, or for how many entries a mask has; "to host" and "to device".
counts: Counter[str] = Counter()

KEYWORDS = {
    *("M", "axes", "axis", "axis1", "axis2", "casting", "copy", "dtype", "full_matrices", "k"),
    *("keepdims", "mode", "offset", "order", "out", "step", "stop"),
}
#: Kernels that are told where the entries of an array are.
STRIDED = ("tnlearn_product",)
#: The processor has one place for the threads of a kernel.
_one_at_a_time = threading.Lock()
_current = [0]


class Device:
    """The current one, or that of a number."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, device: Any = None) -> None:
        self.id = _current[-1] if device is None else int(device)

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    def __enter__(self) -> Device:
        _current.append(self.id)
        return self

    def __exit__(self, *_: object) -> None:
        _current.pop()

    def synchronize(self) -> None:
        counts["waits"] += 1


class ndarray:  # noqa: N801 - CuPy's name
    """An array of NumPy that is kept to itself."""

    def __init__(self, values: Any) -> None:
        self._values, self._device = np.asarray(values), _current[-1]

    def __array__(self, *_: object, **__: object) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Use `.get()`")

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **options: Any) -> Any:
        assert method == "__call__", method
        return _ours(ufunc)(*given, **options)

    def __dlpack__(self, **_: object) -> Any:
        raise BufferError("an array on a device")

    @property
    def device(self) -> Device:
        return Device(self._device)

    @property
    def data(self) -> Any:
        return SimpleNamespace(ptr=self._values.ctypes.data)

    def get(self) -> Any:
        graphs.refuse("a copy to the host")
        counts["to host"] += 1
        return np.array(self._values, order="C")

    def __getitem__(self, key: Any) -> ndarray:
        return _ours(operator.getitem)(self, _looked_at(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        _ours(operator.setitem)(self, _looked_at(key), value)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Any:
        return (self[k] for k in range(len(self)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._values, name)
        if isinstance(found, np.ndarray):
            return _wrapped(found)
        return _ours(getattr(np.ndarray, name), self) if callable(found) else found


def _looked_at(key: Any) -> Any:
    for part in key if isinstance(key, tuple) else (key,):
        if isinstance(part, ndarray) and part.dtype == bool:
            _wait()
    return key


def _wait() -> None:
    graphs.refuse("waiting for the device")
    counts["waits"] += 1


def _bare(given: Any) -> Any:
    """What NumPy is given: an array's values, if it is on the current device."""
    if isinstance(given, list | tuple):
        return type(given)(map(_bare, given))
    if isinstance(given, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if not isinstance(given, ndarray):
        return given
    assert given._device == _current[-1], f"{given.device} is not the current one"
    return given._values


def _wrapped(found: Any) -> Any:
    if isinstance(found, tuple):
        return tuple(map(_wrapped, found))
    return ndarray(found) if isinstance(found, np.ndarray | np.generic) else found


def _ours(function: Any, *first: ndarray) -> Any:
    """A function of NumPy for our arrays."""

    def run(*given: Any, **options: Any) -> Any:
        if not KEYWORDS.issuperset(options):
            raise TypeError(f"{function} got an unexpected keyword in {sorted(options)}")
        bare = _bare((*first, *given))
        _check(function, bare)

        def call() -> Any:
            with np.errstate(all="ignore"):
                return function(*bare, **options)

        found = _wrapped(call())
        graphs.note(call, bare, _bare(found))
        return found

    return run


def _check(function: Any, given: Any) -> None:
    """CuPy multiplies by cuBLAS, and sends the addresses of many arrays that it joins."""
    if function in (operator.matmul, np.matmul, np.dot):
        graphs.refuse("cuBLAS", NotImplementedError)
    if function in (np.concatenate, np.stack) and len(given[0]) > 8:
        graphs.refuse("a copy from the host")


def _binary(name: str) -> None:
    function = _ours(getattr(operator, name))
    dunder = f"__{name.strip('_')}__"
    setattr(ndarray, dunder, lambda a, b: function(a, b))
    if name not in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(ndarray, f"__r{dunder[2:]}", lambda a, b: function(b, a))


def _unary(name: str) -> None:
    function = _ours(getattr(operator, name))
    setattr(ndarray, f"__{name}__", lambda a: function(a))


def _awaited(kind: type) -> None:
    def number(array: ndarray) -> Any:
        _wait()
        return kind(array._values)

    setattr(ndarray, f"__{kind.__name__}__", number)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    _binary(_name)
for _name in ("and_", "or_", "xor", "eq", "ne", "lt", "le", "gt", "ge"):
    _binary(_name)
for _name in ("neg", "abs", "invert"):
    _unary(_name)
for _kind in (bool, int, float, complex):
    _awaited(_kind)


def _module(source: ModuleType, names: dict[str, Any]) -> None:
    for name in dir(source):
        found = getattr(source, name)
        if not name.startswith("_") and not isinstance(found, ModuleType):
            made = isinstance(found, type) or not callable(found)
            names.setdefault(name, found if made else _ours(found))


def array(obj: Any, dtype: Any = None, copy: bool | None = True, order: str = "K") -> ndarray:
    """An array on the current device, of whatever there is."""
    if not isinstance(obj, ndarray):
        graphs.refuse("a copy from the host")
        counts["to device"] += 1
    values = obj._values if isinstance(obj, ndarray) else obj
    made = np.array(values, dtype, copy=copy, order=order)  # type: ignore[call-overload]
    return obj if isinstance(obj, ndarray) and made is values else ndarray(made)


def asarray(a: Any, dtype: Any = None, order: str = "K") -> ndarray:
    there = isinstance(a, ndarray) and a._device == _current[-1]
    return array(a, dtype, None if there else True, order)


def asnumpy(a: Any) -> Any:
    return a.get()


class RawModule:
    """Source of kernels, compiled for the processor."""

    def __init__(self, *, code: str, options: tuple[str, ...] = ()) -> None:
        self._code = code

    def get_function(self, name: str) -> Any:
        from kernel_shim import builder

        with tempfile.TemporaryDirectory() as folder:
            start = builder(Path(folder), [])(self._code, name)

        def kernel(grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...]) -> None:
            counts["kernels"] += 1
            given = []
            for a in args:
                by_value = isinstance(a, np.ndarray) and a.size == 1
                given.append(int(a) if isinstance(a, np.int64) else a if by_value else _bare(a))
                ordered = isinstance(given[-1], int) or given[-1].flags.c_contiguous
                assert ordered or name in STRIDED

            def call() -> None:
                with _one_at_a_time:
                    start(*grid, *block, given)

            call()
            graphs.note(call, (), ())

        return kernel


def get_default_memory_pool() -> Any:
    return SimpleNamespace(free_bytes=lambda: 0, used_bytes=lambda: 0, get_limit=lambda: 0)


runtime = SimpleNamespace(
    CUDARuntimeError=type("CUDARuntimeError", (RuntimeError,), {}),
    getDeviceCount=lambda: 2,
    runtimeGetVersion=lambda: 12090,
    memGetInfo=lambda: (2**34, 2**35),
    getDeviceProperties=lambda device: {"name": b"a stand-in"},
)
cuda, linalg, fft = (ModuleType(f"cupy.{name}") for name in ("cuda", "linalg", "fft"))
vars(cuda).update(Device=Device, runtime=runtime)
for _name in ("Stream", "MemoryPool", "get_current_stream", "using_allocator"):
    vars(cuda)[_name] = getattr(graphs, _name)
_module(np.linalg, vars(linalg))
_module(np.fft, vars(fft))
for _made in (cuda, linalg, fft):
    sys.modules[_made.__name__] = _made
sys.modules["cupy.cuda.device"] = cuda
_module(np, globals())
