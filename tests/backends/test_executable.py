"""The parts of an executable that slices, samples and gradients are made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from law_tables import on_host
from laws import SEEDS, Array, exact_value
from random_networks import random_case
from tnlearn.backend import Backend
from tnlearn.errors import RangeError

pytestmark = pytest.mark.filterwarnings("error")


def executable_of(backend: Backend, array: Array, log: bool = False) -> tuple[Any, Any]:
    """An executable, and `array` as a tensor of its backend."""
    network = tnl.TensorNetwork([tnl.Tensor(array, "abc", log=log)] * 2)
    program = tnl.compile(network, backend=backend.name)
    executable = backend.compile(program.instructions, program.dtype)
    return executable, executable.pack([array, array], True)[0]


CUBES = {
    "plain": np.arange(-11.0, 13.0).reshape(2, 3, 4),
    "spread": np.where(np.arange(24) % 2, 1e-250, -1e250).reshape(2, 3, 4),
    "with zeros": (np.arange(24.0) % 3).reshape(2, 3, 4) * 1e-300,
}


@pytest.mark.parametrize("array", CUBES.values(), ids=CUBES)
def test_entries_are_those_of_the_tensor(backend: Backend, array: Array) -> None:
    executable, tensor = executable_of(backend, array)
    everywhere = np.unravel_index(np.arange(array.size), array.shape)
    found = executable.entries(tensor, everywhere)
    phase, log = found.phase, found.log
    assert isinstance(log, np.ndarray)
    np.testing.assert_array_equal(phase, np.sign(array.ravel()))
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(log, np.log(abs(array.ravel())), rtol=1e-14)
    one = executable.entries(tensor, [np.array([[1], [0]]), np.array([2, 0]), np.array(3)])
    assert one.log.shape == (2, 2)


def test_entries_of_any_magnitude(backend: Backend) -> None:
    logs = np.linspace(-3e4, 3e4, 24).reshape(2, 3, 4)
    logs[1, 2, 3] = -math.inf
    executable, tensor = executable_of(backend, logs, log=True)
    where = [np.array([0, 1, 0, 1]), np.array([0, 2, 1, 2]), np.array([3, 3, 0, 2])]
    found = executable.entries(tensor, where)
    np.testing.assert_array_equal(found.phase, [1, 0, 1, 1])
    np.testing.assert_allclose(found.log, logs[tuple(where)], rtol=1e-14)


def test_division(backend: Backend) -> None:
    array = CUBES["plain"] + 0.5
    executable, tensor = executable_of(backend, array)
    weight = executable.scale(backend.asarray(np.ones_like(array), "float64"))
    found = on_host(backend, executable.plain(executable.divide(weight, tensor)))
    np.testing.assert_allclose(found, 1 / array, rtol=1e-15)
    executable, zero = executable_of(backend, CUBES["plain"])
    with pytest.raises(RangeError, match="zero"):
        executable.divide(weight, zero)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_record_holds_every_tensor(backend: Backend, seed: int) -> None:
    case = random_case(seed)
    if 0 in case.sizes.values():
        return
    program = tnl.compile(case.network(), backend=backend.name)
    record, _ = program.walker.back(program.pack(case.arrays()), 0)
    value = exact_value(case)
    where = np.unravel_index(np.arange(value.size), value.shape) if value.ndim else ()
    found = record.entries(record.instructions.value, where)
    np.testing.assert_allclose(
        found.phase * np.exp(found.log), value.ravel() if value.ndim else value, 1e-12
    )
    assert len(record.slots) == record.instructions.seed
