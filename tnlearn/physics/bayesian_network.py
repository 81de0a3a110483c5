"""Bayesian networks: a probability of every variable given its parents."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.network import ReadOnly, TensorNetwork
from tnlearn.physics.factor_graph import FactorGraph

#: How far from 1 a row may sum: files print a few digits.
ROUNDING = 1e-2


class BayesianNetwork:
    """A distribution ``p(x) = prod_i p(x_i | parents of i)``.

    Parameters
    ----------
    tables : mapping from variable to (parents, table)
        Axes of a table: the parents in order, then the variable itself, along which it sums to 1.
    states : mapping from variable to (int or sequence), optional
        As for `FactorGraph`.
    normalise : bool
        Divide every row by its sum. Otherwise rows are taken as they are, rounded or not, and Z
        is 1 only as nearly as they are.

    Attributes
    ----------
    sites : tuple
        The variables, in the order of `tables`.
    factors : FactorGraph
        The tables, with scopes (*parents, variable).
    parents : mapping from variable to tuple

    Raises
    ------
    ModelError
        If a row does not sum to 1 within a hundredth, a parent has no table, or the arrows go
        round in a circle; otherwise as `FactorGraph`.

    Examples
    --------
    >>> import tnlearn as tnl
    >>> model = tnl.BayesianNetwork(
    ...     {"rain": ((), [0.8, 0.2]), "wet": (("rain",), [[0.9, 0.1], [0.2, 0.8]])}
    ... )
    >>> tnl.marginals(tnl.condition(model, {"wet": 1}))["rain"].round(4)
    array([0.3333, 0.6667])
    """

    def __init__(
        self,
        tables: Mapping[Any, tuple[Sequence[Hashable], npt.ArrayLike]],
        states: Mapping[Any, int | Sequence[Any]] = MappingProxyType({}),
        *,
        normalise: bool = False,
    ) -> None:
        self.parents: Mapping[Any, tuple[Hashable, ...]] = ReadOnly(
            {child: tuple(given) for child, (given, _) in tables.items()}
        )
        _check_arrows(self.parents)
        unknown = [name for name in states if name not in self.parents]
        if unknown:
            raise ModelError(f"variable {unknown[0]!r} has states but no table")
        factors = [
            ((*self.parents[child], child), _rows(child, table, normalise))
            for child, (_, table) in tables.items()
        ]
        # Named all, so that the sites are in their order.
        sizes = {scope[-1]: table.shape[-1] if table.ndim else 1 for scope, table in factors}
        self.factors = FactorGraph(factors, {**sizes, **states})
        self.sites: tuple[Hashable, ...] = tuple(self.parents)

    def __repr__(self) -> str:
        arrows = sum(map(len, self.parents.values()))
        return f"BayesianNetwork({len(self.sites)} variables, {arrows} arrows)"

    def values(self, site: Hashable) -> tuple[Any, ...]:
        """The values of a variable, in the order of its index."""
        return self.factors.values(site)

    def energy(self, states: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Minus the logarithm of the product of the tables, shape (n_states,).

        Parameters
        ----------
        states : array_like, shape (n_states, n_sites)
            Columns in the order of `sites`, entries among `values`.
        """
        return self.factors.energy(states)

    def log_probability(self, states: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Natural logarithms of the probabilities of states, by the tables as they are."""
        return -self.energy(states)

    def network(self) -> TensorNetwork:
        """The closed network whose value is Z, which is 1: a tensor per table."""
        return self.factors.network()


def _check_arrows(parents: Mapping[Any, tuple[Hashable, ...]]) -> None:
    for child, given in parents.items():
        missing = [name for name in given if name not in parents]
        if missing:
            raise ModelError(f"{missing[0]!r} is a parent of {child!r} but has no table")
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        circle = " -> ".join(map(repr, error.args[1]))
        raise ModelError(f"the arrows go round in a circle: {circle}") from None


def _rows(child: Hashable, given: npt.ArrayLike, normalise: bool) -> npt.NDArray[Any]:
    table = np.asarray(given)
    if table.dtype.kind not in "biuf" or not table.ndim:
        return table  # Refused by the factor graph.
    sums = table.sum(axis=-1, keepdims=True)
    if normalise and np.all(sums > 0):
        return np.asarray(table / sums)
    off = np.abs(sums[..., 0] - 1)
    if not np.all(off <= ROUNDING):
        worst = np.argmax(np.where(np.isnan(off), np.inf, off))
        row = tuple(int(k) for k in np.unravel_index(worst, off.shape))
        raise ModelError(
            f"the table of {child!r} sums to {sums[row].item():.6g} in row {row}, not to 1: give "
            "probabilities along its last axis, or normalise=True"
        )
    return table
