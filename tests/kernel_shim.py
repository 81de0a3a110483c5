"""Kernels without a device: the source of one compiled for the processor, its threads in a loop."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SHIM = """
#include <cmath>
#define __global__
#define __device__
#define __restrict__
struct place { int x; };
static place blockIdx, threadIdx, blockDim, gridDim;
using std::frexp; using std::scalbn;
extern "C" void tnlearn_place(int block, int thread, int blocks, int threads) {
    blockIdx.x = block; threadIdx.x = thread; gridDim.x = blocks; blockDim.x = threads;
}
"""


def builder(folder: Path, starts: list[tuple[int, int]]) -> Callable[[str, str], Any]:
    """What compiles a kernel with g++, and notes its starts."""

    def build(source: str, name: str) -> Callable[[int, int, Sequence[Any]], None]:
        stem = folder / hashlib.blake2b(source.encode(), digest_size=8).hexdigest()
        stem.with_suffix(".cpp").write_text(SHIM + source)
        options = ["-O1", "-std=c++17", "-shared", "-fPIC", "-Wall", "-Werror"]
        options += ["-Wno-unknown-pragmas"]  # how often a device's compiler unrolls a loop
        files = ["-o", f"{stem}.so", f"{stem}.cpp"]
        subprocess.run(["g++", *options, *files], check=True, timeout=120)
        library = ctypes.CDLL(f"{stem}.so")

        def launch(blocks: int, threads: int, arguments: Sequence[Any]) -> None:
            starts.append((blocks, threads))
            given = [
                ctypes.c_longlong(a) if isinstance(a, int) else ctypes.c_void_p(_address(a))
                for a in arguments
            ]
            for block in range(blocks):
                for thread in range(threads):
                    library.tnlearn_place(block, thread, blocks, threads)
                    library[name](*given)

        return launch

    return build


def _address(array: Any) -> int:
    view = np.from_dlpack(array)
    assert view.flags.c_contiguous
    return int(view.__array_interface__["data"][0])
