"""Marginal probabilities: the gradient of log Z, all of them in one reverse sweep; or estimates."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn import arguments
from tnlearn.backend import get_backend
from tnlearn.errors import DataTypeError, ModelError, RangeError
from tnlearn.execution import compile, log_value_and_gradient
from tnlearn.inference.approximate.averaging import Marginals, averaged, believed
from tnlearn.inference.assessment import FLOPS, fits
from tnlearn.inference.convergence import check_flops, refusing, warn_unless
from tnlearn.inference.distribution import closed, is_weight, subset_of
from tnlearn.inference.options import planning, running
from tnlearn.inference.support import planned_for
from tnlearn.network import HasNetwork, Index, Model, Tensor, TensorNetwork
from tnlearn.planning import plan
from tnlearn.values import LogValue

#: Phases, and shares of a sum, below this are rounding and no sign of a negative weight.
ROUNDING = 1e-6

#: Ways to marginals: the first is exact, the last ones are estimates.
METHODS = ("exact", "auto", "belief propagation", "gibbs", "tempering")

NOTHING = "every state has probability zero: there are no marginals"

Probabilities = npt.NDArray[np.float64]


def marginals(
    thing: TensorNetwork | HasNetwork,
    subsets: Iterable[Sequence[Hashable]] | None = None,
    method: str = "exact",
    *,
    flops: float = FLOPS,
    **options: Any,
) -> Marginals:
    """Marginal probabilities of single sites, or joint ones of sets of sites.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries.
    subsets : iterable of sequences of sites, optional
        Sets for joint probabilities, say ``[("a", "b")]``; by default every site alone (of a
        bare network, every index).
    method : str
        "exact", or a refusal. "belief propagation": beliefs, of single sites and of sets of sites
        that meet on one tensor; exact on trees. "gibbs" and "tempering": averages over Markov
        chains. "auto": exact inside the memory limit and `flops`, else "tempering".
    flops : float
        Operations that an exact answer may take.
    **options
        ``backend``, ``memory_limit``, ``search``, ``seed`` (also of chains) and ``progress`` as
        for `tnlearn.compile`.

    Returns
    -------
    Marginals
        A dict, ``{site: p}`` or ``{subset: p}``, subsets as tuples; an axis per site, in the
        order of the site's values, summing to 1. It also says ``.method``, ``.errors`` (standard
        errors of the same shapes) and ``.converged``.

    Warns
    -----
    NotConverged
        If messages do not settle, or chains do not agree.

    Raises
    ------
    ModelError
        If a site is unknown or repeated, every state has probability zero, or the network is no
        distribution.
    MemoryLimitError
        If an exact answer does not fit.
    CostError
        If it takes more than `flops`.

    Notes
    -----
    Sites, and sets of sites that meet on one tensor, come from one reverse sweep together, at
    about three times the cost of log Z. Every other set costs a contraction with the set open.
    """
    if method not in METHODS:
        raise ModelError(f"there is no method {method!r}: choose from {', '.join(METHODS)}")
    arguments.number("flops", flops)
    network = closed(thing)
    sites = thing.sites if isinstance(thing, Model) else tuple(network.sizes)
    given = [(site,) for site in sites] if subsets is None else subsets
    if not isinstance(given, Iterable):
        raise DataTypeError(f"subsets is {given!r}; give a list of tuples of sites")
    wanted = [subset_of(subset, network) for subset in given]
    if method == "auto":
        method = "exact" if fits(network, flops, options) else "tempering"
    if method == "exact":
        with refusing(METHODS[2:]):
            found = Marginals.exact(_joint(network, wanted, flops, options))
    elif method == "belief propagation":
        found = believed(network, wanted)
    else:
        found = averaged(thing, wanted, method, options, NOTHING)
    warn_unless(found.converged, f"{method} did not converge: marginals may be off by more")
    return found.of({subset[0] if subsets is None else subset: subset for subset in wanted})


def _joint(
    network: TensorNetwork,
    wanted: list[tuple[Index, ...]],
    flops: float,
    options: dict[str, Any],
) -> dict[tuple[Index, ...], Probabilities]:
    """Probabilities of sets of indices, what hard zeros forbid being cut out first."""
    support = planned_for(network, options)
    if support.empty:
        raise ModelError(NOTHING)
    left = {s: tuple(index for index in s if not support.is_fixed(index)) for s in wanted}
    found = _of_those_left(support.network, [*dict.fromkeys(left.values())], flops, options)
    return {s: support.spread(found[left[s]], s, network.sizes) for s in wanted}


def _of_those_left(
    network: TensorNetwork,
    wanted: list[tuple[Index, ...]],
    flops: float,
    options: dict[str, Any],
) -> dict[tuple[Index, ...], Probabilities]:
    scopes = {index: set[int]() for index in network.sizes}
    for number, tensor in enumerate(network):
        for index in tensor.indices:
            scopes[index].add(number)
    # The empty set asks whether any state is possible, where others do not.
    near = [s for s in wanted if not s or set.intersection(*(scopes[site] for site in s))]
    found = _by_gradient(network, near, flops, options) if near else {}
    for subset in wanted:
        if subset not in found:
            program = compile(network.with_output(subset), **options)
            opened = program.log([tensor.data for tensor in network])
            found[subset] = _normalised(program.backend.log_to_host(opened), subset)
    return found


def _by_gradient(
    network: TensorNetwork,
    subsets: list[tuple[Index, ...]],
    flops: float,
    options: dict[str, Any],
) -> dict[tuple[Index, ...], Probabilities]:
    """Multiply in a tensor of ones for every set; d log Z / d log of its entries is p."""
    probes = [
        Tensor(np.zeros([network.sizes[site] for site in subset]), subset, f"probe {k}", log=True)
        for k, subset in enumerate(subsets)
    ]
    names = [f"model {k}" for k in range(len(network))]
    named = [replace(tensor, name=name) for tensor, name in zip(network, names, strict=True)]
    probed = TensorNetwork([*named, *probes])
    if options.get("plan") is None:
        options = running(options, plan(probed, **planning(options)))
    check_flops(options["plan"], flops)
    try:
        value, gradient = log_value_and_gradient(probed, constants=names, **options)
    except RangeError:
        raise ModelError(NOTHING) from None
    if not is_weight(value, ROUNDING):
        raise ModelError(
            f"the network is no distribution: its value is negative or complex, phase {value.phase}"
        )
    on_host = get_backend(options["plan"].backend).log_to_host
    return {s: _normalised(on_host(gradient[f"probe {k}"]), s) for k, s in enumerate(subsets)}


def _normalised(value: LogValue, subset: tuple[Index, ...]) -> Probabilities:
    top = np.max(value.log, initial=-np.inf)
    there = LogValue(np.where(value.log > top + np.log(ROUNDING), value.phase, 0), value.log)
    if top == -np.inf or not is_weight(there, ROUNDING):
        raise ModelError(
            f"the marginal of {subset!r} is "
            + ("zero everywhere" if top == -np.inf else "negative or complex somewhere")
            + ": the network is no probability distribution"
        )
    weights = np.exp(np.asarray(value.log, dtype=float) - top)
    return np.asarray(weights / weights.sum())
