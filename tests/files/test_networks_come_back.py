"""Networks come back from a file: names, flags, sharing, and arrays to the last bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import hypothesis.extra.numpy as arrays_of
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

import tnlearn as tnl
from random_networks import random_case
from saved_things import (
    A,
    Elsewhere,
    assert_same_bits,
    assert_same_network,
    back,
    typed,
)
from tnlearn.files import names, save

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

DTYPES = ("float32", "float64", "complex64", "complex128")
HERE = settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

INTEGERS = st.integers() | st.sampled_from([2**63, -(2**200)])
NAMES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | st.text(),
    lambda parts: st.lists(parts, max_size=3).map(tuple) | st.frozensets(parts, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("seed", range(60))
def test_networks_come_back(seed: int, path: Path) -> None:
    network = random_case(seed).network()
    found = back(network, path)
    assert [t.data.shape for t in found] == [t.data.shape for t in network]
    for one, other in zip(found.tensors, network.tensors, strict=True):
        assert_same_bits(one.data, other.data)
        assert (one.indices, one.parameter, one.conj) == (
            other.indices,
            other.parameter,
            other.conj,
        )
    assert (found.output, found.names) == (network.output, network.names)


def test_names_flags_parameters_and_sharing_come_back(path: Path) -> None:
    shared = A + 1j
    network = tnl.TensorNetwork(
        [
            tnl.Tensor(shared, ("i", ("a", 1)), "ket", parameter=("p", frozenset({1, "x"}))),
            tnl.Tensor(shared, ("i", ("a", 1.0)), "bra", parameter=None, conj=True),
            tnl.Tensor(A[0], (None,), log=True),
            tnl.Tensor(A[0], (False,)),
            tnl.Tensor(2.0, (), "scalar"),
        ],
        output=(False, ("a", 1), None),
    )
    found = back(network, path)
    assert_same_network(found, network)
    assert found["ket"].data.base is found["bra"].data.base
    assert [t.name for t in found] == ["ket", "bra", None, None, "scalar"]


def test_shared_data_are_written_once(path: Path) -> None:
    big = np.zeros(10_000)
    save(tnl.TensorNetwork([tnl.Tensor(big, "i") for _ in range(50)]), path)
    assert path.stat().st_size < 1.2 * big.nbytes


def test_views_that_differ_are_not_taken_for_one(path: Path) -> None:
    square, line = np.arange(4.0).reshape(2, 2), np.arange(4.0)
    views = [square, square.T, line, line.view("complex64"), line[:2], line[::2], line[2:]]
    tensors = [tnl.Tensor(a, [(k, i) for i in range(a.ndim)]) for k, a in enumerate(views)]
    for one, other in zip(back(tnl.TensorNetwork(tensors), path), views, strict=True):
        assert_same_bits(one.data, other)


@HERE
@given(NAMES)
def test_names_come_back_as_they_were(name: Any) -> None:
    found = names.decode(json.loads(json.dumps(names.encode(name))))
    assert found == name
    assert typed(found) == typed(name)


@HERE
@given(st.lists(NAMES, unique=True, max_size=5), NAMES)
def test_any_hashable_names_an_index_and_a_parameter(
    tmp_path: Path, indices: list[Any], parameter: Any
) -> None:
    data = np.zeros((1,) * len(indices))
    network = tnl.TensorNetwork([tnl.Tensor(data, indices, parameter=parameter)], indices[::-1])
    assert_same_network(back(network, tmp_path / "net"), network)


def test_one_true_and_one_point_zero_stay_apart(path: Path) -> None:
    tensors = [tnl.Tensor(A[0], (index,)) for index in (1, True, 1.0)]
    found = back(tnl.TensorNetwork(tensors, (1.0,)), path)
    assert [repr(t.indices[0]) for t in found] == ["1", "True", "1.0"]
    assert repr(found.output) == "(1.0,)"


def test_sets_are_written_in_one_order() -> None:
    encoded = [names.encode(frozenset(order)) for order in ("abc0123", "3210cba")]
    assert encoded[0] == encoded[1] == {"frozenset": sorted("abc0123")}


def layouts(array: Array) -> Iterator[Array]:
    yield array
    yield np.array(array, order="F")
    yield array.astype(array.dtype.newbyteorder())
    strided = np.repeat(array, 2, axis=-1)[..., ::2] if array.ndim else array
    yield strided[::-1] if array.ndim else strided
    fixed = array.copy()
    fixed.flags.writeable = False
    yield fixed


@HERE
@given(
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, min_side=0))
    )
)
def test_arrays_come_back_to_the_last_bit(tmp_path: Path, array: Array) -> None:
    indices = range(array.ndim)
    for held in layouts(array):
        found = back(tnl.TensorNetwork([tnl.Tensor(held, indices)]), tmp_path / "net")
        assert_same_bits(found.tensors[0].data, held)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,) * 64, (0, 2**30), (3, 0, 2)])
def test_shapes_at_the_edge_come_back(dtype: str, shape: tuple[int, ...], path: Path) -> None:
    data = np.full(shape, np.nan, dtype)
    found = back(tnl.TensorNetwork([tnl.Tensor(data, range(len(shape)))]), path)
    assert_same_bits(found.tensors[0].data, data)


def test_arrays_of_other_libraries_come_back_as_numpy(path: Path) -> None:
    network = tnl.TensorNetwork([tnl.Tensor(Elsewhere(A), "ij")])
    found = back(network, path).tensors[0].data
    assert isinstance(found, np.ndarray)
    assert_same_bits(found, A)


def test_the_safetensors_library_reads_the_arrays(path: Path) -> None:
    save(tnl.TensorNetwork([tnl.Tensor(A, "ij"), tnl.Tensor(A[0] * 1j, "j")]), path)
    with safe_open(path, framework="np") as file:
        np.testing.assert_array_equal(file.get_tensor("0"), A)
        pairs = file.get_tensor("1")
        assert json.loads(file.metadata()["complex"]) == {"1": [3]}
    np.testing.assert_array_equal(pairs.reshape(3, 2)[:, 1], A[0])
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0, "arrays should be aligned"
