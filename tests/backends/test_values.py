"""Values and gradients are those of exact arithmetic: in batches, slices, threads and algebras."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import numpy as np
import pytest

import tnlearn as tnl
from law_tables import DTYPES, on_host
from laws import SEEDS, Array, assert_answers, cotangent, exact_gradient, exact_value, regrown
from random_networks import random_case
from tnlearn.backend import Backend

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks(backend: Backend, seed: int) -> None:
    case = random_case(seed)
    program = tnl.compile(case.network(), backend=backend.name)
    assert program.plan.backend == backend.name
    wanted = exact_value(case), exact_gradient(case)
    assert_answers(backend, program, case.arrays(), cotangent(case), *wanted, case)


@pytest.mark.parametrize("dtype", DTYPES)
def test_random_networks_in_every_precision(backend: Backend, dtype: str) -> None:
    """Within rounding of the contraction of absolute values."""
    for seed in SEEDS:
        case = random_case(seed)
        if case.is_complex and not dtype.startswith("complex"):
            continue
        arrays = [array.astype(dtype) for array in case.arrays()]
        value = on_host(backend, tnl.contract(case.network(arrays), backend=backend.name))
        assert value.dtype == dtype, case
        error = abs(value - exact_value(case))
        assert np.all(error <= DTYPES[dtype] * exact_value(case.magnitudes())), case


@pytest.mark.parametrize("seed", SEEDS)
def test_logarithms_as_entries(backend: Backend, seed: int) -> None:
    """The gradient is by the logarithms: entry times derivative."""
    case = random_case(seed).magnitudes()
    arrays = case.arrays()
    with np.errstate(divide="ignore"):
        network = case.network([np.log(array) for array in arrays], log=True)
    value, gradient = tnl.value_and_gradient(network, cotangent(case), backend=backend.name)
    np.testing.assert_allclose(on_host(backend, value), exact_value(case), rtol=1e-12)
    for array, wanted, found in zip(arrays, exact_gradient(case), gradient.values(), strict=True):
        np.testing.assert_allclose(on_host(backend, found), array * wanted, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_batches(backend: Backend, size: int) -> None:
    """The size of a batch is free: another one is another network of the same program."""
    for seed in SEEDS:
        case = random_case(seed)
        if not case.output or 0 in case.sizes.values():
            continue
        batch = Random(seed).choice(case.output)
        planned = regrown(case, batch, 3).network()
        program = tnl.compile(planned, batch=batch, backend=backend.name)
        grown = regrown(case, batch, size)
        wanted = exact_value(grown), exact_gradient(grown)
        assert_answers(backend, program, grown.arrays(), cotangent(grown), *wanted, grown)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_slices(backend: Backend, number: int) -> None:
    """Whichever indices are sliced: summed, open, on diagonals, under shared parameters."""
    for seed in SEEDS:
        case = random_case(seed)
        if len(case.sizes) < number or 0 in case.sizes.values():
            continue
        plan = tnl.plan(case.network(), backend=backend.name)
        sliced = tuple(Random(seed).sample(range(len(case.sizes)), number))
        plan = replace(plan, sliced=sliced)
        program = tnl.compile(case.network(), plan=plan, backend=backend.name)
        wanted = exact_value(case), exact_gradient(case)
        assert_answers(backend, program, case.arrays(), cotangent(case), *wanted, (sliced, case))


@pytest.mark.parametrize("gradient", [False, True])
def test_threads(backend: Backend, gradient: bool) -> None:
    """Calls that overlap give the bits of calls one after another."""
    switch = sys.getswitchinterval()
    random = np.random.default_rng(0)
    terms = ["abc", "cd", "dae", "eb", "a"]
    inputs = [[random.standard_normal((3,) * len(term)) for term in terms] for _ in range(100)]
    program = tnl.compile(
        tnl.TensorNetwork(map(tnl.Tensor, inputs[0], terms), "d"), backend=backend.name
    )

    def bits(arrays: list[Array]) -> list[bytes]:
        if not gradient:
            return [on_host(backend, program(arrays)).tobytes()]
        value, packed = program.value_and_gradient(arrays, np.ones(3))
        return [on_host(backend, x).tobytes() for x in (value, *program.unpack(packed))]

    try:
        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(bits, inputs))
    finally:
        sys.setswitchinterval(switch)
    assert together == [bits(arrays) for arrays in inputs]
