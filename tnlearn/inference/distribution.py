"""What makes a network a distribution: it is closed, and no weight is negative."""

from __future__ import annotations

import numpy as np

from tnlearn.errors import ModelError
from tnlearn.network import HasNetwork, TensorNetwork, as_network
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
