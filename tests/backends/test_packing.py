"""Packing by one call that reads the headers of all arrays, and by looking at them one by one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import DataError, DataTypeError
from tnlearn_backends.numpy_backend.native import objects

DTYPES = ("float32", "float64", "complex64", "complex128")


def network(dtype: str) -> tnl.TensorNetwork:
    random = np.random.default_rng(7)
    shapes = {"ab": (2, 3), "bcd": (3, 1, 4), "d": (4,), "": ()}
    return tnl.TensorNetwork(
        [
            tnl.Tensor(random.normal(size=shape).astype(dtype), tuple(term))
            for term, shape in shapes.items()
        ],
        output=("a", "c"),
    )


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers may not be read: every array is looked at."""
    monkeypatch.setattr(objects, "known", lambda: False)


def collects(program: tnl.Program, arrays: Any) -> bool:
    return program._executable.collect(arrays, True) is not None


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_short_way_is_taken_and_gives_the_same(
    dtype: str, request: pytest.FixtureRequest
) -> None:
    net = network(dtype)
    arrays = [tensor.data for tensor in net]
    program = tnl.compile(net)
    assert collects(program, arrays)
    assert collects(program, tuple(arrays))
    found = program(arrays)
    request.getfixturevalue("unknown")
    other = tnl.compile(net)
    assert not collects(other, arrays)
    np.testing.assert_array_equal(found, other(arrays))


class Named(np.ndarray[Any, Any]):
    """A subclass, whose arithmetic might be anything."""


#: What is done to the first array, and whether it is still taken without a look at it.
CHANGES: dict[str, tuple[Callable[[np.ndarray[Any, Any]], Any], bool]] = {
    "read-only": (lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape), True),
    "unaligned": (
        lambda x: np.frombuffer(b"x" + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
        True,
    ),
    "every second": (lambda x: np.repeat(x, 2, axis=0)[::2], False),
    "by columns": (np.asfortranarray, False),
    "backwards": (lambda x: np.flip(np.flip(x).copy()), False),
    "broadcast": (lambda x: np.broadcast_to(x[:1], x.shape), False),
    "a subclass": (lambda x: x.view(Named), False),
    "other bytes first": (lambda x: x.astype(x.dtype.newbyteorder()), False),
    "single": (lambda x: x.astype("float32"), False),
    "integers": (lambda x: np.arange(6).reshape(2, 3), False),
    "lists": (lambda x: x.tolist(), False),
}


@pytest.mark.parametrize(("change", "short"), CHANGES.values(), ids=CHANGES)
def test_arrays_of_every_kind(change: Callable[[Any], Any], short: bool) -> None:
    net = network("float64")
    arrays = [tensor.data for tensor in net]
    arrays[0] = change(arrays[0])
    program = tnl.compile(net)
    assert collects(program, arrays) == short
    assert not collects(program, arrays[:-1])
    plain = [np.array(array, "float64") for array in arrays]
    np.testing.assert_array_equal(program(arrays), program(plain))


REFUSED: dict[str, tuple[Any, type[Exception]]] = {
    "transposed": (np.ones((3, 2)), DataError),
    "an axis more": (np.ones((2, 3, 1)), DataError),
    "an axis less": (np.ones(6), DataError),
    "nan": (np.full((2, 3), np.nan), DataError),
    "complex": (np.ones((2, 3), complex), DataTypeError),
    "objects": (np.full((2, 3), None), DataTypeError),
    "a number": (1.0, DataError),
    "nothing": (None, DataTypeError),
}


@pytest.mark.parametrize(("array", "error"), REFUSED.values(), ids=REFUSED)
def test_refusals_are_those_of_the_long_way(array: Any, error: type[Exception]) -> None:
    net = network("float64")
    arrays = [tensor.data for tensor in net]
    program = tnl.compile(net)
    assert not collects(program, [array, *arrays[1:]])
    with pytest.raises(error, match="tensor '0'"):
        program.pack([array, *arrays[1:]])


def test_batches_of_every_size() -> None:
    net = tnl.TensorNetwork(
        [tnl.Tensor(np.ones((5, 2)), ("n", "a")), tnl.Tensor(np.ones((2, 3)), ("a", "b"))],
        output=("n",),
    )
    program = tnl.compile(net, batch="n")
    second = np.arange(6.0).reshape(2, 3)
    for size in (1, 4, 9):
        first = np.random.default_rng(size).normal(size=(size, 2))
        assert collects(program, [first, second])
        np.testing.assert_allclose(program([first, second]), (first @ second).sum(1))
    assert program([np.ones((0, 2)), second]).shape == (0,)
    assert not collects(program, [1.0, second])


def test_headers_lie_as_they_are_read() -> None:
    """Else every array is looked at: right, but several times slower."""
    plain = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()
    assert objects.known() or not plain


@pytest.mark.parametrize("word", ["DATA", "RANK", "DTYPE"])
def test_headers_that_lie_elsewhere_are_not_read(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, word, 6)  # That is who owns the entries.
    assert not objects.known.__wrapped__()
