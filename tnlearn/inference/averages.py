"""Averages over a distribution: of sums of small tables, and its entropy."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.inference.approximate.tables import tables_of
from tnlearn.inference.distribution import closed
from tnlearn.inference.marginals import marginals
from tnlearn.inference.partition import log_partition
from tnlearn.inference.support import supported
from tnlearn.network import HasNetwork, TensorNetwork

Floats = npt.NDArray[np.float64]
Term = tuple[Sequence[Hashable], npt.ArrayLike]


def expectation(thing: TensorNetwork | HasNetwork, terms: Iterable[Term], **options: Any) -> float:
    """The mean of a sum of functions of a few sites each; exact.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries.
    terms : iterable of (sites, table)
        Tables have an axis per site, in the order of the site's values.
    **options
        As for `tnlearn.compile`.

    Returns
    -------
    float

    Raises
    ------
    ModelError
        If a table does not fit its sites or holds nan; otherwise as `tnlearn.marginals`.
    DataTypeError
        If a table holds no real numbers.

    Notes
    -----
    One reverse sweep where the sites of every term meet on a tensor; every other set of sites
    costs a contraction.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> chain = tnl.Ising(nx.path_graph(3), beta=0.5)  # <s_0 s_2> = tanh(0.5)**2
    >>> round(tnl.expectation(chain, [((0, 2), [[1, -1], [-1, 1]])]), 6)
    0.213552
    """
    given = [(tuple(sites), _numbers(tuple(sites), table)) for sites, table in terms]
    constant = math.fsum(float(table) for sites, table in given if not sites)
    given = [(sites, table) for sites, table in given if sites]
    if not given:
        return constant
    found = marginals(thing, dict.fromkeys(sites for sites, _ in given), **options)
    for sites, table in given:
        if table.shape != found[sites].shape:
            raise ModelError(
                f"the table over {sites!r} has shape {table.shape}; the sites have "
                f"{found[sites].shape} values"
            )
    return math.fsum([constant, *(_mean(found[sites], table) for sites, table in given)])


def entropy(thing: TensorNetwork | HasNetwork, **options: Any) -> float:
    """The entropy of a distribution, in nats; exact.

    ``S = ln Z - sum_t <ln T_t>``, the averages of the tensors' logarithms by one reverse sweep.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries; all its indices are counted.
    **options
        As for `tnlearn.compile`.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> round(tnl.entropy(tnl.Ising(nx.path_graph(10), beta=0.0)), 6)  # 10 ln 2
    6.931472
    """
    support = supported(closed(thing))
    tables = tables_of(support.network)
    names = [tuple(tables.names[k] for k in scope) for scope in tables.scopes]
    mean = expectation(support.network, zip(names, tables.logs, strict=True), **options)
    return float(log_partition(support.network, "exact", **options)) - mean - tables.constant


def _numbers(sites: tuple[Hashable, ...], given: npt.ArrayLike) -> Floats:
    """The table of a term; that of no sites is a number."""
    try:
        table = np.asarray(given, float)
    except (TypeError, ValueError):
        raise DataTypeError(f"the table over {sites!r} is {given!r}; give real numbers") from None
    if np.isnan(table).any():
        raise ModelError(f"the table over {sites!r} holds nan")
    if not sites and table.ndim:
        raise ModelError(f"the table over no sites has shape {table.shape}: give a number")
    return table


def _mean(probabilities: Floats, table: Floats) -> float:
    """What cannot be counts for nothing, whatever the table says there."""
    there = probabilities > 0
    return float(probabilities[there] @ table[there])
