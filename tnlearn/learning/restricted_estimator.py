"""What estimators of restricted Boltzmann machines share, whatever their visible units are."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Hashable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, DensityMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tnlearn.inference import LogPartition
from tnlearn.learning.checkpoints import checkpoint_of
from tnlearn.learning.rbm_gradients import Exact, FromChains, Negative
from tnlearn.learning.rbm_layers import Layers, sigmoid
from tnlearn.learning.rbm_tempering import Tempered
from tnlearn.learning.rbm_training import Schedule, Training
from tnlearn.learning.settings import Check, flag, one_of, optional, random_source, real, whole
from tnlearn.network import TensorNetwork
from tnlearn.seeds import generator_of

Array = npt.NDArray[Any]

#: Ways to the model's side of the gradient.
LEARNING = dict.fromkeys(("auto", "exact", "persistent", "tempered", "contrastive"))
#: Every parameter that all have and what it accepts.
SHARED_CHECKS: dict[str, Check] = {
    **dict.fromkeys(("n_hidden", "steps", "chains", "epochs", "batch_size"), whole(1)),
    "rungs": whole(2),
    "learning": one_of(LEARNING),
    "learning_rate": optional(real(lambda v: 0 < v <= 10, "above 0 and at most 10")),
    "progress": flag,
    "random_state": random_source,
}


class RestrictedEstimator(TransformerMixin, DensityMixin, BaseEstimator):  # type: ignore[misc]
    """Fits a machine of two layers; its leaves say how visible units are read and moved.

    Attributes
    ----------
    checks : mapping from str to callable
        What every parameter accepts.
    """

    checks: Mapping[str, Check] = SHARED_CHECKS

    def fit(
        self,
        X: npt.ArrayLike,
        y: object = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Fit to data.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Finite numbers.
        y : ignored
        checkpoint : str or os.PathLike, optional
            A file that is replaced after every epoch, at once or not at all. If it is there, the
            fit goes on from it, to the same bits as one that was never interrupted: after Ctrl-C,
            or a machine that went down, call again with the same arguments.

        Raises
        ------
        ModelError, DataTypeError
            If a parameter is out of range or of a wrong type; training diverges; or the
            checkpoint is of other parameters or data.
        FormatError
            If the checkpoint is damaged.
        """
        parameters = self._checked()
        data = self._read(X, reset=True)
        # One number from the caller's state seeds everything: RandomState draws no float32.
        seed = random_source("random_state", self.random_state).randint(2**31 - 1)
        generator = generator_of(seed)
        layers = self._layers(data, generator)
        data = layers.scaled(data)
        negative = self._negative(layers, data, generator)
        rate = self.learning_rate or default_rate(layers, exact=isinstance(negative, Exact))
        schedule = Schedule(self.epochs, self.batch_size, rate, self.progress)
        place = None if checkpoint is None else checkpoint_of(self, checkpoint, parameters, data)
        Training(layers, negative, schedule, data, generator).run(place)
        self.model_ = layers.machine()
        self.n_iter_ = self.epochs
        return self

    @property
    def log_partition_(self) -> LogPartition:
        """The natural logarithm of Z, found when it is first asked for."""
        found: LogPartition = self._fitted().log_partition
        return found

    def score_samples(self, X: npt.ArrayLike) -> Array:
        """Natural logarithms of the probabilities of samples, shape (n_samples,).

        Of real numbers, those of the density. As good as ``log_partition_``, by whose error all
        of them may be off alike.
        """
        machine = self._fitted()
        found: Array = machine.log_probability(self._read(X))
        return found

    def score(self, X: npt.ArrayLike, y: object = None) -> float:
        """The mean of `score_samples`, in nats per sample."""
        return float(self.score_samples(X).mean())

    def transform(self, X: npt.ArrayLike) -> Array:
        """Probabilities that the hidden units are on, shape (n_samples, n_hidden)."""
        machine, data = self._fitted(), self._read(X).astype(float)
        # Row by row, so that a sample's numbers do not depend on its neighbours.
        return sigmoid(np.concatenate([machine.inputs(row[None]) for row in data]))

    @property
    def sites(self) -> tuple[Hashable, ...]:
        """The units of the fitted machine: ``("v", i)``, then ``("h", j)``."""
        found: tuple[Hashable, ...] = self._fitted().sites
        return found

    def values(self, site: Hashable) -> tuple[int, int]:
        """The values of a unit: (0, 1)."""
        found: tuple[int, int] = self._fitted().values(site)
        return found

    def energy(self, states: npt.ArrayLike) -> Array:
        """Energies of joint states, visible units first."""
        found: Array = self._fitted().energy(states)
        return found

    def network(self) -> TensorNetwork:
        """The closed network whose value is Z."""
        found: TensorNetwork = self._fitted().network()
        return found

    @abstractmethod
    def _read(self, X: npt.ArrayLike, reset: bool = False) -> Array:
        """Data as the machine sees them."""

    @abstractmethod
    def _layers(self, data: Array, generator: np.random.Generator) -> Layers:
        """Parameters to start from: small weights, and visible units like the data."""

    @abstractmethod
    def _exact(self, layers: Any) -> Negative | None:
        """The exact side of the model, if that is asked for or, with "auto", cheap."""

    def _negative(self, layers: Layers, data: Array, generator: np.random.Generator) -> Negative:
        exact = self._exact(layers) if self.learning in ("auto", "exact") else None
        if exact is not None:
            return exact
        if self.learning == "contrastive":
            return FromChains(None, self.steps, generator)
        start = data[generator.integers(len(data), size=self.chains)]
        if self.learning == "tempered":
            return Tempered(start, self.rungs, self.steps, generator)
        return FromChains(start, self.steps, generator)

    def _fitted(self) -> Any:
        check_is_fitted(self, "model_")
        return self.model_

    def _checked(self) -> dict[str, Any]:
        """The parameters, checked."""
        given = self.get_params(deep=False)
        return {name: self.checks[name](name, value) for name, value in given.items()}


def default_rate(layers: Layers, *, exact: bool) -> float:
    """The first rate of training, if none is given.

    Chains are noise in the energy of n m weights, which the rate may not let grow. The numbers are
    from trials with scanned digits and MNIST, 12 to 500 hidden units.
    """
    return layers.largest_rate if exact else min(0.5, 50 / layers.weights.size**0.5)
