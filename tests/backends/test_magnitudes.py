"""Values, logarithms and gradients of any magnitude."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from law_tables import DTYPES, on_host
from laws import host_log
from tnlearn.backend import Backend
from tnlearn.errors import RangeError

pytestmark = pytest.mark.filterwarnings("error")

TINY, HUGE = 1e-200, 1e200
LN10 = math.log(10)
# name -> arrays, indices of each, phase, natural log
SCALES: dict[str, tuple[list[Any], list[str], complex, float]] = {
    "factors that underflow": (
        [np.diag([1, TINY])] * 2 + [np.diag([TINY, 1])] * 2, ["ab", "bc", "cd", "da"],
        1, math.log(2) - 400 * LN10),
    "large": ([[HUGE, HUGE]] * 3, ["a"] * 3, 1, math.log(2) + 600 * LN10),
    "small": ([[TINY, TINY]] * 3, ["a"] * 3, 1, math.log(2) - 600 * LN10),
    "negative": ([[-HUGE, -HUGE]] * 3, ["a"] * 3, -1, math.log(2) + 600 * LN10),
    "imaginary": ([[1j * HUGE, 1j * HUGE]] * 3, ["a"] * 3, -1j, math.log(2) + 600 * LN10),
    "back in range": ([[HUGE, 0.0], [HUGE, 1.0], [TINY, 1.0], [TINY, 1.0]], ["a"] * 4, 1, 0.0),
    "small survives": ([[TINY, HUGE], [TINY, 0.0]], ["a", "a"], 1, -400 * LN10),
    "spread": ([[1e-300, 1e300], [1e300, 1e-300]], ["a", "a"], 1, math.log(2)),
    "cancelling": ([[HUGE, -HUGE], [HUGE, HUGE]], ["a", "a"], 0, -math.inf),
    "orthogonal": ([[TINY, 0.0], [0.0, HUGE]], ["a", "a"], 0, -math.inf),
    "zero": ([0.0, HUGE, HUGE], ["", "", ""], 0, -math.inf),
}  # fmt: skip


@pytest.mark.parametrize("name", SCALES)
def test_magnitudes(backend: Backend, name: str) -> None:
    arrays, terms, phase, log = SCALES[name]
    network = tnl.TensorNetwork(map(tnl.Tensor, arrays, terms))
    found = host_log(backend, tnl.log_contract(network, backend=backend.name))
    assert found[0] == pytest.approx(phase, abs=1e-14)
    assert found[1] == pytest.approx(log, rel=1e-14, abs=1e-13)
    if abs(log) > 710 and log != -math.inf:
        with pytest.raises(RangeError, match="log_contract"):
            tnl.contract(network, backend=backend.name)
    else:
        value = on_host(backend, tnl.contract(network, backend=backend.name))
        assert value == pytest.approx(phase * math.exp(log))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [-30, 30])
def test_a_long_product(backend: Backend, dtype: str, power: int) -> None:
    """tr (10^p M)^n leaves the range of every float; its logarithm is n (p ln 10 + ln M)."""
    n = 200
    matrix = np.array([[3, 1], [1, 2]]) * np.array(10.0**power, dtype)
    tensors = [tnl.Tensor(matrix.astype(dtype), (k, (k + 1) % n)) for k in range(n)]
    network = tnl.TensorNetwork(tensors)
    phase, log = host_log(backend, tnl.log_contract(network, backend=backend.name))
    rounded = math.log(float(matrix[0, 0].real)) - math.log(3)
    expected = n * (rounded + math.log((5 + math.sqrt(5)) / 2))
    assert phase == pytest.approx(1, abs=1e-4)
    assert log == pytest.approx(expected, abs=1e-3 if dtype in ("float32", "complex64") else 1e-9)
    with pytest.raises(RangeError):
        tnl.contract(network, backend=backend.name)
    # tr(M^n)' = n tr(M^(n-1) dM), so that the entries of M times it add up to one.
    _, gradient = tnl.log_value_and_gradient(network, backend=backend.name)
    phase, log = host_log(backend, gradient["7"])
    total = (phase * np.exp(log + np.log(abs(matrix).astype(float)))).sum()
    assert total == pytest.approx(1, abs=1e-3 if dtype in ("float32", "complex64") else 1e-12)


def test_every_batch_element_has_its_own_scale(backend: Backend) -> None:
    scales = 10.0 ** np.arange(-300, 301, 20)
    random = np.random.default_rng(1)
    arrays = [random.uniform(1, 2, (31, 2, 2)) * scales[:, None, None] for _ in range(2)]
    network = tnl.TensorNetwork(map(tnl.Tensor, arrays, ["bij", "bji"]), "b")
    program = tnl.compile(network, batch="b", backend=backend.name)
    phase, log = host_log(backend, program.log(arrays))
    one = np.einsum("bij,bji->b", *(a / scales[:, None, None] for a in arrays))
    np.testing.assert_array_equal(phase, np.ones(31))
    np.testing.assert_allclose(log, np.log(one) + 2 * np.log(scales), rtol=1e-14)


def test_sums_over_a_batch_do_not_overflow(backend: Backend) -> None:
    """Of 1000 numbers of 1e306, by the gradient of a tensor that all of them multiply."""
    arrays = [np.full(1000, 1e306), np.array(0.5)]
    program = tnl.compile(
        tnl.TensorNetwork([tnl.Tensor([1.0], "b"), tnl.Tensor(0.5, "")], "b"),
        batch="b",
        backend=backend.name,
    )
    value, packed = program.value_and_gradient(arrays, np.ones(1000))
    np.testing.assert_allclose(on_host(backend, value), 0.5e306)
    phase, log = host_log(backend, program.unpack(packed, log=True)[1])
    assert (phase, log) == (1, pytest.approx(309 * LN10, rel=1e-14))


def test_logarithms_beyond_any_float(backend: Backend) -> None:
    logs = [np.array([1e4, -1e4, 9999.0]), np.array([1e4, 3e4, -math.inf])]
    network = tnl.TensorNetwork(tnl.Tensor(array, "a", log=True) for array in logs)
    phase, log = host_log(backend, tnl.log_contract(network, backend=backend.name))
    assert (phase, log) == (1, pytest.approx(2e4 + math.log(2), rel=1e-14))
