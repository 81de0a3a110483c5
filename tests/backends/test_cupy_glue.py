"""The CuPy backend itself, over a stand-in for CuPy: the laws hold, and nothing is moved unasked.

In processes of their own, which take the stand-in for the library.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

COSTS = """
from dataclasses import replace
import cupy
import networkx as nx
import numpy as np
import tnlearn as tnl

def costs(function):
    function()  # tables of powers are made once
    cupy.counts.clear()
    function()
    return {name: count for name, count in cupy.counts.items() if count and name != "kernels"}

network = tnl.Ising(nx.random_regular_graph(3, 24, seed=0), 0.4, 0.1).network()
arrays = [tensor.data for tensor in network]
program = tnl.compile(network, backend="cupy")
x = program.pack(arrays)
assert cupy.counts["to device"] == 1, cupy.counts
assert costs(lambda: program(x)) == {}
assert costs(lambda: program.value_and_gradient(x)) == {}
assert set(costs(lambda: program.log(x))) == {"waits"}

# Measured on the way, and looked at once.
batch, shared = cupy.array(np.full((40, 2, 2), 1e-40)), cupy.array(np.full((2, 2), 1e-40))
arrays = [shared, batch] * 15
labels = [(k, k + 1) if k % 2 == 0 else ("b", k, k + 1) for k in range(30)]
chain = tnl.TensorNetwork(map(tnl.Tensor, arrays, labels), ("b",))
program = tnl.compile(chain, batch="b", backend="cupy")
x = program.pack(arrays)
assert set(costs(lambda: program.log(x))) == {"waits"}
found = costs(lambda: program.log_value_and_gradient(x, lambda log: log.phase))
assert found["waits"] < 12 and not found.get("to device"), found

assert tnl.plan(network, backend="auto").backend in ("cupy", "numpy", "torch")

# Devices: the current one, whichever it is.
with cupy.cuda.Device(1):
    there = cupy.array(np.eye(2))
    found = tnl.contract("ij,jk->ik", there, np.eye(2), backend="cupy")
    assert found.device == cupy.cuda.Device(1) != cupy.cuda.Device(0)
try:
    tnl.contract("ij,jk->ik", there, np.eye(2), backend="cupy")
except tnl.errors.BackendError as error:
    assert "call within `with cupy.cuda.Device(1):`" in str(error)
else:
    raise AssertionError("an array of another device was taken")

# Algorithms of the host are given NumPy's arrays.
ring = tnl.Ising(nx.cycle_graph(5), 0.4, 0.1).network()
plan = replace(tnl.plan(ring, backend="cupy"), sliced=(0, 1))
program = tnl.compile(ring, plan=plan, backend="cupy", algebra="max-plus")
parts = program.walker.parts(program.pack([tensor.data for tensor in ring]))
assert len(parts) == 4 and all(isinstance(part, np.ndarray) for part in parts)
"""


KERNELS = """
import cupy
import networkx as nx
import numpy as np
import tnlearn as tnl

bonds = tnl.Ising(nx.grid_2d_graph(4, 4), 0.4).network()
random = np.random.default_rng(0)
arrays = [np.exp(0.4 * random.normal(size=(1000, 2, 2))) for _ in bonds]
labels = [("b", *tensor.indices) for tensor in bonds]
network = tnl.TensorNetwork(map(tnl.Tensor, arrays, labels), ("b",))
weight = random.normal(size=1000)
there = tnl.compile(network, batch="b", backend="cupy")
here = tnl.compile(network, batch="b")
x = there.pack([cupy.array(array) for array in arrays])
np.testing.assert_allclose(there(x).get(), here(arrays), rtol=1e-13)
assert cupy.counts["kernels"] == 1, cupy.counts
value, gradient = there.value_and_gradient(x, cupy.array(weight))
_, wanted = here.value_and_gradient(arrays, weight)
for found, right in zip(there.unpack(gradient), here.unpack(wanted), strict=True):
    np.testing.assert_allclose(found.get(), right, rtol=1e-11, atol=1e-11 * abs(right).max())
assert cupy.counts["kernels"] == 3, cupy.counts
waits = cupy.counts["waits"]
there(x)
assert cupy.counts["waits"] - waits <= 2, cupy.counts
"""

GRAPHS = """
import cupy
import networkx as nx
import numpy as np
import pytest
import tnlearn as tnl
from recorded_always import recorded_always
from tnlearn_backends.cupy_backend import recording

made = []
right = recording.record
def record(*given):
    made.append(len(made))
    return right(*given)

def check(network, dtype):
    arrays = [np.exp(np.asarray(tensor.data)).astype(dtype) for tensor in network]
    tensors = [tnl.Tensor(a, t.indices, t.name) for a, t in zip(arrays, network, strict=True)]
    net = tnl.TensorNetwork(tensors, network.output)
    there, here = tnl.compile(net, backend="cupy"), tnl.compile(net)
    close = 1e-4 if dtype in ("float32", "complex64") else 1e-10
    for k in range(4):
        scaled = [a * np.asarray(1 + 0.1 * k).astype(dtype) for a in arrays]
        log, slope = there.log_value_and_gradient([cupy.array(a) for a in scaled])
        wanted, slopes = here.log_value_and_gradient(scaled)
        assert log.log == pytest.approx(wanted.log, rel=close)
        for found, exact in zip(there.unpack(slope), here.unpack(slopes), strict=True):
            np.testing.assert_allclose(found.get(), exact, atol=close)

with pytest.MonkeyPatch.context() as patch:
    patch.setattr("tnlearn_backends.cupy_backend.library.record", record)
    with recorded_always(patch):
        for dtype in ("float32", "float64", "complex64", "complex128"):
            for model in (nx.grid_2d_graph(5, 5), nx.cycle_graph(60)):
                check(tnl.Ising(model, 0.4, 0.1).network(), dtype)
assert len(made) >= 16, made
assert cupy.counts["kernels"] > 100, cupy.counts
"""


def over_the_stand_in(*arguments: str) -> str:
    path = os.pathsep.join([str(TESTS / "stand_in"), str(TESTS), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
    return done.stdout


def test_every_law_holds_of_the_backend() -> None:
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "cupy"]
    laws = ["tests/backends", f"--ignore={Path(__file__).relative_to(TESTS.parent)}"]
    said = over_the_stand_in("-m", "pytest", *options, *laws)
    passed = re.search(r"(\d+) passed", said)
    assert passed
    assert int(passed[1]) > 300, said


def test_what_runs_wait_for_and_move() -> None:
    over_the_stand_in("-c", COSTS)


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
def test_kernels_are_built_and_started() -> None:
    over_the_stand_in("-c", KERNELS)


def test_it_is_found_and_named() -> None:
    said = over_the_stand_in("-m", "tnlearn", "info")
    assert re.search(r"cupy +ready \(cupy 14\.2\.0, cuda 12\.9\)", said), said


def test_the_device_of_the_suite_of_benchmarks() -> None:
    """What asks for its name is run as it stands."""
    said = over_the_stand_in("-c", "from benchmarks.devices import ASK; exec(ASK['cupy'])")
    assert said == "a stand-in\n"


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
def test_runs_are_recorded() -> None:
    """By graphs, with own kernels for what CuPy refuses while it records; and none fails."""
    over_the_stand_in("-c", GRAPHS)
