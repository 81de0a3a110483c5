"""Own kernels on the device: compiled by NVRTC, kept by CuPy on disk, started on its stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cupy
import numpy as np

from tnlearn_backends.cupy_backend.recordable import Launch


def build(source: str, name: str) -> Launch:
    """What starts the kernel of that name: given blocks, threads and arguments as they are."""
    kernel = cupy.RawModule(code=source, options=("--std=c++14",)).get_function(name)
    return lambda blocks, threads, arguments: kernel((blocks,), (threads,), tuple(arguments))


def build_for_entries(source: str, name: str) -> Launch:
    """The same for a kernel that takes arrays whose entries lie side by side."""
    start = build(source, name)

    def launch(blocks: int, threads: int, arguments: Sequence[Any]) -> None:
        start(
            blocks,
            threads,
            [np.int64(a) if isinstance(a, int) else cupy.ascontiguousarray(a) for a in arguments],
        )

    return launch
