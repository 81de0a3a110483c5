"""Which devices there are, asked of the libraries themselves, each in a process that then ends.

A process that has used CUDA must not be forked, and those of contenders are; so this one never
does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from benchmarks.bound import Rates

#: Library -> what prints the name of its device, and fails where there is none.
ASK = {
    "cupy": "import cupy; print(cupy.cuda.runtime.getDeviceProperties(0)['name'].decode())",
    "torch": "import torch; print(torch.cuda.get_device_name())",
    "jax": "import jax; print(jax.devices('gpu')[0].device_kind)",
}
#: Rows of the product, and bytes of the copy, by which a device is measured.
SIZE, COPY = 4096, 2**29
REPEATS = 3


@cache
def device_name(library: str) -> str:
    """The name of the device that a library computes on; nothing if it finds none."""
    environment = {name: value for name, value in os.environ.items() if name != "JAX_PLATFORMS"}
    done = subprocess.run(
        [sys.executable, "-c", ASK[library]],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment,
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def devices() -> dict[str, str]:
    """Name of the device by library, of those that have one."""
    return {library: name for library in ASK if (name := device_name(library))}


def device_rates(
    dtype: str, put: Callable[[Any], Any], synchronize: Callable[[], None], multiply: Any
) -> Rates:
    """What a library's matrix product and a copy reach on a device.

    Parameters
    ----------
    dtype : str
    put : callable
        A NumPy array to one on the device.
    synchronize : callable
        Waits for the device.
    multiply : callable
        The product of two matrices there.
    """
    random = np.random.default_rng(0)
    a, b = (put(random.random((SIZE, SIZE)).astype(dtype)) for _ in range(2))
    source = put(np.ones(COPY // 8))
    each = 8 if dtype.startswith("complex") else 2
    multiplied = _fastest(lambda: multiply(a, b), synchronize)
    copied = _fastest(lambda: source + 0.0, synchronize)
    return Rates(each * SIZE**3 / multiplied, 2 * COPY / copied)  # read and written


def _fastest(function: Callable[[], Any], synchronize: Callable[[], None]) -> float:
    """Seconds by the clock, the least of several after one that is not counted."""
    seconds = []
    for _ in range(REPEATS + 1):
        synchronize()
        start = time.perf_counter()
        function()
        synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
