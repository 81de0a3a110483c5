"""The restricted Boltzmann machine as a scikit-learn estimator whose likelihood is the true one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import validate_data

from tnlearn.inference import Shortcut
from tnlearn.learning.rbm_gradients import ExactBits
from tnlearn.learning.rbm_layers import BitLayers, Layers
from tnlearn.learning.restricted_estimator import SHARED_CHECKS, RestrictedEstimator
from tnlearn.learning.settings import real

Array = npt.NDArray[Any]

#: Entries written by one exact gradient up to which "auto" takes it, and tensors of its network.
EXACT_ENTRIES, EXACT_TENSORS = 2**15, 400


class RBM(RestrictedEstimator):
    """Restricted Boltzmann machine of bits, fitted by maximum likelihood.

    ``H(v, h) = -a.v - b.h - v.W.h`` and ``p(v) = sum_h exp(-H(v, h)) / Z``. Where a layer is small
    Z and its gradient are exact, by contraction; else gradients come from Gibbs chains and Z from
    annealed importance sampling, with its error.

    Parameters
    ----------
    n_hidden : int
        Hidden units.
    learning : {"auto", "exact", "persistent", "tempered", "contrastive"}
        Where the model's side of the gradient comes from: the exact sum; chains that go on from
        step to step (PCD: Tieleman 2008), or these at several temperatures, which finds modes far
        from the data's at `rungs` times the cost; chains that start in the data (CD: Hinton
        2002). "auto" is exact where that takes milliseconds, else persistent.
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
        First rate of steps along a running mean of centred gradients; it falls to zero along a
        line. By default 1 where gradients are exact, else ``min(0.5, 50 /
        sqrt(n_features n_hidden))``.
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
    >>> machine = RBM(n_hidden=2, epochs=400, random_state=0).fit(X)
    >>> bool(machine.score(X) > -0.8)  # ln 2 = 0.69 is the best there is
    True
    """

    checks = SHARED_CHECKS | {"binarize": real(np.isfinite, "finite")}

    def __init__(
        self,
        n_hidden: int = 32,
        *,
        learning: str = "auto",
        steps: int = 1,
        chains: int = 128,
        rungs: int = 10,
        epochs: int = 20,
        batch_size: int = 100,
        learning_rate: float | None = None,
        binarize: float = 0.5,
        progress: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_hidden = n_hidden
        self.learning = learning
        self.steps = steps
        self.chains = chains
        self.rungs = rungs
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.binarize = binarize
        self.progress = progress
        self.random_state = random_state

    def shortcut(self) -> Shortcut:
        """The machine's own way to log Z."""
        found: Shortcut = self._fitted().shortcut()
        return found

    def _read(self, X: npt.ArrayLike, reset: bool = False) -> Array:
        data = validate_data(self, X, reset=reset, dtype=np.float64)
        return np.asarray(data > self.binarize, np.float32)

    def _layers(self, data: Array, generator: np.random.Generator) -> BitLayers:
        layers = BitLayers(data.mean(axis=0), self.n_hidden)
        layers.weights[:] = generator.normal(scale=0.01, size=layers.weights.shape)
        mean = (data.sum(axis=0) + 0.5) / (len(data) + 1)
        layers.visible[:] = np.log(mean / (1 - mean))
        return layers

    def _exact(self, layers: Layers) -> ExactBits | None:
        n, m = layers.weights.shape
        small = 2.0 ** min(n, m) * max(n, m) <= EXACT_ENTRIES and n * m <= EXACT_TENSORS
        return ExactBits(n, m) if small or self.learning == "exact" else None
