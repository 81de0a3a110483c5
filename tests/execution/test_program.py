"""One program, many calls: new arrays, batches, threads, slices, and what is refused."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import (
    DataError,
    DataTypeError,
    MemoryLimitError,
    NetworkError,
    PlanError,
    RangeError,
)

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

SIZES = {"a": 2, "b": 3, "c": 2, "d": 4, "e": 1}
DTYPES = ("float32", "float64", "complex64", "complex128")
TOLERANCE = {"float32": 2e-5, "float64": 1e-12, "complex64": 2e-5, "complex128": 1e-12}

# name -> indices of each tensor, output
STRUCTURES: dict[str, tuple[list[str], str]] = {
    "scalar": ([""], ""),
    "one tensor": (["ab"], "ab"),
    "one tensor, transposed": (["ab"], "ba"),
    "one tensor, summed": (["abd"], "b"),
    "one diagonal": (["aab"], "ba"),
    "chain": (["ab", "bc", "cd"], "ad"),
    "ring": (["ab", "bd", "da"], ""),
    "hyperedge": (["ab", "ac", "ad", "a"], "bd"),
    "hyperedge, open": (["ab", "ac", "a"], "ca"),
    "outer product": (["a", "b", "d"], "dab"),
    "everything open": (["ab", "bc"], "cab"),
    "disconnected": (["ab", "cd"], "c"),
    "size 1": (["ae", "eb"], "ba"),
    "loops": (["ab", "bcd", "da", "c", "abd"], ""),
}


def arrays_of(terms: Sequence[str], dtype: str = "float64", seed: int = 0) -> list[Array]:
    """Random entries between 1/2 and 1 in size, of any sign or phase."""
    random = np.random.default_rng(seed)
    arrays = []
    for term in terms:
        shape = [SIZES[i] for i in term]
        phase = random.choice([1, -1], shape)
        if dtype.startswith("complex"):
            phase = np.exp(2j * math.pi * random.random(shape))
        arrays.append(np.asarray(random.uniform(0.5, 1, shape) * phase, dtype))
    return arrays


def build(terms: Sequence[str], output: str, arrays: Sequence[Any], **flags: Any) -> Any:
    pairs = zip(arrays, terms, strict=True)
    return tnl.TensorNetwork([tnl.Tensor(a, t, **flags) for a, t in pairs], output)


def einsum(terms: Sequence[str], output: str, arrays: Sequence[Array]) -> Array:
    """In double precision."""
    double = [np.asarray(a, np.result_type(a.dtype, "float64")) for a in arrays]
    return np.asarray(np.einsum(f"{','.join(terms)}->{output}", *double))


def weight_of(output: str, dtype: str = "float64") -> Array:
    return arrays_of([output], dtype, seed=99)[0]


def assert_near(got: Any, expected: Any, dtype: str = "float64", scale: float = 1.0) -> None:
    np.testing.assert_allclose(got, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


# New arrays


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


# Inputs and results are the caller's


@pytest.mark.parametrize(("terms", "output"), STRUCTURES.values(), ids=STRUCTURES)
def test_nothing_is_shared(terms: list[str], output: str) -> None:
    """Inputs may be read-only and change afterwards; results may be overwritten."""
    arrays, weight = arrays_of(terms), weight_of(output)
    for array in (*arrays, weight):
        array.flags.writeable = False
    given = [array.copy() for array in arrays]
    program = tnl.compile(build(terms, output, arrays))
    x = program.pack(given)

    def results() -> list[Array]:
        value, gradient = program.value_and_gradient(x, weight)
        log, by_log = program.log_value_and_gradient(x, weight)
        logs = program.unpack(by_log, log=True)
        found = [program(x), value, log.log, log.phase, *(g.log for g in logs)]
        return [*map(np.asarray, found), *program.unpack(gradient), *program.unpack(by_log)]

    kept = [array.copy() for array in results()]
    first, second = results(), results()
    for k, array in enumerate(first):
        others = [*first[:k], *first[k + 1 :], *second, *given, *arrays, weight]
        assert not any(np.shares_memory(array, other) for other in others)
    for array in (*first, *given):
        if array.flags.writeable:
            array[...] = 77.0
    for array, wanted in zip(results(), kept, strict=True):
        np.testing.assert_array_equal(array, wanted)


def test_gradients_of_a_shared_parameter_are_arrays_of_their_own() -> None:
    matrix = arrays_of(["ac"])[0]
    network = build(["ab", "bc", "ca"], "", [matrix] * 3, parameter="A")
    program = tnl.compile(network)
    _, packed = program.value_and_gradient([matrix] * 3)
    first, second, _ = program.unpack(packed)
    np.testing.assert_array_equal(first, second)
    assert not np.shares_memory(first, second)


def test_a_cotangent_is_not_changed_and_sees_the_result() -> None:
    arrays, weight = arrays_of(["ab", "bc"]), weight_of("ac")
    program = tnl.compile(build(["ab", "bc"], "ac", arrays))
    cotangent = weight * program(arrays)
    kept = cotangent.copy()
    _, wanted = program.value_and_gradient(arrays, cotangent)
    np.testing.assert_array_equal(cotangent, kept)
    value, found = program.value_and_gradient(arrays, lambda seen: weight * seen)
    np.testing.assert_array_equal(value, program(arrays))
    for a, b in zip(program.unpack(found), program.unpack(wanted), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
@pytest.mark.parametrize("question", ["__call__", "log", "value_and_gradient"])
def test_four_threads_agree_with_one_to_the_last_bit(question: str, dtype: str) -> None:
    terms, output = ["abd", "bc", "cd", "ad", "a", "dab"], "d"
    inputs = [arrays_of(terms, dtype, seed) for seed in range(100)]
    weight = weight_of(output, dtype)
    network = build(terms, output, inputs[0])

    def bits(program: tnl.Program, arrays: Any) -> bytes:
        if question == "value_and_gradient":
            value, gradient = program.value_and_gradient(arrays, weight)
            _, by_log = program.log_value_and_gradient(program.pack(arrays), weight)
            found = [value, *program.unpack(gradient), *program.unpack(by_log)]
            return b"".join(array.tobytes() for array in found)
        answer = getattr(program, question)(arrays)
        return np.asarray(getattr(answer, "log", answer)).tobytes()

    program = tnl.compile(network)  # the threads also race to its first gradient
    switch = sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda arrays: bits(program, arrays), inputs))
    finally:
        sys.setswitchinterval(switch)
    alone = tnl.compile(network)
    assert together == [bits(alone, arrays) for arrays in inputs]


# Batches

# name -> indices of each tensor, output; the batch is "z"
BATCHED: dict[str, tuple[list[str], str]] = {
    "on one tensor": (["zab", "bc", "ca"], "z"),
    "on two tensors": (["zab", "bz", "ac"], "cz"),
    "on every tensor": (["za", "az", "abz", "zb"], "z"),
    "alone": (["z", "ab"], "zab"),
    "in the middle": (["azb", "bc"], "cza"),
    "twice on one tensor": (["zaz", "ab"], "zb"),
    "one tensor": (["azb"], "bz"),
    "beside scalars": (["", "za", ""], "z"),
}


def batch_of(terms: Sequence[str], size: int, seed: int = 0) -> list[Array]:
    random = np.random.default_rng(seed)
    shapes = [[size if i == "z" else SIZES[i] for i in term] for term in terms]
    return [random.uniform(0.5, 1, shape) * random.choice([1, -1], shape) for shape in shapes]


def element(array: Array, term: str, k: int) -> Array:
    """What is left at position `k` of the batch, kept as size 1."""
    for axis, index in enumerate(term):
        if index == "z":
            array = np.take(array, [k], axis=axis)
    return array


@pytest.mark.parametrize("planned", [0, 1, 4])
@pytest.mark.parametrize("size", [0, 1, 3, 50])
@pytest.mark.parametrize(("terms", "output"), BATCHED.values(), ids=BATCHED)
def test_batches_of_any_size(terms: list[str], output: str, size: int, planned: int) -> None:
    """Whatever size was planned with: each element is what it is alone, gradients add up."""
    program = tnl.compile(build(terms, output, batch_of(terms, planned)), batch="z")
    arrays, weight = batch_of(terms, size, 1), batch_of([output], size, 2)[0]
    x = program.pack(arrays)
    value, log = program(x), program.log(x)
    again, packed = program.value_and_gradient(x, weight)
    gradient = program.unpack(packed)
    assert [g.shape for g in gradient] == [a.shape for a in arrays]
    np.testing.assert_array_equal(value, again)
    assert value.shape == np.shape(log.log) == weight.shape
    totals = [np.zeros_like(array) for array in arrays]
    for k in range(size):
        parts = [element(a, t, k) for a, t in zip(arrays, terms, strict=True)]
        alone = einsum(terms, output, parts)
        assert_near(element(value, output, k), alone)
        assert_near(element(log.phase * np.exp(log.log), output, k), alone)
        one = build(terms, output, parts)
        _, by_part = tnl.value_and_gradient(one, element(weight, output, k))
        for term, total, part in zip(terms, totals, by_part.values(), strict=True):
            place = tuple(slice(k, k + 1) if i == "z" else slice(None) for i in term)
            total[place] += part
    for found, total in zip(gradient, totals, strict=True):
        assert_near(found, total, scale=10)


def test_a_batch_of_a_thousand() -> None:
    terms, output = BATCHED["on two tensors"]
    program = tnl.compile(build(terms, output, batch_of(terms, 2)), batch="z")
    for size in (1000, 0, 1, 1000):
        arrays = batch_of(terms, size, size)
        assert_near(program(arrays), einsum(terms, output, arrays))


def test_batches_need_one_size() -> None:
    program = tnl.compile(build(["za", "az"], "z", batch_of(["za", "az"], 2)), batch="z")
    with pytest.raises(DataError, match="size 3 on tensor '0' but 4 on '1'"):
        program([np.ones((3, 2)), np.ones((2, 4))])
    with pytest.raises(DataError, match=r"'1' needs shape \(2, 'any'\), got \(3, 4\)"):
        program([np.ones((4, 2)), np.ones((3, 4))])


def test_a_batch_diagonal_needs_one_size() -> None:
    """Two axes of one tensor: never read beyond the shorter one."""
    program = tnl.compile(build(["zz"], "z", [np.ones((2, 2))]), batch="z")
    for shape in ((5, 3), (3, 5)):
        with pytest.raises(DataError, match=r"5.*3|3.*5"):
            program([np.ones(shape)])


def test_the_batch_is_open() -> None:
    network = build(["za"], "", [np.ones((2, 2))])
    for batch in ("z", "nowhere"):
        with pytest.raises(NetworkError, match=f"'{batch}' must be open"):
            tnl.compile(network, batch=batch)


# What is refused

PAIR = (["ab", "b"], "a")


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


# Precision


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


# Gradients


def test_constants_have_no_gradient() -> None:
    terms = ["ab", "bc", "cd", "da"]
    arrays = arrays_of(terms)
    network = build(terms, "", arrays)
    everything = tnl.value_and_gradient(network)[1]
    for constants in ([], ["1"], ["0", "3"], ["0", "1", "2", "3"]):
        program = tnl.compile(network, constants=constants)
        for question in (program.value_and_gradient, program.log_value_and_gradient):
            value, packed = question(arrays)
            found = program.unpack(packed)
            assert [g is None for g in found] == [str(k) in constants for k in range(4)]
            assert [g is None for g in program.unpack(packed, log=True)] == [
                g is None for g in found
            ]
        value, gradient = tnl.value_and_gradient(network, constants=constants)
        assert value == tnl.contract(network)
        assert list(gradient) == [name for name in "0123" if name not in constants]
        for name, array in gradient.items():
            assert_near(array, everything[name])
    with pytest.raises(NetworkError, match="'nobody'"):
        tnl.compile(network, constants=["nobody"])


def test_a_constant_that_shares_a_parameter_adds_nothing() -> None:
    """Only the tensors that are wanted count: d(x y)/dy at x = y = 3 is 3, not 6."""
    tensors = [tnl.Tensor(3.0, (), name=name, parameter="x") for name in ("x", "y")]
    _, gradient = tnl.value_and_gradient(tnl.TensorNetwork(tensors), constants=["x"])
    assert {name: float(array) for name, array in gradient.items()} == {"y": 3.0}


@pytest.mark.parametrize("given", [None, np.ones(2), np.ones((1, 2)), np.ones((2, 2, 1)), 1.0])
@pytest.mark.parametrize("call", [False, True])
def test_cotangents_of_the_wrong_shape(given: Any, call: bool) -> None:
    arrays = arrays_of(["ab", "bc"])
    program = tnl.compile(build(["ab", "bc"], "ac", arrays))
    missing = r"value has shape \(2, 2\): give a cotangent"
    message = missing if given is None else r"the cotangent has shape .* but the value \(2, 2\)"
    for question in (program.value_and_gradient, program.log_value_and_gradient):
        with pytest.raises(DataError, match=message):
            question(arrays, (lambda _: given) if call else given)


def test_a_closed_network_takes_a_number() -> None:
    arrays = arrays_of(["ab", "ba"])
    program = tnl.compile(build(["ab", "ba"], "", arrays))
    for cotangent in (3, 3.0, np.array(3.0), lambda _: 3.0):
        _, packed = program.value_and_gradient(arrays, cotangent)
        assert_near(program.unpack(packed)[0], 3 * arrays[1].T)
    with pytest.raises(DataError, match=r"\(1,\)"):
        program.value_and_gradient(arrays, np.ones(1))


def test_a_complex_cotangent_of_a_real_program_is_refused() -> None:
    program = tnl.compile(build(*PAIR, arrays_of(PAIR[0])))
    with pytest.raises(tnl.TnlearnError, match="complex"):
        program.value_and_gradient(arrays_of(PAIR[0]), np.array([1j, 1.0]))


def slope(f: Callable[[Any], Any], at: Array, along: complex, place: Any, step: float) -> Any:
    """Central difference of `f` in one entry."""
    shift = np.zeros_like(at)
    shift[place] = step * along
    return (f(at + shift) - f(at - shift)) / (2 * step)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_gradient_of_the_logarithm_by_finite_differences(dtype: str) -> None:
    """Of the complex logarithm, in every entry; a complex step divides out."""
    terms, output = STRUCTURES["hyperedge, open"]
    arrays, weight = arrays_of(terms, dtype), weight_of(output, dtype)
    program = tnl.compile(build(terms, output, arrays))
    log, packed = program.log_value_and_gradient(arrays, weight)
    assert_near(log.phase * np.exp(log.log), einsum(terms, output, arrays))
    for k, gradient in enumerate(program.unpack(packed)):

        def weighted(array: Array, k: int = k) -> Any:
            found = program.log([*arrays[:k], array, *arrays[k + 1 :]])
            turn = np.angle(np.asarray(found.phase, complex) / log.phase)
            return (weight * (found.log + (1j * turn if dtype == "complex128" else 0))).sum()

        for place in np.ndindex(gradient.shape):
            for along in (1, 1j) if dtype == "complex128" else (1,):
                expected = slope(weighted, arrays[k], along, place, 1e-5) / along
                assert gradient[place] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("value", [0.0, 1e-200, -1e200])
def test_logarithm_and_gradient_at_any_magnitude(value: float) -> None:
    program = tnl.compile(build(["", ""], "", [1.0, 1.0]))
    if value == 0:
        with pytest.raises(RangeError, match="zero"):
            program.log_value_and_gradient([value, value])
        return
    log, packed = program.log_value_and_gradient([value, value])
    assert (log.phase, log.log) == (1, pytest.approx(2 * math.log(abs(value))))
    for gradient in program.unpack(packed):
        assert gradient == pytest.approx(1 / value, rel=1e-14)


def test_a_zero_among_open_outputs_has_no_logarithm() -> None:
    arrays = [np.array([[1.0, -1.0, 0.0], [1.0, 2.0, 3.0]]), np.array([1.0, 1.0, 5.0])]
    with pytest.raises(RangeError, match="zero"):
        tnl.log_value_and_gradient(build(*PAIR, arrays), np.ones(2))


def squared_distance(value: Array, target: Array) -> float:
    return float((abs(value - target) ** 2).sum())


@pytest.mark.parametrize("terms", [["ab", "bc", "cd"], ["ab", "ab", "bd"]])
def test_real_losses_of_complex_parameters(terms: list[str]) -> None:
    """``dL = Re sum(g dA)``; PyTorch's gradient, dL/dRe A + i dL/dIm A, is ``conj(g)``."""
    output = "ad"
    arrays, target = arrays_of(terms, "complex128"), weight_of(output, "complex128")
    program = tnl.compile(build(terms, output, arrays))
    _, packed = program.value_and_gradient(arrays, lambda v: 2 * (v - target).conj())
    for k, g in enumerate(program.unpack(packed)):

        def loss(array: Array, k: int = k) -> float:
            return squared_distance(program([*arrays[:k], array, *arrays[k + 1 :]]), target)

        for place in np.ndindex(g.shape):
            real, imaginary = (slope(loss, arrays[k], d, place, 1e-5) for d in (1, 1j))
            assert g[place].conj() == pytest.approx(complex(real, imaginary), abs=1e-7)


