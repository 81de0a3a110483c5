"""Sums over slices in native code: totals of any sign and size, and the memory between calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from tnlearn_backends.array_backend import reading
from tnlearn_backends.array_backend.arithmetic import added
from tnlearn_backends.array_backend.slicing import InSlices
from tnlearn_backends.numpy_backend.native import running
from tnlearn_backends.numpy_backend.native.columns import EXPONENT, LOW, NONNEGATIVE
from tnlearn_backends.numpy_backend.native.tensors import Tensors
from tnlearn_backends.numpy_backend.native.totals import accumulated


def refuse(*_given: Any) -> None:
    raise AssertionError("a run in native code was given up")


def test_many_products_of_both_signs_are_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that cancellation widens at every step are looked up before anything is given up."""
    network = tnl.grid(6, 6, 3, seed=3)
    arrays = [tensor.data for tensor in network]
    plan = tnl.plan(network, cache=False)
    whole, wanted = tnl.compile(network, plan=plan).value_and_gradient(arrays)
    program = tnl.compile(network, plan=replace(plan, sliced=tuple(range(4))))
    for name in ("run", "gradient"):
        monkeypatch.setattr(InSlices, name, refuse)
    value, gradient = program.value_and_gradient(arrays)
    np.testing.assert_allclose(value, whole, rtol=1e-10)
    for found, right in zip(program.unpack(gradient), program.unpack(wanted), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-9 * np.abs(right).max())


ARRAYS = [np.random.default_rng(7).standard_normal((3, 3)) for _ in range(3)]
RING = tnl.compile(tnl.TensorNetwork(map(tnl.Tensor, ARRAYS, ["ij", "jk", "ki"])))


def gradient_of(factor: float = 1.0, power: int = 0) -> Tensors:
    """A gradient as the engine has it, the first tensor scaled; then times ``2**power``."""
    _, gradient = RING.value_and_gradient([ARRAYS[0] * factor, *ARRAYS[1:]])
    found = gradient.tensors
    assert type(found) is Tensors
    ranges = found.ranges.copy()
    ranges[:, EXPONENT] += power
    return Tensors(found.data, ranges, found.where)


@pytest.mark.parametrize("factor", [0, 1, -0.5, 1e-200, 1e150])
@pytest.mark.parametrize("power", [0, 3, -40, -900, 5000])
def test_totals_are_the_sums_of_tensors_one_by_one(factor: float, power: int) -> None:
    parts = gradient_of(), gradient_of(factor, power)
    wanted = [added(one, other) for one, other in zip(*parts, strict=True)]
    found = accumulated(*parts)
    if found is None:  # Too far apart to share an exponent while they are added.
        assert abs(power) >= 900
        return
    for tensor, right in zip(found, wanted, strict=True):
        sum_, expected = reading.log(tensor), reading.log(right)
        np.testing.assert_array_equal(sum_.phase, expected.phase)
        np.testing.assert_allclose(sum_.log, expected.log, rtol=1e-13)
        assert not np.any(tensor.mantissa) or tensor.high >= np.log2(abs(tensor.mantissa).max())


def test_what_is_left_of_terms_that_cancel_is_within_the_bounds() -> None:
    total, part = gradient_of(), gradient_of()
    part.data *= -1 - 2.0**-50
    for tensors in (total, part):
        for row in tensors.ranges:
            row[LOW:NONNEGATIVE] = -40, 5  # As narrow as they are after a look.
    found = accumulated(total, part)
    assert found is not None
    for tensor in found:
        assert np.abs(tensor.mantissa).min() >= 2.0**tensor.low


def test_many_sums_in_place() -> None:
    """Bounds grow with every sum and are looked up again, however many there are."""
    total, part = gradient_of(), gradient_of()
    held = total.data
    for _ in range(99):
        found = accumulated(total, part)
        assert found is not None
        assert found.data is held
        total = found
    for found, one in zip(*map(RING._executable.unpack, (total, part)), strict=True):
        np.testing.assert_allclose(found, 100 * one, rtol=1e-13)


def test_entries_too_far_apart_are_left_as_they_are() -> None:
    huge, tiny = gradient_of(power=2000), gradient_of()
    before = [huge.data.copy(), tiny.data.copy()]
    assert accumulated(huge, tiny) is None
    np.testing.assert_array_equal(huge.data, before[0])
    np.testing.assert_array_equal(tiny.data, before[1])


def test_arenas_between_calls_are_few_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a new arena would make too much is given back by other programs."""
    monkeypatch.setattr(running, "SMALL", 0)
    monkeypatch.setattr(running, "KEPT_BYTES", 3_000)
    shape = (8, 8)
    tensors = [tnl.Tensor(np.ones(shape), indices) for indices in ("ij", "jk", "kl")]
    programs = [tnl.compile(tnl.TensorNetwork(tensors, "il")) for _ in range(6)]
    for program in programs:
        program([np.ones(shape)] * 3)
    kept = [program._executable._native.sized(None).spaces for program in programs]
    assert sum(space.nbytes for spaces in kept for space in spaces) <= 3_000
    assert kept[-1], "the last one is kept"
    programs[-1]._executable.release()
    assert not kept[-1]
