"""Tables of logarithms on named indices: held, maximised and summed a few at a time."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.backend import MAX_PLUS, SUM_PRODUCT, Algebra
from tnlearn.execution import Program, compile
from tnlearn.inference.approximate.tables import tables_of
from tnlearn.network import Index, Tensor, TensorNetwork

Array = npt.NDArray[np.float64]

#: Entries of a table that factors are joined into before they are maximised, and not one by one.
MOST_JOINED = 2**16


@dataclass(frozen=True, eq=False)
class Factor:
    """Natural logarithms of weights, an axis for every index of `scope`; -inf is a zero."""

    scope: tuple[Index, ...]
    logs: Array


def factors_of(network: TensorNetwork) -> list[Factor]:
    """The factors of a closed network of non-negative entries; a constant is the first."""
    tables = tables_of(network)
    pairs = zip(tables.scopes, tables.logs, strict=True)
    return [
        Factor((), np.asarray(tables.constant)),
        *(Factor(tuple(tables.names[k] for k in scope), logs) for scope, logs in pairs),
    ]


def fixed(factor: Factor, case: Mapping[Index, int]) -> Factor:
    """A factor with some indices held at a position, and gone."""
    if not any(index in case for index in factor.scope):
        return factor
    where = tuple(case.get(index, slice(None)) for index in factor.scope)
    left = tuple(index for index in factor.scope if index not in case)
    return Factor(left, np.asarray(factor.logs[where]))


def maximised(factors: Sequence[Factor], index: Index) -> list[Factor]:
    """Factors whose product is at least the largest along an index; equal if they were few.

    The factors that carry the index are joined if that makes no large table; otherwise each is
    maximised alone.
    """
    others = [factor for factor in factors if index not in factor.scope]
    carriers = [factor for factor in factors if index in factor.scope]
    sizes = {i: n for f in carriers for i, n in zip(f.scope, f.logs.shape, strict=True)}
    if math.prod(sizes.values()) <= MOST_JOINED:
        carriers = [_joined(carriers, sizes)] if carriers else []
    return others + [_without(factor, index) for factor in carriers]


class Contractions:
    """Contractions of factors, compiled once for every structure that comes.

    Parameters
    ----------
    options : dict
        As for `tnlearn.compile`.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._programs: dict[Hashable, Program] = {}

    def summed(self, factors: Sequence[Factor], kept: tuple[Index, ...]) -> Factor:
        """The product of factors with all indices summed but those kept."""
        tensors = [Tensor(factor.logs, factor.scope, log=True) for factor in factors]
        program = self._program(tensors, kept, SUM_PRODUCT)
        value = program.backend.log_to_host(program.log([t.data for t in tensors]))
        return Factor(kept, np.asarray(value.log, float))

    def largest(self, factors: Sequence[Factor]) -> float:
        """The largest entry of the product of factors."""
        tensors = [Tensor(factor.logs, factor.scope) for factor in factors]
        return float(self._program(tensors, (), MAX_PLUS)([t.data for t in tensors]))

    def _program(
        self, tensors: Sequence[Tensor], kept: tuple[Index, ...], algebra: Algebra
    ) -> Program:
        key = (algebra, kept, *((tensor.indices, tensor.shape) for tensor in tensors))
        if key not in self._programs:
            network = TensorNetwork(tensors, kept)
            self._programs[key] = compile(network, algebra=algebra, **self._options)
        return self._programs[key]


def _joined(factors: Sequence[Factor], sizes: Mapping[Index, int]) -> Factor:
    scope = tuple(sizes)
    total = np.zeros(tuple(sizes.values()))
    for factor in factors:
        order = sorted(range(len(factor.scope)), key=lambda axis: scope.index(factor.scope[axis]))
        shape = [sizes[index] if index in factor.scope else 1 for index in scope]
        total += factor.logs.transpose(order).reshape(shape)
    return Factor(scope, total)


def _without(factor: Factor, index: Index) -> Factor:
    axis = factor.scope.index(index)
    left = factor.scope[:axis] + factor.scope[axis + 1 :]
    return Factor(left, factor.logs.max(axis=axis))
