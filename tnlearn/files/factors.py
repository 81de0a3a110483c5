"""Factor graphs and Bayesian networks: tables as arrays, over variables by number."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from tnlearn.errors import FormatError
from tnlearn.files import names
from tnlearn.files.arrays import Array, Arrays, array_at
from tnlearn.files.checks import fields, flag, items, shown, wholes
from tnlearn.physics import BayesianNetwork, FactorGraph


def encode(model: FactorGraph | BayesianNetwork, arrays: Arrays) -> Any:
    """A model as JSON and arrays."""
    graph = model if isinstance(model, FactorGraph) else model.factors
    numbers = {site: k for k, site in enumerate(graph.sites)}
    bound = {site for factor in graph.factors for site in factor.scope}
    return {
        "sites": [names.encode(site) for site in graph.sites],
        "values": [_encode_values(graph.values(site), site in bound) for site in graph.sites],
        "factors": [
            {"scope": [numbers[site] for site in scope], "table": arrays.add(table)}
            for scope, table in graph.factors
        ],
        "log": graph.log,
    }


def decode(payload: Any, arrays: Sequence[Array], cls: type[Any]) -> Any:
    """The model again."""
    given = fields(payload, "the model", "sites", "values", "factors", "log")
    sites = [names.decode(site) for site in items(given["sites"], "the sites")]
    if len(set(sites)) < len(sites):
        raise FormatError("a site is there twice")
    factors = [_factor(row, sites, arrays) for row in items(given["factors"], "the factors")]
    values = items(given["values"], "the values", len(sites))
    sizes = {
        site: size
        for scope, table in factors
        for site, size in zip(scope, table.shape, strict=False)
    }
    states = {
        site: _decode_values(row, sizes.get(site)) for site, row in zip(sites, values, strict=True)
    }
    log = flag(given["log"], "log")
    if issubclass(cls, FactorGraph):
        return cls(factors, states, log=log)
    if log or any(not scope for scope, _ in factors):
        raise FormatError("a Bayesian network has probabilities, and a variable in every table")
    tables = {scope[-1]: (scope[:-1], table) for scope, table in factors}
    if len(tables) < len(factors):
        raise FormatError("a variable has two tables")
    return cls(tables, states)


def _encode_values(values: tuple[Any, ...], is_bound: bool) -> Any:
    """The values, or nothing where a table says that they are 0, 1, ..."""
    # By type too: False and True are equal to 0 and 1.
    if is_bound and all(type(value) is int and value == k for k, value in enumerate(values)):
        return None
    return [names.encode(value) for value in values]


def _decode_values(given: Any, size: int | None) -> Sequence[Hashable]:
    if given is not None:
        return [names.decode(value) for value in items(given, "the values of a site")]
    # Nothing is made by number but what an array in the file has an axis for.
    if size is None:
        raise FormatError("the values of a site that is in no table must be listed")
    return range(size)


def _factor(row: Any, sites: Sequence[Hashable], arrays: Sequence[Array]) -> Any:
    given = fields(row, "a factor", "scope", "table")
    table = array_at(arrays, given["table"], ["float64"])
    if not table.size:
        raise FormatError(f"a table is empty: its shape is {shown(table.shape)}")
    scope = [sites[k] for k in wholes(given["scope"], "a scope", len(sites) - 1)]
    return scope, table
