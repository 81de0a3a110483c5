"""The most probable states of a model: its ground states, their energy and their number."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tnlearn import arguments
from tnlearn.errors import CostError, DataTypeError, MemoryLimitError, ModelError
from tnlearn.inference.approximate.chains import target_of
from tnlearn.inference.convergence import refusing
from tnlearn.inference.marginal_mode import marginal_mode
from tnlearn.inference.optimum import NOTHING, best_positions, total_of, totals_of
from tnlearn.inference.options import check_options
from tnlearn.inference.shortcuts import shortcut_of
from tnlearn.network import HasNetwork, Index, Model, TensorNetwork
from tnlearn.seeds import generator_of

#: Operations that are spent on an exact answer without being asked: some minutes on one core.
#: A sum and the larger of two take many times as long as what matrix products are made of.
FLOPS = 1e11
#: Searches: what they find is a bound.
SEARCHES = ("subgraphs", "tempering")
METHODS = ("exact", "auto", *SEARCHES)


@dataclass(frozen=True)
class Mode:
    """The most probable states of a model.

    Attributes
    ----------
    states : tuple of dict
        ``{site: value}``, most probable first; no two are the same.
    energies : tuple of float
        Theirs, in the model's units. Of a bare network, and of some sites while the others are
        summed: minus the natural logarithm of the weight.
    degeneracy : int or None
        How many states are as probable as the first, if that was asked for.
    exact : bool
        Whether no state is more probable than the first. If not, its energy is a bound on the
        least energy (of a model at negative temperature on the largest): that may be lower.
    method : str
        How they were found.
    """

    states: tuple[Mapping[Hashable, Any], ...]
    energies: tuple[float, ...]
    degeneracy: int | None = None
    exact: bool = True
    method: str = "exact"

    @property
    def state(self) -> Mapping[Hashable, Any]:
        """The most probable state; one of them, if there are several."""
        return self.states[0]

    @property
    def energy(self) -> float:
        """The energy of the most probable state."""
        return self.energies[0]


def mode(
    thing: TensorNetwork | HasNetwork,
    k: int = 1,
    method: str = "exact",
    *,
    sites: Iterable[Hashable] | None = None,
    count: bool = False,
    flops: float = FLOPS,
    **options: Any,
) -> Mode:
    """The most probable state, or the `k` most probable ones, of all sites or of some.

    Parameters
    ----------
    thing : TensorNetwork or model
        A model that has ``energies()`` is judged by these, so that ties are exact at any
        temperature; any other, and a bare network, by the logarithms of its non-negative entries.
    k : int
        How many states; there are fewer if no more have a probability.
    method : str
        "exact", or a refusal. Searches, whose best state is a bound, as ``.exact`` says:
        "subgraphs" holds a few sites and finds the best of all others, again and again, on a
        population of states, up to a minute or so; "tempering" improves states of parallel
        tempering site by site, for models in which every site meets most others. "auto": exact
        inside the memory limit and `flops`, else the search that suits the model.
    sites : iterable of sites, optional
        Those wanted, the others being summed out (marginal MAP); by default all, none summed.
    count : bool
        Count the most probable states as well; of all sites only, and exact only.
    flops : float
        Operations that an exact answer may take.
    **options
        As for `tnlearn.compile`. Where the memory limit has no room for all intermediates of a
        slice together, they are computed again as the walk comes to them, or there are more slices.

    Returns
    -------
    Mode
        ``.state`` (``{site: value}``) and ``.energy``; ``.states`` and ``.energies`` of all
        `k`; ``.degeneracy`` with `count`.

    Raises
    ------
    ModelError
        If the network is no distribution: open, negative, complex, or zero everywhere; or a site
        is unknown or repeated.
    MemoryLimitError
        If it does not fit the memory limit, in no number of cases worth waiting for.
    CostError
        If it takes more than `flops`.
    DataTypeError
        If `k` is no whole number, or there is no such option.

    Notes
    -----
    Planar spin models of 600 to 1,024 sites are answered by shortest joins of frustrated faces.
    Otherwise this costs a contraction in max-plus algebra, k**2 to k**2 log k times that for `k`
    states, and one more for the count. Energies are compared as sums of floats in the order of
    contraction: exact for integers (and any whose sums need at most 53 bits); of others, states
    that differ by a rounding may change places, and count as tied only where their sums are equal
    to the last bit.

    With `sites`, every connected part of the others is summed to a table over the wanted sites
    around it, and the best states of these tables are found. Where a table does not fit the memory
    limit some of its sites are held, value by value: best cases first, by upper bounds.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> found = tnl.mode(tnl.Ising(nx.cycle_graph(5), coupling=-1.0), count=True)
    >>> found.energy, found.degeneracy
    (-3.0, 10)
    >>> tnl.mode(tnl.Ising(nx.path_graph(3), field=0.1), sites=[0, 2]).state
    {0: 1, 2: 1}
    """
    k = _checked(k, method)
    check_options(options)
    arguments.number("flops", flops)
    if sites is not None:
        return _of_some(thing, k, method, sites, count, options)
    if method in SEARCHES:
        return _searched(thing, k, method, count, options)
    if k == 1 and not count and options.get("plan") is None:
        own = shortcut_of(thing, at_once=True)
        if own is not None and own.mode is not None:
            return _short(thing, own.mode())
    network, sign = totals_of(thing)
    try:
        with refusing(SEARCHES):
            positions, degeneracy = best_positions(network, sign, k, options, count, flops)
    except (MemoryLimitError, CostError):
        if method == "exact" or count:
            raise
        return _searched(thing, k, method, count, options)
    if not positions:
        raise ModelError(NOTHING)
    return _answer(thing, network, sign, positions, degeneracy)


def _checked(k: Any, method: str) -> int:
    """How many states are wanted, and by a method there is."""
    try:
        number = operator.index(k)
    except TypeError:
        raise DataTypeError(f"cannot find {k!r} states: give a whole number") from None
    if number < 1:
        raise ModelError(f"cannot find {k} states: give at least 1")
    if method not in METHODS:
        raise ModelError(f"there is no method {method!r}: choose from {', '.join(METHODS)}")
    return number


def _searched(thing: Any, k: int, method: str, count: bool, options: dict[str, Any]) -> Mode:
    """What a search comes by, the one that suits the model if none was named."""
    if count:
        raise ModelError("only method='exact' counts the most probable states")
    # Their kernels are loaded when they are asked for.
    from tnlearn.inference.approximate import searching
    from tnlearn.inference.subgraphs import population

    target = target_of(thing, NOTHING)
    rows = np.zeros((1, 0), np.int64)
    if method == "auto":
        method = "subgraphs" if not target.model.sites or population.suits(target) else "tempering"
    if target.model.sites:
        search = population.search if method == "subgraphs" else searching.search
        generator = generator_of(options.get("seed", 0))
        rows = search(target, k, generator, bool(options.get("progress"))).rows
    network, sign = totals_of(thing)
    answer = _answer(thing, network, sign, target.states(rows), None)
    return replace(answer, exact=False, method=method)


def _answer(
    thing: Any,
    network: TensorNetwork,
    sign: int,
    positions: Sequence[Mapping[Index, int]],
    degeneracy: int | None,
) -> Mode:
    """States, given as positions of the network's indices, in the model's own terms."""
    if isinstance(thing, Model):
        states = tuple(
            {site: thing.values(site)[state[site]] for site in thing.sites} for state in positions
        )
        rows = [[state[site] for site in thing.sites] for state in states]
        return Mode(states, tuple(np.asarray(thing.energy(rows)).tolist()), degeneracy)
    energies = tuple(sign * -total_of(network, state) for state in positions)
    return Mode(tuple(positions), energies, degeneracy)


def _short(thing: Any, state: Mapping[Hashable, Any]) -> Mode:
    """What a model found in its own way."""
    row = [[state[site] for site in thing.sites]]
    return Mode((state,), tuple(np.asarray(thing.energy(row)).tolist()))


def _of_some(
    thing: TensorNetwork | HasNetwork,
    k: int,
    method: str,
    sites: Iterable[Hashable],
    count: bool,
    options: dict[str, Any],
) -> Mode:
    """The best states of some sites."""
    if method in SEARCHES:
        raise ModelError(f"method={method!r} is for states of all sites: leave out sites=")
    if count:
        raise ModelError(
            "count=True is for states of all sites: weights that were summed are rounded, so "
            "whether some tie is not known"
        )
    found = marginal_mode(thing, sites, k, options)
    if not found:
        raise ModelError(NOTHING)
    named = thing.values if isinstance(thing, Model) else None
    states = tuple(
        {site: at if named is None else named(site)[at] for site, at in state.items()}
        for _, state in found
    )
    return Mode(states, tuple(-weight for weight, _ in found))
