"""What the laws of a backend are checked by: exact answers of random networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

import tnlearn as tnl
from law_tables import on_host
from random_networks import Case, as_array
from tnlearn.backend import Backend

Array: TypeAlias = np.ndarray[Any, Any]

#: Seeds of the random networks: values and gradients are small integers, so they come out exact.
SEEDS = range(50)


def host_log(backend: Backend, value: tnl.LogValue) -> tuple[Array, Array]:
    return on_host(backend, value.phase), on_host(backend, value.log)


def exact_value(case: Case) -> Array:
    return as_array(case.value(), case.shape(case.output), case.is_complex)


def exact_gradient(case: Case) -> list[Array]:
    shapes = [case.shape(term.indices) for term in case.terms]
    pairs = zip(case.gradient(), shapes, strict=True)
    return [as_array(entries, shape, case.is_complex) for entries, shape in pairs]


def cotangent(case: Case) -> Array:
    return as_array(case.cotangent, case.shape(case.output), case.is_complex)


def assert_answers(
    backend: Backend,
    program: tnl.Program,
    arrays: Sequence[Array],
    weight: Array,
    value: Array,
    gradient: Sequence[Array],
    note: Any,
) -> None:
    """The value in every form, and the gradient, to the last bit."""
    x = program.pack(arrays)
    found, packed = program.value_and_gradient(x, weight)
    gradients = program.unpack(packed)
    results = [program(x), found, *gradients]
    for result, wanted in zip(results, [value, value, *gradient], strict=True):
        array = on_host(backend, result)
        assert (array.dtype, array.shape) == (wanted.dtype, wanted.shape), note
        np.testing.assert_array_equal(array, wanted, err_msg=repr(note))
    phase, log = host_log(backend, program.log(x))
    np.testing.assert_array_equal(np.isneginf(log), value == 0, err_msg=repr(note))
    np.testing.assert_allclose(phase * np.exp(log), value, rtol=1e-12, err_msg=repr(note))


def resized(array: Array, indices: str, batch: str, size: int) -> Array:
    """The array with its elements along the batch repeated, or cut off, to another size."""
    for axis, index in enumerate(indices):
        if index == batch:
            array = np.take(array, np.arange(size) % array.shape[axis], axis=axis)
    return array


def regrown(case: Case, batch: str, size: int) -> Case:
    """The same network with another size of one index; every tensor is its own parameter."""
    terms = [
        replace(term, owner=k, entries=entries_of(resized(array, term.indices, batch, size)))
        for k, (array, term) in enumerate(zip(case.arrays(), case.terms, strict=True))
    ]
    weight = entries_of(resized(cotangent(case), case.output, batch, size))
    return Case(case.label, tuple(terms), {**case.sizes, batch: size}, case.output, weight)


def entries_of(array: Array) -> dict[tuple[int, ...], tuple[int, int]]:
    return {at: (int(x.real), int(x.imag)) for at, x in np.ndenumerate(array)}
