"""The laws of a backend, on every one that is installed; and the door through which they come."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from operator import add
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import numpy as np
import pytest

import reference
import tnlearn as tnl
from law_tables import BACKENDS, DTYPES, on_host
from random_networks import Case, as_array, random_case
from tnlearn.backend import Algebra, Backend, algebra_of, get_backend, installed, modulo
from tnlearn.errors import BackendError, RangeError

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

#: Seeds of the random networks: values and gradients are small integers, so they come out exact.
SEEDS = range(50)


def host_log(backend: Backend, value: tnl.LogValue) -> tuple[Array, Array]:
    return on_host(backend, value.phase), on_host(backend, value.log)


def exact_value(case: Case) -> Array:
    return as_array(case.value(), case.shape(case.output), case.is_complex)


def exact_gradient(case: Case) -> list[Array]:
    shapes = [case.shape(term.indices) for term in case.terms]
    pairs = zip(case.gradient(), shapes, strict=True)
    return [as_array(entries, shape, case.is_complex) for entries, shape in pairs]


def cotangent(case: Case) -> Array:
    return as_array(case.cotangent, case.shape(case.output), case.is_complex)


def assert_answers(
    backend: Backend,
    program: tnl.Program,
    arrays: Sequence[Array],
    weight: Array,
    value: Array,
    gradient: Sequence[Array],
    note: Any,
) -> None:
    """The value in every form, and the gradient, to the last bit."""
    x = program.pack(arrays)
    found, packed = program.value_and_gradient(x, weight)
    gradients = program.unpack(packed)
    results = [program(x), found, *gradients]
    for result, wanted in zip(results, [value, value, *gradient], strict=True):
        array = on_host(backend, result)
        assert (array.dtype, array.shape) == (wanted.dtype, wanted.shape), note
        np.testing.assert_array_equal(array, wanted, err_msg=repr(note))
    phase, log = host_log(backend, program.log(x))
    np.testing.assert_array_equal(np.isneginf(log), value == 0, err_msg=repr(note))
    np.testing.assert_allclose(phase * np.exp(log), value, rtol=1e-12, err_msg=repr(note))


# What a backend says of itself


def test_name_machine_and_versions(backend: Backend) -> None:
    assert [point.name for point in installed()[backend.name]] == [backend.name]
    assert get_backend(backend.name) is backend
    machine = backend.machine
    assert machine.name
    assert min(machine.flops, machine.bandwidth, machine.latency) > 0
    assert machine.seconds(1e9, 1e9, 100, "float32") < machine.seconds(1e9, 1e9, 100, "float64")
    assert machine.seconds(1e9, 1e9, 100, "float64") > machine.seconds(1e9, 1e9, 10, "float64")
    assert backend.versions
    assert all(name and version for name, version in backend.versions.items())


# Arrays in and out


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_arrays_come_back_as_they_went_in(
    backend: Backend, dtype: str, shape: tuple[int, ...]
) -> None:
    random = np.random.default_rng(0)
    given = np.asarray(random.standard_normal(shape) + 1j * random.standard_normal(shape))
    given = (given if dtype.startswith("complex") else given.real).astype(dtype)
    for array in (given, given.T, given[..., ::-1] if shape else given):
        found = backend.to_host(backend.asarray(array, dtype))
        assert isinstance(found, np.ndarray)
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_bit_is_lost(backend: Backend, dtype: str) -> None:
    info = np.finfo(dtype)
    special = [0.0, -0.0, math.nan, math.inf, -math.inf, info.tiny, info.max, info.eps, 1 / 3]
    given = np.array([*special, info.smallest_subnormal], dtype)
    given.flags.writeable = False
    assert backend.to_host(backend.asarray(given, dtype)).tobytes() == given.tobytes()


@pytest.mark.parametrize("given", [[1, 2], [True, False], 3, [[0.5]], np.arange(3, dtype="int8")])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_no_float_is_cast(backend: Backend, given: Any, dtype: str) -> None:
    found = backend.to_host(backend.asarray(given, dtype))
    np.testing.assert_array_equal(found, np.asarray(given, dtype), strict=True)


# Values and gradients


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


def resized(array: Array, indices: str, batch: str, size: int) -> Array:
    """The array with its elements along the batch repeated, or cut off, to another size."""
    for axis, index in enumerate(indices):
        if index == batch:
            array = np.take(array, np.arange(size) % array.shape[axis], axis=axis)
    return array


def regrown(case: Case, batch: str, size: int) -> Case:
    """The same network with another size of one index; every tensor is its own parameter."""
    terms = [
        replace(term, owner=k, entries=entries_of(resized(array, term.indices, batch, size)))
        for k, (array, term) in enumerate(zip(case.arrays(), case.terms, strict=True))
    ]
    weight = entries_of(resized(cotangent(case), case.output, batch, size))
    return Case(case.label, tuple(terms), {**case.sizes, batch: size}, case.output, weight)


def entries_of(array: Array) -> dict[tuple[int, ...], tuple[int, int]]:
    return {at: (int(x.real), int(x.imag)) for at, x in np.ndenumerate(array)}


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


# Any magnitude

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


# The parts of an executable that slices, samples and gradients are made of


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
    record = tnl.compile(case.network(), backend=backend.name).record(case.arrays())
    value = exact_value(case)
    where = np.unravel_index(np.arange(value.size), value.shape) if value.ndim else ()
    found = record.entries(record.instructions.value, where)
    np.testing.assert_allclose(
        found.phase * np.exp(found.log), value.ravel() if value.ndim else value, 1e-12
    )
    assert len(record.slots) == record.instructions.seed


# Other algebras


def known_or_refused(backend: Backend, algebra: Algebra) -> AbstractContextManager[Any]:
    """A gap is refused, with its reason and a backend that has none."""
    if reason := backend.gaps.get(algebra.kind):
        return pytest.raises(BackendError, match=f"{algebra.name}: {reason}.*backend='numpy'")
    return nullcontext()


@pytest.mark.parametrize("name", ["max-plus", "min-plus", "max-count", "min-count"])
def test_best_values_and_their_numbers(backend: Backend, name: str) -> None:
    """Against a table of all sums: a hyperedge, an open index, a slice."""
    random = np.random.default_rng(0)
    a, b, c = (random.integers(-2, 3, (3, 4)).astype(float) for _ in range(3))
    network = tnl.TensorNetwork(
        [tnl.Tensor(x, t) for x, t in ((a, "ij"), (b, "kj"), (c, "lj"))], "k"
    )
    plan = replace(tnl.plan(network, backend=backend.name), sliced=(1,))
    with known_or_refused(backend, algebra_of(name)):
        found = tnl.contract(network, algebra=name, plan=plan, backend=backend.name)
    if algebra_of(name).kind in backend.gaps:
        return
    got = on_host(backend, found)
    table = (a[:, None, None] + b[None, :, None] + c[None, None]).transpose(1, 0, 2, 3)
    table = table.reshape(3, -1)
    best = table.max(1) if name.startswith("max") else table.min(1)
    ways = (table == best[:, None]).sum(1)
    np.testing.assert_array_equal(got, np.stack([best, ways], 1) if "count" in name else best)


@pytest.mark.parametrize("sliced", [0, 2])
@pytest.mark.parametrize("name", ["max-plus", "min-plus"])
def test_best_values_of_random_networks(backend: Backend, name: str, sliced: int) -> None:
    """Of whole networks, and with slices of whatever indices: to the last bit."""
    best, zero = (max, -math.inf) if name == "max-plus" else (min, math.inf)
    rule = reference.Algebra(best, add, zero, 0.0)
    for seed in SEEDS:
        case = random_case(seed)
        if case.is_complex or 0 in case.sizes.values() or len(case.sizes) < sliced:
            continue
        arrays = case.arrays()
        pairs = zip(arrays, case.terms, strict=True)
        terms = [(dict(np.ndenumerate(array)), term.indices) for array, term in pairs]
        wanted = reference.contract(terms, case.sizes, case.output, rule)
        plan = tnl.plan(case.network(), backend=backend.name)
        chosen = tuple(Random(seed).sample(range(len(case.sizes)), sliced))
        program = tnl.compile(
            case.network(), algebra=name, plan=replace(plan, sliced=chosen), backend=backend.name
        )
        found = on_host(backend, program(arrays))
        for at, value in wanted.items():
            assert found[at] == value, case


def test_residues(backend: Backend) -> None:
    matrix = np.array([[2.0, 3.0], [5.0, 7.0]])
    network = tnl.TensorNetwork([tnl.Tensor(matrix, "ij"), tnl.Tensor(matrix, "jk")], "ik")
    with known_or_refused(backend, modulo(11)):
        got = tnl.contract(network, algebra=modulo(11), backend=backend.name)
    if "modular" in backend.gaps:
        return
    np.testing.assert_array_equal(on_host(backend, got), matrix @ matrix % 11)


# The door: a stranger's distribution, a folder on the path

STRANGER = """
from tnlearn.backend import Backend, Machine, get_backend

