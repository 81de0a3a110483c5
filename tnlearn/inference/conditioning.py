"""Evidence: a model or network with some sites held at a value, and gone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Protocol, overload, runtime_checkable

import numpy as np
import numpy.typing as npt

from tnlearn.errors import DataTypeError, ModelError
from tnlearn.network import HasEnergies, Model, ReadOnly, TensorNetwork, as_states

Evidence = Mapping[Any, Any]


@runtime_checkable
class Conditions(Protocol):
    """A model that with evidence is again a model of its class."""

    def given(self, evidence: Evidence) -> Model:
        """The model of the other sites."""
        ...


@overload
def condition(thing: TensorNetwork, evidence: Evidence) -> TensorNetwork: ...
@overload
def condition(thing: Model, evidence: Evidence) -> Model: ...
def condition(thing: TensorNetwork | Model, evidence: Evidence) -> TensorNetwork | Model:
    """A model of the other sites, given the values of some.

    Parameters
    ----------
    thing : model or TensorNetwork
    evidence : mapping from site to value
        In the model's own values; of a bare network, positions by index.

    Returns
    -------
    Model or TensorNetwork
        Its partition function is the sum over the states that agree with the evidence, so the
        logarithm of the probability of the evidence is
        ``log_partition(condition(model, evidence)) - log_partition(model)``.

    Raises
    ------
    ModelError
        If a site is unknown or does not have the value.
    DataTypeError
        If `thing` is no model or network, or `evidence` no mapping.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> chain = tnl.Ising(nx.path_graph(3), beta=1.0)
    >>> tnl.marginals(tnl.condition(chain, {0: 1}))[1].round(4)
    array([0.1192, 0.8808])
    """
    if not isinstance(evidence, Mapping):
        raise DataTypeError(f"the evidence is {evidence!r}; give a mapping from site to value")
    if isinstance(thing, TensorNetwork):
        return thing.fix(evidence)
    if not isinstance(thing, Model):
        raise DataTypeError(f"expected a TensorNetwork or a model, got {type(thing).__name__}")
    if isinstance(thing, Conditions):
        return thing.given(evidence)
    positions = evidence_positions(thing, evidence)
    kind = ConditionedEnergies if isinstance(thing, HasEnergies) else Conditioned
    return kind(thing, evidence, positions)


def evidence_positions(model: Model, evidence: Evidence) -> dict[Hashable, int]:
    """Where the values of some sites stand along their indices, checked."""
    known = set(model.sites)
    found = {}
    for site, value in evidence.items():
        if site not in known:
            raise ModelError(f"there is evidence for {site!r}, which is no site of {model!r}")
        values = model.values(site)
        if value not in values:
            shown = ", ".join(map(repr, values))
            raise ModelError(f"site {site!r} has no value {value!r}: its values are {shown}")
        found[site] = values.index(value)
    return found


class Conditioned:
    """A model with some sites held; see `condition`.

    Attributes
    ----------
    sites : tuple
        Those that are left, in the model's order.
    evidence : mapping from site to value
    """

    def __init__(self, model: Model, evidence: Evidence, positions: Mapping[Any, int]) -> None:
        self._model, self._positions = model, positions
        self.evidence = ReadOnly(evidence)
        self.sites = tuple(site for site in model.sites if site not in positions)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._model!r}, {len(self.evidence)} sites held)"

    def values(self, site: Hashable) -> tuple[Any, ...]:
        """The values of a site that is left."""
        if site in self._positions:
            raise ModelError(f"site {site!r} is held at {self.evidence[site]!r}")
        return self._model.values(site)

    def energy(self, states: npt.ArrayLike) -> npt.NDArray[Any]:
        """Energies of the whole model, shape (n_states,), of states of what is left."""
        given = as_states(states, len(self.sites))
        columns = dict(zip(self.sites, given.T, strict=True))
        whole = np.empty((len(given), len(self._model.sites)), self._kind(given.dtype))
        for k, site in enumerate(self._model.sites):
            if site in columns:
                whole[:, k] = columns[site]
            else:
                whole[:, k].fill(self.evidence[site])
        return self._model.energy(whole)

    def _kind(self, given: np.dtype[Any]) -> np.dtype[Any]:
        """What holds states of that kind and the evidence alike: -1 is no bool, 0.5 no int."""
        held = [np.asarray(value) for value in self.evidence.values()]
        if all(
            array.ndim == 0 and array.dtype.kind in "biuf" for array in (*held, np.empty((), given))
        ):
            return np.result_type(given, *held)
        return np.dtype(object)

    def network(self) -> TensorNetwork:
        """The model's network, the indices of the sites held fixed."""
        return self._model.network().fix(self._positions)


class ConditionedEnergies(Conditioned):
    """The same of a model that writes its energies as a network."""

    _model: HasEnergies

    @property
    def beta(self) -> float:
        """Inverse temperature."""
        return self._model.beta

    def energies(self) -> TensorNetwork:
        """The model's energies, the indices of the sites held fixed."""
        return self._model.energies().fix(self._positions)
