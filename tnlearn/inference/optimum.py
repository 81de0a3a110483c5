"""The best totals of a network whose tensors are added: what to compare, how, and how many tie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tnlearn.backend import Algebra, counting
from tnlearn.errors import ModelError
from tnlearn.execution import combined, compile, primes_of, widening
from tnlearn.inference.convergence import check_flops
from tnlearn.inference.distribution import closed, logarithms
from tnlearn.inference.options import planning, running
from tnlearn.inference.support import Support, planned_for
from tnlearn.inference.walking import algebra_of, best_states
from tnlearn.network import HasEnergies, HasNetwork, Index, Tensor, TensorNetwork
from tnlearn.planning import as_bytes, dtype_of, plan_for

#: Below this a number of ways that was found in floats is exact, and so were all it came from.
EXACT = 2.0**53
NOTHING = "every state has probability zero: none is the most probable"


def totals_of(thing: TensorNetwork | HasNetwork) -> tuple[TensorNetwork, int]:
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


def supported_totals(network: TensorNetwork, sign: int, options: Mapping[str, Any]) -> Support:
    """The network without the positions that no allowed state has."""
    if 0 in network.sizes.values():
        raise ModelError("an index of the network has size 0: there are no states")
    return planned_for(network, options, -sign * np.inf)


def best_positions(
    network: TensorNetwork,
    sign: int,
    k: int,
    options: dict[str, Any],
    count: bool = False,
    flops: float = math.inf,
) -> tuple[list[dict[Index, int]], int | None]:
    """Positions of every index in the `k` best states, and with `count` how many tie for best.

    There are none if every state is forbidden; CostError if they take more than `flops`.
    """
    support = supported_totals(network, sign, options)
    if support.empty:
        return [], None
    best, ways = algebra_of(sign, k), counting(sign)
    options = planned(support.network, [best, ways] if count else [best], options)
    program = compile(support.network, algebra=best, **options)
    check_flops(program.plan, flops)
    found = best_states(support.network, program, sign, k)
    names = tuple(support.network.sizes)
    left = [{names[number]: at for number, at in state.items()} for state in found]
    positions = [{index: int(at) for index, at in support.state(s).items()} for s in left]
    counted = count and bool(found)
    return positions, _degeneracy(support.network, sign, options) if counted else None


def planned(
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


def total_of(network: TensorNetwork, state: Mapping[Index, int]) -> float:
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
