"""The restricted Boltzmann machine of real numbers as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import validate_data

from tnlearn.learning.gaussian_layers import ExactGaussian, GaussianLayers
from tnlearn.learning.rbm_layers import Layers
from tnlearn.learning.restricted_estimator import SHARED_CHECKS, RestrictedEstimator
from tnlearn.learning.settings import flag, random_source

Array = npt.NDArray[Any]

#: Hidden units up to which "auto" takes the exact gradient: milliseconds.
EXACT_HIDDEN = 8


class GaussianRBM(RestrictedEstimator):
    """Restricted Boltzmann machine of real visible units, fitted by maximum likelihood.

    ``H(v, h) = sum_i (v_i - a_i)^2 / (2 s_i) - b.h - sum_ij v_i W_ij h_j / s_i``: given the bits h,
    v is normal of means ``a + W.h`` and variances s (Cho, Ilin, Raiko 2011, ICANN). The density of
    v is a mixture of ``2**n_hidden`` normal ones that share their variances. Data are standardised
    while they are learnt; the machine is in their own units. Z, and so every density, is exact up
    to 20 hidden units, else annealed, with its error.

    Parameters
    ----------
    n_hidden : int
        Hidden units.
    learn_variance : bool
        Whether s is learnt; else it stays the variance of the data. It is at least 1e-3 of that.
    learning : {"auto", "exact", "persistent", "tempered", "contrastive"}
        As of `tnlearn.RBM`; "auto" is exact up to 8 hidden units, whatever the number of features.
    steps : int
        Sweeps of the chains before every gradient.
    chains : int
        How many persistent or tempered chains.
    rungs : int
        Strengths of the coupling of tempered chains, from 1 down to 0.
    epochs : int
        Passes over the data.
    batch_size : int
        Samples a step.
    learning_rate : float, optional
        First rate, in units of standardised data; it falls to zero along a line. By
        default 0.5 where gradients are exact, else ``min(0.5, 50 / sqrt(n_features n_hidden))``.
    progress : bool
        Draw a progress bar if training takes over a second, on a terminal.
    random_state : int, RandomState or None
        Of weights, order of samples, and chains.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : array, if `X` had string column names
    model_ : tnlearn.physics.GaussianRestrictedBoltzmann
        The machine: weights, means, variances, ``hidden_machine()`` and densities. It has no
        network: a real number has no finite index, and questions that need one are refused.
    log_partition_ : LogPartition
        The natural logarithm of its Z, with ``.method``, ``.error`` and ``.converged``; found when
        it is first asked for, as by `score`.
    n_iter_ : int
        Epochs that were run.

    Examples
    --------
    >>> import numpy as np
    >>> from tnlearn import GaussianRBM
    >>> X = np.random.default_rng(0).choice([-3.0, 3.0], (500, 1))
    >>> X += np.random.default_rng(1).normal(size=X.shape)
    >>> machine = GaussianRBM(n_hidden=1, epochs=50, random_state=0).fit(X)
    >>> bool(machine.score(X) > -2.2)  # a normal density of that variance: -2.57
    True
    """

    checks = SHARED_CHECKS | {"learn_variance": flag}

    def __init__(
        self,
        n_hidden: int = 8,
        *,
        learn_variance: bool = True,
        learning: str = "auto",
        steps: int = 1,
        chains: int = 128,
        rungs: int = 10,
        epochs: int = 50,
        batch_size: int = 100,
        learning_rate: float | None = None,
        progress: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_hidden = n_hidden
        self.learn_variance = learn_variance
        self.learning = learning
        self.steps = steps
        self.chains = chains
        self.rungs = rungs
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.progress = progress
        self.random_state = random_state

    def sample(
        self, n_samples: int = 1, random_state: int | np.random.RandomState | None = None
    ) -> Array:
        """Samples of the fitted density, shape (n_samples, n_features).

        Exact and independent up to 20 hidden units; else by 1,000 sweeps of a chain each.
        """
        machine = self._fitted()
        seed = random_source("random_state", random_state).randint(2**31 - 1)
        sweeps = None if self.n_hidden <= 20 else 1000
        found: Array = machine.sample(n_samples, seed, sweeps)
        return found

    def _read(self, X: npt.ArrayLike, reset: bool = False) -> Array:
        return np.asarray(validate_data(self, X, reset=reset, dtype=np.float64))

    def _layers(self, data: Array, generator: np.random.Generator) -> GaussianLayers:
        spread = data.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        layers = GaussianLayers(data.mean(axis=0), scale, self.n_hidden, self.learn_variance)
        n, m = layers.weights.shape
        # At variances of 1 and no weights the likelihood is level: away from there, with hidden
        # units that tell samples apart, and feel inputs of about 1.
        width = min((2 / m) ** 0.5, 1 / n**0.5)
        signs = generator.choice([-width, width], size=(n, m))
        layers.weights[:] = signs * generator.uniform(0.5, 1.5, size=(n, m))
        layers.visible[:] = -layers.weights.sum(axis=1) / 2
        if self.learn_variance:
            layers.others[:] = np.log(0.5)
        return layers

    def _exact(self, layers: Layers) -> ExactGaussian | None:
        small = self.n_hidden <= EXACT_HIDDEN
        return ExactGaussian(self.n_hidden) if small or self.learning == "exact" else None
