"""Second derivatives as products: against brute force, finite differences and fluctuations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from random_networks import random_case
from tnlearn.errors import DataError, RangeError

Array = np.ndarray[Any, Any]


def difference(
    program: tnl.Program, arrays: Sequence[Array], along: Sequence[Array], c: Any
) -> Any:
    """The derivative of value and gradient along a direction, to sixth order."""
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    step = 1e-2
    totals: list[Any] | None = None
    for k, weight in weights.items():
        for sign in (1, -1):
            moved = [a + sign * k * step * d for a, d in zip(arrays, along, strict=True)]
            value, gradient = program.value_and_gradient(moved, c)
            found = [value, *program.unpack(gradient)]
            scaled = [sign * weight / step * x for x in found]
            totals = (
                scaled if totals is None else [a + b for a, b in zip(totals, scaled, strict=True)]
            )
    assert totals is not None
    return totals[0], totals[1:]


def directions(
    arrays: Sequence[Array], seed: int, owners: Sequence[int] | None = None
) -> list[Array]:
    """A random direction for each array; the same for those of one owner."""
    random = np.random.default_rng(seed)
    made: dict[int, Array] = {}
    owners = range(len(arrays)) if owners is None else owners
    for owner, array in zip(owners, arrays, strict=True):
        along = random.standard_normal(array.shape).astype(array.real.dtype)
        if np.iscomplexobj(array):
            along = along + 1j * random.standard_normal(array.shape)
        made.setdefault(owner, along)
    return [made[owner] for owner in owners]


@pytest.mark.parametrize("cut", [0, 1, 2])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_random_networks(seed: int, log: bool, cut: int) -> None:
    """Hyperedges, diagonals, conjugates, shared parameters, open outputs, slices."""
    case = random_case(seed)
    if 0 in case.sizes.values() or len(case.sizes) < cut:
        return
    arrays = case.arrays()
    if log:
        case = case.magnitudes()
        arrays = [np.log(abs(array) + 0.5) for array in arrays]
    network = case.network(arrays, log=log)
    plan = tnl.plan(network)
    sliced = tuple(np.random.default_rng(seed).permutation(len(case.sizes))[:cut].tolist())
    program = tnl.compile(network, plan=replace(plan, sliced=sliced))
    weight = np.random.default_rng(seed).standard_normal(case.shape(case.output))
    along = directions(arrays, seed, [term.owner for term in case.terms])
    derivative, product = program.hvp(arrays, along, weight)
    wanted, by_input = difference(program, arrays, along, weight)
    scale = 1 + abs(np.asarray(wanted)).max(initial=0)
    np.testing.assert_allclose(derivative, wanted, atol=1e-7 * scale)
    for found, expected in zip(program.unpack(product), by_input, strict=True):
        scale = 1 + abs(expected).max(initial=0)
        np.testing.assert_allclose(found, expected, atol=1e-7 * scale, err_msg=repr(case))


def test_the_curvature_of_log_z_is_the_fluctuation_of_the_energy() -> None:
    """With ``log W -> log W + t d``, d^2 log Z / dt^2 is the variance of the sum of d."""
    model = tnl.Ising(nx.grid_2d_graph(3, 3), coupling=1.0, field=0.3, beta=0.5)
    network = model.network()
    arrays = [tensor.data for tensor in network]
    along = directions(arrays, 0)
    program = tnl.compile(network)
    slope, product = program.log_hvp(arrays, along)
    gradient = program.unpack(product, log=True)
    second = sum(
        float((g.phase * np.exp(g.log) * d).sum()) for g, d in zip(gradient, along, strict=True)
    )
    numbers = {name: k for k, name in enumerate(network.sizes)}
    states = np.indices((2,) * 9).reshape(9, -1)
    energies = np.zeros(512)
    sums = np.zeros(512)
    for tensor, d in zip(network, along, strict=True):
        at = tuple(states[numbers[index]] for index in tensor.indices)
        energies += np.asarray(tensor.data)[at]
        sums += d[at]
    p = np.exp(energies - energies.max())
    p /= p.sum()
    assert slope.phase * np.exp(slope.log) == pytest.approx(p @ sums, rel=1e-10)
    assert second == pytest.approx(p @ sums**2 - (p @ sums) ** 2, rel=1e-10)


def test_the_curvature_of_log_z_at_any_magnitude() -> None:
    """A ring of 400 matrices of order 1e200: no float holds the value, but its curvature."""
    random = np.random.default_rng(0)
    arrays = [random.uniform(1, 2, (2, 2)) for _ in range(400)]
    terms = [(k, (k + 1) % 400) for k in range(400)]
    along = directions(arrays, 1)

    def product_of(scale: float) -> list[Array]:
        given = [scale * a for a in arrays]
        program = tnl.compile(tnl.TensorNetwork(map(tnl.Tensor, given, terms)))
        _, product = program.log_hvp(given, [scale * d for d in along])
        found = program.unpack(product, log=True)
        return [g.phase * np.exp(g.log + np.log(scale)) for g in found]

    for found, wanted in zip(product_of(1e200), product_of(1.0), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)


def test_constants_do_not_move() -> None:
    a, b = np.arange(1.0, 5).reshape(2, 2), np.arange(2.0, 6).reshape(2, 2)
    network = tnl.TensorNetwork([tnl.Tensor(a, "ij", "a"), tnl.Tensor(b, "ji", "b")])
    program = tnl.compile(network, constants=["b"])
    derivative, product = program.hvp([a, b], [np.ones((2, 2)), None])
    assert derivative == b.sum()
    found, none = program.unpack(product)
    np.testing.assert_array_equal(found, np.zeros((2, 2)))
    assert none is None


def test_a_batch() -> None:
    """Every element of a batch has its own second derivative."""
    random = np.random.default_rng(0)
    arrays = [random.standard_normal((5, 3, 3)), random.standard_normal((5, 3, 3))]
    along = [random.standard_normal((5, 3, 3)) for _ in range(2)]
    tensors = map(tnl.Tensor, [a[:2] for a in arrays], ["zij", "zji"])
    program = tnl.compile(tnl.TensorNetwork(tensors, "z"), batch="z")
    _, product = program.hvp(arrays, along, np.ones(5))
    for found, other in zip(program.unpack(product), along[::-1], strict=True):
        np.testing.assert_allclose(found, other.transpose(0, 2, 1), rtol=1e-13)


def test_what_is_refused() -> None:
    a = np.ones((2, 2))
    network = tnl.TensorNetwork([tnl.Tensor(a, "ij"), tnl.Tensor(a, "jk")], "ik")
    program = tnl.compile(network)
    with pytest.raises(DataError, match="2 arrays but 1 directions"):
        program.hvp([a, a], [a], a)
    with pytest.raises(DataError, match="cotangent"):
        program.hvp([a, a], [a, a])
    with pytest.raises(DataError, match="closed"):
        program.log_hvp([a, a], [a, a])
    constant = tnl.compile(network, constants=["0", "1"])
    with pytest.raises(DataError, match="nothing to differentiate"):
        constant.hvp([a, a], [a, a], a)
    zero = tnl.TensorNetwork([tnl.Tensor([1.0, 0], "i"), tnl.Tensor([0, 1.0], "i")])
    with pytest.raises(RangeError, match="zero"):
        tnl.compile(zero).log_hvp([np.array([1.0, 0]), np.array([0, 1.0])], [np.ones(2)] * 2)
