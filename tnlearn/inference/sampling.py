"""Exact, independent samples: down the contraction tree that summed the states; or by chains."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.execution import compile
from tnlearn.inference.approximate.chains import CHAINED
from tnlearn.inference.approximate.samples import drawn_by_chains, in_values
from tnlearn.inference.assessment import FLOPS
from tnlearn.inference.convergence import check_flops, refusing
from tnlearn.inference.distribution import check_weights, closed
from tnlearn.inference.drawing import drawn_back
from tnlearn.inference.options import check_options
from tnlearn.inference.support import planned_for
from tnlearn.network import HasNetwork, TensorNetwork
from tnlearn.seeds import generator_of

#: Ways to samples: the first exact and independent, the others chains.
METHODS = ("exact", *CHAINED)
NOTHING = "every state has probability zero: there is nothing to sample"


def sample(
    thing: TensorNetwork | HasNetwork,
    size: int,
    method: str = "exact",
    *,
    seed: int | np.random.Generator | None = None,
    flops: float = FLOPS,
    **options: Any,
) -> npt.NDArray[Any]:
    """Exact, independent samples of the distribution a network or model stands for.

    The network is contracted, and then the tree is walked from the root back: the indices summed
    in a step are drawn, for all samples at once, from their distribution given those already
    drawn. Intermediates that the memory limit has no room for are computed again on the way; of a
    plan in slices the slice is drawn first. Where that does not fit there are Markov chains, if
    they are asked for.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries.
    size : int
        Number of samples.
    method : str
        "exact", or a refusal. "gibbs" and "tempering": Markov chains, run until so many draws
        count as independent.
    seed : int or numpy.random.Generator, optional
    flops : float
        Operations that an exact answer may take.
    **options
        As for `tnlearn.compile`.

    Returns
    -------
    array, shape (size, n_sites)
        In the model's own values, columns in the order of ``model.sites``; of a bare network,
        positions (int64), columns in the order of ``network.sizes``. By Markov chains they are
        `Samples`: an array that also says ``.method``, ``.effective_size`` and ``.converged``.

    Warns
    -----
    NotConverged
        If chains do not agree, or fewer of their draws count.

    Raises
    ------
    ModelError
        If the network is no distribution: open, negative, complex, or zero everywhere.
    MemoryLimitError
        If an exact answer does not fit.
    CostError
        If it takes more than `flops`.
    """
    if method not in METHODS:
        raise ModelError(f"there is no method {method!r}: choose from {', '.join(METHODS)}")
    check_options(options)
    network = closed(thing)
    try:
        size = operator.index(size)
    except TypeError:
        raise DataTypeError(f"cannot draw {size!r} samples: give a whole number") from None
    if size < 0:
        raise ModelError(f"cannot draw {size} samples")
    if 0 in network.sizes.values():
        raise ModelError("an index of the network has size 0: there are no states to sample")
    for name, tensor in zip(network.names, network, strict=True):
        check_weights(name, tensor)
    if method != "exact":
        return drawn_by_chains(thing, size, method, seed, bool(options.get("progress")), NOTHING)
    found = planned_for(network, options)
    if found.empty:
        raise ModelError(NOTHING)
    with refusing(CHAINED):
        program = compile(found.network, **options)
        check_flops(program.plan, flops)
        x = program.pack([tensor.data for tensor in found.network])
        drawn = drawn_back(program.walker, x, size, generator_of(seed), NOTHING)
    left = {name: drawn[k] for k, name in enumerate(found.network.sizes)}
    fixed = np.zeros(size, np.int64)
    columns = found.state({name: left.get(name, fixed) for name in network.sizes})
    return in_values(thing, columns, size)
