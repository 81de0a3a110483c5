"""A network as clauses over weighted literals, whose weighted count is its value.

An index of two positions is a variable; any other has a variable for each position, of which one
is true. What a tensor forbids becomes clauses, one for each box of zeros. Weights of a tensor on
one index are those of literals; any other weight is that of a new variable, true exactly where
the tensor has it (Chavira and Darwiche 2008, doi:10.1016/j.artint.2007.11.002, section 3).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from tnlearn.inference.counting.formula import Array
from tnlearn.inference.distribution import check_weights
from tnlearn.network import Index, Tensor, TensorNetwork


@dataclass
class Clauses:
    """Clauses of literals as `Formula` numbers them.

    Attributes
    ----------
    weights : list of float
        Of all literals.
    clauses : list of tuple of int
    log_factor : float
        Natural logarithm of what the count is multiplied by; -inf if a tensor is all zeros.
    """

    weights: list[float] = field(default_factory=list)
    clauses: list[tuple[int, ...]] = field(default_factory=list)
    log_factor: float = 0.0

    def variable(self, weight: float = 1.0) -> int:
        """A new variable of this weight where it is true: the literal that says so."""
        self.weights += [1.0, weight]
        return len(self.weights) - 1


def clauses_of(network: TensorNetwork) -> Clauses:
    """The clauses of a closed network with no negative entries.

    Raises
    ------
    ModelError
        If an entry is negative or complex.
    """
    made = Clauses()
    literals = {index: _literals(made, size) for index, size in network.sizes.items()}
    for name, tensor in zip(network.names, network, strict=True):
        check_weights(name, tensor)
        indices, table = _table(made, tensor)
        _add(made, [literals[index] for index in indices], table)
    made.clauses = sorted(set(made.clauses), key=lambda clause: (len(clause), clause))
    return made


def _literals(made: Clauses, size: int) -> list[int]:
    """The literals that say which position an index has."""
    if size == 2:
        true = made.variable()
        return [true ^ 1, true]
    own = [made.variable() for _ in range(size)]
    made.clauses.append(tuple(own))
    made.clauses += [(a ^ 1, b ^ 1) for a, b in combinations(own, 2)]
    return own


def _table(made: Clauses, tensor: Tensor) -> tuple[list[Index], Array]:
    """A tensor's indices, each once, and its entries divided by the commonest weight."""
    indices = list(dict.fromkeys(tensor.indices))
    labels = [indices.index(index) for index in tensor.indices]
    data: Array = np.asarray(tensor.data, np.float64)
    data = np.einsum(data, labels, list(range(len(indices))))
    allowed = data[data != (-np.inf if tensor.log else 0.0)]
    if not len(allowed):
        made.log_factor = -math.inf
        return indices, np.zeros_like(data)
    common = Counter(allowed.tolist()).most_common(1)[0][0]
    made.log_factor += common if tensor.log else math.log(common)
    return indices, np.exp(data - common) if tensor.log else data / common


def _add(made: Clauses, literals: Sequence[Sequence[int]], table: Array) -> None:
    """What a tensor forbids, and its weights, as clauses over the literals of its axes."""
    for box in _boxes(table == 0):
        made.clauses.append(tuple(sorted({literals[axis][k] ^ 1 for axis, k in box})))
    for place in np.argwhere((table != 0) & (table != 1)).tolist():
        weight = float(table[tuple(place)])
        at = [own[k] for own, k in zip(literals, place, strict=True)]
        if len(at) == 1:
            made.weights[at[0]] *= weight
            continue
        true = made.variable(weight)
        made.clauses.append((*sorted(literal ^ 1 for literal in at), true))
        made.clauses += [(literal, true ^ 1) for literal in at]


def _boxes(zero: Array) -> Iterator[list[tuple[int, int]]]:
    """Boxes that cover all zeros of a table, and nothing else: axes that are held, and where."""
    covered = np.zeros(zero.shape, bool)
    every = slice(None)
    for place in np.argwhere(zero).tolist():
        if covered[tuple(place)]:
            continue
        box: list[Any] = list(place)
        for axis in range(zero.ndim):
            wider = [*box[:axis], every, *box[axis + 1 :]]
            if zero[tuple(wider)].all():
                box = wider
        covered[tuple(box)] = True
        yield [(axis, k) for axis, k in enumerate(box) if k is not every]
