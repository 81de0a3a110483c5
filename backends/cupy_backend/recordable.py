"""Products and joins of arrays by kernels of our own, for what CuPy does not let be recorded.

CuPy refuses cuBLAS while a stream is recorded, and joins of many arrays, whose addresses it sends
to the device as an array. What is recorded is small: a thread adds up an entry, or a part of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from tnlearn_backends.array_backend.namespaces import Array

#: Threads in a block, each of which makes one entry.
THREADS = 128
#: Terms that one thread adds up: of longer sums there are parts, which are added up then.
TERMS = 256
#: Arrays that one start joins: all their addresses are arguments, of 4 KB at most.
JOINED = 128

PRODUCT_NAME, JOIN_NAME = "tnlearn_product", "tnlearn_join"
PRODUCT = """{number}
extern "C" __global__ void tnlearn_product(
    const number* a, const number* b, number* c,
    long long parts, long long outer, long long inner, long long rows, long long columns,
    long long terms, long long part,
    long long ao, long long an, long long ai, long long ak,
    long long bo, long long bn, long long bk, long long bj) {{
  long long entries = outer * inner * rows * columns;
  long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= parts * entries) return;
  long long entry = at % entries, first = at / entries * part;
  long long j = entry % columns, i = entry / columns % rows;
  long long n = entry / columns / rows % inner, o = entry / columns / rows / inner;
  long long last = first + part < terms ? first + part : terms;
  const number* x = a + o * ao + n * an + i * ai;
  const number* y = b + o * bo + n * bn + j * bj;
  number sum = {zero};
  for (long long k = first; k < last; ++k) add(sum, x[k * ak], y[k * bk]);
  c[at] = sum;
}}
"""
REAL = """typedef {real} number;
__device__ inline void add(number& sum, number x, number y) {{ sum += x * y; }}
"""
COMPLEX = """struct number {{ {real} re, im; }};
__device__ inline void add(number& sum, number x, number y) {{
  sum.re += x.re * y.re - x.im * y.im;
  sum.im += x.re * y.im + x.im * y.re;
}}
"""
JOIN = """typedef {unit} unit;
struct sources {{ const unit* at[{joined}]; long long ends[{joined}]; }};
extern "C" __global__ void tnlearn_join(
    sources from, unit* to, long long count, long long entries) {{
  long long at = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= entries) return;
  long long low = 0, high = count - 1;
  while (low < high) {{
    long long middle = (low + high) / 2;
    if (at < from.ends[middle]) high = middle; else low = middle + 1;
  }}
  to[at] = from.at[low][at - (low ? from.ends[low - 1] : 0)];
}}
"""
#: Bytes of an entry -> what is copied as one.
UNITS = {1: "char", 4: "int", 8: "long long", 16: "struct { long long low, high; }"}
SOURCES = np.dtype([("at", np.uint64, JOINED), ("ends", np.int64, JOINED)])

#: Starts a kernel: given blocks, threads and arguments (arrays, whole numbers, `SOURCES`).
Launch = Callable[[int, int, Sequence[Any]], None]


class Recordable:
    """Functions like those of a library with strided arrays, that may be recorded.

    Parameters
    ----------
    xp : module
        Of the library.
    build : callable
        Compiles a source and gives what starts the kernel of a name in it.
    address : callable
        Of the first entry of an array.
    """

    def __init__(
        self, xp: Any, build: Callable[[str, str], Launch], address: Callable[[Array], int]
    ) -> None:
        self._xp, self._build, self._address = xp, build, address
        self._kernels: dict[tuple[str, Any], Launch] = {}

    def matmul(self, a: Array, b: Array) -> Array:
        """The product of two matrices, or of stacks of them with one or two axes before."""
        stack, (rows, terms) = list(a.shape[:-2]), a.shape[-2:]
        columns = b.shape[-1]
        outer, inner = [1] * (2 - len(stack)) + stack
        parts = max(-(-terms // TERMS), 1)
        shape = (*((parts,) if parts > 1 else ()), *stack, rows, columns)
        result = self._xp.empty(shape, dtype=a.dtype)
        sizes = [parts, outer, inner, rows, columns, terms, TERMS]
        strides = [*_strides(a), *_strides(b)]
        self._start(PRODUCT_NAME, a.dtype.name, result, [a, b, result, *sizes, *strides])
        return self._xp.sum(result, axis=0) if parts > 1 else result

    def concat(self, arrays: Sequence[Array]) -> Array:
        """Flat arrays of one dtype, one after another."""
        xp = self._xp
        there = [xp.ascontiguousarray(array) for array in arrays if array.size]
        result = xp.empty(sum(array.size for array in there), dtype=arrays[0].dtype)
        start = 0
        for first in range(0, len(there), JOINED):
            some = there[first : first + JOINED]
            ends = list(accumulate(array.size for array in some))
            sources = np.zeros((), SOURCES)
            sources["at"][: len(some)] = [self._address(array) for array in some]
            sources["ends"][: len(some)] = ends
            part = result[start : start + ends[-1]]
            self._start(JOIN_NAME, part.dtype.itemsize, part, [sources, part, len(some), ends[-1]])
            start += ends[-1]
        return result

    def stack(self, arrays: Sequence[Array]) -> Array:
        """Arrays of one shape and dtype along a new first axis."""
        flat = self.concat([self._xp.reshape(array, (-1,)) for array in arrays])
        return self._xp.reshape(flat, (len(arrays), *arrays[0].shape))

    def _start(self, name: str, kind: Any, result: Array, given: list[Any]) -> None:
        """Start a kernel for some entries, a thread for each of the result."""
        if (name, kind) not in self._kernels:
            source = product_source(kind) if name == PRODUCT_NAME else join_source(kind)
            self._kernels[name, kind] = self._build(source, name)
        if result.size:
            self._kernels[name, kind](-(-result.size // THREADS), THREADS, given)


def product_source(dtype: str) -> str:
    """The kernel of products for a dtype."""
    real = "float" if dtype in ("float32", "complex64") else "double"
    is_complex = dtype.startswith("complex")
    number = (COMPLEX if is_complex else REAL).format(real=real)
    return PRODUCT.format(number=number, zero="{0, 0}" if is_complex else "0")


def join_source(size: int) -> str:
    """The kernel that joins arrays with entries of so many bytes."""
    return JOIN.format(unit=UNITS[size], joined=JOINED)


def _strides(array: Array) -> list[int]:
    """Of a stack of stacks of matrices, in entries."""
    found = [stride // array.dtype.itemsize for stride in array.strides]
    return [*[0] * (4 - len(found)), *found]