def test_a_parameter_that_stands_conjugated_as_well() -> None:
    """The norm of a state: ``d Re V = Re sum(g dA)``, with all tensors of A moving together."""
    arrays = arrays_of(["ab", "bd"], "complex128")
    program = tnl.compile(build(["ab", "bd"], "ad", arrays).norm_squared())
    _, packed = program.value_and_gradient([*arrays, *arrays])
    gradient = program.unpack(packed)
    for k in (0, 1):
        np.testing.assert_array_equal(gradient[k], gradient[k + 2])

        def norm(array: Array, k: int = k) -> float:
            moved = [array if j == k else arrays[j] for j in (0, 1)]
            return float(program([*moved, *moved]).real)

        for place in np.ndindex(gradient[k].shape):
            real, imaginary = (slope(norm, arrays[k], d, place, 1e-5) for d in (1, 1j))
            wanted = complex(real, imaginary)
            assert gradient[k][place].conj() == pytest.approx(wanted, abs=1e-7)


# Range


@pytest.mark.parametrize("power", [200, -200])
def test_values_that_no_float_holds(power: int) -> None:
    program = tnl.compile(build(["", ""], "", [1.0, 1.0]))
    x = program.pack([10.0**power, 10.0**power])
    for question in (program, program.value_and_gradient):
        with pytest.raises(OverflowError, match="log_contract") as caught:
            question(x)
        assert isinstance(caught.value, RangeError)
        assert isinstance(caught.value, tnl.TnlearnError)
        size = 2 * power * math.log(10)
        assert f"e^{size:.6g}" in str(caught.value)
    assert program.log(x).log == pytest.approx(size, rel=1e-15)


