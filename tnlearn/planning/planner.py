"""How a network will be contracted, and at what cost: where every other question starts."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack, overload

from tnlearn.backend import (
    Algebra,
    Machine,
    get_backend,
    machine_of,
    reason_against,
    shipped_machine,
)
from tnlearn.errors import DataTypeError, NetworkError
from tnlearn.network import HasNetwork, Index, TensorNetwork, as_network
from tnlearn.planning.cache import recall, remember
from tnlearn.planning.comparison import Plans, candidates, outlook
from tnlearn.planning.cost import cost_of
from tnlearn.planning.elimination import elimination_path
from tnlearn.planning.fitting import (
    Fitted,
    fit,
    refuse_what_cannot_fit,
)
from tnlearn.planning.key import Key
from tnlearn.planning.memory import as_bytes
from tnlearn.planning.plan import Plan
from tnlearn.planning.scoring import Judge
from tnlearn.planning.search import Search, find_paths, is_ours, rounds_of
from tnlearn.planning.structure import Structure, structure_of
from tnlearn.planning.walk import walk
from tnlearn.seeds import number_of


class _Options(TypedDict, total=False):
    batch: Index | None
    memory_limit: int | float | str | None
    search: Search
    seed: int
    cache: bool


@overload
def plan(
    thing: TensorNetwork | HasNetwork, *, backend: str = "numpy", **options: Unpack[_Options]
) -> Plan: ...
@overload
def plan(
    thing: TensorNetwork | HasNetwork,
    *,
    backend: list[str] | tuple[str, ...],
    **options: Unpack[_Options],
) -> Plans: ...
def plan(
    thing: TensorNetwork | HasNetwork,
    *,
    batch: Index | None = None,
    backend: str | list[str] | tuple[str, ...] = "numpy",
    memory_limit: int | float | str | None = None,
    search: Search = "balanced",
    seed: int = 0,
    cache: bool = True,
) -> Plan | Plans:
    """Plan the contraction of a network or a model; nothing is computed.

    Parameters
    ----------
    thing : TensorNetwork or model
        A network, or anything with ``.network()``.
    batch : hashable, optional
        An open index whose size will be free at every call; it is never sliced.
    backend : str, or list of str
        Whose machine model predicts the seconds; a backend that cannot be used here is planned
        for by the model it ships, and the plan says so. "auto" plans for each that can be used
        and holds the arrays, and takes the quickest, transfers included. Of a list there is a
        plan for each.
    memory_limit : int or str, optional
        Bytes, or "8GiB"; by default half of what is free, where the backend has its arrays. The
        plan is sliced to fit.
    search : str, float, optimizer or path
        "fast", "balanced" (default) or "thorough"; seconds; the name or object of an optimizer
        of opt_einsum or cotengra; or a path in opt_einsum's form. Trees and rings need no
        search and get exact orders in linear time.
    seed : int
        For the search: the same seed gives the same plan on every machine.
    cache : bool
        Whether a plan may be one that was made before, for the same structure and options: in
        this process, or by one that left it in the folder named by TNLEARN_CACHE_DIR, by default
        ``~/.cache/tnlearn``. It is the plan that the search would find again.

    Returns
    -------
    Plan, or Plans for a list of backends
        ``print(plan)`` shows flops, bytes moved, peak memory, width and slices; of several, side
        by side.

    Raises
    ------
    PlanError
        If the search is not understood, or its path does not fit the network.
    MemoryLimitError
        If the contraction fits the limit in no number of slices worth waiting for.
    BackendError
        If a backend is unknown, or cannot be used here and ships no machine model.
    DataTypeError
        If `seed` is no whole number from 0, or the backend no name.
    """
    network = as_network(thing)
    structure, names = structure_of(network)
    number, dtype = batch_number(network, names, batch), dtype_of(network)
    asked = _Asked(structure, dtype, number, memory_limit, search, number_of(seed), cache)
    if not isinstance(backend, str | list | tuple):
        raise DataTypeError(f"the backend is {backend!r}; give a name, or a list of names")
    if isinstance(backend, str) and backend != "auto":
        return asked.plan(backend, machine_for(backend))
    chosen = candidates(network) if isinstance(backend, str) else backend
    machines = {name: machine_for(name) for name in chosen}
    plans = [(asked.plan(name, machine), machine) for name, machine in machines.items()]
    found = Plans(tuple(outlook(made, machine, network) for made, machine in plans))
    return found.best if isinstance(backend, str) else found


def plan_for(
    network: TensorNetwork, algebra: Algebra, backend: str = "numpy", **options: Unpack[_Options]
) -> Plan:
    """The plan of a program in an algebra: "auto" is one of the backends that know it."""
    if backend != "auto":
        return plan(network, backend=backend, **options)
    return plan(network, backend=candidates(network, algebra), **options).best


def machine_for(name: str) -> Machine:
    """The machine model of a backend, whether it can be used here or not."""
    return shipped_machine(name) if reason_against(name) else machine_of(get_backend(name))


@dataclass(frozen=True)
class _Asked:
    """What is asked for, but for the backend."""

    structure: Structure
    dtype: str
    batch: int | None
    limit: int | float | str | None
    search: Search
    seed: int
    cache: bool

    def plan(self, backend: str, machine: Machine) -> Plan:
        return _planned(Judge(self.structure, self.dtype, machine, self.batch), self, backend)


def _planned(judge: Judge, asked: _Asked, backend: str) -> Plan:
    limit = as_bytes(asked.limit, backend)
    search, seed = asked.search, asked.seed
    if asked.cache and is_ours(search):
        found, order = _remembered(judge, limit, search, seed)
    else:
        found, order = _searched(judge, limit, search, seed)
    made = Plan(
        judge.structure,
        found.path,
        found.sliced,
        judge.dtype,
        backend,
        order,
        found.cost,
        limit,
        reason_against(backend),
    )
    vars(made)["pairs"] = found.pairs  # For 10^5 tensors a second walk would be felt.
    return made


def _remembered(judge: Judge, limit: int, search: str | float, seed: int) -> tuple[Fitted, str]:
    """What was found before, or is found now."""
    whole, limited = Key(judge, None, search, seed), Key(judge, limit, search, seed)
    found = recall(whole)
    if found is None or found[0].cost.peak_bytes > limit:
        found = recall(limited)
    if found is None:
        start = time.monotonic()
        found = _searched(judge, limit, search, seed)
        key = whole if found[0].is_first else limited
        remember(key, *found, time.monotonic() - start)
    return found


def _searched(judge: Judge, limit: int, search: Search, seed: int) -> tuple[Fitted, str]:
    """The order that fits, and how it was found."""
    refuse_what_cannot_fit(judge, limit)
    paths, order = find_paths(judge, search, seed, limit)
    rounds = rounds_of(judge.structure, search)
    return fit(judge, paths, limit, rounds=rounds, as_given=order == "given", seed=seed), order


def flops_of_elimination(network: TensorNetwork, backend: str = "numpy") -> float:
    """What a quick order by elimination takes, unsliced: inf if the network is too dense for one.

    A search may find better, but seldom by many orders of magnitude.
    """
    structure, _ = structure_of(network)
    path = elimination_path(structure)
    if path is None:
        return math.inf
    machine = machine_for(backend)
    return cost_of(structure, walk(structure, path), (), dtype_of(network), machine).flops


def judge_of(made: Plan, batch: int | None = None) -> Judge:
    """What an existing plan is judged by, with the number of its batch index."""
    return Judge(made.structure, made.dtype, machine_for(made.backend), batch)


def batch_number(network: TensorNetwork, names: Sequence[Index], batch: Index | None) -> int | None:
    """The number of the batch index, checked to be open."""
    if batch is None:
        return None
    if batch not in network.output:
        raise NetworkError(
            f"the batch index {batch!r} must be open; the output is {network.output!r}"
        )
    return names.index(batch)


def dtype_of(network: TensorNetwork) -> str:
    """The precision in which a network is computed: the least that keeps every tensor's."""
    dtypes = {tensor.dtype for tensor in network.tensors}
    double = bool(dtypes & {"float64", "complex128"})
    if any(dtype.startswith("complex") for dtype in dtypes):
        return "complex128" if double else "complex64"
    return "float64" if double else "float32"
