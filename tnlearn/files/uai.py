"""Factor graphs, evidence and answers in the formats of the UAI inference competitions.

A model is ``MARKOV`` or ``BAYES``, the number of variables and of values of each, the number of
factors and the variables of each, and the tables, the last variable of a scope fastest. Evidence is
a count and pairs of variable and value, sometimes behind a count of samples, 1. Answers repeat the
task: ``PR`` and the decimal logarithm of Z, ``MAR`` and all marginals, ``MAP`` and a state
(https://uaicompetition.github.io, 2022).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tnlearn.errors import DataTypeError, FormatError
from tnlearn.files.texts import opened, written
from tnlearn.files.words import Words, shown
from tnlearn.physics import BayesianNetwork, FactorGraph

#: Most values of one variable, and most variables on one factor.
MOST_VALUES, MOST_IN_SCOPE = 2**24, 64
#: Most values of all variables that are in no table: nothing else in the file vouches for them.
MOST_ALONE = 2**20


def read_model(path: Path) -> FactorGraph:
    """A model; its variables are 0, 1, ... and their values too."""
    with opened(path) as pieces:
        words = Words(pieces)
        kind = words.word("MARKOV or BAYES")
        if kind not in ("MARKOV", "BAYES"):
            raise FormatError(
                f"it begins with {shown(kind)}: a UAI file begins with MARKOV or BAYES"
            )
        count = words.whole("the number of variables", 2**40)
        sizes = words.wholes(count, "the number of values of a variable", MOST_VALUES)
        scopes = [_scope(words, count) for _ in range(words.whole("the number of factors", 2**40))]
        # Read before the model is built, which makes a value for every value that is claimed.
        tables = [_table(words, k, [sizes[v] for v in scope]) for k, scope in enumerate(scopes)]
        words.end()
    _check_alone(sizes, scopes)
    return FactorGraph(zip(scopes, tables, strict=True), dict(enumerate(sizes)))


def _check_alone(sizes: Sequence[int], scopes: Iterable[Sequence[int]]) -> None:
    alone = sum(sizes) - sum(sizes[v] for v in {v for scope in scopes for v in scope})
    if alone > MOST_ALONE:
        raise FormatError(
            f"the variables that are in no table have {alone:,} values: more than {MOST_ALONE:,}"
        )


def _scope(words: Words, count: int) -> tuple[int, ...]:
    length = words.whole("the number of variables of a factor", MOST_IN_SCOPE)
    scope = tuple(words.wholes(length, "a variable of a factor", count - 1))
    if len(set(scope)) < len(scope):
        raise FormatError(f"a factor has a variable twice: {scope}")
    return scope


def _table(words: Words, number: int, shape: list[int]) -> Any:
    entries = math.prod(shape)
    said = words.whole(f"the number of entries of table {number}", 2**60)
    if said != entries:
        has = f"{entries:,}" if entries < 2**60 else "many more"
        raise FormatError(f"table {number} says it has {said:,} entries; its scope has {has}")
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


def write_model(model: FactorGraph | BayesianNetwork, path: Path) -> None:
    """A model as a file; variables become numbers in the order of its sites, and values too.

    Weights are written such that they are read as the same floats; logarithms as what they are
    logarithms of.

    Raises
    ------
    DataTypeError
        If the model is neither.
    FormatError
        If floats cannot hold a weight that the model holds as a logarithm.
    """
    if not isinstance(model, FactorGraph | BayesianNetwork):
        raise DataTypeError(
            f"UAI files hold a FactorGraph or BayesianNetwork, not a {type(model).__name__}"
        )
    kind, graph = ("MARKOV", model) if isinstance(model, FactorGraph) else ("BAYES", model.factors)
    # Before anything is written: this may fail.
    tables = [
        _weights(factor.table, k) if graph.log else factor.table
        for k, factor in enumerate(graph.factors)
    ]
    at = {site: k for k, site in enumerate(model.sites)}
    with written(path) as text:
        sizes = " ".join(str(len(model.values(site))) for site in model.sites)
        text.write(f"{kind}\n{len(at)}\n{sizes}\n{len(tables)}\n")
        for scope, _ in graph.factors:
            text.write(" ".join(map(str, (len(scope), *(at[name] for name in scope)))) + "\n")
        for table in tables:
            text.write(f"\n{table.size}\n")
            for row in table.reshape(-1, table.shape[-1] if table.ndim else 1).tolist():
                text.write(" ".join(map(repr, row)) + "\n")


def _weights(logs: Any, number: int) -> Any:
    with np.errstate(over="ignore", under="ignore"):
        weights = np.exp(logs)
    if np.isinf(weights).any() or ((weights == 0) & np.isfinite(logs)).any():
        raise FormatError(
            f"factor {number} has a weight of exp({logs.min():.6g}) to exp({logs.max():.6g}), "
            "which no float holds: subtract a constant from its logarithms"
        )
    return weights


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
