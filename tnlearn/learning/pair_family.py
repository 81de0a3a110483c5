"""Models of pairs with sites and couplings given, and strengths to be found."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.network import as_states
from tnlearn.physics import BoltzmannMachine, Hopfield, Ising

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairFamily:
    """``p(x) = exp(sum_e K_e x_a x_b + sum_i k_i x_i) / Z``, K = beta J and k = beta h.

    Attributes
    ----------
    kind : type
        Ising or BoltzmannMachine.
    values : array, shape (2,)
        What x may be.
    sites : tuple
    pairs : array of int, shape (n_pairs, 2)
        Columns of the two ends of every coupling.
    beta : float
    hidden : tuple of int
        Columns of sites that no state says anything of.
    """

    kind: type[Any]
    values: Array
    sites: tuple[Hashable, ...]
    pairs: npt.NDArray[np.int64]
    beta: float
    hidden: tuple[int, ...] = ()

    @cached_property
    def visible(self) -> tuple[int, ...]:
        """Columns of the other sites."""
        return tuple(k for k in range(len(self.sites)) if k not in set(self.hidden))

    def states(self, given: npt.ArrayLike) -> Array:
        """States, checked, as floats of shape (n_states, n_visible)."""
        visible = self.visible
        table = as_states(np.asarray(given), len(visible))
        if not len(table):
            raise ModelError("there are no states to fit to: give at least one")
        wrong = np.argwhere(~np.isin(table, self.values))
        if len(wrong):
            row, column = wrong[0].tolist()
            raise ModelError(
                f"state {row} has site {self.sites[visible[column]]!r} at {table[row, column]}; "
                f"its values are {self.values[0]:g} and {self.values[1]:g}"
            )
        return table.astype(np.float64)

    def means(self, states: Array) -> Array:
        """Means of ``x_a x_b`` and of x."""
        table = states.T @ states / len(states)
        a, b = self.pairs.T
        return np.concatenate([table[a, b], states.mean(axis=0)])

    def independent(self, states: Array) -> Array:
        """Parameters without couplings, near the best fields; finite whatever the states are."""
        on = ((states == self.values[1]).sum(axis=0) + 0.5) / (len(states) + 1)
        fields = np.log(on / (1 - on)) / (self.values[1] - self.values[0])
        return np.concatenate([np.zeros(len(self.pairs)), fields])

    def name(self, parameter: int) -> Hashable:
        """The pair of sites, or the site, of a parameter."""
        count = len(self.pairs)
        if parameter >= count:
            return self.sites[parameter - count]
        a, b = self.pairs[parameter].tolist()
        return self.sites[a], self.sites[b]

    def by_name(self, numbers: Array) -> dict[Hashable, float]:
        """A number for each parameter, by its name."""
        return {self.name(k): float(number) for k, number in enumerate(numbers)}

    def model(self, parameters: Array) -> Any:
        """The model of these parameters."""
        import networkx as nx

        named = [(self.name(k), float(x / self.beta)) for k, x in enumerate(parameters)]
        couplings, fields = dict(named[: len(self.pairs)]), dict(named[len(self.pairs) :])
        if self.kind is BoltzmannMachine:
            hidden = [self.sites[k] for k in self.hidden]
            return BoltzmannMachine(couplings, fields, hidden, self.beta)
        graph: nx.Graph[Any] = nx.Graph()
        graph.add_nodes_from(self.sites)
        graph.add_edges_from(couplings)
        return Ising(graph, couplings, fields, self.beta)


def family_of(model: Any) -> PairFamily:
    """The family that a model is of; a Hopfield model is one of all pairs.

    Raises
    ------
    DataTypeError
        If it is no model of pairs.
    ModelError
        If beta is 0.
    """
    if type(model) not in (Ising, BoltzmannMachine, Hopfield):
        raise DataTypeError(
            f"fit takes an Ising, BoltzmannMachine or Hopfield model, not {type(model).__name__}"
        )
    if not model.beta:
        raise ModelError("at beta=0 couplings have no effect: give another beta")
    column = {site: k for k, site in enumerate(model.sites)}
    if isinstance(model, Hopfield):
        pairs = list(combinations(range(len(column)), 2))
    else:
        pairs = [(column[a], column[b]) for a, b in model.couplings]
    kind = BoltzmannMachine if isinstance(model, BoltzmannMachine) else Ising
    values = np.array([0.0, 1.0] if kind is BoltzmannMachine else [-1.0, 1.0])
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    hidden = tuple(column[site] for site in getattr(model, "hidden", ()))
    return PairFamily(kind, values, model.sites, ends, model.beta, hidden)
