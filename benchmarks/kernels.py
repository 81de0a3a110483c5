"""Own kernels for batches of small networks, as the compiler leaves them: no device is needed.

``python benchmarks/kernels.py`` compiles the value and the gradient of some networks with nvcc and
writes what they take to `results/kernels.md`: where tensors lie, registers and what did not fit
into them, and how soon a batch could be done if nothing but reading and writing took time.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import tnlearn as tnl
from benchmarks.environment import write_result
from tnlearn.backend import Input, Instructions
from tnlearn.execution.lowering import lower
from tnlearn.planning.cost import ITEM_BYTES
from tnlearn_backends.array_backend.ranges import Bounds
from tnlearn_backends.array_backend.steps import Product, Sum
from tnlearn_backends.cupy_backend.arena import arena_of
from tnlearn_backends.cupy_backend.registers import fits
from tnlearn_backends.cupy_backend.small_networks import kernel_of
from tnlearn_backends.cupy_backend.task import THREADS, Task, task_of

#: What is compiled for, the bytes that its memory moves a second, and the batch of the bound.
ARCHITECTURE, BANDWIDTH, BATCH = "sm_90", 3.35e12, 100_000
#: Entries are of order one.
ONE = Bounds(-1, 1, False, True)

NETWORKS: dict[str, Callable[[], tnl.TensorNetwork]] = {
    "Ising 4x4": lambda: tnl.Ising(nx.grid_2d_graph(4, 4)).network(),
    "Ising 6x6": lambda: tnl.Ising(nx.grid_2d_graph(6, 6)).network(),
    "Ising 8x8": lambda: tnl.Ising(nx.grid_2d_graph(8, 8)).network(),
    "chain of 30, bond 4": lambda: tnl.chain(30, 4, seed=0),
}


def instructions(network: tnl.TensorNetwork, dtype: str) -> Instructions:
    """Both sweeps of the network with a batch on every tensor, in the order planned for CuPy."""
    tensors = [
        tnl.Tensor(tensor.data[None].astype(dtype), ("batch", *tensor.indices))
        for tensor in network
    ]
    batched = tnl.TensorNetwork(tensors, ("batch", *network.output))
    plan = tnl.plan(batched, batch="batch", backend="cupy", cache=False)
    inputs = [Input(str(number), False, False) for number in range(len(tensors))]
    batch = plan.structure.inputs[0][0]
    return lower(plan.structure, (), plan.pairs, inputs, batch, range(len(tensors)))


def row(name: str, dtype: str, task: Task, what: str) -> dict[str, Any]:
    """One kernel."""
    terms = sum(
        step.terms * task.entries(step.target)
        for step, _ in task.planned
        if isinstance(step, Product | Sum)
    )
    handed = sum(map(task.entries, (*task.given, *task.results))) * ITEM_BYTES[dtype]
    kernel = kernel_of(task)
    row = {"network": name, "dtype": dtype, "kernel": what, "multiply-adds": terms}
    if kernel is None:
        return {**row, "tensors": "too large"}
    in_registers = fits(task)
    place = "registers" if in_registers else "shared memory"
    return {
        **row,
        "tensors": place,
        "threads": THREADS // kernel.at_once,
        "shared bytes": 0 if in_registers else arena_of(task).entries * ITEM_BYTES[dtype],
        **compiled(kernel.source),
        "bytes in and out": handed,
        "least us": round(handed * BATCH / BANDWIDTH * 1e6, 1),
    }


def compiled(source: str) -> dict[str, Any]:
    """What nvcc says of a kernel."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.cu"
        file.write_text(source)
        options = [f"-arch={ARCHITECTURE}", "-std=c++14", "-cubin", "-Xptxas", "-v"]
        begin = time.perf_counter()
        done = subprocess.run(
            ["nvcc", *options, "-o", f"{folder}/kernel.cubin", str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.perf_counter() - begin
    registers = re.search(r"Used (\d+) registers", done.stderr)
    spilled = re.search(r"(\d+) bytes spill stores", done.stderr)
    assert registers is not None
    return {
        "registers": int(registers[1]),
        "spilled bytes": int(spilled[1]) if spilled else 0,
        "compiled in s": round(seconds, 1),
    }


def main() -> int:
    """Compile every kernel, print and write the result."""
    rows = []
    for name, build in NETWORKS.items():
        for dtype in ("float32", "float64", "complex128"):
            program = instructions(build(), dtype)
            for what, seed in (("value", None), ("gradient", ONE)):
                rows.append(row(name, dtype, task_of(program, dtype, ONE, seed)[0], what))
                print(rows[-1], flush=True)
    write_result("kernels", {"compiled for": ARCHITECTURE, "batch": BATCH, "kernels": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
