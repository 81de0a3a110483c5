"""Own kernels on the device: compiled by NVRTC, kept by CuPy on disk, started on its stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cupy
import numpy as np

from tnlearn_backends.cupy_backend.small_networks import Launch


def build(source: str, name: str) -> Launch:
    """What starts the kernel of that name: given blocks, threads and arguments."""
    kernel = cupy.RawModule(code=source, options=("--std=c++14",)).get_function(name)

    def launch(blocks: int, threads: int, arguments: Sequence[Any]) -> None:
        given = (
            np.int64(a) if isinstance(a, int) else cupy.ascontiguousarray(a) for a in arguments
        )
        kernel((blocks,), (threads,), tuple(given))

    return launch
