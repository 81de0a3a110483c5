"""Factor graphs, evidence and answers in the formats of the UAI inference competitions.

A model is ``MARKOV`` or ``BAYES``, the number of variables and of values of each, the number of
factors and the variables of each, and the tables, the last variable of a scope fastest. Evidence is
a count and pairs of variable and value, sometimes behind a count of samples, 1. Answers repeat the
task: ``PR`` and the decimal logarithm of Z, ``MAR`` and all marginals, ``MAP`` and a state
(https://uaicompetition.github.io, 2022).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tnlearn.errors import FormatError
from tnlearn.files.words import Words, opened
from tnlearn.physics import FactorGraph

#: Most values of all variables together, and most variables on one factor.
MOST_VALUES, MOST_IN_SCOPE = 2**24, 64


def read_model(path: Path) -> FactorGraph:
    """A model; its variables are 0, 1, ... and their values too."""
    with opened(path) as pieces:
        words = Words(pieces)
        kind = words.word("MARKOV or BAYES")
        if kind not in ("MARKOV", "BAYES"):
            raise FormatError(
                f"it begins with {kind[:40]!r}: a UAI file begins with MARKOV or BAYES"
            )
        count = words.whole("the number of variables", MOST_VALUES)
        sizes = words.wholes(count, "the number of values of a variable", MOST_VALUES)
        if 0 in sizes or sum(sizes) > MOST_VALUES:
            raise FormatError(
                f"variable {sizes.index(0)} has no values"
                if 0 in sizes
                else f"the variables have more than {MOST_VALUES:,} values together"
            )
        scopes = [_scope(words, count) for _ in range(words.whole("the number of factors", 2**40))]
        tables = [_table(words, k, [sizes[v] for v in scope]) for k, scope in enumerate(scopes)]
        words.end()
    return FactorGraph(zip(scopes, tables, strict=True), dict(enumerate(sizes)))


def _scope(words: Words, count: int) -> list[int]:
    length = words.whole("the number of variables of a factor", MOST_IN_SCOPE)
    scope = words.wholes(length, "a variable of a factor", count - 1)
    if len(set(scope)) < len(scope):
        raise FormatError(f"a factor has a variable twice: {scope}")
    return scope


def _table(words: Words, number: int, shape: list[int]) -> Any:
    entries = math.prod(shape)
    said = words.whole(f"the number of entries of table {number}", 2**60)
    if said != entries:
        raise FormatError(f"table {number} says it has {said:,} entries; its scope has {entries:,}")
    table = words.reals(entries, f"table {number}").reshape(shape)
    if (table < 0).any():
        raise FormatError(f"table {number} holds {table.min()}: weights must not be negative")
    return table


def read_evidence(path: Path) -> dict[int, int]:
    """Values by variable."""
    with opened(path) as pieces:
        words = " ".join(pieces).split()
    numbers = Words([" ".join(words)]).wholes(len(words), "evidence", MOST_VALUES)
    if numbers[:1] == [1] and len(numbers) > 1 and len(numbers) == 2 + 2 * numbers[1]:
        numbers = numbers[1:]  # One sample of evidence.
    if numbers and len(numbers) != 1 + 2 * numbers[0]:
        raise FormatError(
            f"it says {numbers[0]} variables are observed, but {len(numbers) - 1} numbers follow: "
            "give a variable and its value for each"
        )
    evidence = dict(zip(numbers[1::2], numbers[2::2], strict=True))
    if len(evidence) < len(numbers) // 2:
        raise FormatError("a variable is observed twice")
    return evidence


def partition_answer(log_partition: float) -> str:
    """The answer to PR."""
    return f"PR\n{log_partition / math.log(10):.12g}"


def marginals_answer(marginals: Sequence[Sequence[float]]) -> str:
    """The answer to MAR: of every variable of the file, also of those observed."""
    words = [f"{len(p)} {' '.join(f'{x:.9g}' for x in p)}" for p in marginals]
    return f"MAR\n{len(marginals)} {' '.join(words)}"


def mode_answer(state: Sequence[int]) -> str:
    """The answer to MAP: the position of the value of every variable, also of those observed."""
    return f"MAP\n{len(state)} {' '.join(map(str, state))}"
