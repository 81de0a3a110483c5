"""The restricted Boltzmann machine as a scikit-learn estimator whose likelihood is the true one."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, DensityMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tnlearn.errors import ModelError
from tnlearn.inference import LogPartition, Shortcut
from tnlearn.learning.adam import Adam
from tnlearn.learning.rbm_gradients import (
    Exact,
    FromChains,
    Negative,
    Parameters,
    descent,
    sigmoid,
)
from tnlearn.learning.settings import flag, one_of, random_source, real, whole
from tnlearn.network import TensorNetwork
from tnlearn.physics import RestrictedBoltzmann
from tnlearn.progress import progress_bar

Array = npt.NDArray[Any]

#: Entries written by one exact gradient up to which "auto" takes it, and tensors of its network.
EXACT_ENTRIES, EXACT_TENSORS = 2**15, 400
#: Every parameter and what it accepts.
CHECKS = {
    **dict.fromkeys(("n_hidden", "steps", "chains", "epochs", "batch_size"), whole(1)),
    "learning": one_of(dict.fromkeys(("auto", "exact", "persistent", "contrastive"))),
    "learning_rate": real(lambda v: 0 < v <= 1, "above 0 and at most 1"),
    "binarize": real(np.isfinite, "finite"),
    "progress": flag,
    "random_state": random_source,
}


class RBM(TransformerMixin, DensityMixin, BaseEstimator):  # type: ignore[misc]
    """Restricted Boltzmann machine of bits, fitted by maximum likelihood.

    ``H(v, h) = -a.v - b.h - v.W.h`` and ``p(v) = sum_h exp(-H(v, h)) / Z``. Where a layer is small
    Z and its gradient are exact, by contraction; else gradients come from Gibbs chains and Z from
    annealed importance sampling, with its error.

    Parameters
    ----------
    n_hidden : int
        Hidden units.
    learning : {"auto", "exact", "persistent", "contrastive"}
        Where the model's side of the gradient comes from: the exact sum; chains that go on from
        step to step (PCD: Tieleman 2008); chains that start in the data (CD: Hinton 2002). "auto"
        is exact where that takes milliseconds, else persistent.
    steps : int
        Sweeps of the chains before every gradient.
    chains : int
        How many persistent chains.
    epochs : int
        Passes over the data.
    batch_size : int
        Samples a step.
    learning_rate : float
        First step of Adam, at most 1, decaying to zero along a cosine.
    binarize : float
        Features above it are 1, others 0.
    progress : bool
        Draw a progress bar if training takes over a second, on a terminal.
    random_state : int, RandomState or None
        Of weights, order of samples, and chains.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : array, if `X` had string column names
    model_ : RestrictedBoltzmann
        The machine: weights, biases, ``network()`` and all that a model answers.
    log_partition_ : LogPartition
        The natural logarithm of its Z, with ``.method``, ``.error`` and ``.converged``; found when
        it is first asked for, as by `score`.
    n_iter_ : int
        Epochs that were run.

    Examples
    --------
    >>> import numpy as np
    >>> from tnlearn import RBM
    >>> X = np.repeat([[0, 0, 1, 1], [1, 1, 0, 0]], 50, axis=0)
    >>> machine = RBM(n_hidden=2, epochs=300, learning_rate=0.1, random_state=0).fit(X)
    >>> bool(machine.score(X) > -0.8)  # ln 2 = 0.69 is the best there is
    True
    """

    def __init__(
        self,
        n_hidden: int = 32,
        *,
        learning: str = "auto",
        steps: int = 1,
        chains: int = 128,
        epochs: int = 20,
        batch_size: int = 100,
        learning_rate: float = 0.01,
        binarize: float = 0.5,
        progress: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_hidden = n_hidden
        self.learning = learning
        self.steps = steps
        self.chains = chains
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.binarize = binarize
        self.progress = progress
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Fit to data.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Finite numbers; see `binarize`.
        y : ignored

        Raises
        ------
        ModelError, DataTypeError
            If a parameter is out of range or of a wrong type.
        """
        self._check()
        data = self._bits(X, reset=True)
        # One number from the caller's state seeds everything: RandomState draws no float32.
        seed = random_source("random_state", self.random_state).randint(2**31 - 1)
        generator = np.random.default_rng(seed)
        parameters = self._started(data, generator)
        self._train(parameters, data, self._negative(parameters, data, generator), generator)
        self.model_ = RestrictedBoltzmann(parameters.weights, parameters.visible, parameters.hidden)
        self.n_iter_ = self.epochs
        return self

    @property
    def log_partition_(self) -> LogPartition:
        """The natural logarithm of Z, found when it is first asked for."""
        return self._fitted().log_partition

    def score_samples(self, X: npt.ArrayLike) -> Array:
        """Natural logarithms of the probabilities of samples, shape (n_samples,).

        As good as ``log_partition_``, by whose error all of them may be off alike.
        """
        return self._fitted().log_probability(self._bits(X))

    def score(self, X: npt.ArrayLike, y: object = None) -> float:
        """The mean of `score_samples`, in nats per sample."""
        return float(self.score_samples(X).mean())

    def transform(self, X: npt.ArrayLike) -> Array:
        """Probabilities that the hidden units are on, shape (n_samples, n_hidden)."""
        machine, data = self._fitted(), self._bits(X).astype(float)
        # Row by row, so that a sample's numbers do not depend on its neighbours.
        inputs = np.stack([row @ machine.weights for row in data])
        return sigmoid(inputs + machine.hidden_bias)

    @property
    def sites(self) -> tuple[Hashable, ...]:
        """The units of the fitted machine: ``("v", i)``, then ``("h", j)``."""
        return self._fitted().sites

    def values(self, site: Hashable) -> tuple[int, int]:
        """The values of a unit: (0, 1)."""
        return self._fitted().values(site)

    def energy(self, states: npt.ArrayLike) -> Array:
        """Energies of joint states; see `tnlearn.RestrictedBoltzmann`."""
        return self._fitted().energy(states)

    def network(self) -> TensorNetwork:
        """The closed network whose value is Z."""
        return self._fitted().network()

    def shortcut(self) -> Shortcut:
        """The machine's own way to log Z."""
        return self._fitted().shortcut()

    def _fitted(self) -> RestrictedBoltzmann:
        check_is_fitted(self, "model_")
        model: RestrictedBoltzmann = self.model_
        return model

    def _check(self) -> None:
        for name, check in CHECKS.items():
            check(name, getattr(self, name))

    def _bits(self, X: npt.ArrayLike, reset: bool = False) -> Array:
        data = validate_data(self, X, reset=reset, dtype=np.float64)
        return np.asarray(data > self.binarize, np.float32)

    def _started(self, data: Array, generator: np.random.Generator) -> Parameters:
        """Small weights, and visible biases that have the means of the data."""
        parameters = Parameters(data.shape[1], self.n_hidden, "float32")
        parameters.weights[:] = generator.normal(scale=0.01, size=parameters.weights.shape)
        mean = (data.sum(axis=0) + 0.5) / (len(data) + 1)
        parameters.visible[:] = np.log(mean / (1 - mean))
        return parameters

    def _negative(
        self, parameters: Parameters, data: Array, generator: np.random.Generator
    ) -> Negative:
        n, m = parameters.weights.shape
        small = 2.0 ** min(n, m) * max(n, m) <= EXACT_ENTRIES and n * m <= EXACT_TENSORS
        if self.learning == "exact" or (self.learning == "auto" and small):
            return Exact(n, m)
        if self.learning == "contrastive":
            return FromChains(None, self.steps, generator)
        start = data[generator.integers(len(data), size=self.chains)]
        return FromChains(start, self.steps, generator)

    def _train(
        self,
        parameters: Parameters,
        data: Array,
        negative: Negative,
        generator: np.random.Generator,
    ) -> None:
        starts = range(0, len(data), self.batch_size)
        adam = Adam(parameters.flat, self.learning_rate, self.epochs * len(starts), clip=np.inf)
        centre = data.mean(axis=0)
        for _ in progress_bar(range(self.epochs), "epochs", self.progress):
            order = generator.permutation(len(data))
            for start in starts:
                batch = data[order[start : start + self.batch_size]]
                expected = negative.moments(parameters, batch)
                adam.step(descent(parameters, batch, expected, centre))
        if not np.isfinite(parameters.flat).all():
            raise ModelError("training diverged: give a smaller learning_rate")
