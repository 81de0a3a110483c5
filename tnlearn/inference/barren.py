"""Indices whose sum is known before anything is planned.

Where one tensor alone has an index, and its sum over that index is the same number everywhere,
the tensor is that number: a variable of a Bayesian network that nothing was seen of and nothing
depends on, its row summing to 1 (Shachter 1986, Oper. Res. 34, 871: barren nodes). Others may then
be alone in turn, up to a whole network without evidence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.network import Index, Tensor, TensorNetwork

#: Tensors up to which it is looked for: larger networks are chains or trees, or hopeless.
MOST_TENSORS = 20_000


def without_barren(network: TensorNetwork) -> TensorNetwork:
    """A closed network of the same value, to rounding, with tensors that are numbers as such.

    Linear in the entries of the tensors that are summed. A network of arrays of other libraries is
    left as it is.
    """
    if len(network) > MOST_TENSORS or not all(isinstance(t.data, np.ndarray) for t in network):
        return network
    carriers: dict[Index, set[int]] = {index: set() for index in network.sizes}
    for number, tensor in enumerate(network):
        for index in tensor.indices:
            carriers[index].add(number)
    alone = [index for index, found in carriers.items() if len(found) == 1]
    tensors = list(network)
    while alone:
        index = alone.pop()
        if len(carriers[index]) == 1:  # Else its tensor is a number since.
            (number,) = carriers[index]
            total = _total(tensors[number], index)
            if total is not None:
                tensors[number] = _without(tensors[number], total, index, number, carriers, alone)
    unchanged = all(a is b for a, b in zip(tensors, network, strict=True))
    return network if unchanged else TensorNetwork(tensors)


def _without(
    tensor: Tensor,
    total: npt.NDArray[Any],
    index: Index,
    number: int,
    carriers: dict[Index, set[int]],
    alone: list[Index],
) -> Tensor:
    """The number in place of a tensor, whose other indices have one carrier less."""
    carriers[index].clear()
    for other in set(tensor.indices) - {index}:
        carriers[other].discard(number)
        if len(carriers[other]) == 1:
            alone.append(other)
        elif not carriers[other]:  # It was alone here as well: a sum of equal numbers.
            size = tensor.shape[tensor.indices.index(other)]
            total = total + np.log(size) if tensor.log else total * size
    return Tensor(total, (), tensor.name, log=tensor.log)


def _total(tensor: Tensor, index: Index) -> npt.NDArray[Any] | None:
    """The number that a tensor summed over an index is, or None if it is not one."""
    if len(set(tensor.indices)) < len(tensor.indices):
        return None  # A diagonal would be taken first.
    data, axis = np.asarray(tensor.data), tensor.indices.index(index)
    sums = np.logaddexp.reduce(data, axis=axis) if tensor.log else data.sum(axis=axis)
    first = sums.flat[0]
    if not np.isfinite(first):
        return None
    scale = max(abs(first), 1.0) if tensor.log else abs(first)
    rounding = 2 * np.finfo(sums.dtype).eps * data.shape[axis]
    return np.asarray(first) if np.all(abs(sums - first) <= rounding * scale) else None
