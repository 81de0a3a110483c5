"""Weights of the states of some sites, all others summed: many states by one program."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from tnlearn.execution import compile
from tnlearn.network import Index, Tensor, TensorNetwork
from tnlearn.physics.parameters import Array
from tnlearn.physics.states import Positions

#: The index along which the states are; no model's site is called so.
STATE = ("state of the visible sites",)
#: Entries of the clamped tensors made at once, all states together.
CHUNK = 2**23

Scope = tuple[Index, ...]


def log_weights(network: TensorNetwork, sites: Sequence[Hashable], positions: Positions) -> Array:
    """Natural logarithms of a closed network's value with some sites held, state by state.

    Parameters
    ----------
    network : TensorNetwork
        Closed, of log tensors.
    sites : sequence
        The sites to hold; all other indices are summed.
    positions : array, shape (n_states, n_sites)

    Returns
    -------
    array, shape (n_states,)
        -inf where the weight is zero.

    Notes
    -----
    Tensors on held sites become vectors over the states that are left on the indices they have
    besides, and those on the same indices are added; what has none left needs no contraction.
    So units without couplings among themselves cost a sum each, as in a restricted machine.
    """
    column = {site: k for k, site in enumerate(sites)}
    shared: list[Tensor] = []
    clamped: dict[Scope, list[Tensor]] = {}
    for tensor in network:
        if any(index in column for index in tensor.indices):
            left = tuple(index for index in tensor.indices if index not in column)
            clamped.setdefault(left, []).append(tensor)
        else:
            shared.append(tensor)
    alone = clamped.pop((), [])
    total = np.zeros(len(positions))
    for tensor in alone:
        total += _at(tensor, column, positions)
    if not (shared or clamped):
        return total
    width = sum(_width(tensors[0], column) for tensors in clamped.values())
    rows = max(1, CHUNK // max(1, width))
    program = None
    for start in range(0, len(positions), rows):
        block = positions[start : start + rows]
        tables = {left: _table(tensors, column, block) for left, tensors in clamped.items()}
        if program is None:
            held = [Tensor(table, (STATE, *left), log=True) for left, table in tables.items()]
            # Without a held tensor the states do not matter; an index of ones carries them.
            ones = [Tensor(np.zeros(len(block)), (STATE,), log=True)]
            bare = [Tensor(tensor.data, tensor.indices, log=True) for tensor in shared]
            program = compile(TensorNetwork([*ones, *held, *bare], (STATE,)), batch=STATE)
        arrays = [np.zeros(len(block)), *tables.values(), *(tensor.data for tensor in shared)]
        total[start : start + rows] += program.log(arrays).log
    return total


def _table(tensors: Sequence[Tensor], column: dict[Hashable, int], block: Positions) -> Array:
    """The sum of tensors on the same free indices, a row for every state."""
    table = _at(tensors[0], column, block)
    for tensor in tensors[1:]:
        table = table + _at(tensor, column, block)
    return table


def _at(tensor: Tensor, column: dict[Hashable, int], block: Positions) -> Array:
    """Entries at the states of the held sites, which come first; then the free indices."""
    held = [axis for axis, index in enumerate(tensor.indices) if index in column]
    free = [axis for axis in range(len(tensor.indices)) if axis not in held]
    turned = np.transpose(tensor.data, [*held, *free])
    found: Array = turned[tuple(block[:, column[tensor.indices[axis]]] for axis in held)]
    return found


def _width(tensor: Tensor, column: dict[Hashable, int]) -> int:
    sizes = zip(tensor.indices, tensor.shape, strict=True)
    return int(np.prod([size for index, size in sizes if index not in column]))