# Plans


def test_a_plan_serves_every_network_of_its_structure() -> None:
    terms, output = STRUCTURES["hyperedge"]
    plan = tnl.plan(build(terms, output, arrays_of(terms)))
    arrays = arrays_of(terms, seed=1)
    network = build(terms, output, arrays).relabel({"a": ("new", 1), "b": 7})
    program = tnl.compile(network, plan=plan)
    assert program.plan is plan
    assert_near(program(arrays), einsum(terms, output, arrays))


@pytest.mark.parametrize(
    ("terms", "output", "dtype"),
    [
        (["ab", "bc"], "ac", "float64"),
        (["ab", "bc", "cd"], "da", "float64"),
        (["ab", "bc", "cd"], "", "float64"),
        (["ab", "bd", "dc"], "ac", "float64"),
        (["ab", "bc", "cd"], "ad", "float32"),
        (["ab", "bc", "cd"], "ad", "complex128"),
    ],
)
def test_a_plan_for_something_else(terms: list[str], output: str, dtype: str) -> None:
    plan = tnl.plan(build(["ab", "bc", "cd"], "ad", arrays_of(["ab", "bc", "cd"])))
    with pytest.raises(PlanError, match="plan is for 3 tensors in float64"):
        tnl.compile(build(terms, output, arrays_of(terms, dtype)), plan=plan)


