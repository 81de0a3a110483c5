"""Arrays of a library in, arrays of it out, on their own device; nothing is moved unasked."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from law_tables import on_host
from tnlearn.backend import Backend, get_backend
from tnlearn.errors import BackendError
from tnlearn_backends.array_backend.executable import ArrayExecutable

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

MATRIX = np.arange(1.0, 5.0).reshape(2, 2)


def network(*arrays: Any, output: str = "ik") -> tnl.TensorNetwork:
    return tnl.TensorNetwork(map(tnl.Tensor, arrays, ["ij", "jk", "kl"]), output)


def answers(net: tnl.TensorNetwork, backend: Backend) -> list[Any]:
    """Arrays that a user is given by every question about numbers."""
    program = tnl.compile(net, backend=backend.name)
    x = program.pack([tensor.data for tensor in net])
    found, gradient = program.value_and_gradient(x, lambda value: value)
    log, slope = program.log_value_and_gradient(x, lambda log: log.log)
    slopes = program.unpack(slope, log=True)
    sliced = tnl.contract(net, backend=backend.name, algebra="max-plus")
    parts = [part for value in (log, program.log(x), *slopes) for part in (value.phase, value.log)]
    return [program(x), found, *program.unpack(gradient), *parts, sliced]


def test_results_are_arrays_of_the_library(backend: Backend) -> None:
    array = backend.asarray(MATRIX, "float64")
    for given in ([array, array], [array, MATRIX], [MATRIX, MATRIX]):
        for found in answers(network(*given), backend):
            assert type(found) is type(array)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_inputs_are_left_alone_and_results_are_new(backend: Backend, dtype: str) -> None:
    array = backend.asarray(MATRIX.copy(), dtype)
    program = tnl.compile(network(array, output="ij"), backend=backend.name)
    packed = program.pack([array])
    value = program(packed)
    value[...] = backend.asarray(0 * MATRIX, dtype)
    np.testing.assert_array_equal(on_host(backend, program(packed)), MATRIX.astype(dtype))
    array[...] = backend.asarray(0 * MATRIX, dtype)
    np.testing.assert_array_equal(on_host(backend, program(packed)), MATRIX.astype(dtype))


def test_questions_about_models(backend: Backend) -> None:
    """What is asked of the host's algorithms is the same on every backend, bit or rounding."""
    model = tnl.Ising(nx.cycle_graph(5), coupling=0.7, field=0.3)
    wanted = tnl.marginals(model, [(0,), (1, 2), (0, 2)])
    for key, found in tnl.marginals(model, list(wanted), backend=backend.name).items():
        np.testing.assert_allclose(found, wanted[key], rtol=1e-12)
    total = tnl.log_partition(model, backend=backend.name)
    assert total == pytest.approx(tnl.log_partition(model), rel=1e-14)
    # Samples depend on the order, which machines choose.
    path = [(0, 1)] * (len(model.network()) - 1)
    states = tnl.sample(model, 20, seed=0, search=path, backend=backend.name)
    np.testing.assert_array_equal(states, tnl.sample(model, 20, seed=0, search=path))
    response = tnl.susceptibility(model, backend=backend.name)
    np.testing.assert_allclose(response, tnl.susceptibility(model), rtol=1e-12)
    some = tnl.mode(model, sites=[0, 2])
    best = tnl.mode(model, sites=[0, 2], backend=backend.name)
    assert best.state == some.state
    assert best.energy == pytest.approx(some.energy, rel=1e-14)
    everywhere = tnl.optima(model, gap=3.0, search=path, backend=backend.name)
    assert list(everywhere) == list(tnl.optima(model, gap=3.0, search=path))
    couplings = dict.fromkeys(nx.cycle_graph(5).edges, 1.0)
    for hidden in ([], [4]):
        machine = tnl.BoltzmannMachine(couplings, hidden=hidden)
        seen = states[:, : 5 - len(hidden)] > 0
        fit = tnl.fit(machine, seen, l2=0.1, tolerance=1e-6, backend=backend.name)
        wished = tnl.fit(machine, seen, l2=0.1, tolerance=1e-6)
        for edge in couplings:
            same = pytest.approx(wished.model.couplings.get(edge, 0.0), abs=1e-5)
            assert fit.model.couplings.get(edge, 0.0) == same


def test_questions_whose_backend_is_chosen_for_them() -> None:
    model = tnl.Ising(nx.cycle_graph(5), coupling=0.7, field=0.3)
    response = tnl.susceptibility(model, backend="auto")
    np.testing.assert_allclose(response, tnl.susceptibility(model), rtol=1e-12)
    best = tnl.mode(model, sites=[0, 2], backend="auto")
    assert best.state == tnl.mode(model, sites=[0, 2]).state


def test_second_derivatives(backend: Backend) -> None:
    arrays = [backend.asarray(MATRIX, "float64")] * 2
    program = tnl.compile(network(*arrays, output=""), backend=backend.name)
    value, product = program.hvp(arrays, arrays)
    assert on_host(backend, value) == 2 * (MATRIX @ MATRIX).sum()
    np.testing.assert_array_equal(
        on_host(backend, program.unpack(product)[0]), [[3.0, 7.0], [3.0, 7.0]]
    )


