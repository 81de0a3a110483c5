"""The native engine of the NumPy backend: steps large enough for every form of loop, its arena, and
where its machine code is kept."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import accumulate, combinations, groupby
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import tnlearn as tnl
from tnlearn.errors import RangeError
from tnlearn_backends.numpy_backend.native import columns, compiled
from tnlearn_backends.numpy_backend.native.arena import Arena
from tnlearn_backends.numpy_backend.native.dims import Dim, fused
from tnlearn_backends.numpy_backend.native.forms import best
from tnlearn_backends.numpy_backend.native.gaps import Gaps
from tnlearn_backends.numpy_backend.native.program import Sized
from tnlearn_backends.numpy_backend.native.tape import write_tape

Array = np.ndarray[Any, Any]

TOLERANCES = {"float32": 1e-4, "float64": 1e-11, "complex64": 1e-4, "complex128": 1e-11}


def random_terms(random: np.random.Generator, count: int) -> tuple[list[str], str, dict[str, int]]:
    """A connected einsum of `count` tensors, large enough that forms differ, with hyperedges."""
    letters = "abcdefghij"[: int(random.integers(4, 9))]
    sizes = {i: int(random.choice([1, 2, 3, 4, 7, 8])) for i in letters}
    terms = []
    for _ in range(count):
        width = int(random.integers(2, min(6, len(letters)) + 1))
        terms.append("".join(random.permutation(list(letters))[:width]))
    used = sorted(set("".join(terms)))
    output = "".join(i for i in used if random.random() < 0.3)
    return terms, "".join(random.permutation(list(output))), sizes


def arrays_of(
    random: np.random.Generator, terms: list[str], sizes: dict[str, int], dtype: str
) -> list[Array]:
    made = []
    for term in terms:
        array = random.standard_normal([sizes[i] for i in term])
        if dtype.startswith("complex"):
            array = array + 1j * random.standard_normal(array.shape)
        made.append(array.astype(dtype))
    return made


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("seed", range(60))
def test_steps_of_every_form(seed: int, dtype: str) -> None:
    """Values, and gradients by every tensor, as einsum has them."""
    random = np.random.default_rng(seed)
    terms, output, sizes = random_terms(random, int(random.integers(2, 5)))
    arrays = arrays_of(random, terms, sizes, dtype)
    program = tnl.compile(tnl.TensorNetwork(map(tnl.Tensor, arrays, terms), output))
    wanted = np.einsum(",".join(terms) + "->" + output, *arrays)
    weight = random.standard_normal(wanted.shape)
    value, gradient = program.value_and_gradient(arrays, weight)
    scale = np.einsum(",".join(terms) + "->" + output, *map(abs, arrays)).max(initial=1)
    np.testing.assert_allclose(value, wanted, atol=TOLERANCES[dtype] * scale)
    for k, found in enumerate(program.unpack(gradient)):
        others = [term for j, term in enumerate(terms) if j != k]
        given = [array for j, array in enumerate(arrays) if j != k]
        # Labels that stand on this tensor alone are only repeated.
        alone = [i for i in terms[k] if i not in output and not any(i in term for term in others)]
        ones = [np.ones(sizes[i]) for i in alone]
        expression = ",".join([output, *others, *alone]) + "->" + terms[k]
        expected = np.einsum(expression, weight, *given, *ones)
        scale = np.einsum(expression, *map(abs, [weight, *given]), *ones).max(initial=1)
        np.testing.assert_allclose(found, expected, atol=TOLERANCES[dtype] * scale)


def test_large_steps_are_matrix_products_and_small_ones_loops() -> None:
    random = np.random.default_rng(0)
    kinds = {}
    for size in (2, 64):
        a = random.standard_normal((size, size))
        program = tnl.compile(tnl.TensorNetwork([tnl.Tensor(a, "ij"), tnl.Tensor(a, "jk")], "ik"))
        tape = write_tape(program.instructions, None)
        kinds[size] = tape.rows[0, columns.KIND]
        np.testing.assert_allclose(program([a, a]), a @ a, rtol=1e-12)
    assert kinds == {2: columns.LOOPS, 64: columns.PANELS}


def test_a_large_tensor_times_a_small_one_is_not_permuted() -> None:
    """A matrix on the middle axis: one step, no copy, whatever the axis."""
    random = np.random.default_rng(0)
    large, small = random.standard_normal((8, 8, 8, 8)), random.standard_normal((8, 8))
    for axis, label in enumerate("abcd"):
        output = "abcd".replace(label, "x")
        tensors = [tnl.Tensor(large, "abcd"), tnl.Tensor(small, f"{label}x")]
        program = tnl.compile(tnl.TensorNetwork(tensors, output))
        assert len(write_tape(program.instructions, None).rows) == 1
        wanted = np.moveaxis(np.tensordot(large, small, (axis, 0)), -1, axis)
        np.testing.assert_allclose(program([large, small]), wanted, rtol=1e-11, atol=1e-12)


def test_loops_are_fused_where_strides_allow() -> None:
    assert fused([Dim(2, 4, 0, 4), Dim(4, 1, 0, 1)]) == (Dim(8, 1, 0, 1),)
    assert fused([Dim(2, 4, 0, 8), Dim(4, 1, 0, 1)]) == (Dim(2, 4, 0, 8), Dim(4, 1, 0, 1))
    assert fused([Dim(1, 9, 9, 9), Dim(3, 1, 1, 0)]) == (Dim(3, 1, 1, 0),)


def test_a_long_sum_needs_no_long_table() -> None:
    """Offsets of terms are listed one by one only where there are few."""
    form = best(fused([Dim(2**20, 1, 1, 0)]))
    assert len(form.pool()) < 100


# The arena


@pytest.mark.parametrize("seed", range(20))
def test_tensors_that_are_needed_together_do_not_overlap(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = 700
    sizes = random.choice([1, 5, 8, 64, 1000], size=count).tolist()
    last = [min(count - 1, k + int(random.integers(0, 9))) for k in range(count)]
    gone = [[slot for slot in range(count) if last[slot] == row] for row in range(count)]
    arena = Arena(0, count, [*sizes, 0], kept=())
    arena.place(list(range(count)), gone)
    for first, second in combinations(range(count), 2):
        if second <= last[first]:
            a, b = arena.offsets[first], arena.offsets[second]
            assert a + sizes[first] <= b or b + sizes[second] <= a
    held = max(sum(sizes[k] for k in range(row + 1) if last[k] >= row) for row in range(count))
    assert arena.arena <= 1.3 * held + 8 * 20


@hypothesis.given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=60))
def test_gaps_are_the_tightest_that_fit(steps: list[tuple[bool, int]]) -> None:
    """Beside entries that are marked one by one."""
    gaps, free, held = Gaps(), [False] * 300, []
    for at, (back, size) in enumerate(steps):
        if back and held:
            place, length = held.pop(size % len(held))
            gaps.give(place, length)
            free[place : place + length] = [True] * length
            continue
        runs = [(sum(1 for _ in run), is_free) for is_free, run in groupby(free)]
        starts = [*accumulate((length for length, _ in runs), initial=0)]
        fitting = [
            (length, start)
            for (length, is_free), start in zip(runs, starts, strict=False)
            if is_free and length >= size
        ]
        place = gaps.take(size)
        assert place == (min(fitting)[1] if fitting else None)
        new = 5 * at if place is None else place
        free[new : new + size] = [False] * size
        held.append((new, size))


def test_many_tensors_are_placed_in_time_that_grows_with_their_number() -> None:
    """Every second goes first, so that gaps stay apart, and none has room for what comes then."""
    count = 60_000
    order = [*range(0, count, 2), *range(1, count, 2)]
    gone = [*([] for _ in range(count)), *([slot] for slot in order)]
    arena = Arena(0, 2 * count, [*[8] * count, *[16] * count, 0], kept=())
    begun = time.process_time()
    arena.place(range(2 * count), gone)
    assert time.process_time() - begun < 5


def test_a_chain_takes_two_tensors() -> None:
    """Of many equal ones each in its turn."""
    matrices = [np.full((16, 16), 1 / 16)] * 50
    tensors = [tnl.Tensor(m, (k, k + 1)) for k, m in enumerate(matrices)]
    network = tnl.TensorNetwork(tensors, (0, 50))
    program = tnl.compile(
        network, plan=tnl.plan(network, search=[(0, 1)] + [(0, 48 - k) for k in range(48)])
    )
    tape = write_tape(program.instructions, None)
    assert tape.arena <= 2 * 256
    np.testing.assert_allclose(program(matrices), np.full((16, 16), 1 / 16), rtol=1e-12)


def test_results_outlive_the_arena() -> None:
    """What one call returns the next does not change."""
    random = np.random.default_rng(0)
    sets = [[random.standard_normal((9, 9)) for _ in range(3)] for _ in range(2)]
    terms = ["ij", "jk", "kl"]
    program = tnl.compile(tnl.TensorNetwork(map(tnl.Tensor, sets[0], terms), "il"))
    value, gradient = program.value_and_gradient(sets[0], np.ones((9, 9)))
    before = [value.copy(), *(array.copy() for array in program.unpack(gradient))]
    program.value_and_gradient(sets[1], np.ones((9, 9)))
    program(sets[1])
    for old, now in zip(before, [value, *program.unpack(gradient)], strict=True):
        np.testing.assert_array_equal(old, now)


def test_arrays_in_any_layout_are_packed() -> None:
    random = np.random.default_rng(0)
    a = random.standard_normal((30, 40))
    terms = ["ij", "jk"]
    wanted = a @ a.T
    for given in ([a, a.T], [np.asfortranarray(a), a.T.copy()], [a[::-1][::-1], a.T]):
        program = tnl.compile(tnl.TensorNetwork(map(tnl.Tensor, given, terms), "ik"))
        np.testing.assert_allclose(program(given), wanted, rtol=1e-12)


# Machine code


def test_warm_processes_do_not_import_the_compiler() -> None:
    """Nor SciPy, where nothing is large enough for BLAS."""
    code = (
        "import sys, numpy as np, tnlearn as tnl\n"
        "x = tnl.contract('ij,jk->ik', np.ones((2, 2)), np.ones((2, 2)))\n"
        "print(x[0, 0], 'numba' in sys.modules, 'scipy' in sys.modules)\n"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["2.0", "False", "False"], done.stderr


def test_a_broken_object_file_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = compiled._read(compiled._path(compiled.NATIVE, "float64"))
    assert good is not None
    path = tmp_path / "kernels" / "one.o"
    asked: list[str] = []

    def compiling(_family: Any, dtype: str, _machine: Any) -> bytes:
        asked.append(dtype)
        return good

    monkeypatch.setattr(compiled, "_path", lambda _family, _key: path)
    monkeypatch.setattr(compiled, "_compiled", compiling)
    for content in (None, b"", b"short", good, b"\0" * 32 + good):
        if content is not None:
            path.write_bytes(content)
        found = compiled._loaded.__wrapped__(compiled.NATIVE, "float64")
        assert all(map(callable, found))
    assert asked == ["float64"] * 5
    compiled._loaded.__wrapped__(compiled.NATIVE, "float64")
    assert len(asked) == 5, "what was written is found"


def test_the_file_name_says_what_it_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    path = compiled._path(compiled.NATIVE, "float64")
    assert path is not None
    assert path != compiled._path(compiled.NATIVE, "float32")
    monkeypatch.setattr(compiled, "version", lambda _name: "0")
    assert path != compiled._path(compiled.NATIVE, "float64")


def test_a_small_closed_network_goes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no range is looked at; all others go the long way, and both have the same bits."""
    random = np.random.default_rng(0)
    arrays = [random.standard_normal((3, 3)) for _ in range(3)]
    closed = tnl.TensorNetwork(map(tnl.Tensor, arrays, ("ij", "jk", "ki")))
    ring, opened = tnl.compile(closed), tnl.compile(closed.open("i"))
    wanted = ring._executable.plain(ring._value(ring.pack(arrays)))
    asked: list[Any] = []
    right = Sized.run
    monkeypatch.setattr(Sized, "run", lambda *given: asked.append(given) or right(*given))
    assert ring(arrays) == wanted
    assert not asked
    with pytest.raises(RangeError):
        ring([a * 2.0**-400 for a in arrays])
    assert len(asked) == 1
    np.testing.assert_allclose(np.sum(opened(arrays)), wanted, rtol=1e-12)
    assert len(asked) == 2


@pytest.mark.parametrize("scale", [1.0, 2.0**-300])
@pytest.mark.parametrize("signs", [1, -1])
def test_the_gradient_of_a_number_has_the_same_bits_the_short_way(scale: float, signs: int) -> None:
    random = np.random.default_rng(1)
    arrays = [random.random((3, 3)) * (scale if k else 1 / scale) for k in range(3)]
    arrays[0][0] *= signs
    program = tnl.compile(tnl.TensorNetwork(map(tnl.Tensor, arrays, ("ij", "jk", "ki"))))
    value, short = program.value_and_gradient(arrays)
    again, long = program.value_and_gradient(arrays, np.ones(()))
    np.testing.assert_array_equal(value, again)
    for one, other in zip(program.unpack(short), program.unpack(long), strict=True):
        np.testing.assert_array_equal(one, other)


def test_calls_take_turns_in_few_arenas() -> None:
    a = np.ones((4, 4))
    program = tnl.compile(tnl.TensorNetwork([tnl.Tensor(a, "ij"), tnl.Tensor(a, "jk")], "ik"))
    x = program.pack([a, a])
    for _ in range(5):
        program(x)
    sized = program._executable._native.sized(None)
    assert isinstance(sized, Sized)
    assert len(sized.spaces) == 1
