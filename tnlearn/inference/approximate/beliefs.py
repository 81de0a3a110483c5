"""Belief propagation, and the free energy of Bethe at its fixed point."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference.approximate.tables import Tables, tables_of
from tnlearn.inference.distribution import closed
from tnlearn.inference.support import supported
from tnlearn.network import HasNetwork, Index, TensorNetwork

Array = npt.NDArray[np.float64]

#: Largest change of a message at which they count as settled.
TOLERANCE = 1e-10
#: Part of the old message that is kept, from so many rounds without settling on.
DAMPING, PATIENCE = 0.5, 100


@dataclass(frozen=True, eq=False)
class Beliefs:
    """A fixed point of belief propagation.

    Attributes
    ----------
    log_partition : float
        Minus the Bethe free energy: the natural logarithm of Z, exact on trees.
    marginals : dict from site to array
        The belief of every site, summing to 1.
    converged : bool
        Whether the messages settled.
    rounds : int
        How often every message was sent.
    on_tree : bool
        Whether the graph has no loops, so that all this is exact.
    """

    log_partition: float
    marginals: dict[Index, Array]
    converged: bool
    rounds: int
    on_tree: bool


def propagate_beliefs(thing: TensorNetwork | HasNetwork, rounds: int = 2000) -> Beliefs:
    """Send messages along all edges of a model's factor graph until they settle.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries.
    rounds : int
        Give up after so many.

    Returns
    -------
    Beliefs
        Exact on trees. With loops an approximation without a bound; where messages do not settle,
        that of the last round.

    Notes
    -----
    A round costs the entries of all tensors times the variables on each. All messages are sent at
    once; if they swing they are damped. Bethe 1935; Yedidia, Freeman, Weiss 2005, IEEE Trans.
    Inf. Theory 51, 2282.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> from tnlearn.inference import propagate_beliefs
    >>> ring = tnl.Ising(nx.cycle_graph(5), beta=0.5)  # Z / Z_Bethe = 1 + tanh(0.5)**5
    >>> round(tnl.log_partition(ring) - propagate_beliefs(ring).log_partition, 6)
    0.020856
    """
    support = supported(closed(thing))
    if support.empty:
        raise ModelError("every state has probability zero: there is nothing to believe")
    tables = tables_of(support.network)
    messages = _Messages(tables)
    settled, count = False, 0
    while not settled and count < rounds:
        count += 1
        settled = messages.send(DAMPING if count > PATIENCE else 0.0) < TOLERANCE
    beliefs = dict(zip(tables.names, messages.beliefs(), strict=True))
    whole = {
        index: support.spread(beliefs.get(index, np.ones(())), (index,), {index: size})
        for index, size in closed(thing).sizes.items()
    }
    value = messages.log_partition() + tables.constant
    return Beliefs(value, whole, settled, count, _is_tree(tables))


def _is_tree(tables: Tables) -> bool:
    """Whether variables and tables, joined where one is on the other, have no loops."""
    leader = list(range(len(tables.sizes) + len(tables.scopes)))

    def found(node: int) -> int:
        while leader[node] != node:
            leader[node] = node = leader[leader[node]]
        return node

    for number, scope in enumerate(tables.scopes, start=len(tables.sizes)):
        for variable in scope:
            one, other = found(variable), found(number)
            if one == other:
                return False
            leader[one] = other
    return True


class _Group:
    """Tables of one shape, worked on together.

    Attributes
    ----------
    weights : array, shape (tables, *shape)
        Entries, the largest of each table 1.
    tops : array, shape (tables,)
        Logarithms of what was taken out.
    scopes : array of int, shape (tables, axes)
    messages : list of array, shape (tables, size)
        By axis: from the variable there to the table, summing to 1.
    """

    def __init__(self, logs: list[Array], scopes: list[tuple[int, ...]]) -> None:
        stacked = np.stack(logs)
        self.tops = stacked.reshape(len(stacked), -1).max(axis=1)
        self.weights = np.exp(stacked - self.tops.reshape(-1, *[1] * (stacked.ndim - 1)))
        self.scopes = np.array(scopes)
        self.messages = [np.full((len(logs), n), 1.0 / n) for n in stacked.shape[1:]]

    def answers(self) -> Iterator[Array]:
        """By axis: the messages from the tables to the variable there."""
        axes = list(range(1, self.weights.ndim))
        for axis in axes:
            operands: list[object] = [self.weights, [0, *axes]]
            for other in axes:
                if other != axis:
                    operands += [self.messages[other - 1], [0, other]]
            found = np.einsum(*operands, [0, axis], optimize=len(axes) > 2)  # type: ignore[call-overload]
            yield _normalised(found)

    def totals(self) -> Array:
        """Sums of the tables' entries weighted by all messages to them."""
        axes = list(range(1, self.weights.ndim))
        operands: list[object] = [self.weights, [0, *axes]]
        for axis in axes:
            operands += [self.messages[axis - 1], [0, axis]]
        return np.asarray(np.einsum(*operands, [0], optimize=len(axes) > 2))  # type: ignore[call-overload]