COMPILED = []

class Loopback(Backend):
    name = "loopback"
    inner = property(lambda self: get_backend("numpy"))
    machine = Machine("an abacus", flops=1.0, bandwidth=1.0, latency=1.0)
    versions = property(lambda self: {"loopback": "1"})

    def asarray(self, data, dtype):
        return self.inner.asarray(data, dtype)

    def to_host(self, array):
        return self.inner.to_host(array)

    def compile(self, instructions, dtype, algebra):
        COMPILED.append(dtype)
        return self.inner.compile(instructions, dtype, algebra)

class NoBackend:
    pass
"""

QUESTIONS = """
import networkx as nx, stranger
matrix = np.arange(4.0).reshape(2, 2)
net = tnl.TensorNetwork([tnl.Tensor(matrix, "ij"), tnl.Tensor(matrix, "jk")], "ik")
value, gradient = tnl.value_and_gradient(net, np.ones((2, 2)), backend="loopback")
model = tnl.Ising(nx.cycle_graph(4), field=50.0)
before = len(stranger.COMPILED)
program = tnl.compile(net, backend="loopback")
x = program.pack([matrix, matrix])
for _ in range(3):
    program(x), program.value_and_gradient(x, np.ones((2, 2)))
once = len(stranger.COMPILED) - before
answer = {
    "installed": sorted(installed()),
    "contract": tnl.contract(net, backend="loopback").tolist(),
    "value": value.tolist(),
    "gradient": gradient["0"].tolist(),
    "plan": [(p.backend, p.cost.seconds) for p in [tnl.plan(net, backend="loopback")]],
    "once": once,
    "log": tnl.log_partition(model, backend="loopback"),
    "sample": tnl.sample(model, 2, backend="loopback").tolist(),
    "marginals": tnl.marginals(model, backend="loopback")[0].tolist(),
    "compiled": len(stranger.COMPILED),
    "numpy": tnl.contract(net).tolist(),
    "untouched": len(stranger.COMPILED),
}
"""


def ask(folder: Path, points: str, code: str, module: str = STRANGER) -> Any:
    """What `code` leaves in ``answer``, beside a distribution with these entry points."""
    (folder / "stranger.py").write_text(module)
    info = folder / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tnlearn.backends]\n{points}\n")
    head = "import json, numpy as np, tnlearn as tnl\nfrom tnlearn.backend import *\n"
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", f"{head}{code}\nprint(json.dumps(answer))"],
        env={**os.environ, "PYTHONPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_stranger_s_backend(tmp_path: Path) -> None:
    """Found, used for every question, and left alone when another is asked for."""
    answer = ask(tmp_path, "loopback = stranger:Loopback", QUESTIONS)
    assert answer["installed"] == sorted({*BACKENDS, "loopback"} - {"strict"})
    assert answer["contract"] == answer["value"] == answer["numpy"] == [[2, 3], [6, 11]]
    assert answer["gradient"] == [[1, 5], [1, 5]]
    ((name, seconds),) = answer["plan"]
    assert name == "loopback"
    assert seconds > 100  # on an abacus: its own machine model was asked
    assert answer["once"] == 2  # the value, and the value with its gradient
    assert answer["log"] == pytest.approx(204)
    assert answer["sample"] == [[1] * 4] * 2
    assert answer["marginals"] == pytest.approx([0, 1])
    assert answer["untouched"] == answer["compiled"]


ERROR = """
try:
    {call}
    answer = None
