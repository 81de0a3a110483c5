"""Arrays that a program refuses, and those that it takes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from small_networks import (
    DTYPES,
    PAIR,
    arrays_of,
    assert_near,
    build,
    einsum,
)
from tnlearn.errors import (
    DataError,
    DataTypeError,
)

pytestmark = pytest.mark.filterwarnings("error")


def other(index: int, array: Any) -> list[Any]:
    arrays: list[Any] = arrays_of(PAIR[0])
    arrays[index] = array
    return arrays


# name -> arrays, error, what the message must say
REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "too few": ([np.ones((2, 3))], DataError, "2 tensors but 1 arrays"),
    "too many": ([np.ones((2, 3)), np.ones(3), np.ones(3)], DataError, "2 tensors but 3 arrays"),
    "size": (other(1, np.ones(4)), DataError, r"'1' needs shape \(3,\), got \(4,\)"),
    "size 1": (other(1, np.ones(1)), DataError, r"'1' needs shape \(3,\), got \(1,\)"),
    "transposed": (other(0, np.ones((3, 2))), DataError, r"\(2, 3\), got \(3, 2\)"),
    "rank": (other(1, np.ones((3, 1))), DataError, r"\(3,\), got \(3, 1\)"),
    "scalar": (other(1, 2.0), DataError, r"\(3,\), got \(\)"),
    "complex": (other(1, np.ones(3, "complex128")), DataTypeError, "'1'.*complex128.*float64"),
    "single complex": (other(1, np.ones(3, "complex64")), DataTypeError, "'1'.*complex64"),
    "long double": (other(1, np.ones(3, "longdouble")), DataTypeError, "'1'"),
    "objects": (other(1, np.array([1, 2, None])), DataTypeError, "'1'.*object"),
    "strings": (other(1, np.array(["1", "2", "3"])), DataTypeError, "'1'.*U1"),
    "ragged": (other(0, [[1.0, 2.0, 3.0], [4.0]]), DataTypeError, "'0'"),
    "nan": (other(1, [1.0, math.nan, 2.0]), DataError, "'1' holds nan at flat position 1"),
    "inf": (other(0, [[1, 2, 3], [4, 5, math.inf]]), DataError, "'0' holds inf at flat position 5"),
    "-inf": (other(1, [-math.inf, 1.0, 2.0]), DataError, "'1' holds -inf at flat position 0"),
}


@pytest.mark.parametrize(("arrays", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(arrays: Any, error: type[Exception], message: str) -> None:
    program = tnl.compile(build(*PAIR, arrays_of(PAIR[0])))
    for question in (program.pack, program, program.log):
        with pytest.raises(error, match=message):
            question(arrays)


def test_a_shared_parameter_is_one_array() -> None:
    matrix = arrays_of(["ac"])[0]
    program = tnl.compile(build(["ab", "bc", "ca"], "", [matrix] * 3, parameter="A"))
    expected = program([matrix] * 3)
    assert program([matrix, matrix.copy(), matrix.tolist()]) == expected
    with pytest.raises(DataError, match="'0' and '2' share a parameter"):
        program([matrix, matrix, matrix + 1])


@pytest.mark.parametrize("dtype", ["float64", "complex128", "complex64"])
def test_precision_is_not_dropped_unasked(dtype: str) -> None:
    program = tnl.compile(build(*PAIR, arrays_of(PAIR[0], "float32")))
    with pytest.raises(DataTypeError, match=f"'1'.*{dtype}.*float32"):
        program([np.ones((2, 3), "float32"), np.ones(3, dtype)])


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint64", "bool"])
def test_less_precision_is_taken(dtype: str) -> None:
    program = tnl.compile(build(*PAIR, arrays_of(PAIR[0])))
    arrays = other(1, np.ones(3, dtype))
    value = program(arrays)
    assert value.dtype == np.float64
    assert_near(value, einsum(*PAIR, arrays))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_unchecked_entries_go_through(dtype: str, bad: float) -> None:
    arrays = arrays_of(PAIR[0], dtype)
    arrays[0][1, 2] = bad
    program = tnl.compile(build(*PAIR, arrays_of(PAIR[0], dtype)))
    with pytest.raises(DataError, match="flat position 5"):
        program.pack(arrays)
    with np.errstate(invalid="ignore"):
        value = program(program.pack(arrays, check_finite=False))
        same = tnl.contract(build(*PAIR, arrays), check_finite=False)
    assert np.isfinite([value[0], same[0]]).all()
    assert not np.isfinite([value[1], same[1]]).any()


def test_a_zero_has_a_logarithm_but_infinity_is_no_logarithm() -> None:
    program = tnl.compile(build(["a", "a"], "", [np.zeros(2)] * 2, log=True))
    assert float(program([[-math.inf, 1.0], [5.0, 2.0]])) == pytest.approx(math.exp(3))
    assert program.log([[-math.inf, 1.0], [1.0, -math.inf]]).log == -math.inf
    for bad in (math.inf, math.nan):
        with pytest.raises(DataError, match=f"'1' holds {bad}.*-inf"):
            program.pack([[0.0, 0.0], [0.0, bad]])
