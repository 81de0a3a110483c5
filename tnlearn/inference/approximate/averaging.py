"""Estimates of marginal probabilities: beliefs, and averages over Markov chains."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tnlearn.errors import ModelError
from tnlearn.inference.approximate.beliefs import Beliefs, propagate_beliefs
from tnlearn.inference.approximate.chains import Drawn, draw
from tnlearn.inference.options import check_options
from tnlearn.network import HasNetwork, Index, TensorNetwork
from tnlearn.sampling import autocorrelation_time

Probabilities = npt.NDArray[np.float64]
Subset = tuple[Index, ...]

#: Draws of all chains together that should count as independent.
SIZE = 1000


class Marginals(dict[Any, Probabilities]):
    """Marginal probabilities: a dict with its pedigree.

    Attributes
    ----------
    method : str
        How they were found: "exact" is contraction to rounding.
    errors : mapping from key to array
        Standard errors, of the shapes of the probabilities: 0 of exact ones, inf where unknown.
    converged : bool
        Whether the method met its own criterion.
    """

    def __init__(
        self,
        found: Mapping[Any, Probabilities],
        method: str,
        errors: Mapping[Any, Probabilities],
        converged: bool,
    ) -> None:
        super().__init__(found)
        self.method, self.errors, self.converged = method, errors, converged

    @classmethod
    def exact(cls, found: Mapping[Any, Probabilities]) -> Marginals:
        """Of contraction."""
        return cls(found, "exact", {key: np.zeros(p.shape) for key, p in found.items()}, True)

    def of(self, keys: Mapping[Hashable, Subset]) -> Marginals:
        """The same under other keys, those that are asked for."""
        errors = {key: self.errors[subset] for key, subset in keys.items()}
        found = {key: self[subset] for key, subset in keys.items()}
        return Marginals(found, self.method, errors, self.converged)


def believed(network: TensorNetwork, subsets: Sequence[Subset]) -> Marginals:
    """Beliefs of sets of indices, each on one tensor.

    Raises
    ------
    ModelError
        If indices of a set do not meet, or every state has probability zero.
    """
    beliefs = propagate_beliefs(network)
    found = {subset: _belief(beliefs, subset) for subset in subsets}
    error = 0.0 if beliefs.on_tree else np.inf
    errors = {subset: np.full(p.shape, error) for subset, p in found.items()}
    return Marginals(found, "belief propagation", errors, beliefs.converged)


def _belief(beliefs: Beliefs, subset: Subset) -> Probabilities:
    if len(subset) == 1:
        return beliefs.marginals[subset[0]]
    for scope, belief in beliefs.joint.items():
        if set(subset) <= set(scope):
            axes = [scope.index(index) for index in subset]
            rest = tuple(axis for axis in range(belief.ndim) if axis not in axes)
            return np.asarray(
                belief.transpose(*axes, *rest).sum(axis=tuple(range(len(axes), belief.ndim)))
            )
    raise ModelError(
        f"no tensor is on all of {subset!r}, so belief propagation says nothing of them "
        "together: use method='tempering'"
    )


def averaged(
    thing: TensorNetwork | HasNetwork,
    subsets: Sequence[Subset],
    method: str,
    options: Mapping[str, Any],
    nothing: str,
) -> Marginals:
    """Averages over Markov chains, as many draws as count for a thousand; see `chains.draw`."""
    check_options(options)
    seed, progress = options.get("seed", 0), bool(options.get("progress"))
    drawn = draw(thing, SIZE, method, nothing, seed=seed, progress=progress)
    network = thing if isinstance(thing, TensorNetwork) else thing.network()
    found, errors = {}, {}
    for subset in subsets:
        shape = tuple(network.sizes[index] for index in subset)
        found[subset], errors[subset] = _counted(drawn, subset, shape)
    return Marginals(found, method, errors, drawn.converged)


def _counted(
    drawn: Drawn, subset: Subset, shape: tuple[int, ...]
) -> tuple[Probabilities, Probabilities]:
    """How often every joint position was drawn, and standard errors of that."""
    places = np.ravel_multi_index([drawn.columns[index] for index in subset], shape)
    size = int(np.prod(shape))
    shares = np.bincount(places, minlength=size) / len(places)
    series = places.reshape(-1, drawn.chains)
    errors = np.array([_error(series == place, share) for place, share in enumerate(shares)])
    return shares.reshape(shape), errors.reshape(shape)


def _error(series: npt.NDArray[np.bool_], share: float) -> float:
    """Of the mean of a series of 0 and 1, draws of a chain down an axis."""
    seen = 0 < share < 1
    count = series.size / autocorrelation_time(series) if seen else len(series)
    # What was never drawn, or always, is as likely as half a draw.
    middle = (share * count + 0.5) / (count + 1)
    return float(np.sqrt(middle * (1 - middle) / count))
