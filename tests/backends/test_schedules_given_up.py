"""Inputs of modest range whose products are not: what a schedule assumed fails, and is noticed.

Answers are known in closed form, so that a lost entry is no matter of rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from law_tables import on_host
from tnlearn.backend import Backend, get_backend
from tnlearn_backends.array_backend.operations import State, operation
from tnlearn_backends.array_backend.ranges import Planned
from tnlearn_backends.array_backend.steps import Total

pytestmark = pytest.mark.filterwarnings("error")

#: Small entries, of which a float holds a few factors but not all.
SMALL = {"float32": 1e-6, "float64": 1e-15, "complex64": 1e-6, "complex128": 1e-15}
TOLERANCE = {"float32": 1e-5, "float64": 1e-12, "complex64": 1e-5, "complex128": 1e-12}
HALF = 40


def one_by_one(count: int) -> list[tuple[int, int]]:
    """The path that takes the first two of `count` tensors, and then each next one."""
    return [(0, 1), *((0, last) for last in range(count - 2, 0, -1))]


@pytest.mark.parametrize("dtype", SMALL)
def test_factors_that_drift_apart(backend: Backend, dtype: str) -> None:
    """tr[diag(1, s)^n diag(s, 1)^n] = 2 s^n, of which each diagonal entry makes one half."""
    small = SMALL[dtype]
    arrays = [np.diag([1.0, small])] * HALF + [np.diag([small, 1.0])] * HALF
    tensors = [
        tnl.Tensor(array.astype(dtype), (k, (k + 1) % (2 * HALF))) for k, array in enumerate(arrays)
    ]
    network = tnl.TensorNetwork(tensors)
    value, gradient = tnl.log_value_and_gradient(
        network, backend=backend.name, search=one_by_one(2 * HALF)
    )
    log = math.log(2) + HALF * math.log(float(np.array(small, dtype).real))
    assert value.log == pytest.approx(log, rel=TOLERANCE[dtype])
    for name in ("0", str(HALF), str(2 * HALF - 1)):
        found = backend.log_to_host(gradient[name])
        diagonal = np.diag(arrays[int(name)])
        got = np.exp(np.diag(found.log)) * diagonal
        np.testing.assert_allclose(got, [0.5, 0.5], rtol=100 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", SMALL)
def test_batch_elements_that_add_up_but_are_far_apart(backend: Backend, dtype: str) -> None:
    """Of two samples one is s^n times the other, and each is all there is to its own weight."""
    small, unit = SMALL[dtype], np.eye(2, dtype=dtype)
    factor = np.array([1.0, small], dtype)
    tensors = [tnl.Tensor(unit, "bi"), *[tnl.Tensor(factor, "b")] * HALF]
    weight = tnl.Tensor(np.ones(2, dtype), "i")
    network = tnl.TensorNetwork([*tensors, weight], "b")
    path = one_by_one(HALF + 2)
    program = tnl.compile(network, batch="b", backend=backend.name, search=path)
    _, packed = program.value_and_gradient([t.data for t in network], np.ones(2, dtype))
    found = program.unpack(packed, log=True)[-1]
    log = on_host(backend, found.log)
    wanted = [0.0, HALF * math.log(float(factor[1].real))]
    np.testing.assert_allclose(log, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", SMALL)
def test_what_cancellation_leaves_is_kept(backend: Backend, dtype: str) -> None:
    """n factors of 1 - (1 - e), each left by a sum, are e^n."""
    bits = 20 if dtype in ("float32", "complex64") else 50
    ends = [np.array([1.0, 1.0], dtype), np.array([1.0, 2.0**-bits - 1], dtype)]
    tensors = [tnl.Tensor(end, (n,)) for n in range(HALF) for end in ends]
    found = tnl.log_contract(tnl.TensorNetwork(tensors), backend=backend.name)
    assert found.log == pytest.approx(-HALF * bits * math.log(2), rel=TOLERANCE[dtype])
    assert found.phase == pytest.approx(1)


@pytest.mark.parametrize(("power", "fine"), [(-100, True), (-2000, False)])
def test_terms_of_a_sum_that_are_too_far_apart(power: int, fine: bool) -> None:
    """The smaller term is shifted down, and it is checked that nothing of it is lost."""
    library: Any = get_backend("strict").library  # type: ignore[attr-defined]
    xp = library.xp
    arrays = [xp.asarray([1.0, 0.0]), xp.asarray([0.0, 1.0]), None]
    vectors = [xp.asarray([0]), xp.asarray([power]), None]
    state = State(arrays, [0, 0, 0], vectors, [], {})
    step = Total(2, (0, 1), (False, False), (None, None), None)
    operation(Planned(step, (-1, -1)), library, "float64", False)(state)
    assert bool(xp.all(xp.concat(state.checks))) is fine
    assert float(state.arrays[2][0]) == 1.0