# Slices


def lattice(log: bool = False, shared: bool = False, output: Sequence[Any] = ()) -> Any:
    """A 4 x 4 torus with a tensor on every site and bonds of size 3."""
    graph = nx.grid_2d_graph(4, 4, periodic=True)
    random, size = np.random.default_rng(5), 3
    own = random.uniform(0.5, 1.5, (size,) * 4)
    tensors = []
    for x, y in graph:
        bonds = ((x, y, 0), ((x + 1) % 4, y, 0), (x, y, 1), (x, (y + 1) % 4, 1))
        data = own if shared else random.uniform(0.5, 1.5, (size,) * 4)
        tensors.append(tnl.Tensor(data, bonds, parameter="own" if shared else None, log=log))
    return tnl.TensorNetwork(tensors, output)


@pytest.mark.parametrize(
    ("log", "shared", "output"),
    [
        (False, False, ()),
        (True, False, ()),
        (False, False, ((0, 0, 0), (2, 1, 1))),
        (False, True, ()),
        (True, True, ((0, 0, 0),)),
    ],
)
def test_slices_change_no_answer(log: bool, shared: bool, output: Sequence[Any]) -> None:
    network = lattice(log, shared, output)
    arrays = [tensor.data for tensor in network]
    whole = tnl.compile(network)
    limit = whole.plan.cost.peak_bytes // 2
    sliced = tnl.compile(network, memory_limit=limit)
    assert whole.plan.sliced == ()
    assert sliced.plan.cost.slices > 1
    assert sliced.plan.cost.peak_bytes <= limit
    weight = np.random.default_rng(0).random(network.shape)
    np.testing.assert_allclose(sliced(arrays), whole(arrays), rtol=1e-12)
    np.testing.assert_allclose(sliced.log(arrays).log, whole.log(arrays).log, rtol=1e-13)
    for name in ("value_and_gradient", "log_value_and_gradient"):
        found, wanted = (getattr(program, name)(arrays, weight)[1] for program in (sliced, whole))
        for a, b in zip(sliced.unpack(found), whole.unpack(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11)


def test_slices_see_the_whole_value_before_the_cotangent() -> None:
    network = lattice(output=((0, 0, 0),))
    arrays = [tensor.data for tensor in network]
    sliced = tnl.compile(network, memory_limit=tnl.plan(network).cost.peak_bytes // 2)
    seen: list[Array] = []
    value, _ = sliced.value_and_gradient(arrays, lambda v: seen.append(v) or 1 / v)
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], value)


