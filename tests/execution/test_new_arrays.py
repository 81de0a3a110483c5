"""One program, many calls: values, logarithms and gradients of new arrays, in any precision."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tnlearn as tnl
from small_networks import (
    DTYPES,
    PAIR,
    STRUCTURES,
    TOLERANCE,
    arrays_of,
    assert_near,
    build,
    einsum,
    weight_of,
)
from tnlearn.errors import (
    RangeError,
)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("terms", "output"), STRUCTURES.values(), ids=STRUCTURES)
def test_value_log_and_gradient(terms: list[str], output: str, dtype: str) -> None:
    """A program compiled once answers for arrays it has never seen."""
    program = tnl.compile(build(terms, output, arrays_of(terms, dtype)))
    weight = weight_of(output, dtype)
    assert program.dtype == dtype
    for seed in range(1, 4):
        arrays = arrays_of(terms, dtype, seed)
        expected = einsum(terms, output, arrays)
        x = program.pack(arrays)
        value, log = program(x), program.log(x)
        assert isinstance(value, np.ndarray)
        assert (value.dtype, value.shape) == (dtype, expected.shape)
        assert_near(value, expected, dtype, 10)
        assert np.asarray(log.log).dtype == np.float64
        assert_near(log.phase * np.exp(log.log), expected, dtype, 10)
        again, packed = program.value_and_gradient(x, weight)
        np.testing.assert_array_equal(again, value)
        # The value is linear in each tensor, so its slope in any direction is a value again.
        for k, gradient in enumerate(program.unpack(packed)):
            assert (gradient.dtype, gradient.shape) == (dtype, arrays[k].shape)
            along = arrays_of([terms[k]], dtype, seed + 50)[0]
            slope = (weight * einsum(terms, output, [*arrays[:k], along, *arrays[k + 1 :]])).sum()
            assert_near((gradient * along).sum(), slope, dtype, 100)


@pytest.mark.parametrize(("terms", "output"), STRUCTURES.values(), ids=STRUCTURES)
def test_a_list_of_arrays_is_as_good_as_packed(terms: list[str], output: str) -> None:
    arrays, weight = arrays_of(terms), weight_of(output)
    program = tnl.compile(build(terms, output, arrays))
    x = program.pack(arrays)
    for given in (arrays, tuple(arrays), [array.tolist() for array in arrays]):
        np.testing.assert_array_equal(program(given), program(x))
        np.testing.assert_array_equal(program.log(given).log, program.log(x).log)
        for question in (program.value_and_gradient, program.log_value_and_gradient):
            found, wanted = (question(y, weight)[1] for y in (given, x))
            for a, b in zip(program.unpack(found), program.unpack(wanted), strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_unpack_undoes_pack(dtype: str) -> None:
    terms = ["ab", "b", "", "bda"]
    arrays = arrays_of(terms, dtype)
    program = tnl.compile(build(terms, "", arrays))
    for found, given in zip(program.unpack(program.pack(arrays)), arrays, strict=True):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, given)
    logs = program.unpack(program.pack(arrays), log=True)
    for found, given in zip(logs, arrays, strict=True):
        assert_near(found.phase * np.exp(found.log), given, dtype)


def test_unpack_beyond_the_range_of_a_float() -> None:
    terms = ["a", "a", "a"]
    arrays = [np.full(2, 1e200)] * 3
    program = tnl.compile(build(terms, "", arrays))
    _, packed = program.log_value_and_gradient(arrays)
    for gradient in program.unpack(packed):
        np.testing.assert_allclose(gradient, 0.5e-200)
    arrays[0] = arrays[0] * 1e-200
    _, packed = program.value_and_gradient([arrays[0] * 1e-100, *arrays[1:]], 1.0)
    with pytest.raises(RangeError, match="log"):
        program.unpack(packed)
    assert program.unpack(packed, log=True)[0].log == pytest.approx([400 * math.log(10)] * 2)


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", DTYPES)
def test_mixed_precisions_promote(first: str, second: str) -> None:
    """To the least that keeps both."""
    dtype = str(np.result_type(first, second))
    arrays = [arrays_of(["ab"], first)[0], arrays_of(["b"], second)[0]]
    value, gradient = tnl.value_and_gradient(build(*PAIR, arrays), np.ones(2))
    assert value.dtype == dtype
    assert {str(g.dtype) for g in gradient.values()} == {dtype}
    single = "float32" if "float32" in (first, second) else "complex64"
    assert_near(value, einsum(*PAIR, arrays), dtype if dtype in (first, second) else single)


@pytest.mark.parametrize("dtype", DTYPES)
def test_logarithms_of_single_precision(dtype: str) -> None:
    log = dtype.replace("complex64", "float32").replace("complex128", "float64")
    network = tnl.TensorNetwork(
        [tnl.Tensor(np.zeros(2, log), "a", log=True), tnl.Tensor(np.ones(2, dtype), "a")]
    )
    program = tnl.compile(network)
    value, gradient = program.value_and_gradient(
        [np.array([60.0, -200.0], log), np.array([1e-30, 1.0], dtype)]
    )
    assert value.dtype == dtype
    assert value == pytest.approx(math.exp(60) * 1e-30, rel=TOLERANCE[dtype])
    assert {str(g.dtype) for g in program.unpack(gradient)} == {dtype}
