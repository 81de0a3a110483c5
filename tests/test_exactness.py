"""Every answer equals the definition: thousands of small hypernetworks against `reference`.

Entries are small integers, so values and gradients must be right to the last bit.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from random import Random
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings

import tnlearn as tnl
from random_networks import GAUSSIAN, Case, Pair, as_array, cases, random_case
from reference import Position
from structures import CUBE, STRUCTURES, A, B, V

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]
Check: TypeAlias = Callable[[Case], None]

BLOCK = 100
BLOCKS = 20
#: Relative error of a logarithm, or of a sum of positive terms that came as logarithms.
TOLERANCE = 1e-12


def check_value(case: Case) -> None:
    """The plain value, from one call and from a program that is used more than once."""
    expected = exact_value(case)
    assert_same(tnl.contract(case.network()), expected, case)
    program = tnl.compile(case.network())
    first = program(program.pack(case.arrays()))
    second = program([np.zeros_like(array) for array in case.arrays()])
    assert_same(first, expected, case)
    assert_same(second, np.zeros_like(expected), case)


def check_log(case: Case) -> None:
    """Phase and logarithm of every entry; a zero is (0, -inf)."""
    assert_log(tnl.log_contract(case.network()), case.value(), case)
    program = tnl.compile(case.network())
    assert_log(program.log(program.pack(case.arrays())), case.value(), case)


def check_gradient(case: Case) -> None:
    """The gradient of every tensor, and the value that comes with it."""
    value, gradient = tnl.value_and_gradient(case.network(), cotangent(case))
    assert_same(value, exact_value(case), case)
    assert list(gradient) == [str(k) for k in range(len(case.terms))], case
    expected = exact_gradient(case)
    for k, array in enumerate(gradient.values()):
        assert_same(array, expected[k], case)
    program = tnl.compile(case.network())
    value, packed = program.value_and_gradient(program.pack(case.arrays()), cotangent(case))
    assert_same(value, exact_value(case), case)
    for array, wanted in zip(program.unpack(packed), expected, strict=True):
        assert_same(array, wanted, case)


def check_log_entries(case: Case) -> None:
    """The same from tensors given by their logarithms; the gradient is by the logarithms."""
    case = case.magnitudes()
    with np.errstate(divide="ignore"):
        network = case.network([np.log(array) for array in case.arrays()], log=True)
    assert_log(tnl.log_contract(network), case.value(), case)
    value, gradient = tnl.value_and_gradient(network, cotangent(case))
    np.testing.assert_allclose(value, exact_value(case), rtol=TOLERANCE, err_msg=repr(case))
    for k, (array, wanted) in enumerate(zip(case.arrays(), exact_gradient(case), strict=True)):
        by_log = array * wanted
        np.testing.assert_allclose(gradient[str(k)], by_log, rtol=TOLERANCE, err_msg=repr(case))


def check_log_gradient(case: Case) -> None:
    """The gradient of sum c log(value) is that of the value with the cotangent c / value."""
    program = tnl.compile(case.network())
    x, value = program.pack(case.arrays()), case.value()
    if (0, 0) in value.values():
        with pytest.raises(OverflowError, match="zero"):
            program.log_value_and_gradient(x, cotangent(case))
        return
    log, packed = program.log_value_and_gradient(x, cotangent(case))
    assert_log(log, value, case)
    divided = replace(case, cotangent={at: quotient(case.cotangent[at], value[at]) for at in value})
    bounds, exact = divided.magnitudes().gradient(), divided.gradient()
    for k, gradient in enumerate(program.unpack(packed, log=True)):
        got = np.asarray(gradient.phase * np.exp(gradient.log))
        for at, (real, imaginary) in exact[k].items():
            error = abs(complex(got[at]) - complex(real, imaginary))
            assert error <= TOLERANCE * bounds[k][at][0], (k, at, case)


def check_any_plan(case: Case) -> None:
    """Any order of contraction and any slices, of open indices as well, give the same."""
    plan, random = tnl.plan(case.network()), Random(case.label)
    numbers = range(len(case.sizes))
    sliced = tuple(random.sample(numbers, random.randint(0, min(3, len(numbers)))))
    plan = replace(plan, path=random_path(len(case.terms), random), sliced=sliced)
    program = tnl.compile(case.network(), plan=plan)
    x, message = program.pack(case.arrays()), f"{plan.path}, {sliced} of {case}"
    assert_same(program(x), exact_value(case), message)
    assert_log(program.log(x), case.value(), case)
    value, gradient = program.value_and_gradient(x, cotangent(case))
    assert_same(value, exact_value(case), message)
    for got, expected in zip(program.unpack(gradient), exact_gradient(case), strict=True):
        assert_same(got, expected, message)


CHECKS = [
    check_value,
    check_log,
    check_gradient,
    check_log_entries,
    check_log_gradient,
    check_any_plan,
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_networks(check: Check, block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        check(random_case(seed))


@pytest.mark.parametrize("check", CHECKS)
@settings(deadline=None, max_examples=50, derandomize="CI" in os.environ)
@given(case=cases())
def test_shrinking_networks(check: Check, case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("arrays", "indices", "output", "value"), [pytest.param(*s[1:], id=s[0]) for s in STRUCTURES]
)
def test_structure(arrays: list[Any], indices: list[str], output: str, value: Any) -> None:
    network = build(arrays, indices, output)
    expected = np.asarray(value)
    got = tnl.contract(network)
    assert isinstance(got, np.ndarray)
    assert got.shape == expected.shape == network.shape
    np.testing.assert_array_equal(got, expected)
    log = tnl.log_contract(network)
    np.testing.assert_array_equal(log.phase, np.sign(expected))
    np.testing.assert_array_equal(np.isneginf(log.log), expected == 0)
    np.testing.assert_allclose(np.exp(log.log), abs(expected), rtol=TOLERANCE)


OUTPUTS = ["".join(p) for n in range(4) for p in permutations("ijk", n)]


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_in_every_order(output: str) -> None:
    network = build([A, B, V], ["ij", "jk", "j"], output)
    full = A[:, :, None] * B[None, :, :] * V[:, None]
    gone = tuple(k for k, index in enumerate("ijk") if index not in output)
    kept = [index for index in "ijk" if index in output]
    expected = full.sum(axis=gone).transpose([kept.index(index) for index in output])
    np.testing.assert_array_equal(tnl.contract(network), expected)


def test_gradient_off_the_diagonal_is_zero() -> None:
    _, gradient = tnl.value_and_gradient(build([CUBE], ["iii"], ""))
    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 1
    np.testing.assert_array_equal(gradient["0"], expected)


@pytest.mark.parametrize("position", range(4))
def test_gradient_where_other_factors_vanish(position: int) -> None:
    factors = [0.0 if k == position else 2.0 for k in range(4)]
    value, gradient = tnl.value_and_gradient(build(factors, [""] * 4, ""))
    assert value == 0
    assert [float(g) for g in gradient.values()] == [8.0 * (k == position) for k in range(4)]


def test_shared_parameters_report_one_summed_gradient() -> None:
    tensors = [tnl.Tensor(V, "i", parameter="v") for _ in range(3)]
    _, gradient = tnl.value_and_gradient(tnl.TensorNetwork(tensors))
    for array in gradient.values():
        np.testing.assert_array_equal(array, 3 * V**2)


def test_gradient_of_a_squared_norm_moves_its_real_part() -> None:
    data = np.array([1 + 2j, -3j, 2.0])
    network = tnl.TensorNetwork([tnl.Tensor(data, "i")], "i").norm_squared()
    value, gradient = tnl.value_and_gradient(network)
    assert value == 18  # 5 + 9 + 4
    # V = sum A conj(A): dV/dA = conj(A), and conj(dV/dconj A) = conj(A).
    for array in gradient.values():
        np.testing.assert_array_equal(array, 2 * data.conj())


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_precision_is_kept(dtype: str) -> None:
    network = build([A.astype(dtype), B.astype(dtype)], ["ij", "jk"], "ki")
    value, gradient = tnl.value_and_gradient(network, np.ones((4, 2), dtype))
    assert value.dtype == tnl.contract(network).dtype == dtype
    assert {str(array.dtype) for array in gradient.values()} == {dtype}
    np.testing.assert_array_equal(value, (A @ B).T)


def test_open_outputs_take_a_cotangent() -> None:
    network = build([A, B], ["ij", "jk"], "ik")
    with pytest.raises(tnl.TnlearnError, match="cotangent"):
        tnl.value_and_gradient(network)
    with pytest.raises(tnl.TnlearnError, match="4"):
        tnl.value_and_gradient(network, np.ones((4, 2)))
    weight = np.arange(8.0).reshape(2, 4)
    _, gradient = tnl.value_and_gradient(network, weight)
    np.testing.assert_array_equal(gradient["0"], weight @ B.T)
    np.testing.assert_array_equal(gradient["1"], A.T @ weight)


@pytest.mark.parametrize(
    ("arrays", "indices", "output"), [([A], ["ij"], "ij"), ([A, B], ["ij", "jk"], "ik")]
)
def test_results_stand_alone(arrays: list[Array], indices: list[str], output: str) -> None:
    """Nothing aliases: not a result another, nor an input, nor a packed input what it is from."""
    before = [array.copy() for array in arrays]
    program = tnl.compile(build(arrays, indices, output))
    x = program.pack(arrays)
    first = program(x)
    kept = first.copy()
    second = program(program.pack([array + 1 for array in arrays]))
    assert not any(np.shares_memory(first, other) for other in [second, *arrays])
    first[...] = 99.0
    np.testing.assert_array_equal(program(x), kept)
    for array, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, old)
    changed = [array.copy() for array in arrays]
    x = program.pack(changed)
    changed[0][...] = 0.0
    np.testing.assert_array_equal(program(x), kept)


def test_programs_run_from_many_threads() -> None:
    arrays = [np.full((16, 16), 1.0) for _ in range(8)]
    program = tnl.compile(build(arrays, ["ab", "bc", "cd", "de", "ef", "fg", "gh", "ha"], ""))
    inputs = [program.pack([k * arrays[0], *arrays[1:]]) for k in range(64)]
    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(program, inputs))
    assert [float(v) for v in values] == [k * 16.0**8 for k in range(64)]


@pytest.mark.parametrize("sliced", ["", "j", "k"])
@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_batch_index_of_any_size(size: int, sliced: str) -> None:
    matrices = np.arange(6.0 * size).reshape(size, 2, 3)
    vectors = np.arange(3.0 * size).reshape(3, size)
    network = build([np.ones((4, 2, 3)), np.ones((3, 4)), A], ["bij", "jb", "ik"], "kb")
    plan = tnl.plan(network, batch="b")
    plan = replace(plan, sliced=tuple(list(network.sizes).index(index) for index in sliced))
    program = tnl.compile(network, batch="b", plan=plan)
    x = program.pack([matrices, vectors, A])
    expected = np.einsum("bij,jb,ik->kb", matrices, vectors, A)
    np.testing.assert_array_equal(program(x), expected)
    weight = np.arange(3.0 * size).reshape(3, size)
    value, packed = program.value_and_gradient(x, weight)
    np.testing.assert_array_equal(value, expected)
    by_matrices, by_vectors, by_a = program.unpack(packed)
    np.testing.assert_array_equal(by_matrices, np.einsum("jb,ik,kb->bij", vectors, A, weight))
    np.testing.assert_array_equal(by_vectors, np.einsum("bij,ik,kb->jb", matrices, A, weight))
    np.testing.assert_array_equal(by_a, np.einsum("bij,jb,kb->ik", matrices, vectors, weight))


REFUSED: list[tuple[str, list[Any], type[Exception], str]] = [
    ("too few", [np.ones((2, 2, 3))], ValueError, "2 tensors but 1 arrays"),
    ("shape", [np.ones((2, 2, 3)), np.ones((4, 2))], ValueError, r"'1' needs shape \(3,"),
    ("rank", [np.ones((2, 3)), np.ones((3, 2))], ValueError, r"'0' .*got \(2, 3\)"),
    ("batch", [np.ones((2, 2, 3)), np.ones((3, 4))], ValueError, "2 on .*'0' but 4 on '1'"),
    ("nan", [np.ones((2, 2, 3)), np.full((3, 2), np.nan)], ValueError, "'1' holds nan"),
    ("inf", [np.full((2, 2, 3), -np.inf), np.ones((3, 2))], ValueError, "'0' holds -inf"),
    ("complex", [np.ones((2, 2, 3)), np.ones((3, 2)) * 1j], TypeError, "'1'.*complex128.*float64"),
]


@pytest.mark.parametrize(
    ("arrays", "error", "message"), [pytest.param(*r[1:], id=r[0]) for r in REFUSED]
)
def test_arrays_that_are_refused(arrays: list[Any], error: type[Exception], message: str) -> None:
    network = build([np.ones((2, 2, 3)), np.ones((3, 2))], ["bij", "jb"], "bi")
    program = tnl.compile(network, batch="b")
    with pytest.raises(error, match=message) as caught:
        program.pack(arrays)
    assert isinstance(caught.value, tnl.TnlearnError)


def build(arrays: list[Any], indices: list[str], output: str) -> tnl.TensorNetwork:
    tensors = [tnl.Tensor(a, i) for a, i in zip(arrays, indices, strict=True)]
    return tnl.TensorNetwork(tensors, output)


def cotangent(case: Case) -> Array | None:
    if not case.output:
        return None
    return as_array(case.cotangent, case.shape(case.output), case.is_complex)


def random_path(tensors: int, random: Random) -> tuple[tuple[int, int], ...]:
    live, path = list(range(tensors)), []
    for step in range(tensors, 2 * tensors - 1):
        random.shuffle(live)
        path.append((live.pop(), live.pop()))
        live.append(step)
    return tuple(path)


def quotient(a: Pair, b: Pair) -> tuple[Fraction, Fraction]:
    size = b[0] ** 2 + b[1] ** 2
    real, imaginary = GAUSSIAN.times(a, (b[0], -b[1]))
    return Fraction(real, size), Fraction(imaginary, size)


def exact_value(case: Case) -> Array:
    return as_array(case.value(), case.shape(case.output), case.is_complex)


def exact_gradient(case: Case) -> list[Array]:
    shapes = [case.shape(term.indices) for term in case.terms]
    return [
        as_array(entries, shape, case.is_complex)
        for entries, shape in zip(case.gradient(), shapes, strict=True)
    ]


def assert_same(got: Any, expected: Array, case: Case | str) -> None:
    """Equal to the last bit; numbers of a complex network are complex."""
    assert isinstance(got, np.ndarray), case
    assert got.shape == expected.shape, case
    assert got.dtype == expected.dtype, case
    np.testing.assert_array_equal(got, expected, err_msg=repr(case))


def assert_log(got: tnl.LogValue, value: dict[Position, Pair], case: Case) -> None:
    phases, logs = np.asarray(got.phase), np.asarray(got.log)
    assert logs.shape == phases.shape == case.shape(case.output), case
    assert logs.dtype == np.float64, case
    for at, (real, imaginary) in value.items():
        square = real * real + imaginary * imaginary
        if square == 0:
            assert (phases[at], logs[at]) == (0, -math.inf), case
            continue
        log = math.log(square) / 2
        phase = complex(real, imaginary) / math.sqrt(square)
        assert abs(logs[at] - log) <= TOLERANCE * max(1.0, log), case
        assert abs(phases[at] - phase) <= TOLERANCE, case
        assert case.is_complex or phases[at] in (-1, 1), case