except Exception as error:
    answer = [[kind.__name__ for kind in type(error).__mro__], str(error)]
"""

# name -> entry points, module, backend asked for, what the message must say
STRANGERS: dict[str, tuple[str, str, str, str]] = {
    "unknown": ("loopback = stranger:Loopback", STRANGER, "nobody",
                "no backend is called 'nobody'; installed: .*loopback.*numpy"),
    "no library": ("absent = stranger:Absent", "import a_library_that_is_not_there", "absent",
                   "'absent' cannot be used here: No module named 'a_library_that_is_not_there'"),
    "no device": ("absent = stranger:Absent", "raise ImportError('needs CUDA 12')", "absent",
                  "'absent' cannot be used here: needs CUDA 12"),
    "no module": ("gone = nowhere.at_all:Gone", STRANGER, "gone", "'gone' cannot be used here"),
    "no such class": ("typo = stranger:Lopback", STRANGER, "typo", "typo.*Lopback"),
    "no backend": ("plain = stranger:NoBackend", STRANGER, "plain",
                   "stranger:NoBackend is no subclass of tnlearn.backend.Backend"),
    "two of one name": ("numpy = stranger:Loopback", STRANGER, "numpy",
                        "two backends are called 'numpy': .*stranger:Loopback"),
}  # fmt: skip


@pytest.mark.parametrize(("points", "module", "name", "message"), STRANGERS.values(), ids=STRANGERS)
def test_backends_that_cannot_be_had(
    tmp_path: Path, points: str, module: str, name: str, message: str
) -> None:
    """One clear sentence, on one line, in a BackendError."""
    call = f"tnl.contract('i,i->', [1.0], [2.0], backend={name!r})"
    answer = ask(tmp_path, points, ERROR.format(call=call), module)
    assert answer is not None
    kinds, text = answer
    assert {"BackendError", "TnlearnError", "ValueError"} <= set(kinds), answer
    assert "\n" not in text
    assert re.search(message, text), text


def test_no_backend_is_imported_to_list_it(tmp_path: Path) -> None:
    """One that cannot be imported takes nothing from the others."""
    code = "answer = [sorted(installed()), float(tnl.contract('i,i->', [1.0], [2.0]))]"
    names, value = ask(tmp_path, "absent = stranger:Absent", code, "raise SystemExit(3)")
    assert "absent" in names
    assert value == 2.0
