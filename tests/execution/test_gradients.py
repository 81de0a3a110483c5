"""Gradients of values and logarithms: cotangents, constants, shared and conjugated parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from small_networks import (
    PAIR,
    STRUCTURES,
    Array,
    arrays_of,
    assert_near,
    build,
    einsum,
    weight_of,
)
from tnlearn.errors import (
    DataError,
    NetworkError,
    RangeError,
)

pytestmark = pytest.mark.filterwarnings("error")


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