class _Messages:
    """All messages of a factor graph."""

    def __init__(self, tables: Tables) -> None:
        self._sizes = tables.sizes
        shapes: dict[tuple[int, ...], list[int]] = {}
        for number, log in enumerate(tables.logs):
            shapes.setdefault(log.shape, []).append(number)
        self._groups = [
            _Group([tables.logs[k] for k in some], [tables.scopes[k] for k in some])
            for some in shapes.values()
        ]
        self._widest = max(tables.sizes, default=1)
        self._answers: list[list[Array]] = []

    def send(self, damping: float) -> float:
        """One round; the largest change of a message to a table."""
        self._answers = [list(group.answers()) for group in self._groups]
        sums, zeros = self._gathered()
        change = 0.0
        for group, answers in zip(self._groups, self._answers, strict=True):
            for axis, answer in enumerate(answers):
                place = group.scopes[:, axis], slice(answer.shape[1])
                logs, none = _logs(answer)
                fresh = _weights(sums[place] - logs, zeros[place] - none)
                fresh = _normalised(fresh)
                old = group.messages[axis]
                fresh = damping * old + (1 - damping) * fresh
                change = max(change, float(np.abs(fresh - old).max(initial=0.0)))
                group.messages[axis] = fresh
        return change

    def beliefs(self) -> list[Array]:
        """Of every variable, by number."""
        weights = _weights(*self._gathered())
        pairs = zip(weights, self._sizes, strict=True)
        return [_normalised(row[None, :size])[0] for row, size in pairs]

    def log_partition(self) -> float:
        """Sums over tables and variables, less what every edge counts twice."""
        sums, zeros = self._gathered()
        top = np.where(zeros > 0, -np.inf, sums).max(axis=1, initial=-np.inf)
        total = float((top + _log(_weights(sums, zeros).sum(axis=1))).sum())
        for group, answers in zip(self._groups, self._answers, strict=True):
            total += float((_log(group.totals()) + group.tops).sum())
            for axis, answer in enumerate(answers):
                total -= float(_log((answer * group.messages[axis]).sum(axis=1)).sum())
        return total if math.isfinite(total) else -math.inf

    def _gathered(self) -> tuple[Array, Array]:
        """Products of all answers to every variable: logarithms, and how many zeros are in each.

        There is a zero at every position beyond the size of a variable.
        """
        sizes = np.array(self._sizes)[:, None]
        sums = np.zeros((len(sizes), self._widest))
        zeros = (np.arange(self._widest) >= sizes).astype(float)
        for group, answers in zip(self._groups, self._answers, strict=True):
            for axis, answer in enumerate(answers):
                place = (group.scopes[:, axis, None], np.arange(answer.shape[1])[None])
                logs, none = _logs(answer)
                np.add.at(sums, place, logs)
                np.add.at(zeros, place, none)
        return sums, zeros


def _log(numbers: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(numbers))


def _logs(weights: Array) -> tuple[Array, Array]:
    """Logarithms, 0 where there is none, and whether there is none."""
    none = weights == 0
    return np.log(np.where(none, 1.0, weights)), none.astype(float)


def _normalised(weights: Array) -> Array:
    """Rows that sum to 1; messages that contradict each other say nothing."""
    found = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, 1.0)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _weights(sums: Array, zeros: Array) -> Array:
    """Products from logarithms and numbers of zeros, the largest of each row 1."""
    logs = np.where(zeros > 0, -np.inf, sums)
    top = logs.max(axis=1, keepdims=True)
    return np.asarray(np.exp(logs - np.where(top == -np.inf, 0.0, top)))
