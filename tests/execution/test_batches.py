"""The size of a batch is free at every call."""

from __future__ import annotations

import numpy as np
import pytest

import tnlearn as tnl
from small_networks import (
    Array,
    assert_near,
    batch_of,
    build,
    einsum,
)
from tnlearn.errors import (
    DataError,
    NetworkError,
)

pytestmark = pytest.mark.filterwarnings("error")

# name -> indices of each tensor, output; the batch is "z"
BATCHED: dict[str, tuple[list[str], str]] = {
    "on one tensor": (["zab", "bc", "ca"], "z"),
    "on two tensors": (["zab", "bz", "ac"], "cz"),
    "on every tensor": (["za", "az", "abz", "zb"], "z"),
    "alone": (["z", "ab"], "zab"),
    "in the middle": (["azb", "bc"], "cza"),
    "twice on one tensor": (["zaz", "ab"], "zb"),
    "one tensor": (["azb"], "bz"),
    "beside scalars": (["", "za", ""], "z"),
}


def element(array: Array, term: str, k: int) -> Array:
    """What is left at position `k` of the batch, kept as size 1."""
    for axis, index in enumerate(term):
        if index == "z":
            array = np.take(array, [k], axis=axis)
    return array


@pytest.mark.parametrize("planned", [0, 1, 4])
@pytest.mark.parametrize("size", [0, 1, 3, 50])
@pytest.mark.parametrize(("terms", "output"), BATCHED.values(), ids=BATCHED)
def test_batches_of_any_size(terms: list[str], output: str, size: int, planned: int) -> None:
    """Whatever size was planned with: each element is what it is alone, gradients add up."""
    program = tnl.compile(build(terms, output, batch_of(terms, planned)), batch="z")
    arrays, weight = batch_of(terms, size, 1), batch_of([output], size, 2)[0]
    x = program.pack(arrays)
    value, log = program(x), program.log(x)
    again, packed = program.value_and_gradient(x, weight)
    gradient = program.unpack(packed)
    assert [g.shape for g in gradient] == [a.shape for a in arrays]
    np.testing.assert_array_equal(value, again)
    assert value.shape == np.shape(log.log) == weight.shape
    totals = [np.zeros_like(array) for array in arrays]
    for k in range(size):
        parts = [element(a, t, k) for a, t in zip(arrays, terms, strict=True)]
        alone = einsum(terms, output, parts)
        assert_near(element(value, output, k), alone)
        assert_near(element(log.phase * np.exp(log.log), output, k), alone)
        one = build(terms, output, parts)
        _, by_part = tnl.value_and_gradient(one, element(weight, output, k))
        for term, total, part in zip(terms, totals, by_part.values(), strict=True):
            place = tuple(slice(k, k + 1) if i == "z" else slice(None) for i in term)
            total[place] += part
    for found, total in zip(gradient, totals, strict=True):
        assert_near(found, total, scale=10)


def test_a_batch_of_a_thousand() -> None:
    terms, output = BATCHED["on two tensors"]
    program = tnl.compile(build(terms, output, batch_of(terms, 2)), batch="z")
    for size in (1000, 0, 1, 1000):
        arrays = batch_of(terms, size, size)
        assert_near(program(arrays), einsum(terms, output, arrays))


def test_batches_need_one_size() -> None:
    program = tnl.compile(build(["za", "az"], "z", batch_of(["za", "az"], 2)), batch="z")
    with pytest.raises(DataError, match="size 3 on tensor '0' but 4 on '1'"):
        program([np.ones((3, 2)), np.ones((2, 4))])
    with pytest.raises(DataError, match=r"'1' needs shape \(2, 'any'\), got \(3, 4\)"):
        program([np.ones((4, 2)), np.ones((3, 4))])


def test_a_batch_diagonal_needs_one_size() -> None:
    """Two axes of one tensor: never read beyond the shorter one."""
    program = tnl.compile(build(["zz"], "z", [np.ones((2, 2))]), batch="z")
    for shape in ((5, 3), (3, 5)):
        with pytest.raises(DataError, match=r"5.*3|3.*5"):
            program([np.ones(shape)])


def test_the_batch_is_open() -> None:
    network = build(["za"], "", [np.ones((2, 2))])
    for batch in ("z", "nowhere"):
        with pytest.raises(NetworkError, match=f"'{batch}' must be open"):
            tnl.compile(network, batch=batch)
