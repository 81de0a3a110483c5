"""What is saved in tests of files, and whether it came back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
from sklearn.base import BaseEstimator

import tnlearn as tnl
from tnlearn.files import load, save

Array: TypeAlias = np.ndarray[Any, Any]

A = np.arange(1.0, 7.0).reshape(2, 3)


class Elsewhere:
    """An array of another library, on the host or on a device."""

    def __init__(self, data: Array, on_host: bool = True) -> None:
        self.data, self.on_host = data, on_host
        self.shape, self.dtype = data.shape, data.dtype

    def __dlpack__(self, **options: Any) -> Any:
        if not self.on_host:
            raise BufferError("it is on a device")
        return self.data.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.data.__dlpack_device__()


class Tiny(BaseEstimator):  # type: ignore[misc]
    """The smallest estimator; `fit` keeps whatever it is given."""

    def __init__(self, alpha: Any = 1.0, shape: Any = (2, 3), random_state: Any = None) -> None:
        self.alpha, self.shape, self.random_state = alpha, shape, random_state

    def fit(self, **fitted: Any) -> Tiny:
        self.__dict__.update(fitted)
        return self


#: One of each kind that a file can hold; `Tiny` stands for the estimators.
NETWORK = tnl.TensorNetwork([tnl.Tensor(A, "ij", "A"), tnl.Tensor(A * 1j, "ij", "B")], "j")
PLAN = tnl.plan(tnl.grid(3, 3, 2, seed=0), memory_limit=1000)
MODEL = tnl.Ising(nx.path_graph(3), 1.0, 0.5, 0.4)
GRAPH = tnl.FactorGraph(
    [(("b", "a"), A), (("a",), [1.0, 0.0, 1e-300]), ((), 2.5)], {("lone", 1): (True, None)}
)
BAYES = tnl.BayesianNetwork(
    {
        "wet": (("rain", "day"), [[[0.9, 0.1]] * 3, [[0.3, 0.7]] * 3]),
        "rain": ((), [0.8, 0.2]),
        "day": ((), [0.25, 0.25, 0.5]),
    },
    {"wet": ("no", "yes"), "rain": (False, True)},
)


def back(thing: Any, path: Path) -> Any:
    save(thing, path)
    return load(path)


def typed(name: Any) -> Any:
    """What is equal only for names of the same types all through."""
    if isinstance(name, tuple):
        return [typed(part) for part in name]
    if isinstance(name, frozenset):
        return "frozenset", sorted(repr(typed(part)) for part in name)
    return type(name).__name__, repr(name)


def assert_same_bits(a: Array, b: Array) -> None:
    native = b.dtype.newbyteorder("=")
    assert (a.shape, a.dtype) == (b.shape, native)
    assert a.tobytes() == b.astype(native).tobytes()


def assert_same_factors(a: tnl.FactorGraph, b: tnl.FactorGraph) -> None:
    assert typed(a.sites) == typed(b.sites)
    assert a.log == b.log
    for site in a.sites:
        assert typed(a.values(site)) == typed(b.values(site))
    for one, other in zip(a.factors, b.factors, strict=True):
        assert typed(one.scope) == typed(other.scope)
        assert_same_bits(one.table, other.table)


def assert_same_network(a: tnl.TensorNetwork, b: tnl.TensorNetwork) -> None:
    assert typed(a.output) == typed(b.output)
    assert a.names == b.names
    for one, other in zip(a.tensors, b.tensors, strict=True):
        for field in ("indices", "parameter", "name", "conj", "log"):
            assert typed(getattr(one, field)) == typed(getattr(other, field))
        assert_same_bits(one.data, other.data)
        assert not one.data.flags.writeable
    shared = [[np.may_share_memory(s.data, t.data) for s in b.tensors] for t in b.tensors]
    assert shared == [[s.data.base is t.data.base for s in a.tensors] for t in a.tensors]
