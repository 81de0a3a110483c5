"""Bayesian networks in the interchange format BIF 0.15, as the repositories of networks have them.

A row ``(b0, c1) 0.1, 0.9;`` of ``probability ( A | B, C )`` is the distribution of A where its
parents have these states, a row ``default`` that of all rows that are not there, and ``table`` is
everything at once: the states of A slowest, those of the last parent fastest. Commas and the bar
may be missing. Properties are passed over.
"""

from __future__ import annotations

import math
from pathlib import Path

from tnlearn.errors import FormatError
from tnlearn.files.bif_tables import Array, Table
from tnlearn.files.bif_tokens import Tokens
from tnlearn.files.bif_writing import write_model as write_model
from tnlearn.files.texts import opened
from tnlearn.files.words import shown, whole
from tnlearn.physics import BayesianNetwork

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
        self.tables[name] = tuple(parents), Table(tokens, name, axes).read()
