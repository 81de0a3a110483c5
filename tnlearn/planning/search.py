"""Where the order comes from: cotengrust's greedy, anyone's optimizer, or the user's own path."""

from __future__ import annotations

import math
import operator
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from tnlearn.errors import PlanError
from tnlearn.planning.acyclic import acyclic_path
from tnlearn.planning.structure import Structure

Path: TypeAlias = tuple[tuple[int, int], ...]
#: Inputs, output and sizes, an index being one character.
Symbols: TypeAlias = tuple[list[list[str]], list[str], dict[str, float]]
#: A named effort, seconds, an opt_einsum or cotengra optimizer (or its name), or a path.
Search: TypeAlias = "str | float | Callable[..., Any] | Sequence[Sequence[int]]"

#: Random-greedy trials of the named efforts, for networks small enough for all of them.
TRIALS = {"fast": 8, "balanced": 128, "thorough": 2048}
UNKNOWN = (
    "search={search} is unknown: give 'fast', 'balanced', 'thorough', seconds, a path, or the "
    "name or object of an optimizer of opt_einsum or cotengra"
)
#: Tensors times trials: what is spent on larger networks.
SPENT = 250_000


def find_path(structure: Structure, search: Search, seed: int) -> tuple[Path, str]:
    """An order of contraction, and how it was found.

    Parameters
    ----------
    structure : Structure
    search : str, float, optimizer or path
        "fast", "balanced" or "thorough" count trials, so that the same seed gives the same
        order anywhere; a number is seconds; a name or optimizer of opt_einsum or cotengra is
        called as they are; a sequence is a path in opt_einsum's form.
    seed : int
        For the trials.

    Raises
    ------
    PlanError
        If `search` is none of these, or its path does not join all tensors.
    """
    if isinstance(search, str) and search not in TRIALS:
        return _named(structure, search), search
    if search is None or (isinstance(search, (float, int)) and not 0 <= search < math.inf):
        raise PlanError(UNKNOWN.format(search=search))
    if isinstance(search, (str, float, int)):
        exact = acyclic_path(structure)
        if exact is not None:
            return tuple(exact), "exact for trees and rings"
        return _greedy(structure, search, seed), f"random greedy ({search})"
    if callable(search):
        name = getattr(search, "__name__", type(search).__name__)
        return _optimizer(structure, search), name
    return _from_linear(search, len(structure.inputs)), "given"


def _greedy(structure: Structure, search: str | float, seed: int) -> Path:
    trials = max(1, min(TRIALS.get(str(search), 16), SPENT // len(structure.inputs)))
    symbols = _symbols(structure)
    best, flops = _trials(symbols, trials, seed)
    if not isinstance(search, str):
        stop = time.monotonic() + search
        while time.monotonic() < stop:
            seed += 1
            path, cost = _trials(symbols, trials, seed)
            if cost < flops:
                best, flops = path, cost
    return _pairs(best, len(structure.inputs))


def _trials(symbols: Symbols, trials: int, seed: int) -> tuple[list[list[int]], float]:
    """The best of several random-greedy orders, in single-assignment form, and its log10 cost."""
    import cotengrust

    inputs, output, sizes = symbols
    path, cost = cotengrust.optimize_random_greedy_track_flops(
        inputs, output, sizes, ntrials=trials, seed=seed, use_ssa=True
    )
    return path, cost


def _named(structure: Structure, name: str) -> Path:
    import opt_einsum

    try:
        optimizer = opt_einsum.paths.get_path_fn(name)
    except KeyError:
        raise PlanError(UNKNOWN.format(search=repr(name))) from None
    return _optimizer(structure, optimizer)


def _optimizer(structure: Structure, optimizer: Callable[..., Any]) -> Path:
    inputs, output, sizes = _symbols(structure)
    path = optimizer([frozenset(term) for term in inputs], frozenset(output), sizes)
    return _from_linear(path, len(inputs))


def _symbols(structure: Structure) -> Symbols:
    """The reduced inputs in the form optimizers take: one character per index."""
    if len(structure.sizes) > 1_000_000:
        raise PlanError(
            f"the network has loops and {len(structure.sizes):,} indices; order search takes at "
            "most 1,000,000: give an explicit path"
        )
    # Characters below 256 and the surrogates, which are no characters, are stepped over.
    letter = [
        chr(256 + k) if 256 + k < 0xD800 else chr(2304 + k) for k in range(len(structure.sizes))
    ]
    inputs = [[letter[i] for i in term] for term in structure.reduced]
    used = {i for term in structure.reduced for i in term}
    return (
        inputs,
        [letter[i] for i in structure.output],
        {letter[i]: structure.sizes[i] for i in sorted(used)},
    )


def _from_linear(path: Iterable[Sequence[int]], count: int) -> Path:
    """A path in opt_einsum's form, positions among the tensors that are left, by number."""
    live = list(range(count))
    steps: list[list[int]] = []
    made = count
    for step in path:
        positions = _positions(step, len(live))
        steps.append([live[p] for p in positions])
        for position in reversed(positions):
            del live[position]
        live.append(made)
        made += 1
    return _pairs(steps, count)


def _positions(step: Sequence[int], left: int) -> list[int]:
    """The positions of one step in order, checked."""
    try:
        positions = sorted(operator.index(position) for position in step)
    except TypeError:
        raise PlanError(f"step {step!r} of the path is no sequence of whole numbers") from None
    if not positions or positions[0] < 0 or positions[-1] >= left:
        raise PlanError(f"step {tuple(step)} of the path is out of range: {left} tensors are left")
    if len(set(positions)) < len(positions):
        raise PlanError(f"step {tuple(step)} of the path takes a tensor twice")
    return positions


def _pairs(steps: Iterable[Sequence[int]], count: int) -> Path:
    """Steps of one, two or more tensors as pairs; step k makes tensor ``count + k`` in both."""
    number: dict[int, int] = {k: k for k in range(count)}
    made = count
    pairs: list[tuple[int, int]] = []
    for step in steps:
        try:
            whole, *rest = [number.pop(k) for k in dict.fromkeys(step)]
        except KeyError as error:
            raise PlanError(f"the path takes tensor {error} twice, or before it is made") from None
        for part in rest:
            pairs.append((whole, part))
            whole = count + len(pairs) - 1
        number[made] = whole
        made += 1
    left = sorted(number.values())
    if len(left) != 1:
        raise PlanError(f"the path leaves {len(left)} tensors; it must join them all into one")
    return tuple(pairs)
