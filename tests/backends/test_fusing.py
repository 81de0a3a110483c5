"""Products that go straight into the tensor they meet, and runs whose ranges need no looking at."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn_backends.numpy_backend.native import columns, program
from tnlearn_backends.numpy_backend.native.fusing import Multiply, fused_steps
from tnlearn_backends.numpy_backend.native.tape import write_tape

Array = np.ndarray[Any, Any]


def three_products(
    dtype: str,
) -> tuple[tnl.TensorNetwork, list[Array], list[tuple[int, int]]]:
    """(sum_k ab) (sum_l cd) (sum_m ef) entry by entry, then summed over some: ones to fuse."""
    random = np.random.default_rng(0)
    terms = ("wxk", "yzk", "wyl", "xzl", "wzm", "xym", "wxyz")
    sizes = dict(zip("wxyzklm", (8, 9, 10, 11, 2, 3, 5), strict=True))
    arrays = [random.standard_normal([sizes[i] for i in term]) for term in terms]
    if dtype.startswith("complex"):
        arrays = [array + 1j * random.standard_normal(array.shape) for array in arrays]
    arrays = [array.astype(dtype) for array in arrays]
    order = [(0, 1), (0, 1), (0, 1), (1, 2), (1, 2), (0, 1)]
    network = tnl.TensorNetwork(map(tnl.Tensor, arrays, terms), "wx")
    return network, arrays, order


def einsum(network: tnl.TensorNetwork, arrays: list[Array]) -> Array:
    inputs = ",".join("".join(tensor.indices) for tensor in network)
    return np.einsum(f"{inputs}->wx", *arrays, optimize=True)


def fused_rows(compiled: tnl.Program) -> int:
    return int((write_tape(compiled.instructions, None).rows[:, columns.INTO] >= 0).sum())


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_products_are_multiplied_into_what_they_meet(dtype: str) -> None:
    network, arrays, order = three_products(dtype)
    compiled = tnl.compile(network, plan=tnl.plan(network, search=order))
    assert fused_rows(compiled) >= 1
    wanted = einsum(network, arrays)
    tolerance = 1e-3 if dtype in ("float32", "complex64") else 1e-10
    np.testing.assert_allclose(compiled(arrays), wanted, rtol=tolerance, atol=tolerance)


def test_a_fused_product_needs_one_large_tensor_less() -> None:
    network, _, order = three_products("float64")
    compiled = tnl.compile(network, plan=tnl.plan(network, search=order))
    tape = write_tape(compiled.instructions, None)
    assert tape.arena < 1.5 * max(place.size for place in tape.places)


@pytest.mark.parametrize("scale", [1e-80, 1e60])
def test_fused_products_keep_their_range_in_sight(scale: float) -> None:
    """Products of seven such factors are far beyond the range of a float."""
    network, arrays, order = three_products("float64")
    compiled = tnl.compile(network, plan=tnl.plan(network, search=order))
    wanted = einsum(network, arrays)
    found = compiled.log([scale * array for array in arrays])
    np.testing.assert_allclose(found.log, np.log(abs(wanted)) + 7 * np.log(scale), rtol=1e-12)
    np.testing.assert_array_equal(found.phase, np.sign(wanted))


def test_gradients_where_some_products_are_needed_again() -> None:
    network, arrays, order = three_products("float64")
    compiled = tnl.compile(network, plan=tnl.plan(network, search=order))
    _, gradient = compiled.value_and_gradient(arrays, np.ones((8, 9)))
    inputs = ["".join(tensor.indices) for tensor in network]
    for k, found in enumerate(compiled.unpack(gradient)):
        others = [term for j, term in enumerate(inputs) if j != k]
        given = [array for j, array in enumerate(arrays) if j != k]
        wanted = np.einsum(",".join(others) + "->" + inputs[k], *given, optimize=True)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


def test_slices_of_fused_products() -> None:
    """What is the same in all slices is not overwritten in one."""
    network, arrays, _ = three_products("float64")
    whole = tnl.compile(network)(arrays)
    for limit in (190_000, 150_000, 120_000):
        compiled = tnl.compile(network, memory_limit=limit)
        assert compiled.plan.sliced
        np.testing.assert_allclose(compiled(arrays), whole, rtol=1e-10)


def test_what_is_made_once_for_all_slices_is_not_overwritten() -> None:
    """Nor is what changes with the slice left to be multiplied into it."""
    network, _, order = three_products("float64")
    steps = tnl.compile(network, plan=tnl.plan(network, search=order)).instructions

    def multiplied(constant: set[int]) -> list[Multiply]:
        def size(labels: Collection[int]) -> int:
            return math.prod(steps.sizes[label] for label in labels)

        found = fused_steps(steps, steps.forward, {steps.value}, constant, size)
        return [step for step in found if isinstance(step, Multiply)]

    (first,) = [step for step in multiplied(set()) if step.into == multiplied(set())[0].into]
    assert first not in multiplied({first.into})
    assert first not in multiplied({first.product.target})
    assert first in multiplied({first.into, first.product.target, first.target})


@pytest.mark.parametrize("seed", range(10))
def test_random_products_of_large_tensors(seed: int) -> None:
    """Many factors on the same few indices: whatever is fused, the value is that of einsum."""
    random = np.random.default_rng(seed)
    letters, extra = "abcd", "pqrs"
    sizes = {i: int(random.integers(7, 11)) for i in letters} | dict.fromkeys(extra, 2)
    terms = []
    for k in range(8):
        part = random.permutation(list(letters))
        cut = int(random.integers(1, 4))
        inner = extra[k % 4]
        terms += ["".join(part[:cut]) + inner, "".join(part[cut:]) + inner]
    arrays = [random.random([sizes[i] for i in term]) for term in terms]
    network = tnl.TensorNetwork(map(tnl.Tensor, arrays, terms), "a")
    wanted = np.einsum(",".join(terms) + "->a", *arrays, optimize=True)
    np.testing.assert_allclose(tnl.compile(network)(arrays), wanted, rtol=1e-10)


# Calm runs


def lattice(scale: float = 1.0) -> tuple[tnl.Program, list[Array]]:
    """An Ising model, its factors as plain numbers."""
    model = tnl.Ising(nx.grid_2d_graph(5, 6), beta=0.7).network()
    arrays = [np.exp(tensor.data) if tensor.log else np.asarray(tensor.data) for tensor in model]
    tensors = [
        tnl.Tensor(array, tensor.indices) for array, tensor in zip(arrays, model, strict=True)
    ]
    return tnl.compile(tnl.TensorNetwork(tensors)), [scale * array for array in arrays]


def test_looking_at_ranges_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, arrays = lattice()
    packed = compiled.pack(arrays)
    calmly = [compiled.log(packed).log, *compiled.unpack(compiled.value_and_gradient(packed)[1])]
    logs = compiled.log_value_and_gradient(packed)[1]
    monkeypatch.setattr(program.Sized, "calm_range", lambda *given: None)
    looked = [compiled.log(packed).log, *compiled.unpack(compiled.value_and_gradient(packed)[1])]
    for one, other in zip(calmly, looked, strict=True):
        np.testing.assert_array_equal(one, other)
    again = compiled.log_value_and_gradient(packed)[1]
    for one, other in zip(compiled.unpack(logs), compiled.unpack(again), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9, 1e-200, 1e200])
def test_calm_only_where_nothing_can_leave_the_range(scale: float) -> None:
    """Fifty factors of 1e9 are too large for a float, and still right."""
    compiled, arrays = lattice(scale)
    _, plain = lattice()
    wanted = compiled.log(plain).log + len(arrays) * np.log(scale)
    np.testing.assert_allclose(compiled.log(arrays).log, wanted, rtol=1e-12)


def test_an_input_that_is_met_twice_is_no_calm_matter() -> None:
    """Instructions may square a tensor: then bounds of inputs do not bound what is computed."""
    compiled, _ = lattice()
    assert write_tape(compiled.instructions, None).calm is not None
    steps = compiled.instructions
    step = steps.forward[0]
    twice = type(step)(step.target, step.first, step.first)
    squared = replace(steps, forward=(twice, *steps.forward[1:]))
    assert write_tape(squared, None).calm is None
