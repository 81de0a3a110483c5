"""Small networks by name, their arrays, and what einsum makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

import tnlearn as tnl

Array: TypeAlias = np.ndarray[Any, Any]

SIZES = {"a": 2, "b": 3, "c": 2, "d": 4, "e": 1}
DTYPES = ("float32", "float64", "complex64", "complex128")
TOLERANCE = {"float32": 2e-5, "float64": 1e-12, "complex64": 2e-5, "complex128": 1e-12}

# name -> indices of each tensor, output
STRUCTURES: dict[str, tuple[list[str], str]] = {
    "scalar": ([""], ""),
    "one tensor": (["ab"], "ab"),
    "one tensor, transposed": (["ab"], "ba"),
    "one tensor, summed": (["abd"], "b"),
    "one diagonal": (["aab"], "ba"),
    "chain": (["ab", "bc", "cd"], "ad"),
    "ring": (["ab", "bd", "da"], ""),
    "hyperedge": (["ab", "ac", "ad", "a"], "bd"),
    "hyperedge, open": (["ab", "ac", "a"], "ca"),
    "outer product": (["a", "b", "d"], "dab"),
    "everything open": (["ab", "bc"], "cab"),
    "disconnected": (["ab", "cd"], "c"),
    "size 1": (["ae", "eb"], "ba"),
    "loops": (["ab", "bcd", "da", "c", "abd"], ""),
}
PAIR = (["ab", "b"], "a")


def arrays_of(terms: Sequence[str], dtype: str = "float64", seed: int = 0) -> list[Array]:
    """Random entries between 1/2 and 1 in size, of any sign or phase."""
    random = np.random.default_rng(seed)
    arrays = []
    for term in terms:
        shape = [SIZES[i] for i in term]
        phase = random.choice([1, -1], shape)
        if dtype.startswith("complex"):
            phase = np.exp(2j * math.pi * random.random(shape))
        arrays.append(np.asarray(random.uniform(0.5, 1, shape) * phase, dtype))
    return arrays


def build(terms: Sequence[str], output: str, arrays: Sequence[Any], **flags: Any) -> Any:
    pairs = zip(arrays, terms, strict=True)
    return tnl.TensorNetwork([tnl.Tensor(a, t, **flags) for a, t in pairs], output)


def einsum(terms: Sequence[str], output: str, arrays: Sequence[Array]) -> Array:
    """In double precision."""
    double = [np.asarray(a, np.result_type(a.dtype, "float64")) for a in arrays]
    return np.asarray(np.einsum(f"{','.join(terms)}->{output}", *double))


def weight_of(output: str, dtype: str = "float64") -> Array:
    return arrays_of([output], dtype, seed=99)[0]


def assert_near(got: Any, expected: Any, dtype: str = "float64", scale: float = 1.0) -> None:
    np.testing.assert_allclose(got, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


def batch_of(terms: Sequence[str], size: int, seed: int = 0) -> list[Array]:
    random = np.random.default_rng(seed)
    shapes = [[size if i == "z" else SIZES[i] for i in term] for term in terms]
    return [random.uniform(0.5, 1, shape) * random.choice([1, -1], shape) for shape in shapes]
