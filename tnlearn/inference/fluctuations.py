"""How a distribution responds to its parameters: Fisher information and susceptibilities."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference.averages import Term
from tnlearn.inference.covariances import Floats, Statistics, covariances
from tnlearn.inference.distribution import closed
from tnlearn.network import HasEnergies, HasNetwork, Model, TensorNetwork


@runtime_checkable
class HasStatistics(Model, Protocol):
    """A model that knows what its natural parameters multiply."""

    def statistics(self) -> Mapping[Hashable, Term]:
        """For every parameter the sites and the table of d ln(weight) / d parameter."""
        ...


def fisher_information(
    thing: TensorNetwork | HasNetwork,
    terms: Iterable[Term] | None = None,
    *,
    directions: npt.ArrayLike | None = None,
    **options: Any,
) -> Floats:
    """The Fisher information of a model's parameters, or its product with vectors; exact.

    ``F_ab = <f_a f_b> - <f_a> <f_b>``, where f_a is the derivative of the logarithm of the weight
    by parameter a, its sufficient statistic; so F is also the Hessian of log Z.

    Parameters
    ----------
    thing : TensorNetwork or model
        Its network must be closed, with non-negative entries.
    terms : iterable of (sites, table), optional
        The statistics: tables have an axis per site, in the order of the site's values. By default
        those of the model's couplings and fields, in the order of ``model.statistics()``; a bare
        network has its tensors' entries, by their logarithms, tensor by tensor.
    directions : array_like, shape (n,) or (k, n), optional
        Vectors over the parameters. By default the whole matrix is found.
    **options
        ``backend``, ``memory_limit``, ``search``, ``seed``, ``executor`` and ``progress`` as for
        `tnlearn.compile`.

    Returns
    -------
    array, shape (n, n), or that of the directions

    Raises
    ------
    ModelError
        If a table does not fit its sites, a site is unknown, directions have another shape, the
        network is no distribution, or the model says nothing of its parameters.

    Notes
    -----
    Every direction costs five to ten gradients; no matrix is built for products. Sites of a term
    that do not meet on a tensor widen the contraction. Sources: S. Amari, Neural Comput. 10, 251
    (1998); second derivatives as B. A. Pearlmutter, Neural Comput. 6, 147 (1994).

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> chain = tnl.Ising(nx.path_graph(3), coupling=0.5)  # bonds are independent: 1 - tanh(J)**2
    >>> tnl.fisher_information(chain).round(4)[:2, :2].tolist()
    [[0.7864, 0.0], [0.0, 0.7864]]
    """
    network = closed(thing)
    if terms is None:
        terms = _own_terms(thing, network)
    statistics = Statistics(network, [(tuple(sites), table) for sites, table in terms])
    return covariances(statistics, directions, options)


def susceptibility(
    thing: TensorNetwork | HasNetwork,
    field: Mapping[Any, float] | npt.ArrayLike | None = None,
    **options: Any,
) -> Floats:
    """How the means of all sites respond to fields on them; exact.

    ``chi_ij = d<s_i> / d h_j = beta (<s_i s_j> - <s_i> <s_j>)``, with s the values of the sites,
    which must be numbers, and ``-h_j s_j`` added to the energy.

    Parameters
    ----------
    thing : TensorNetwork or model
        Of a bare network, s are positions; of whatever has no ``beta``, that is 1.
    field : mapping from site to float, or array_like of shape (n_sites,) or (k, n_sites), optional
        Directions of the field, in the order of ``model.sites``; sites that a mapping leaves out
        have none. By default the field is on one site after another.
    **options
        As for `fisher_information`.

    Returns
    -------
    array, shape (n_sites, n_sites), or (n_sites,) or (k, n_sites)
        The matrix; or the responses of all sites to each field, as one sweep per field finds them.
        The uniform susceptibility, a total, is ``susceptibility(model, [1] * n).sum()``.

    Raises
    ------
    ModelError
        If values are no numbers, a site is unknown, or otherwise as `fisher_information`.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> tnl.susceptibility(tnl.Ising(nx.path_graph(2), beta=0.5)).round(4).tolist()
    [[0.5, 0.2311], [0.2311, 0.5]]
    """
    network = closed(thing)
    sites = thing.sites if isinstance(thing, Model) else tuple(network.sizes)
    terms = [((site,), _numbers(thing, network, site)) for site in sites]
    if isinstance(field, Mapping):
        unknown = [site for site in field if site not in set(sites)]
        if unknown:
            raise ModelError(f"there is a field on {unknown[0]!r}, which is no site")
        field = [field.get(site, 0.0) for site in sites]
    beta = thing.beta if isinstance(thing, HasEnergies) else 1.0
    return beta * covariances(Statistics(network, terms), field, options)


def _numbers(thing: Any, network: TensorNetwork, site: Hashable) -> Floats:
    values = thing.values(site) if isinstance(thing, Model) else range(network.sizes[site])
    if any(isinstance(value, str) for value in values):
        raise ModelError(
            f"the values of site {site!r} are no numbers: {', '.join(map(repr, values))}; give "
            "tables of your own to fisher_information(model, terms)"
        )
    return np.asarray(values, float)


def _own_terms(thing: TensorNetwork | HasNetwork, network: TensorNetwork) -> list[Term]:
    """The statistics of a model's own parameters."""
    if isinstance(thing, HasStatistics):
        return list(thing.statistics().values())
    if not isinstance(thing, TensorNetwork):
        raise ModelError(
            f"{thing!r} has no statistics() of couplings and fields: give terms, a list of "
            "(sites, table), or ask its network() for those of all its tensors' entries"
        )
    found: list[Term] = []
    for tensor in network:
        scope = tuple(dict.fromkeys(tensor.indices))
        axes = [scope.index(index) for index in tensor.indices]
        for entry in np.eye(math.prod(tensor.shape)):
            unit: Any = entry.reshape(tensor.shape)
            # An index that is there twice is on the diagonal.
            table: Any = np.einsum(unit, axes, [*range(len(scope))])
            found.append((scope, table))
    return found
