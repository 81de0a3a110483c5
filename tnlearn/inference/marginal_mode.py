"""The most probable values of some sites while the others are summed: marginal MAP.

Sums come before the choice of the best, so whatever order is taken, a connected part of what is
summed leaves a table over all the wanted sites around it (Park and Darwiche 2004, J. Artif. Intell.
Res. 21, 101). These tables are contracted first; the best states of their product are then found
as any others. Where the tables are too large some sites are held, and the cases are searched best
first.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any

from tnlearn.errors import MemoryLimitError, ModelError
from tnlearn.inference.distribution import closed, subset_of
from tnlearn.inference.factors import Contractions, Factor, factors_of, fixed, maximised
from tnlearn.inference.optimum import best_positions, total_of
from tnlearn.inference.support import supported
from tnlearn.network import HasNetwork, Index, Tensor, TensorNetwork
from tnlearn.planning import as_bytes, readable_bytes

#: Bytes for every entry of a table and each state wanted, while it is contracted and read.
BYTES = 32
#: Entries of tables above which sites are held though memory has room: most cases are never tried.
MOST_ENTRIES = 2**20
#: More cases that the memory limit asks for are refused: no one waits for them.
MOST_CASES = 2**20

#: The logarithm of a weight, and positions of the wanted sites.
Found = tuple[float, dict[Index, int]]


def marginal_mode(
    thing: TensorNetwork | HasNetwork, sites: Iterable[Hashable], k: int, options: dict[str, Any]
) -> list[Found]:
    """The `k` best states of some sites with the logarithms of their weights, best first.

    See `tnlearn.mode`. The list is shorter if there are fewer states, and empty if there are none.
    """
    if options.get("plan") is not None:
        raise ModelError("sites=... takes several contractions, so plan= cannot be for them")
    network = closed(thing)
    wanted = subset_of(sites, network)
    if 0 in network.sizes.values():
        raise ModelError("an index of the network has size 0: there are no states")
    support = supported(network)
    if support.empty:
        return []
    left = {site: support.network.sizes[site] for site in wanted if not support.is_fixed(site)}
    search = Search(factors_of(support.network), left, k, options)
    return [
        (
            weight,
            {
                site: int(support.kept[site][0 if support.is_fixed(site) else state[site]])
                for site in wanted
            },
        )
        for weight, state in islice(search.solutions(), k)
    ]


class Part:
    """Factors that hang together by summed indices, and the wanted sites that they are on."""

    def __init__(self, factors: Sequence[Factor], wanted: Mapping[Index, int]) -> None:
        self.factors = factors
        indices = dict.fromkeys(index for factor in factors for index in factor.scope)
        self.around = tuple(index for index in indices if index in wanted)


class Search:
    """Best-first search over the values of the sites that must be held, if any must be.

    While a held site has no value yet, every part it is on has its own copy of it, with which the
    part's factors are maximised before they are summed. That is an upper bound, as the copies need
    not agree and no sum of maxima is below the maximum of sums; so is what Dechter and Rish 2003
    (J. ACM 50, 107) do within a bucket.

    Parameters
    ----------
    factors : sequence of Factor
    wanted : mapping from index to int
        The wanted sites and their sizes.
    k : int
        How many states are needed of every case.
    options : dict
        As for `tnlearn.compile`.
    """

    def __init__(
        self,
        factors: Sequence[Factor],
        wanted: Mapping[Index, int],
        k: int,
        options: dict[str, Any],
    ) -> None:
        self._wanted, self._k, self._options = wanted, k, options
        self._contractions = Contractions(options)
        parts = [Part(some, wanted) for some in _connected(factors, wanted)]
        self.held = _to_hold(parts, wanted, BYTES * k, as_bytes(options.get("memory_limit")))
        held = set(self.held)
        self._parts = [part for part in parts if not held.isdisjoint(part.around)]
        alone = [factor for factor in factors if all(index in wanted for index in factor.scope)]
        settled = [part for part in parts if held.isdisjoint(part.around)]
        self._rest = alone + [
            self._contractions.summed(part.factors, part.around) for part in settled
        ]

    def solutions(self) -> Iterator[Found]:
        """The best `k` states of every case, the best of all first."""
        number = count()
        queue: list[tuple[float, int, dict[Index, int], bool]] = []

        def add(weight: float, state: dict[Index, int], is_solution: bool) -> None:
            if weight > -math.inf:
                heapq.heappush(queue, (-weight, next(number), state, is_solution))

        add(math.inf, {}, False)
        while queue:
            minus, _, state, is_solution = heapq.heappop(queue)
            if is_solution:
                yield -minus, state
            elif len(state) == len(self.held):
                for weight, best in self._best(state):
                    add(weight, best, True)
            else:
                site = self.held[len(state)]
                for position in range(self._wanted[site]):
                    case = state | {site: position}
                    add(self._contractions.largest(self._factors(case)), case, False)

    def _best(self, case: Mapping[Index, int]) -> list[Found]:
        """The best states of a case in which every held site has a value."""
        tensors = [Tensor(factor.logs, factor.scope) for factor in self._factors(case)]
        network = TensorNetwork(tensors)
        found, _ = best_positions(network, 1, self._k, self._options)
        return [(total_of(network, state), {**state, **case}) for state in found]

    def _factors(self, case: Mapping[Index, int]) -> list[Factor]:
        """Factors on the wanted sites without a value; of a bound, if any of these is held."""
        factors = [fixed(factor, case) for factor in self._rest]
        for part in self._parts:
            inside = [fixed(factor, case) for factor in part.factors]
            around = [site for site in part.around if site not in case]
            for site in around:
                if site in self.held:
                    inside = maximised(inside, site)
            kept = tuple(site for site in around if site not in self.held)
            factors.append(self._contractions.summed(inside, kept))
        return factors


def _connected(factors: Sequence[Factor], wanted: Mapping[Index, int]) -> Iterator[list[Factor]]:
    """The factors on summed indices, in connected parts."""
    carriers: dict[Index, list[int]] = {}
    for number, factor in enumerate(factors):
        for index in factor.scope:
            if index not in wanted:
                carriers.setdefault(index, []).append(number)
    seen: set[Index] = set()
    for first in carriers:
        if first in seen:
            continue
        seen.add(first)
        stack, inside = [first], dict[int, None]()
        while stack:
            for number in carriers[stack.pop()]:
                inside[number] = None
                scope = factors[number].scope
                fresh = [index for index in scope if index in carriers and index not in seen]
                seen.update(fresh)
                stack.extend(fresh)
        yield [factors[number] for number in inside]


def _to_hold(
    parts: Sequence[Part], sizes: Mapping[Index, int], each: int, limit: int
) -> list[Index]:
    """Sites without which the tables of all parts fit a memory limit, the most saving first."""
    around = [set(part.around) for part in parts]
    entries = [math.prod(sizes[site] for site in sites) for sites in around]
    asked, held, room = sum(entries), list[Index](), limit // each
    while sum(entries) > min(room, MOST_ENTRIES):
        saved: dict[Index, int] = {}
        for sites, size in zip(around, entries, strict=True):
            for site in sites:
                saved[site] = saved.get(site, 0) + size - size // sizes[site]
        if not saved:
            break  # Nothing but single numbers is left: whatever follows refuses a limit like that.
        # Sets have no order that lasts, so the sites' own decides ties.
        best = max((site for site in sizes if site in saved), key=saved.__getitem__)
        if sum(entries) > room:
            _check_cases(each * asked, math.prod(sizes[site] for site in (*held, best)), limit)
        held.append(best)
        for number, sites in enumerate(around):
            if best in sites:
                sites.discard(best)
                entries[number] //= sizes[best]
    return held


def _check_cases(needed: int, cases: int, limit: int) -> None:
    if cases > MOST_CASES:
        raise MemoryLimitError(
            "the best values of these sites, the others summed, take tables of "
            f"{readable_bytes(needed)} over them, or more than {MOST_CASES:,} cases that "
            f"fit memory_limit={readable_bytes(limit)}: raise it, or ask for other sites"
        )
