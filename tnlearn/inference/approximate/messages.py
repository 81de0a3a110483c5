"""Messages between the variables and the tables of a factor graph."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tnlearn.inference.approximate.tables import Tables

Array = npt.NDArray[np.float64]

#: Largest change of a message at which they count as settled.
TOLERANCE = 1e-10
#: Part of the old message that is kept, from so many rounds without settling on.
DAMPING, PATIENCE = 0.5, 100
#: Rounds after which to give up.
ROUNDS = 2000


def settled_messages(tables: Tables, rounds: int = ROUNDS) -> tuple[Messages, bool, int]:
    """Messages sent until they settle; whether they did, and the rounds it took."""
    messages, settled, count = Messages(tables), False, 0
    while not settled and count < rounds:
        count += 1
        settled = messages.send(DAMPING if count > PATIENCE else 0.0) < TOLERANCE
    return messages, settled, count


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

    def beliefs(self) -> Array:
        """The tables' entries weighted by all messages to them, each table summing to 1."""
        found = self.weights
        for axis, message in enumerate(self.messages, start=1):
            shape = [1] * found.ndim
            shape[0], shape[axis] = message.shape
            found = found * message.reshape(shape)
        return _normalised(found.reshape(len(found), -1)).reshape(found.shape)

    def totals(self) -> Array:
        """Sums of the tables' entries weighted by all messages to them."""
        axes = list(range(1, self.weights.ndim))
        operands: list[object] = [self.weights, [0, *axes]]
        for axis in axes:
            operands += [self.messages[axis - 1], [0, axis]]
        return np.asarray(np.einsum(*operands, [0], optimize=len(axes) > 2))  # type: ignore[call-overload]


class Messages:
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
        self._numbers = list(shapes.values())
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

    def table_beliefs(self) -> list[Array]:
        """Of the variables of every table together, by number."""
        found: list[Array] = [np.empty(0)] * sum(map(len, self._numbers))
        for numbers, group in zip(self._numbers, self._groups, strict=True):
            for number, belief in zip(numbers, group.beliefs(), strict=True):
                found[number] = belief
        return found

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
