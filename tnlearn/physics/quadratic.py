"""Ising models of quadratic energies, as optimisers write them: of spins or of bits."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

from tnlearn.errors import ModelError
from tnlearn.physics.ising import Ising


def quadratic_model(
    linear: Mapping[Any, float],
    products: Mapping[Any, float],
    *,
    bits: bool,
    beta: float = 1.0,
) -> tuple[Ising, float]:
    """The Ising model of an energy ``sum_i a_i x_i + sum_{i,j} a_ij x_i x_j``, and its offset.

    Parameters
    ----------
    linear : mapping from variable to float
        a_i; variables have the order of this mapping, and must all be here.
    products : mapping from (variable, variable) to float
        a_ij of two different variables; those of both orientations add.
    bits : bool
        Whether x is 0 or 1, and not -1 or +1. Then x = (1 + s) / 2.
    beta : float
        Inverse temperature of the model.

    Returns
    -------
    Ising, float
        The energy is that of the model plus the offset. Of spins J = -a_ij and h = -a_i: no
        rounding. Of bits they are sums of quarters and halves of the coefficients.
    """
    import networkx as nx

    slopes: Mapping[Any, float] = linear
    pairs: dict[tuple[Hashable, Hashable], float] = {}
    loose: list[float] = []
    for (a, b), value in products.items():
        pair = (b, a) if (b, a) in pairs else (a, b)
        pairs[pair] = pairs.get(pair, 0.0) + value
    if bits:
        slopes, pairs, loose = _of_spins(slopes, pairs)
    graph: nx.Graph[Hashable] = nx.Graph()
    if None in slopes:
        raise ModelError("None is no name of a site: call the variable something else")
    graph.add_nodes_from(slopes)
    graph.add_edges_from(pairs)
    fields = {name: -value for name, value in slopes.items()}
    model = Ising(graph, {pair: -value for pair, value in pairs.items()}, fields, beta)
    return model, _sum(loose)


def _of_spins(
    slopes: Mapping[Hashable, float], pairs: Mapping[tuple[Hashable, Hashable], float]
) -> tuple[dict[Hashable, float], dict[tuple[Hashable, Hashable], float], list[float]]:
    """Coefficients of spins, from those of bits."""
    terms = {name: [value / 2] for name, value in slopes.items()}
    for (a, b), value in pairs.items():
        terms[a].append(value / 4)
        terms[b].append(value / 4)
    constants = [value / 2 for value in slopes.values()] + [value / 4 for value in pairs.values()]
    # Halves and quarters are exact, and sums are rounded once.
    return (
        {name: _sum(values) for name, values in terms.items()},
        {pair: value / 4 for pair, value in pairs.items()},
        constants,
    )


def _sum(values: list[float]) -> float:
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        raise ModelError("the coefficients add up to more than a float holds") from None