@pytest.mark.parametrize("size", [0, 1, 2, 5])
@pytest.mark.parametrize("cut", ["a", "d", "ad"])
def test_slices_of_batches(cut: str, size: int) -> None:
    """The size of the batch is free in a sliced plan too."""
    terms, output = ["zab", "bd", "dza", "ad"], "za"
    network = build(terms, output, batch_of(terms, 2))
    plan = tnl.plan(network, batch="z")
    numbers = tuple(list(network.sizes).index(index) for index in cut)
    program = tnl.compile(network, batch="z", plan=replace(plan, sliced=numbers))
    whole = tnl.compile(network, batch="z", plan=plan)
    arrays, weight = batch_of(terms, size, 1), batch_of([output], size, 2)[0]
    assert_near(program(arrays), einsum(terms, output, arrays))
    found, wanted = (p.value_and_gradient(arrays, weight)[1] for p in (program, whole))
    for a, b in zip(program.unpack(found), whole.unpack(wanted), strict=True):
        assert_near(a, b)


def test_a_plan_that_slices_the_batch_is_refused() -> None:
    terms, output = ["za", "ab"], "z"
    network = build(terms, output, batch_of(terms, 2))
    plan = replace(tnl.plan(network), sliced=(0,))
    with pytest.raises(PlanError, match="batch"):
        tnl.compile(network, batch="z", plan=plan)


def test_a_limit_that_nothing_fits() -> None:
    with pytest.raises(MemoryLimitError, match=r"memory limit is 100 B.*memory_limit"):
        tnl.compile(lattice(), memory_limit=100)


def test_a_record_holds_every_tensor() -> None:
    terms, output = ["ab", "bc", "cd"], "ad"
    arrays = arrays_of(terms)
    program = tnl.compile(build(terms, output, arrays))
    record, _ = program.walker.back(program.pack(arrays), 0)
    where = [np.array([0, 1]), np.array([3, 2])]
    found = record.entries(record.instructions.value, where)
    expected = einsum(terms, output, arrays)[[0, 1], [3, 2]]
    assert_near(found.phase * np.exp(found.log), expected)
    for slot, array in enumerate(arrays):
        entry = record.entries(slot, [np.array(0), np.array(1)])
        assert entry.log == pytest.approx(math.log(abs(array[0, 1])))
