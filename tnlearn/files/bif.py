"""Bayesian networks in the interchange format BIF 0.15, as the repositories of networks have them.

A row ``(b0, c1) 0.1, 0.9;`` of ``probability ( A | B, C )`` is the distribution of A where its
parents have these states, a row ``default`` that of all rows that are not there, and ``table`` is
everything at once: the states of A slowest, those of the last parent fastest. Commas and the bar
may be missing. Properties are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import FormatError
from tnlearn.files.bif_tokens import Tokens
from tnlearn.files.texts import opened
from tnlearn.files.words import shown, whole
from tnlearn.physics import BayesianNetwork

Array = npt.NDArray[np.float64]
#: Parents and table of a variable.
Conditional = tuple[tuple[str, ...], Array]
#: Entries that tables may have beyond those in the file: one row of defaults fills any table.
FREE_ENTRIES = 2**20
#: Most variables in one table: most axes of an array.
MOST_AXES = 64


def read_model(path: Path, *, normalise: bool = False) -> BayesianNetwork:
    """A model of the names in the file, variables in their order."""
    with opened(path, "utf-8") as pieces:
        tokens = Tokens("".join(pieces))
    reader = _Reader(tokens)
    reader.read()
    missing = [name for name in reader.states if name not in reader.tables]
    if missing:
        raise FormatError(f"variable {shown(missing[0])} has no probabilities")
    if not reader.states:
        raise FormatError("it has no variables")
    tables = {name: reader.tables[name] for name in reader.states}
    return BayesianNetwork(tables, reader.states, normalise=normalise)


class _Reader:
    """What has been read so far."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.states: dict[str, tuple[str, ...]] = {}
        self.tables: dict[str, Conditional] = {}
        # A number takes two characters at least.
        self.entries_left = FREE_ENTRIES + len(tokens.text) // 2

    def read(self) -> None:
        """All blocks of the file."""
        blocks = {
            "network": self._network,
            "variable": self._variable,
            "probability": self._probability,
            "property": self.tokens.skip_statement,
        }
        while (word := self.tokens.keyword()) is not None:
            if word not in blocks:
                raise self.tokens.error(
                    f"{shown(word)} is none of network, variable, probability, property"
                )
            blocks[word]()

    def _network(self) -> None:
        if not self.tokens.take("{"):
            self.tokens.name("the name of the network")
            self.tokens.expect("{")
        self._properties()

    def _properties(self) -> None:
        while not self.tokens.take("}"):
            self._property(self.tokens.word("property"))

    def _property(self, word: str) -> None:
        if word != "property":
            raise self.tokens.error(f"{shown(word)} is not known here")
        self.tokens.skip_statement()

    def _variable(self) -> None:
        tokens = self.tokens
        name = tokens.name("the name of a variable")
        if name in self.states:
            raise tokens.error(f"variable {shown(name)} is there twice")
        states: tuple[str, ...] = ()
        tokens.expect("{")
        while not tokens.take("}"):
            word = tokens.word("type")
            if word != "type":
                self._property(word)
            elif states:
                raise tokens.error(f"variable {shown(name)} has two types")
            else:
                states = self._type()
        if not states:
            raise tokens.error(f"variable {shown(name)} has no type discrete")
        self.states[name] = states

    def _type(self) -> tuple[str, ...]:
        tokens = self.tokens
        kind = tokens.word("discrete")
        if kind != "discrete":
            raise tokens.error(f"variables must be discrete, and this one is {shown(kind)}")
        tokens.expect("[")
        count = whole(tokens.word("a number of states"), tokens.place(), len(tokens.text))
        tokens.expect("]")
        tokens.expect("{")
        states = tokens.names("}", "a state")
        tokens.take(";")
        if len(states) != count or not states:
            raise tokens.error(f"there should be {count:,} states, and there are {len(states):,}")
        return states

    def _probability(self) -> None:
        tokens = self.tokens
        tokens.expect("(")
        scope = tokens.names(")", "a variable")
        if not scope:
            raise tokens.error("there is no variable whose probabilities these are")
        name, *parents = scope
        for each in scope:
            if each not in self.states:
                raise tokens.error(f"there is no variable {shown(each)} so far")
        if name in self.tables:
            raise tokens.error(f"variable {shown(name)} has probabilities already")
        if len(set(scope)) < len(scope):
            raise tokens.error(f"{shown(name)} or a parent of it is there twice")
        if len(parents) >= MOST_AXES:
            raise tokens.error(f"{shown(name)} has {len(parents)} parents: more than {MOST_AXES}")
        axes = [self.states[each] for each in (*parents, name)]
        entries = math.prod(map(len, axes))
        if entries > self.entries_left:
            raise tokens.error(
                f"the table of {shown(name)} has more entries than the file can hold"
            )
        self.entries_left -= entries
        tokens.expect("{")
        self.tables[name] = tuple(parents), _Table(tokens, name, axes).read()


