"""Inverse problems: the couplings and fields of a model of pairs, from states that were seen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import MemoryLimitError, ModelError
from tnlearn.learning.hidden_pairs import fitted_hidden
from tnlearn.learning.low_rank import fitted_patterns
from tnlearn.learning.minimising import Minimum, newton, sparse
from tnlearn.learning.pair_family import PairFamily, family_of
from tnlearn.learning.pair_moments import PairMoments
from tnlearn.learning.pair_objectives import Likelihood, Objective, PseudoLikelihood, Shrunk
from tnlearn.learning.settings import flag, one_of, real
from tnlearn.physics import BoltzmannMachine, Hopfield, Ising

Array = npt.NDArray[np.float64]

METHODS = ("auto", "likelihood", "pseudo-likelihood")
#: Operations of one log Z up to which "auto" takes the likelihood.
FLOPS = 1e7
#: A step longer than this from where slopes have vanished leads to no minimum.
FARTHEST = 1e-2
#: Parameters up to which standard errors are found: a second derivative of that many columns.
MOST_ERRORS = 4000


@dataclass(frozen=True, eq=False)
class Fit:
    """A model that was fitted to states.

    Attributes
    ----------
    model : Ising or BoltzmannMachine
        With the couplings and fields found, at the beta of the model given.
    method : str
        "likelihood" or "pseudo-likelihood".
    log_likelihood : float
        Mean over the states, in nats per state; of the pseudo-likelihood, if that was maximised.
    slope : float
        Largest slope that is left: with the likelihood and no penalty, the largest difference
        between a moment of the model and of the states.
    converged : bool
        Whether that is as small as was asked for.
    patterns : array, shape (n_patterns, n_sites), or None
        Of a Hopfield model: ``J = patterns.T @ patterns / n_sites``, up to a rotation.
    """

    model: Ising | BoltzmannMachine
    method: str
    log_likelihood: float
    slope: float
    converged: bool
    patterns: Array | None
    _covariance: Callable[[], tuple[PairFamily, Array]]

    @cached_property
    def errors(self) -> Mapping[Hashable, float]:
        """Standard errors by pair of sites, and by site, in units of energy.

        Of the likelihood from the Fisher information, of the pseudo-likelihood from the scatter of
        its slopes (Godambe's sandwich); found when first asked for.

        Raises
        ------
        ModelError
            If there are none: of sparse and of low-rank fits, and of over 4,000 parameters.
        """
        family, covariance = self._covariance()
        return family.by_name(np.sqrt(np.diagonal(covariance)))


def fit(
    model: Ising | BoltzmannMachine | Hopfield,
    states: npt.ArrayLike,
    *,
    method: str = "auto",
    l1: float = 0.0,
    l2: float = 0.0,
    tolerance: float = 1e-9,
    progress: bool = False,
    **options: Any,
) -> Fit:
    """Couplings and fields from states that were seen: the inverse Ising problem.

    Parameters
    ----------
    model : Ising, BoltzmannMachine or Hopfield
        Says which sites and couplings there are, and beta; the strengths it has are not looked
        at. Of a Hopfield model as many patterns of real numbers as it has are fitted, from the
        principal components of the states (Cocco, Monasson, Sessak 2011, arXiv:1011.3467).
    states : array_like, shape (n_states, n_sites)
        In the model's own values, columns in the order of ``model.sites``; of a Boltzmann machine
        with hidden sites, in that of ``model.visible``.
    method : {"auto", "likelihood", "pseudo-likelihood"}
        The likelihood, whose log Z and moments are exact, by contraction; or the product of the
        probabilities of each site given all others, which needs no Z. "auto" takes the first
        where log Z costs at most 1e7 operations and fits the memory limit. With hidden sites it is
        the likelihood, of which a local maximum is found; ``seed`` says where the search starts.
    l1, l2 : float
        Penalties ``l1 sum |beta J|`` on couplings, which makes weak ones exactly 0, and ``l2 / 2``
        times the sum of squares of all ``beta J`` and ``beta h``, in nats per state.
    tolerance : float
        Largest slope at which the search ends: 1e-9 matches moments to that.
    progress : bool
        Draw a bar, on a terminal.
    **options
        As for `tnlearn.compile`: ``backend``, ``memory_limit``, ``search``.

    Returns
    -------
    Fit
        ``.model``, and ``.errors`` for the standard errors.

    Raises
    ------
    ModelError
        If states are not the model's; an option is out of range; or, without penalties, the
        likelihood has no finite maximum, as where a site is always the same.
    DataTypeError
        If `model` is of another kind.
    MemoryLimitError
        If the likelihood was asked for and its log Z does not fit.

    Examples
    --------
    >>> import networkx as nx, tnlearn as tnl
    >>> truth = tnl.Ising(nx.cycle_graph(5), coupling=0.5, field=0.2)
    >>> found = tnl.fit(tnl.Ising(nx.cycle_graph(5)), tnl.sample(truth, 20000, seed=0))
    >>> found.method, abs(found.model.couplings[0, 1] - 0.5) < 4 * found.errors[0, 1]
    ('likelihood', True)
    """
    one_of(dict.fromkeys(METHODS))("method", method)
    flag("progress", progress)
    for name, value in (("l1", l1), ("l2", l2)):
        real(lambda v: 0 <= v < np.inf, "a finite number, not negative")(name, value)
    real(lambda v: 0 < v < np.inf, "a finite number above 0")("tolerance", tolerance)
    family = family_of(model)
    seen = family.states(states)
    if family.hidden:
        return _fit_hidden(family, seen, method, l1, l2, tolerance, options)
    _check_maximum(family, seen, l1, l2)
    how, inner = _objective(family, seen, method, options)
    objective = Shrunk(inner, l2) if l2 else inner
    patterns = None
    if isinstance(model, Hopfield):
        if l1:
            raise ModelError("l1 makes couplings sparse, and those of patterns are not: give l2")
        count = len(model.patterns)
        patterns, found = fitted_patterns(objective, seen, count, family.beta, tolerance)
    elif l1:
        start = family.independent(seen)
        found = sparse(objective, start, len(family.pairs), l1, tolerance)
    else:
        found = newton(objective, family.independent(seen), tolerance, progress)
    _check_finite(family, found, len(seen))

    def covariance() -> tuple[PairFamily, Array]:
        if l1 or patterns is not None or len(found.parameters) > MOST_ERRORS:
            raise ModelError(
                "there are no standard errors of sparse or low-rank fits, or of over "
                f"{MOST_ERRORS:,} parameters: fit without l1, or fewer couplings"
            )
        inverse = np.linalg.inv(objective.hessian(found.parameters))
        middle = objective.scatter(found.parameters)
        return family, inverse @ middle @ inverse / len(seen) / family.beta**2

    return Fit(
        family.model(found.parameters),
        how,
        -inner.value_and_gradient(found.parameters)[0],
        found.slope,
        found.converged,
        patterns,
        covariance,
    )


def _fit_hidden(
    family: PairFamily,
    seen: Array,
    method: str,
    l1: float,
    l2: float,
    tolerance: float,
    options: dict[str, Any],
) -> Fit:
    """Of a model with hidden sites: the likelihood is exact, and has more than one maximum."""
    if method == "pseudo-likelihood" or l1:
        raise ModelError(
            f"{family.sites[family.hidden[0]]!r} is hidden, and l1 and the pseudo-likelihood need "
            "states of all sites: leave them out"
        )
    seed = options.pop("seed", 0)
    likelihood, found = fitted_hidden(
        family, seen, l2=l2, tolerance=tolerance, seed=seed, **options
    )
    if not l2:
        _check_finite(family, found, len(seen))

    def covariance() -> tuple[PairFamily, Array]:
        raise ModelError(
            "there are no standard errors with hidden sites, which may change places: fit to "
            "states of all sites"
        )

    arguments = "likelihood", likelihood, found.slope, found.converged, None, covariance
    return Fit(family.model(found.parameters), *arguments)


def _objective(
    family: PairFamily, seen: Array, method: str, options: dict[str, Any]
) -> tuple[str, Objective]:
    if method != "pseudo-likelihood":
        most = FLOPS if method == "auto" else np.inf
        try:
            moments = PairMoments(
                family.values, len(family.sites), family.pairs, most_flops=most, **options
            )
            return "likelihood", Likelihood(moments, family.means(seen))
        except MemoryLimitError:
            if method == "likelihood":
                raise
    return "pseudo-likelihood", PseudoLikelihood(family.values, seen, family.pairs)


def _check_maximum(family: PairFamily, seen: Array, l1: float, l2: float) -> None:
    """Refuse states whose likelihood rises for ever; what other states hide is found at the end."""
    if l2:
        return
    up = seen == family.values[1]
    for column in np.flatnonzero(up.all(axis=0) | ~up.any(axis=0)).tolist():
        raise ModelError(
            f"site {family.sites[column]!r} is {seen[0, column]:g} in every state, so its field "
            "has no finite best value: give l2, such as l2=1e-3"
        )
    if l1:
        return
    for a, b in family.pairs.tolist():
        for one in (False, True):
            for other in (False, True):
                if not ((up[:, a] == one) & (up[:, b] == other)).any():
                    at = f"{family.values[int(one)]:g} and {family.values[int(other)]:g}"
                    raise ModelError(
                        f"sites {family.sites[a]!r} and {family.sites[b]!r} are never {at} "
                        "together, so their coupling has no finite best value: give l2, such as "
                        "l2=1e-3"
                    )


def _check_finite(family: PairFamily, found: Minimum, states: int) -> None:
    """Refuse parameters that only go on growing: no finite number of states fixes such ones."""
    largest = int(abs(found.parameters).argmax())
    if found.ahead > FARTHEST or abs(found.parameters[largest]) > 10 + np.log(states):
        raise ModelError(
            f"the likelihood of {family.name(largest)!r} rises beyond "
            f"{found.parameters[largest]:.3g} / beta: these {states:,} states do not fix it; give "
            "l2, such as l2=1e-3"
        )
