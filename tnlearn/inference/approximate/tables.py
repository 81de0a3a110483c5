"""A distribution as approximations read it: numbered variables, and logarithms of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.inference.distribution import logarithms
from tnlearn.network import Index, TensorNetwork

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
        entries = np.asarray(logarithms(name, tensor), float)
        labels = [numbers[index] for index in tensor.indices]
        scope = tuple(dict.fromkeys(labels))
        if not scope:
            constant += float(entries)
            continue
        axes = [scope.index(label) for label in labels]
        scopes.append(scope)
        # A variable that is there twice is on the diagonal.
        diagonal: Any = np.einsum(entries, axes, list(range(len(scope))))
        logs.append(np.ascontiguousarray(diagonal))
    return Tables(
        tuple(network.sizes), tuple(network.sizes.values()), tuple(scopes), tuple(logs), constant
    )