class _Table:
    """The table of one variable: an axis for every parent, and the last one for itself."""

    def __init__(self, tokens: Tokens, name: str, scope: Sequence[tuple[str, ...]]) -> None:
        self.tokens, self.name, self.scope = tokens, name, scope
        *self.shape, self.size = map(len, scope)
        self.positions = [{state: k for k, state in enumerate(axis)} for axis in scope[:-1]]
        self.rows = np.empty((math.prod(self.shape), self.size))
        self.known = np.zeros(len(self.rows), bool)
        self.default: Array | None = None

    def read(self) -> Array:
        """The table, once the block ends."""
        tokens = self.tokens
        while not tokens.take("}"):
            if tokens.take("("):
                self._row()
                continue
            word = tokens.word("a row")
            if word == "default":
                if self.default is not None:
                    raise tokens.error("there is a default row already")
                self.default = self._numbers(self.size)
            elif word == "table":
                self._whole()
            elif word == "property":
                tokens.skip_statement()
            else:
                raise tokens.error(f"{shown(word)} is neither a row nor table, default, property")
        return self._filled().reshape([*self.shape, self.size])

    def _row(self) -> None:
        states = self.tokens.names(")", "a state of a parent")
        at = 0
        if len(states) != len(self.shape):
            raise self.tokens.error(
                f"a row of {shown(self.name)} has {len(states)} states for "
                f"{len(self.shape)} parents"
            )
        for state, known in zip(states, self.positions, strict=True):
            if state not in known:
                raise self.tokens.error(
                    f"a parent of {shown(self.name)} has no state {state!r:.60}"
                )
            at = at * len(known) + known[state]
        self._put(at, self._numbers(self.size))

    def _whole(self) -> None:
        """The states of the variable itself are slowest in the file, and last in the table."""
        given = self._numbers(self.rows.size).reshape(self.size, -1)
        self._put(slice(None), given.T)

    def _put(self, at: Any, numbers: Array) -> None:
        if self.known[at].any():
            raise self.tokens.error(f"a row of {shown(self.name)} is there twice")
        self.rows[at] = numbers
        self.known[at] = True

    def _numbers(self, count: int) -> Array:
        numbers = self.tokens.numbers(count)
        if len(numbers) != count:
            raise self.tokens.error(
                f"there should be {count:,} probabilities of {shown(self.name)}, and there are "
                f"{len(numbers):,}"
            )
        return numbers

    def _filled(self) -> Array:
        if self.default is not None:
            self.rows[~self.known] = self.default
        elif not self.known.all():
            at = np.unravel_index(int(np.argmin(self.known)), self.shape) if self.shape else ()
            row = ", ".join(axis[k] for axis, k in zip(self.scope, at, strict=False))
            raise self.tokens.error(f"{shown(self.name)} has no row ({row:.60})")
        return self.rows
