"""Where the order comes from: our own trials, anyone's optimizer, or the user's own path."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeGuard

from tnlearn.errors import PlanError
from tnlearn.planning.absorption import absorbed
from tnlearn.planning.acyclic import acyclic_path
from tnlearn.planning.elimination import elimination_path
from tnlearn.planning.fitting import refuse_what_is_hopeless
from tnlearn.planning.given import Path, from_linear
from tnlearn.planning.rounds import in_rounds
from tnlearn.planning.scoring import Judge
from tnlearn.planning.structure import Structure
from tnlearn.planning.symbols import symbols_of
from tnlearn.planning.trials import (
    EFFORTS,
    MOST_ROUNDS,
    optimal_path,
    search_by_clock,
    search_by_trials,
)

#: A named effort, seconds, an opt_einsum or cotengra optimizer (or its name), or a path.
Search: TypeAlias = "str | float | Callable[..., Any] | Sequence[Sequence[int]]"

#: Tensors of a tree or ring for which the optimal order is looked for, or one by elimination.
OPTIMAL, ELIMINATED = 12, 1000
#: Rounds of refinement times tensors for the quickest of searches, where indices are sliced.
SLICED = 800
UNKNOWN = (
    "search={search} is unknown: give 'fast', 'balanced', 'thorough', seconds, a path, or the "
    "name or object of an optimizer of opt_einsum or cotengra"
)


def find_paths(judge: Judge, search: Search, seed: int, limit: int) -> tuple[list[Path], str]:
    """Orders of contraction, best first, and how they were found.

    Parameters
    ----------
    judge : Judge
        The structure, and the machine whose predicted seconds our own search minimises.
    search : str, float, optimizer or path
        "fast", "balanced" or "thorough" count trials, so that the same seed gives the same
        order anywhere; a number is seconds; a name or optimizer of opt_einsum or cotengra is
        called as they are; a sequence is a path in opt_einsum's form.
    seed : int
        For the trials.
    limit : int
        For a refusal before a long search.

    Raises
    ------
    PlanError
        If `search` is none of these, or its path does not join all tensors.
    MemoryLimitError
        If no order can be expected to fit.
    """
    structure = judge.structure
    if isinstance(search, str) and search not in EFFORTS:
        return [_named(structure, search)], search
    if search is None or (isinstance(search, (float, int)) and not 0 <= search < math.inf):
        raise PlanError(UNKNOWN.format(search=search))
    if isinstance(search, (str, float, int)):
        exact = acyclic_path(structure)
        if exact is not None:
            return [_without_loops(judge, tuple(exact))], "exact for trees and rings"
        return _searched(judge, search, seed, limit)
    if callable(search):
        name = getattr(search, "__name__", type(search).__name__)
        return [_optimizer(structure, search)], name
    return [from_linear(search, len(structure.inputs))], "given"


def is_ours(search: Search) -> TypeGuard[str | float]:
    """Whether a search is our own, rather than somebody's optimizer or path."""
    return search in EFFORTS if isinstance(search, str) else isinstance(search, (float, int))


def rounds_of(structure: Structure, search: Search) -> int:
    """Rounds of refinement that a search may spend on slicing; none for others' orders."""
    if isinstance(search, str) and search in EFFORTS:
        spent = max(EFFORTS[search].refined, SLICED)
    elif isinstance(search, (float, int)):
        spent = SLICED  # The seconds are spent before.
    else:
        return 0
    return min(spent // len(structure.inputs), MOST_ROUNDS)


def _searched(judge: Judge, search: str | float, seed: int, limit: int) -> tuple[list[Path], str]:
    """By our own trials, of what is left once all that can be is absorbed."""
    left = absorbed(judge.structure)
    inside = replace(judge, structure=left.structure)

    def check(path: Path) -> None:
        refuse_what_is_hopeless(judge, limit, left.then(path))

    if isinstance(search, str):
        paths, how = search_by_trials(inside, EFFORTS[search], seed, check), search
    else:
        paths, how = search_by_clock(inside, search, seed, check), f"{search:g} s"
    return [left.then(path) for path in paths], f"searched ({how})"


def _without_loops(judge: Judge, exact: Path) -> Path:
    """The order from the leaves inwards, or a better one where it is cheap to look for it.

    From the leaves inwards no result is larger than a tensor, but bonds of many sizes may be
    summed for less in another order.
    """
    structure = judge.structure
    found: Sequence[tuple[int, int]] | None = None
    if 1 < len(exact) < OPTIMAL:
        found = optimal_path(structure)
    elif OPTIMAL <= len(exact) <= ELIMINATED:
        found = elimination_path(structure)
    paths = [exact, *([tuple(found)] if found is not None else [])]
    if judge.machine.grouped and (rounds := in_rounds(structure)) is not None:
        paths.append(rounds)
    return min(paths, key=judge.seconds) if len(paths) > 1 else exact


def _named(structure: Structure, name: str) -> Path:
    import opt_einsum

    try:
        optimizer = opt_einsum.paths.get_path_fn(name)
    except KeyError:
        raise PlanError(UNKNOWN.format(search=repr(name))) from None
    return _optimizer(structure, optimizer)


def _optimizer(structure: Structure, optimizer: Callable[..., Any]) -> Path:
    inputs, output, sizes = symbols_of(structure)
    path = optimizer([frozenset(term) for term in inputs], frozenset(output), sizes)
    return from_linear(path, len(inputs))