# Devices: the strict library has some, if only in name


@pytest.fixture
def strict() -> Backend:
    return get_backend("strict")


def on(strict: Any, name: str, array: Array = MATRIX) -> Any:
    xp = strict.library.xp
    return xp.asarray(array, device=xp.Device(name))


@pytest.mark.parametrize("name", ["CPU_DEVICE", "device1"])
def test_results_are_on_the_device_of_the_inputs(strict: Any, name: str) -> None:
    array = on(strict, name)
    for given in ([array, array], [array, MATRIX], [array, on(strict, "CPU_DEVICE")]):
        for found in answers(network(*given), strict):
            assert found.device == array.device


def test_sliced_and_wide_programs_stay_on_the_device(strict: Any) -> None:
    arrays = [on(strict, "device1", np.diag([1.0, 1e-200])), on(strict, "device1", MATRIX * 1e200)]
    net = network(*arrays)
    plan = tnl.plan(net, backend="strict")
    for sliced in ((), (0,), (1,), (1, 2)):
        program = tnl.compile(net, backend="strict", plan=replace(plan, sliced=sliced))
        log = program.log(arrays)
        assert log.log.device == arrays[0].device


def test_torch_s_default_device_draws_nothing_to_it() -> None:
    """Tensors on the host stay there, whatever the default is."""
    torch = pytest.importorskip("torch")
    torch_backend = get_backend("torch")
    arrays = [torch.tensor(MATRIX), torch.tensor(np.diag([1e-200, 1.0]))]
    torch.set_default_device("meta")
    try:
        for given in (arrays[:1] * 2, [*arrays, arrays[1]]):
            for found in answers(network(*given, output="i"), torch_backend):
                assert found.device.type == "cpu"
    finally:
        torch.set_default_device(None)


def test_two_devices_are_one_too_many(strict: Any) -> None:
    with pytest.raises(BackendError, match=r"device1.* and .*device2.*: move them to one"):
        tnl.contract(network(on(strict, "device1"), on(strict, "device2")), backend="strict")


def test_a_foreign_array_is_refused(strict: Any) -> None:
    pytest.importorskip("torch")
    foreign = get_backend("torch").asarray(MATRIX, "float64")
    with pytest.raises(BackendError, match=r"strict backend cannot hold a torch\.Tensor: convert"):
        tnl.contract(network(foreign, foreign), backend="strict")
    with pytest.raises(BackendError, match="torch backend cannot hold a array_api_strict"):
        tnl.contract("ij->ij", on(strict, "CPU_DEVICE"), backend="torch")
    with pytest.raises(BackendError, match="numpy backend cannot hold a array_api_strict"):
        tnl.contract("ij->ij", on(strict, "device1"), backend="numpy")


def test_entries_stay_on_the_device(strict: Any) -> None:
    """No question about numbers moves an array to the host, but for a few exponents."""

    def refused(array: Any) -> Any:
        assert "int" in str(array.dtype), "the entries of a tensor were moved to the host"
        return np.from_dlpack(array)

    library = replace(strict.library, to_host=refused)
    array = on(strict, "CPU_DEVICE", MATRIX * 1e150)
    net = network(array, array, array, output="il")
    instructions = tnl.compile(net, backend="strict").instructions
    executable = ArrayExecutable(library, instructions, "float64")
    value = executable.run(executable.pack([array] * 3, True), range(1))
    assert executable.log(value).log.device == array.device
    with pytest.raises(AssertionError, match="moved to the host"):
        executable.entries(value, [np.array([0]), np.array([1])])


# CuPy, where it is not, and where it finds no device

WITHOUT_DEVICE = """
class cuda:
    class runtime:
        class CUDARuntimeError(RuntimeError):
            pass
        @staticmethod
        def getDeviceCount():
            raise cuda.runtime.CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device")
"""

ASKED = """
import tnlearn as tnl
assert tnl.contract("i,i->", [1.0, 2.0], [3.0, 4.0]) == 11
try:
    tnl.contract("i,i->", [1.0], [2.0], backend="cupy")
except tnl.errors.BackendError as error:
    print(error)
"""

#: What stands in for CuPy -> the one sentence.
CUPY = {
    "absent": (
        "raise ModuleNotFoundError(\"No module named 'cupy'\")",
        "backend 'cupy' cannot be used here: No module named 'cupy'; "
        "pip install 'tnlearn-engine[cuda12]', or [cuda13] for CUDA 13",
    ),
    "without a device": (
        WITHOUT_DEVICE,
        "backend 'cupy' cannot be used here: CuPy finds no CUDA device "
        "(cudaErrorNoDevice: no CUDA-capable device)",
    ),
    "with none of its devices to be seen": (
        WITHOUT_DEVICE.replace("raise cuda.runtime", "return 0 #"),
        "backend 'cupy' cannot be used here: CuPy finds no CUDA device",
    ),
}


@pytest.mark.parametrize(("module", "sentence"), CUPY.values(), ids=CUPY)
def test_without_cupy_all_else_works(tmp_path: Path, module: str, sentence: str) -> None:
    (tmp_path / "cupy.py").write_text(module)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == sentence + "\n", done.stderr
