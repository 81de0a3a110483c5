"""Own kernels for products and joins, on the processor: NumPy's answers, wherever entries lie.

Where there is nvcc, they are compiled for devices as well.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel_shim import builder, compiled_for_devices
from law_tables import DTYPES
from tnlearn_backends.cupy_backend import recordable
from tnlearn_backends.cupy_backend.recordable import Recordable

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++"),
]

Array: TypeAlias = np.ndarray[Any, Any]
Starts: TypeAlias = list[tuple[int, int]]


@pytest.fixture(scope="module")
def starts() -> Starts:
    return []


@pytest.fixture(scope="module")
def own(starts: Starts, tmp_path_factory: pytest.TempPathFactory) -> Recordable:
    build = builder(tmp_path_factory.mktemp("kernels"), starts)
    return Recordable(np, build, lambda array: array.ctypes.data)


def numbers(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Array:
    random = np.random.default_rng(seed)
    found = random.normal(size=shape)
    if dtype.startswith("complex"):
        found = found + 1j * random.normal(size=shape)
    return found.astype(dtype)


SIZES = st.integers(1, 5)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    stack=st.lists(SIZES, max_size=2),
    matrices=st.tuples(SIZES, SIZES, SIZES),
    swapped=st.tuples(st.booleans(), st.booleans()),
    dtype=st.sampled_from(sorted(DTYPES)),
)
def test_products_of_whatever_lies_in_memory(
    own: Recordable,
    stack: list[int],
    matrices: tuple[int, int, int],
    swapped: tuple[bool, bool],
    dtype: str,
) -> None:
    rows, terms, columns = matrices
    factors = []
    for k, (shape, swap) in enumerate(zip(((rows, terms), (terms, columns)), swapped, strict=True)):
        array = numbers((*reversed(stack), *(shape[::-1] if swap else shape)), dtype, k)
        array = array.transpose(*reversed(range(len(stack))), -2, -1)
        factors.append(np.swapaxes(array, -2, -1) if swap else array)
    found = own.matmul(*factors)
    assert (found.dtype, found.flags.c_contiguous) == (dtype, True)
    np.testing.assert_allclose(found, factors[0] @ factors[1], rtol=1e-4, atol=10 * DTYPES[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_long_sums_are_shared_among_threads(own: Recordable, starts: Starts, dtype: str) -> None:
    terms = 3 * recordable.TERMS + 5
    a, b = numbers((2, terms), dtype), numbers((terms, 3), dtype, 1)
    np.testing.assert_allclose(own.matmul(a, b), a @ b, rtol=1e-3, atol=1e3 * DTYPES[dtype])
    assert starts[-1] == (1, recordable.THREADS)
    assert np.all(own.matmul(a[:, :0], b[:0]) == 0)


@pytest.mark.parametrize("dtype", ["bool", "int64", *DTYPES])
def test_arrays_are_joined_in_few_starts(own: Recordable, starts: Starts, dtype: str) -> None:
    sizes = [3, 0, 1, 200, *range(1, 2 * recordable.JOINED)]
    arrays = [(10 * numbers((2 * size,), "float64", size)).astype(dtype)[::2] for size in sizes]
    before = len(starts)
    np.testing.assert_array_equal(own.concat(arrays), np.concatenate(arrays))
    assert len(starts) - before == 3
    same = [np.reshape(array[:6], (2, 3)).T for array in arrays if array.size >= 6]
    found = own.stack(same)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.stack(same))


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="there is no nvcc")
@pytest.mark.parametrize(
    "source",
    [*map(recordable.product_source, DTYPES), *map(recordable.join_source, recordable.UNITS)],
    ids=[*DTYPES, *map(str, recordable.UNITS)],
)
def test_devices_take_the_source(source: str, tmp_path: Path) -> None:
    said = compiled_for_devices(source, tmp_path)
    assert "tnlearn_" in said
    assert " 0 bytes stack frame" in said  # Nobody copies the addresses.
