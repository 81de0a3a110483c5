"""A distribution as approximations read it: numbered variables, and logarithms of tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.network import Index, Tensor, TensorNetwork

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tables:
    """Variables and the tables whose product is their weight.

    Attributes
    ----------
    names : tuple
        The indices of the network, by number.
    sizes : tuple of int
        Positions of every variable.
    scopes : tuple of tuple of int
        Variables of every table, each once.
    logs : tuple of array
        Natural logarithms of the entries, an axis per variable; -inf is a zero.
    constant : float
        Logarithm of a factor of all.
    """

    names: tuple[Index, ...]
    sizes: tuple[int, ...]
    scopes: tuple[tuple[int, ...], ...]
    logs: tuple[Array, ...]
    constant: float


def tables_of(network: TensorNetwork) -> Tables:
    """A closed network of non-negative entries as tables.

    Raises
    ------
    ModelError
        If an entry is negative or complex: the network is no distribution.
    """
    numbers = {name: k for k, name in enumerate(network.sizes)}
    scopes, logs, constant = [], [], 0.0
    for name, tensor in zip(network.names, network, strict=True):
        entries = _logarithms(name, tensor)
        labels = [numbers[index] for index in tensor.indices]
        scope = tuple(dict.fromkeys(labels))
        if not scope:
            constant += float(entries)
            continue
        axes = [scope.index(label) for label in labels]
        scopes.append(scope)
        # A variable that is there twice is on the diagonal.
        diagonal: Any = np.einsum(entries, axes, list(range(len(scope))))  # type: ignore[arg-type]
        logs.append(np.ascontiguousarray(diagonal))
    return Tables(
        tuple(network.sizes), tuple(network.sizes.values()), tuple(scopes), tuple(logs), constant
    )


def _logarithms(name: str, tensor: Tensor) -> Array:
    data: Any = np.asarray(tensor.data)
    if tensor.log:
        return np.asarray(data, float)
    if np.iscomplexobj(data) or np.any(data < 0):
        raise ModelError(
            f"tensor {name!r} has negative or complex entries: the products of the network's "
            "tensors are no probabilities, and there is no approximation for those"
        )
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(data, dtype=float))


def log_states(tables: Tables) -> float:
    """The natural logarithm of the number of joint states."""
    return math.fsum(map(math.log, tables.sizes))
