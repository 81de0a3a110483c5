"""What a backend says of itself, and arrays in and out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from law_tables import DTYPES
from tnlearn.backend import Backend, get_backend, installed

pytestmark = pytest.mark.filterwarnings("error")


def test_name_machine_and_versions(backend: Backend) -> None:
    assert [point.name for point in installed()[backend.name]] == [backend.name]
    assert get_backend(backend.name) is backend
    machine = backend.machine
    assert machine.name
    assert min(machine.flops, machine.bandwidth, machine.latency) > 0
    assert machine.seconds(1e9, 1e9, 100, "float32") < machine.seconds(1e9, 1e9, 100, "float64")
    assert machine.seconds(1e9, 1e9, 100, "float64") > machine.seconds(1e9, 1e9, 10, "float64")
    assert backend.versions
    assert all(name and version for name, version in backend.versions.items())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_arrays_come_back_as_they_went_in(
    backend: Backend, dtype: str, shape: tuple[int, ...]
) -> None:
    random = np.random.default_rng(0)
    given = np.asarray(random.standard_normal(shape) + 1j * random.standard_normal(shape))
    given = (given if dtype.startswith("complex") else given.real).astype(dtype)
    for array in (given, given.T, given[..., ::-1] if shape else given):
        found = backend.to_host(backend.asarray(array, dtype))
        assert isinstance(found, np.ndarray)
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_bit_is_lost(backend: Backend, dtype: str) -> None:
    info = np.finfo(dtype)
    special = [0.0, -0.0, math.nan, math.inf, -math.inf, info.tiny, info.max, info.eps, 1 / 3]
    given = np.array([*special, info.smallest_subnormal], dtype)
    given.flags.writeable = False
    assert backend.to_host(backend.asarray(given, dtype)).tobytes() == given.tobytes()


@pytest.mark.parametrize("given", [[1, 2], [True, False], 3, [[0.5]], np.arange(3, dtype="int8")])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_no_float_is_cast(backend: Backend, given: Any, dtype: str) -> None:
    found = backend.to_host(backend.asarray(given, dtype))
    np.testing.assert_array_equal(found, np.asarray(given, dtype), strict=True)
