"""Products of tensors as they lie, where a matrix product would copy them: the same answers."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations
from typing import Any, TypeAlias

import numpy as np
import pytest
import strict_backend
from test_values import (
    test_batches,
    test_random_networks,
    test_random_networks_in_every_precision,
    test_slices,
)

import tnlearn as tnl
from law_tables import on_host
from tnlearn.backend import Backend, Labels, get_backend
from tnlearn_backends.array_backend import contracting
from tnlearn_backends.array_backend.contracting import copies
from tnlearn_backends.array_backend.steps import Layout, Operand, Product

pytestmark = pytest.mark.filterwarnings("error")

Array: TypeAlias = np.ndarray[Any, Any]

#: The laws of every backend, on the one below.
LAWS = (test_batches, test_random_networks, test_random_networks_in_every_precision, test_slices)


class Einsum:
    """Contracts as cuTENSOR does, through NumPy; `found` are the labels that it was given."""

    def __init__(self) -> None:
        self.found: list[tuple[Labels, Labels, Labels]] = []

    def __call__(self, a: Any, first: Labels, b: Any, second: Labels, result: Labels) -> Any:
        self.found.append((first, second, result))
        host = [strict_backend.LIBRARY.to_host(array) for array in (a, b)]
        value = np.einsum(host[0], first, host[1], second, result)
        return strict_backend.LIBRARY.from_host(value, a.device)


@pytest.fixture
def einsum() -> Einsum:
    return Einsum()


@pytest.fixture
def backend(einsum: Einsum, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """The strict backend, every product on which would be a copy a contraction."""
    library = replace(strict_backend.LIBRARY, contract=einsum)
    monkeypatch.setattr(strict_backend, "LIBRARY", library)
    monkeypatch.setattr(contracting, "COPIED_ENTRIES", 1)
    return get_backend("strict")


def test_the_laws_are_tested_on_contractions(backend: Backend, einsum: Einsum) -> None:
    test_random_networks_in_every_precision(backend, "complex64")
    assert len(einsum.found) > 20
    assert all(len(set(labels)) == len(labels) for given in einsum.found for labels in given)


def products(first: str, second: str, output: str) -> list[Product]:
    """The forward step of a network of two tensors, whose sizes are all different."""
    sizes = dict(zip(sorted({*first, *second}), (2, 3, 5, 7, 11), strict=False))
    arrays = [np.ones([sizes[i] for i in term]) for term in (first, second)]
    network = tnl.TensorNetwork(map(tnl.Tensor, arrays, (first, second)), output)
    instructions = tnl.compile(network).instructions
    layout = Layout(instructions)
    steps = [layout.step(step) for step in instructions.forward]
    return [step for step in steps if isinstance(step, Product)]


def laid_out(operand: Operand) -> tuple[Array, Array]:
    """An array of ones for an operand, and that array as matrices, as NumPy lays them out."""
    order = operand.permutation or tuple(range(len(operand.labels)))
    array = np.ones([operand.given[order.index(k)] for k in range(len(order))])
    laid = array.transpose(order).reshape(operand.shape)
    return array, np.swapaxes(laid, 1, 2) if operand.swapped else laid


@pytest.mark.parametrize("first", ["".join(order) for order in permutations("abcd")])
def test_a_copy_is_foreseen_where_numpy_makes_one(first: str) -> None:
    """For every order of the axes of a tensor, and every choice of those that are summed."""
    for number in (1, 2, 3):
        for summed in combinations("abcd", number):
            output = "".join(label for label in "abcd" if label not in summed) + "e"
            (step,) = products(first, "".join(summed) + "e", output)
            for operand in (step.first, step.second):
                assert copies(operand, step.result) is not np.shares_memory(*laid_out(operand))


@pytest.mark.parametrize("second", ["".join(order) for order in permutations("acd")])
def test_stacks_of_matrices_are_copied_unless_they_are_in_order(second: str) -> None:
    (step,) = products("abc", second, "abd")
    for operand in (step.first, step.second):
        array, laid = laid_out(operand)
        in_order = np.shares_memory(array, laid) and laid.flags.c_contiguous
        assert copies(operand, step.result) is not in_order


def test_only_what_is_large_is_contracted(
    backend: Backend, einsum: Einsum, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    arrays = [random.normal(size=(5, 6, 7)), random.normal(size=(6, 7, 8, 5))]
    for terms, output, expected in (
        (("abc", "bcda"), "d", True),  # summed axes in two orders
        (("abc", "bcde"), "ade", False),  # matrices as they lie
        (("abc", "bcda"), "ad", True),  # a batch that one of them has last
    ):
        network = tnl.TensorNetwork(map(tnl.Tensor, arrays, terms), output)
        wanted = np.einsum(",".join(terms) + "->" + output, *arrays)
        for least, contracted in ((1, expected), (10_000, False)):
            monkeypatch.setattr(contracting, "COPIED_ENTRIES", least)
            before = len(einsum.found)
            found = tnl.contract(network, backend=backend.name)
            np.testing.assert_allclose(on_host(backend, found), wanted, rtol=1e-12)
            assert (len(einsum.found) > before) is contracted, terms


def test_what_a_library_cannot_contract_is_a_matrix_product(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    library = replace(strict_backend.LIBRARY, contract=lambda *given: asked.append(given))
    monkeypatch.setattr(strict_backend, "LIBRARY", library)
    monkeypatch.setattr(contracting, "COPIED_ENTRIES", 1)
    array = np.random.default_rng(0).normal(size=(4, 5, 6))
    network = tnl.TensorNetwork([tnl.Tensor(array, "abc"), tnl.Tensor(array, "adc")], "bd")
    found = tnl.contract(network, backend="strict")
    wanted = np.einsum("abc,adc->bd", array, array)
    np.testing.assert_allclose(on_host(get_backend("strict"), found), wanted, rtol=1e-12)
    assert asked
