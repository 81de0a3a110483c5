"""Inputs and results are the caller's, and many threads may call one program."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import tnlearn as tnl
from small_networks import (
    STRUCTURES,
    Array,
    arrays_of,
    build,
    weight_of,
)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize(("terms", "output"), STRUCTURES.values(), ids=STRUCTURES)
def test_nothing_is_shared(terms: list[str], output: str) -> None:
    """Inputs may be read-only and change afterwards; results may be overwritten."""
    arrays, weight = arrays_of(terms), weight_of(output)
    for array in (*arrays, weight):
        array.flags.writeable = False
    given = [array.copy() for array in arrays]
    program = tnl.compile(build(terms, output, arrays))
    x = program.pack(given)

    def results() -> list[Array]:
        value, gradient = program.value_and_gradient(x, weight)
        log, by_log = program.log_value_and_gradient(x, weight)
        logs = program.unpack(by_log, log=True)
        found = [program(x), value, log.log, log.phase, *(g.log for g in logs)]
        return [*map(np.asarray, found), *program.unpack(gradient), *program.unpack(by_log)]

    kept = [array.copy() for array in results()]
    first, second = results(), results()
    for k, array in enumerate(first):
        others = [*first[:k], *first[k + 1 :], *second, *given, *arrays, weight]
        assert not any(np.shares_memory(array, other) for other in others)
    for array in (*first, *given):
        if array.flags.writeable:
            array[...] = 77.0
    for array, wanted in zip(results(), kept, strict=True):
        np.testing.assert_array_equal(array, wanted)


def test_gradients_of_a_shared_parameter_are_arrays_of_their_own() -> None:
    matrix = arrays_of(["ac"])[0]
    network = build(["ab", "bc", "ca"], "", [matrix] * 3, parameter="A")
    program = tnl.compile(network)
    _, packed = program.value_and_gradient([matrix] * 3)
    first, second, _ = program.unpack(packed)
    np.testing.assert_array_equal(first, second)
    assert not np.shares_memory(first, second)


def test_a_cotangent_is_not_changed_and_sees_the_result() -> None:
    arrays, weight = arrays_of(["ab", "bc"]), weight_of("ac")
    program = tnl.compile(build(["ab", "bc"], "ac", arrays))
    cotangent = weight * program(arrays)
    kept = cotangent.copy()
    _, wanted = program.value_and_gradient(arrays, cotangent)
    np.testing.assert_array_equal(cotangent, kept)
    value, found = program.value_and_gradient(arrays, lambda seen: weight * seen)
    np.testing.assert_array_equal(value, program(arrays))
    for a, b in zip(program.unpack(found), program.unpack(wanted), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
@pytest.mark.parametrize("question", ["__call__", "log", "value_and_gradient"])
def test_four_threads_agree_with_one_to_the_last_bit(question: str, dtype: str) -> None:
    terms, output = ["abd", "bc", "cd", "ad", "a", "dab"], "d"
    inputs = [arrays_of(terms, dtype, seed) for seed in range(100)]
    weight = weight_of(output, dtype)
    network = build(terms, output, inputs[0])

    def bits(program: tnl.Program, arrays: Any) -> bytes:
        if question == "value_and_gradient":
            value, gradient = program.value_and_gradient(arrays, weight)
            _, by_log = program.log_value_and_gradient(program.pack(arrays), weight)
            found = [value, *program.unpack(gradient), *program.unpack(by_log)]
            return b"".join(array.tobytes() for array in found)
        answer = getattr(program, question)(arrays)
        return np.asarray(getattr(answer, "log", answer)).tobytes()

    program = tnl.compile(network)  # the threads also race to its first gradient
    switch = sys.getswitchinterval()
    try:
        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda arrays: bits(program, arrays), inputs))
    finally:
        sys.setswitchinterval(switch)
    alone = tnl.compile(network)
    assert together == [bits(alone, arrays) for arrays in inputs]
