"""The table of one variable in a BIF file, from its rows in any order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tnlearn.files.bif_tokens import Tokens
from tnlearn.files.words import shown

Array: TypeAlias = npt.NDArray[np.float64]


class Table:
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
