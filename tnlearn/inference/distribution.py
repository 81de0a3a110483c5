"""What makes a network a distribution: it is closed, and no weight is negative."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.network import HasNetwork, Index, Tensor, TensorNetwork, as_network
from tnlearn.values import LogValue


def is_weight(value: LogValue, rounding: float) -> bool:
    """Whether all numbers are non-negative, up to what rounding does to complex ones."""
    phase = np.asarray(value.phase)
    return bool(np.all(phase.real >= 0) and np.all(abs(phase.imag) <= 16 * rounding))


def closed(thing: TensorNetwork | HasNetwork) -> TensorNetwork:
    """The network of `thing`, checked to have no open index."""
    network = as_network(thing)
    if network.output:
        raise ModelError(
            f"the network has open indices {network.output!r}; a distribution over its indices "
            "needs none: sum them with network.close(...)"
        )
    return network


def check_weights(name: str, tensor: Tensor) -> None:
    """Refuse a tensor with an entry that is no weight."""
    if not tensor.log and (np.iscomplexobj(tensor.data) or np.any(tensor.data < 0)):
        raise ModelError(
            f"tensor {name!r} has negative or complex entries, so the products of the network's "
            "tensors are no probabilities"
        )


def logarithms(name: str, tensor: Tensor) -> npt.NDArray[Any]:
    """Natural logarithms of a tensor's entries, -inf of zeros; ModelError if one is no weight."""
    check_weights(name, tensor)
    if tensor.log:
        return np.asarray(tensor.data)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(tensor.data, dtype=np.float64))


def subset_of(given: Iterable[Hashable], network: TensorNetwork) -> tuple[Index, ...]:
    """Some indices of a network; ModelError if one is unknown or repeated, or there are none."""
    try:
        subset = tuple(given)
        hash(subset)
    except TypeError:
        raise ModelError(
            f"{given!r} is no set of sites: give tuples, a lone site as (site,)"
        ) from None
    unknown = [site for site in subset if site not in network.sizes]
    if unknown:
        raise ModelError(f"{subset!r} is no set of sites: {unknown[0]!r} is unknown")
    if not subset or len(set(subset)) < len(subset):
        raise ModelError(f"{subset!r} is no set of sites: give some, each once")
    return subset
