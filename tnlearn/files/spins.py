"""Ising models: couplings and fields by the numbers of their sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tnlearn.errors import FormatError
from tnlearn.files import names
from tnlearn.files.arrays import Array, Arrays
from tnlearn.files.checks import fields, items, real, whole
from tnlearn.physics import Ising


def encode(model: Ising, arrays: Arrays) -> Any:
    """A model as JSON."""
    numbers = {site: k for k, site in enumerate(model.sites)}
    return {
        "sites": [names.encode(site) for site in model.sites],
        "couplings": [[numbers[a], numbers[b], J] for (a, b), J in model.couplings.items()],
        "fields": [model.fields[site] for site in model.sites],
        "beta": model.beta,
    }


def decode(payload: Any, arrays: Sequence[Array], cls: type[Any]) -> Ising:
    """The model again, on a networkx.Graph."""
    import networkx as nx

    given = fields(payload, "the model", "sites", "couplings", "fields", "beta")
    sites = [names.decode(site) for site in items(given["sites"], "the sites")]
    couplings: dict[Any, float] = {}
    for row in items(given["couplings"], "the couplings"):
        a, b, coupling = items(row, "a coupling", 3)
        edge = tuple(sites[whole(site, "the number of a site", len(sites) - 1)] for site in (a, b))
        couplings[edge] = real(coupling, "a coupling")
    if None in sites:
        raise FormatError("None is no site of a graph")
    strengths = items(given["fields"], "the fields", len(sites))
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from(sites)
    graph.add_edges_from(couplings)
    if len(graph) != len(sites) or graph.number_of_edges() != len(given["couplings"]):
        raise FormatError("a site or a coupling is there twice")
    by_site = {s: real(h, "a field") for s, h in zip(sites, strengths, strict=True)}
    model: Ising = cls(graph, couplings, by_site, real(given["beta"], "beta"))
    return model
