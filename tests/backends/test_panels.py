"""Matrix products of tensors as they lie, however their rows, columns and terms do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import complex64, complex128, float32, float64, int64, njit

from tnlearn_backends.numpy_backend.native import columns
from tnlearn_backends.numpy_backend.native.dims import Dim, fused, offsets
from tnlearn_backends.numpy_backend.native.intrinsics import as_real, pointer_at
from tnlearn_backends.numpy_backend.native.panel_forms import Panels, panels
from tnlearn_backends.numpy_backend.native.panels import run_panels
from tnlearn_backends.numpy_backend.native.vectors import tile

Array = np.ndarray[Any, Any]

KINDS = {
    "float32": (float32, float32, 1),
    "float64": (float64, float64, 1),
    "complex64": (complex64, float32, 2),
    "complex128": (complex128, float64, 2),
}
#: Sizes about those of tiles, of vectors and of blocks.
SIZES = (1, 2, 3, 4, 7, 8, 16, 17, 33)


@njit
def product(c, a, b, loops, counter, work, strides, kind, real, width):  # type: ignore[no-untyped-def]
    space = pointer_at(work, real)
    run_panels(
        as_real(pointer_at(c, kind), space),
        as_real(pointer_at(a, kind), space),
        as_real(pointer_at(b, kind), space),
        pointer_at(loops, int64),
        pointer_at(counter, int64),
        space,
        pointer_at(strides, int64),
        width,
        0,
    )


def multiplied(form: Panels, a: Array, b: Array, size: int) -> Array:
    """What the engine makes of a form."""
    kind, real, width = KINDS[a.dtype.name]
    itemsize = a.itemsize // width
    target = np.full(size, np.nan, a.dtype)
    strides = np.arange(columns.DEEP) * tile(itemsize).rows
    work = np.full(columns.WORK, np.nan, f"f{itemsize}")
    pool = np.array(form.pool())
    counter = np.zeros(columns.DEPTH, np.int64)
    arrays = [target, *((b, a) if form.swapped else (a, b)), pool, counter, work, strides]
    product(*(array.ctypes.data for array in arrays), kind, real, width)
    assert not counter.any()
    return target


def random_dims(random: np.random.Generator) -> tuple[Dim, ...]:
    """Rows, columns, terms, and at times loops around them, in any order in all three tensors."""
    groups = ["rows"] * int(random.integers(1, 4)) + ["columns"] * int(random.integers(0, 4))
    groups += ["terms"] * int(random.integers(1, 4)) + ["shared"] * int(random.integers(0, 2))
    sizes = [int(random.choice(SIZES)) for _ in groups]
    while np.prod(sizes, dtype=float) > 2e5:
        sizes[int(np.argmax(sizes))] = 2
    strides = []
    for absent in ("columns", "rows", "terms"):
        stride, of = 1, [0] * len(groups)
        for k in random.permutation(len(groups)):
            if groups[k] != absent:
                of[k], stride = stride, stride * sizes[k]
        strides.append(of)
    return fused(map(Dim, sizes, *strides))


def entries(random: np.random.Generator, size: int, dtype: str) -> Array:
    found = random.standard_normal(size)
    if dtype.startswith("complex"):
        return (found + 1j * random.standard_normal(size)).astype(dtype)
    return found.astype(dtype)


def check(seed: int, dtype: str) -> None:
    """Both forms of a random step, against sums over the table of all offsets."""
    random = np.random.default_rng(seed)
    dims = random_dims(random)
    at = offsets(dims)
    a, b = (entries(random, int(places.max()) + 1, dtype) for places in at[:2])
    size = int(at[2].max()) + 1
    wide = "complex128" if dtype.startswith("complex") else "float64"
    wanted = np.zeros(size, wide)
    np.add.at(wanted, at[2], a[at[0]].astype(wide) * b[at[1]].astype(wide))
    terms = at.shape[1] / size
    tolerance = 50 * np.finfo(dtype).eps * terms
    for form in panels(dims):
        np.testing.assert_allclose(multiplied(form, a, b, size), wanted, atol=tolerance)


@pytest.mark.parametrize("dtype", KINDS)
def test_products_however_the_tensors_lie(dtype: str) -> None:
    for seed in range(150):
        check(seed, dtype)


def test_long_tables_are_split_and_blocks_follow_each_other() -> None:
    """More rows, columns and terms than one table or one block holds."""
    random = np.random.default_rng(0)
    for m, k, n in ((6000, 3, 5), (5, 2500, 3), (3, 4, 1500), (40, 600, 300)):
        a, b = random.standard_normal((m, k)), random.standard_normal((k, n))
        dims = (Dim(m, k, 0, n), Dim(k, 1, n, 0), Dim(n, 0, 1, 1))
        for form in panels(dims):
            found = multiplied(form, a.ravel(), b.ravel(), m * n).reshape(m, n)
            np.testing.assert_allclose(found, a @ b, atol=1e-12 * k)


@pytest.mark.parametrize(("lanes", "wide"), [(2, 8), (4, 4)])
def test_tiles_of_other_processors(lanes: int, wide: int) -> None:
    """Vectors of 16 and of 32 bytes, in a process that takes this one to have no others."""
    script = (
        "import sys; from tnlearn_backends.numpy_backend.native import vectors\n"
        f"bytes = {lanes * 8}\n"
        f"vectors.tile = lambda size: vectors.Tile(bytes // size, 2 * bytes // size, {wide})\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_panels\n"
        "for dtype in ('float32', 'float64', 'complex128'):\n"
        "    for seed in range(60): test_panels.check(seed, dtype)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=300)
