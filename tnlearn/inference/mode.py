"""The most probable states of a model: its ground states, their energy and their number."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tnlearn.backend import Algebra, counting
from tnlearn.errors import ModelError
from tnlearn.execution import combined, compile, primes_of, widening
from tnlearn.inference.distribution import closed, logarithms
from tnlearn.inference.options import planning, running
from tnlearn.inference.shortcuts import shortcut_of
from tnlearn.inference.support import planned_for
from tnlearn.inference.walking import Positions, algebra_of, best_states
from tnlearn.network import HasEnergies, HasNetwork, Index, Model, Tensor, TensorNetwork
from tnlearn.planning import as_bytes, dtype_of, plan_for

#: Below this a number of ways that was found in floats is exact, and so were all it came from.
EXACT = 2.0**53
NOTHING = "every state has probability zero: none is the most probable"


@dataclass(frozen=True)
class Mode:
    """The most probable states of a model.

    Attributes
    ----------
    states : tuple of dict
        ``{site: value}``, most probable first; no two are the same.
    energies : tuple of float
        Theirs, in the model's units. Of a bare network: minus the natural logarithm of the weight.
    degeneracy : int or None
        How many states are as probable as the first, if that was asked for.
    """

    states: tuple[Mapping[Hashable, Any], ...]
    energies: tuple[float, ...]
    degeneracy: int | None = None

    @property
    def state(self) -> Mapping[Hashable, Any]:
        """The most probable state; one of them, if there are several."""
        return self.states[0]

    @property
    def energy(self) -> float:
        """The energy of the most probable state."""
        return self.energies[0]


def mode(
    thing: TensorNetwork | HasNetwork, k: int = 1, *, count: bool = False, **options: Any
) -> Mode:
    """The most probable state, or the `k` most probable ones; exact.

    Parameters
    ----------
    thing : TensorNetwork or model
        A model that has ``energies()`` is judged by these, so that ties are exact at any
        temperature; any other, and a bare network, by the logarithms of its non-negative entries.
    k : int
        How many states; there are fewer if no more have a probability.
    count : bool
        Count the most probable states as well.
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
        If the network is no distribution: open, negative, complex, or zero everywhere.

    Notes
    -----
    Planar spin models of 600 to 1,024 sites are answered by shortest joins of frustrated faces.
    Otherwise this costs a contraction in max-plus algebra, k**2 to k**2 log k times that for `k`
    states, and one more for the count. Energies are compared as sums of floats in the order of
    contraction: exact for integers (and any whose sums need at most 53 bits); of others, states
    that differ by a rounding may change places, and count as tied only where their sums are equal
    to the last bit.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> found = tnl.mode(tnl.Ising(nx.cycle_graph(5), coupling=-1.0), count=True)
    >>> found.energy, found.degeneracy
    (-3.0, 10)
    """
    if k < 1:
        raise ModelError(f"cannot find {k} states: give at least 1")
    if k == 1 and not count and options.get("plan") is None:
        own = shortcut_of(thing, at_once=True)
        if own is not None and own.mode is not None:
            return _short(thing, own.mode())
    network, sign = _energies(thing)
    if 0 in network.sizes.values():
        raise ModelError("an index of the network has size 0: there are no states")
    support = planned_for(network, options, -sign * np.inf)
    if support.empty:
        raise ModelError(NOTHING)
    best, ways = algebra_of(sign, k), counting(sign)
    options = _planned(support.network, [best, ways] if count else [best], options)
    program = compile(support.network, algebra=best, **options)
    found = best_states(support.network, program, sign, k)
    if not found:
        raise ModelError(NOTHING)
    names = tuple(support.network.sizes)
    positions = [
        {index: int(at) for index, at in support.state(_named(state, names)).items()}
        for state in found
    ]
    degeneracy = _degeneracy(support.network, sign, options) if count else None
    if isinstance(thing, Model):
        states = tuple(
            {site: thing.values(site)[state[site]] for site in thing.sites} for state in positions
        )
        rows = [[state[site] for site in thing.sites] for state in states]
        return Mode(states, tuple(np.asarray(thing.energy(rows)).tolist()), degeneracy)
    energies = tuple(sign * -_total(network, state) for state in positions)
    return Mode(tuple(positions), energies, degeneracy)


def _short(thing: Any, state: Mapping[Hashable, Any]) -> Mode:
    """What a model found in its own way."""
    row = [[state[site] for site in thing.sites]]
    return Mode((state,), tuple(np.asarray(thing.energy(row)).tolist()))


def _energies(thing: TensorNetwork | HasNetwork) -> tuple[TensorNetwork, int]:
    """A network whose tensors are added, and 1 where the largest total is the most probable."""
    if isinstance(thing, HasEnergies):
        network = closed(thing.energies())
        if thing.beta > 0:
            return network, -1
        # What is forbidden stays so where the largest energy is the most probable, or all are.
        forbidden = np.inf if thing.beta == 0 else -np.inf
        flat = [
            np.where(np.isinf(tensor.data), forbidden, tensor.data if thing.beta else 0.0)
            for tensor in network
        ]
    else:
        network = closed(thing)
        pairs = zip(network.names, network, strict=True)
        flat = [logarithms(name, tensor) for name, tensor in pairs]
    tensors = [
        Tensor(data, tensor.indices, name)
        for data, tensor, name in zip(flat, network, network.names, strict=True)
    ]
    largest = not isinstance(thing, HasEnergies) or thing.beta < 0
    return TensorNetwork(tensors), 1 if largest else -1


def _planned(
    network: TensorNetwork, algebras: list[Algebra], options: dict[str, Any]
) -> dict[str, Any]:
    """Options with one plan for some algebras, each of which keeps the memory limit."""
    if options.get("plan") is not None:
        return options
    dtype = dtype_of(network)
    limit = as_bytes(options.get("memory_limit"), options.get("backend", "numpy"))
    share = max(limit // max(widening(algebra, dtype) for algebra in algebras), 1)
    asked = planning(options) | {"memory_limit": share}
    return running(options, replace(plan_for(network, algebras[-1], **asked), memory_limit=limit))


def _named(state: Positions, names: Sequence[Index]) -> dict[Index, int]:
    """Positions by name instead of number."""
    return {names[number]: at for number, at in state.items()}


def _total(network: TensorNetwork, state: Mapping[Index, int]) -> float:
    """The sum of the entries at a state."""
    return math.fsum(tensor.data[tuple(state[i] for i in tensor.indices)] for tensor in network)


def _degeneracy(network: TensorNetwork, sign: int, options: dict[str, Any]) -> int:
    """How many states attain the best total."""
    arrays = [tensor.data for tensor in network]
    ways = float(compile(network, algebra=counting(sign), **options)(arrays)[1])
    if ways < EXACT:
        return int(ways)
    states = sum(math.log2(size) for size in network.sizes.values())
    # Rounding is far less than a factor of 2; what is no float any more is bounded by all states.
    primes = primes_of(math.ceil(min(math.log2(ways) + 1, states) if ways < 1e300 else states))
    found = [compile(network, algebra=counting(sign, p), **options)(arrays)[1] for p in primes]
    residues = [np.asarray(residue).astype(np.int64) for residue in found]
    return int(combined(residues, primes, signed=False).item())
