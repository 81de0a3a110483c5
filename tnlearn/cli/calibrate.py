"""``tnlearn calibrate``: how fast this machine is, for the seconds that plans predict."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tnlearn.backend import Machine, calibrated, get_backend
from tnlearn.errors import BackendError
from tnlearn.execution import compile
from tnlearn.network import Tensor, TensorNetwork

#: Rows of the matrices whose product gives the rate of large steps.
LARGE = 1024
#: Entries of the vectors whose product, entry by entry, gives the bandwidth.
LONG = 2**22
#: Rows and columns of steps that stay in the processor's cache and are no matrix products.
ROWS, COLUMNS = 64, 2
#: Steps of the chains that are timed; the difference between two is free of what a call costs.
STEPS = (200, 1000)
#: Seconds for which each network is run.
SECONDS = 0.4
#: What is measured, by the names of `Machine`, and how it is printed.
ROWS_PRINTED = {
    "flops": ("large products", "flop/s"),
    "small_flops": ("other steps", "flop/s"),
    "bandwidth": ("bandwidth", "B/s"),
    "latency": ("start of a step", "s"),
}
#: Likewise, where the machine has a memory of its own.
TRANSFER = {"transfer": ("to and fro", "B/s")}


def calibrate(backend: str = "numpy", reset: bool = False) -> None:
    """Measure a backend's machine model, print it, and keep it for all plans to come."""
    path = calibrated.stored_at(backend)
    shipped = get_backend(backend).machine
    if path is None:
        raise BackendError("TNLEARN_CACHE_DIR is off, so there is no folder to keep it in")
    if reset:
        gone = calibrated.forget(path)
        print(f"plans use the shipped model: {shipped.name}" + (" again" if gone else ""))
        return
    machine = measured(backend)
    shown = ROWS_PRINTED | (TRANSFER if machine.transfer else {})
    print(f"{'':<16} {'shipped':>10} {'measured':>10}")
    for field, (title, unit) in shown.items():
        before, now = getattr(shipped, field) or shipped.flops, getattr(machine, field)
        print(f"{title:<16} {before:>10.2g} {now:>10.2g}  {unit}")
    _keep(path, machine)


def _keep(path: Path, machine: Machine) -> None:
    if not calibrated.store(path, machine):
        raise BackendError(f"{path} cannot be written, so plans go on as before")
    print(f"\nkept in {path}; tnlearn calibrate --reset goes back to the shipped model")


def measured(backend: str) -> Machine:
    """What programs of this backend reach, run as anybody runs them. About five seconds."""
    shipped = get_backend(backend).machine
    latency = _slope(lambda steps: _chain([2] * (steps + 1)), backend)
    product = _seconds(_chain([LARGE] * 3), backend)
    vectors = [Tensor(np.ones(LONG), "i"), Tensor(np.ones(LONG), "i")]
    bandwidth = 3 * 8 * LONG / _seconds(TensorNetwork(vectors, "i"), backend)
    step = _slope(lambda steps: _chain(_alternating(steps + 1)), backend)
    # The bytes of a step, here in the cache, are part of the model too; but never most of it.
    traffic = 8 * (2 * ROWS * COLUMNS + ROWS**2) / bandwidth
    arithmetic = max(step - latency - traffic, step / 4)
    return Machine(
        "measured on this machine",
        flops=_rounded(2 * LARGE**3 / product),
        bandwidth=_rounded(bandwidth),
        latency=_rounded(latency),
        small_flops=_rounded(2 * ROWS**2 * COLUMNS / arithmetic),
        transfer=_transfer(backend) if shipped.transfer else None,
        memory=shipped.memory,
        grouped=shipped.grouped,
        whole=shipped.whole,
    )


def _transfer(backend: str) -> float:
    """Bytes a second to the device and back."""
    there, array = get_backend(backend), np.ones(LONG)
    there.to_host(there.asarray(array, "float64"))
    start = time.perf_counter()
    there.to_host(there.asarray(array, "float64"))
    return _rounded(2 * array.nbytes / (time.perf_counter() - start))


def _alternating(count: int) -> list[int]:
    return [(ROWS, COLUMNS)[k % 2] for k in range(count)]


def _chain(sizes: Sequence[int]) -> TensorNetwork:
    """A product of matrices with these numbers of rows, entries of about one."""
    arrays = [np.full(shape, 1 / shape[1]) for shape in itertools.pairwise(sizes)]
    tensors = [Tensor(array, (k, k + 1)) for k, array in enumerate(arrays)]
    return TensorNetwork(tensors, (0, len(tensors)))


def _slope(chain: Callable[[int], TensorNetwork], backend: str) -> float:
    """Seconds for each further step of a chain."""
    few, many = STEPS
    more = _seconds(chain(many), backend) - _seconds(chain(few), backend)
    return max(more, 1e-9) / (many - few)


def _seconds(network: TensorNetwork, backend: str) -> float:
    """Seconds of the quickest of many runs, from the first tensor to the last."""
    count = len(network)
    # In opt_einsum's form: the first two, and then what they made, which is last, with the next.
    path = [(0, 1), *((0, left - 1) for left in range(count - 1, 1, -1))]
    program = compile(network, backend=backend, search=path)
    inputs = program.pack([tensor.data for tensor in network])
    best, stop = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < stop:
        start = time.perf_counter()
        program(inputs)
        best = min(best, time.perf_counter() - start)
    return best


def _rounded(value: float) -> float:
    """Two digits: no more are the same on the next day."""
    return float(f"{value:.2g}")
