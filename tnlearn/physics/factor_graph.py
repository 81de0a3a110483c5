"""Factor graphs: a distribution as a product of tables over a few variables each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference import evidence_positions, log_partition
from tnlearn.network import Tensor, TensorNetwork, positions_of

Array = npt.NDArray[Any]


class Factor(NamedTuple):
    """A table of weights over some variables: an axis each, in their order."""

    scope: tuple[Hashable, ...]
    table: Array


class FactorGraph:
    """Discrete variables, and a product of non-negative tables over some of them each.

    ``p(x) = prod_f table_f(x_f) / Z``; as an energy, ``H(x) = -sum_f ln table_f(x_f)`` at
    beta = 1, infinite where a table is zero.

    Parameters
    ----------
    factors : iterable of (scope, table)
        Scopes are sequences of variables (hashable), tables arrays with an axis per variable.
        An empty scope has a 0-d table: a constant.
    states : mapping from variable to (int or sequence), optional
        How many values a variable has, or the values themselves; by default 0, 1, ... as many as
        the tables say. Variables of no factor are named here; the order of the sites begins with
        the order here.
    log : bool
        The tables hold natural logarithms; -inf is a zero.

    Attributes
    ----------
    sites : tuple
        The variables.
    factors : tuple of Factor
    log : bool

    Raises
    ------
    ModelError
        If a table does not fit its scope or another table, is negative, not finite, or not real.

    Examples
    --------
    >>> import tnlearn as tnl
    >>> alike = [[2.0, 1.0], [1.0, 2.0]]
    >>> model = tnl.FactorGraph([(("rain", "wet"), alike), (("rain",), [0.8, 0.2])])
    >>> tnl.marginals(model)["wet"].round(2)
    array([0.6, 0.4])
    """

    def __init__(
        self,
        factors: Iterable[tuple[Sequence[Hashable], npt.ArrayLike]],
        states: Mapping[Any, int | Sequence[Any]] = MappingProxyType({}),
        *,
        log: bool = False,
    ) -> None:
        self.log = log
        self.factors = tuple(_factor(*given, log) for given in factors)
        sizes = {name: len(_named(name, given)) for name, given in states.items()}
        for number, factor in enumerate(self.factors):
            for name, size in zip(factor.scope, factor.table.shape, strict=True):
                if sizes.setdefault(name, size) != size:
                    raise ModelError(
                        f"variable {name!r} has {sizes[name]} values, but {size} in the table of "
                        f"factor {number} over {factor.scope!r}"
                    )
        for name, size in sizes.items():
            if not size:
                raise ModelError(f"variable {name!r} has no values")
        self.sites: tuple[Hashable, ...] = tuple(sizes)
        self._values = {name: _named(name, states.get(name, size)) for name, size in sizes.items()}

    def __repr__(self) -> str:
        return f"FactorGraph({len(self.sites)} variables, {len(self.factors)} factors)"

    def values(self, site: Hashable) -> tuple[Any, ...]:
        """The values of a variable, in the order of its index."""
        if site not in self._values:
            raise ModelError(f"{site!r} is no variable of {self!r}")
        return self._values[site]

    def energy(self, states: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Minus the logarithm of the product of the tables; inf where it is zero.

        Parameters
        ----------
        states : array_like, shape (n_states, n_sites)
            Columns in the order of `sites`, entries among `values`.

        Returns
        -------
        array, shape (n_states,)
        """
        at = dict(zip(self.sites, positions_of(self, states).T, strict=True))
        count = len(np.asarray(states))
        energies = np.zeros(count)
        for scope, table in self.factors:
            entries = table[tuple(at[name] for name in scope)]
            with np.errstate(divide="ignore"):
                energies -= entries if self.log else np.log(entries)
        return energies

    def log_probability(self, states: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Natural logarithms of the probabilities of states, shape (n_states,).

        Costs one log Z, as `tnlearn.log_partition`, the first time.
        """
        return -self.energy(states) - self._log_partition

    @cached_property
    def _log_partition(self) -> float:
        return float(log_partition(self))

    def given(self, evidence: Mapping[Any, Any]) -> FactorGraph:
        """The factor graph of the other variables; see `tnlearn.condition`."""
        at = evidence_positions(self, evidence)
        factors = [
            (
                [name for name in scope if name not in at],
                table[tuple(at.get(name, slice(None)) for name in scope)],
            )
            for scope, table in self.factors
        ]
        left = {name: self._values[name] for name in self.sites if name not in at}
        return FactorGraph(factors, left, log=self.log)

    def network(self) -> TensorNetwork:
        """The closed network whose value is Z: a tensor per factor, an index per variable."""
        tensors = [
            Tensor(table, scope, f"factor {k}", log=self.log)
            for k, (scope, table) in enumerate(self.factors)
        ]
        lone = set(self.sites).difference(*(factor.scope for factor in self.factors))
        tensors += [
            Tensor(np.ones(len(self._values[site])), (site,), f"variable {k}")
            for k, site in enumerate(self.sites)
            if site in lone
        ]
        return TensorNetwork(tensors)


def _factor(scope: Sequence[Hashable], given: npt.ArrayLike, log: bool) -> Factor:
    scope = tuple(scope)
    table = np.asarray(given)
    if table.dtype.kind not in "biuf":
        raise ModelError(f"the table over {scope!r} holds {table.dtype}; it must be real numbers")
    table = np.array(table, float)
    table.flags.writeable = False
    if table.ndim != len(scope) or len(set(scope)) < len(scope):
        raise ModelError(
            f"the table over {scope!r} has shape {table.shape}: give an axis per variable, and "
            "each variable once"
        )
    wrong = np.isnan(table) | (table == np.inf) | (np.isinf(table) if not log else False)
    if wrong.any() or (not log and (table < 0).any()):
        bad = table[wrong | ((table < 0) & (not log))][0]
        raise ModelError(
            f"the table over {scope!r} holds {bad}: "
            + ("logarithms" if log else "weights")
            + (" must be finite or -inf" if log else " must be finite and not negative")
        )
    return Factor(scope, table)


def _named(name: Hashable, given: int | Sequence[Any]) -> tuple[Any, ...]:
    values = tuple(range(given)) if isinstance(given, int | np.integer) else tuple(given)
    if len(set(values)) < len(values):
        raise ModelError(f"variable {name!r} has a value twice: {values!r}")
    return values
