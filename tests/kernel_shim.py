"""Kernels without a device: the source of one compiled for the processor, its threads one by one.

A thread runs until it waits for its warp, and then it is the next one's turn, in rising and in
falling order by turns: what reads too early, or writes too early, is wrong, and every time.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SHIM = """
#include <cmath>
#include <functional>
#include <memory>
#include <vector>
#include <ucontext.h>
#define __global__
#define __device__
#define __restrict__
#define __shared__ static
struct place { int x; };
static place blockIdx, threadIdx, blockDim;
using std::frexp; using std::scalbn;

struct thread { ucontext_t context; std::unique_ptr<char[]> stack; bool done = false; };
static ucontext_t warp;
static thread* running;
static std::function<void()> kernel;

static void run_thread() { kernel(); running->done = true; }
static void __syncwarp() { swapcontext(&running->context, &warp); }

static bool run_block(int threads) {
    std::vector<thread> all(threads);
    for (auto& one : all) {
        one.stack.reset(new char[1 << 16]);
        getcontext(&one.context);
        one.context.uc_stack.ss_sp = one.stack.get();
        one.context.uc_stack.ss_size = 1 << 16;
        one.context.uc_link = &warp;
        makecontext(&one.context, run_thread, 0);
    }
    bool falling = false;
    for (int left = threads; left; falling = !falling) {
        left = 0;
        for (int k = 0; k < threads; ++k) {
            threadIdx.x = falling ? threads - 1 - k : k;
            running = &all[threadIdx.x];
            swapcontext(&warp, &running->context);
            left += !running->done;
        }
        if (left && left < threads) return false;  // Some wait for threads that have ended.
    }
    return true;
}
"""

STARTED = """
extern "C" bool tnlearn_started(int blocks, int threads, {parameters}) {{
    kernel = [&] {{ {name}({names}); }};
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
        if (!run_block(threads)) return false;
    return true;
}}
"""


def builder(folder: Path, starts: list[tuple[int, int]]) -> Callable[[str, str], Any]:
    """What compiles a kernel with g++, and notes its starts."""

    def build(source: str, name: str) -> Callable[[int, int, Sequence[Any]], None]:
        stem = folder / hashlib.blake2b(source.encode(), digest_size=8).hexdigest()
        found = re.search(rf"{name}\((.*?)\) {{", source, re.DOTALL)
        assert found is not None
        parameters = found[1]
        names = ", ".join(part.split()[-1].lstrip("*") for part in parameters.split(","))
        started = STARTED.format(parameters=parameters, name=name, names=names)
        stem.with_suffix(".cpp").write_text(SHIM + source + started)
        options = ["-O0", "-std=c++17", "-shared", "-fPIC", "-Wall", "-Werror"]
        # How often a device's compiler unrolls a loop; and single-threaded kernels never wait.
        options += ["-Wno-unknown-pragmas", "-Wno-unused-function"]
        files = ["-o", f"{stem}.so", f"{stem}.cpp"]
        subprocess.run(["g++", *options, *files], check=True, timeout=120)
        library = ctypes.CDLL(f"{stem}.so")
        library.tnlearn_started.restype = ctypes.c_bool

        def launch(blocks: int, threads: int, arguments: Sequence[Any]) -> None:
            starts.append((blocks, threads))
            kept = [a if isinstance(a, int) else _view(a) for a in arguments]
            ends = library.tnlearn_started(blocks, threads, *map(_argument, kept))
            assert ends, "threads wait for others that have ended"

        return launch

    return build


def compiled_for_devices(source: str, folder: Path) -> str:
    """What nvcc says of a kernel, of which it may not complain."""
    (folder / "kernel.cu").write_text(source)
    options = ["-arch=sm_80", "-std=c++14", "-cubin", "-Xptxas", "-v", "-Werror", "all-warnings"]
    files = ["-o", str(folder / "kernel.cubin"), str(folder / "kernel.cu")]
    done = subprocess.run(
        ["nvcc", *options, *files], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def _view(array: Any) -> np.ndarray[Any, Any]:
    """An array of any library, in order; one of NumPy as it lies."""
    if isinstance(array, np.ndarray):
        return array
    return np.ascontiguousarray(np.from_dlpack(array))


def _argument(value: Any) -> Any:
    """A whole number, a structure itself, or the address of an array."""
    if isinstance(value, int):
        return ctypes.c_longlong(value)
    if value.dtype.names is None:
        return ctypes.c_void_p(value.ctypes.data)
    words = [("words", ctypes.c_longlong * (value.nbytes // 8))]
    return type("Structure", (ctypes.Structure,), {"_fields_": words}).from_buffer_copy(value)
