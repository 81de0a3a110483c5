"""A matrix product state that classifies: a scikit-learn estimator on the contraction engine."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tnlearn.errors import DataError
from tnlearn.learning.checkpoints import Checkpoint, checkpoint_of
from tnlearn.learning.features import SiteFeatures
from tnlearn.learning.losses import LOSSES
from tnlearn.learning.mps_model import MPSParameters, mps_scores
from tnlearn.learning.settings import Settings
from tnlearn.learning.training import EarlyStopping, Examples, train
from tnlearn.seeds import generator_of

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]

#: Samples scored at once: enough for matrix products, little enough for the cache.
SCORED = 512


class MPSClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier whose scores are a matrix product state applied to local features.

    ``f_l(x) = sum A_1[s_1] A_2[s_2] ... A_c[s_c, l] ... A_N[s_N] psi_1[s_1] ... psi_N[s_N]``:
    one site per feature, a small vector ``psi`` of each feature's value, the label on the middle
    site (Stoudenmire, Schwab 2016, arXiv:1605.05775; trained by gradient as Efthymiou, Hidary,
    Leichenauer 2019, arXiv:1906.06329). Cost of an epoch: O(n_samples n_features d chi^2).

    Parameters
    ----------
    bond_dimension : int
        chi, the size of the bonds between sites.
    feature_map : {"linear", "trigonometric", "polynomial"}
        What spans ``psi``: ``[1, x]``; ``[cos, sin](pi x / 2)``, divided by the sum of the two;
        or the powers of x up to `degree`. x is each feature scaled to [0, 1] over the training
        data and clipped. Data of few features want ``feature_map="polynomial", degree=3``: two
        interleaved half-moons in the plane are told apart with an accuracy of 0.90 by ``[1, x]``,
        which draws hyperbolas, and of 0.98 by cubics.
    degree : int
        Of the polynomial map.
    loss : {"cross_entropy", "squared"}
        Softmax of the scores, or squared distance to the one-hot labels.
    epochs : int, optional
        Passes over the data; by default at least 15, and at least 2,000 steps in all.
    batch_size : int
        Samples a step. What is left over at the end of an epoch waits for another.
    learning_rate : float, optional
        First step of Adam, at most 1, decaying to zero along a cosine; by default
        ``min(0.01, 0.04 / sqrt(n_features))``.
    label_smoothing : float
        Share of the target spread evenly over the classes (cross-entropy only).
    feature_noise : float
        Standard deviation of normal noise added to psi while training, fresh for each batch.
    early_stopping : bool
        Hold out `validation_fraction` of the data and stop when its loss has not fallen for
        `n_iter_no_change` epochs; the best parameters are kept. (Its accuracy often stands still
        for the first epochs.)
    validation_fraction : float
        Between 0 and 1.
    n_iter_no_change : int
        See `early_stopping`.
    backend : str
        Who does the arithmetic.
    progress : bool
        Draw a progress bar if training takes over a second, on a terminal.
    random_state : int, RandomState or None
        Of the initial tensors, the order of samples and the noise.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : array, if `X` had string column names
    tensors_ : list of arrays (float32)
        Site tensors, axes (left bond, feature, [label,] right bond), which read ``psi``.
    feature_low_, feature_high_ : array, shape (n_features,)
        What is scaled to 0 and 1.
    feature_mean_ : array, shape (n_features, d - 1)
        Training means of all components but the first; subtracted in ``psi``.
    n_iter_ : int
        Epochs that were run.
    loss_curve_ : list of float
        Mean training loss of every epoch.
    validation_scores_ : list of float
        Minus the mean loss of the held-out part after every epoch, with `early_stopping`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from tnlearn import MPSClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> MPSClassifier(bond_dimension=4, random_state=0).fit(X, y).score(X, y) > 0.95
    True
    """

    def __init__(
        self,
        bond_dimension: int = 16,
        *,
        feature_map: str = "linear",
        degree: int = 2,
        loss: str = "cross_entropy",
        epochs: int | None = None,
        batch_size: int = 64,
        learning_rate: float | None = None,
        label_smoothing: float = 0.1,
        feature_noise: float = 0.05,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        backend: str = "numpy",
        progress: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.bond_dimension = bond_dimension
        self.feature_map = feature_map
        self.degree = degree
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.feature_noise = feature_noise
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.backend = backend
        self.progress = progress
        self.random_state = random_state

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Train on data.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Finite numbers.
        y : array_like, shape (n_samples,)
            Class of each sample.
        checkpoint : str or os.PathLike, optional
            A file that is replaced after every epoch, and gone on from if it is there; see
            `tnlearn.RBM`.

        Raises
        ------
        ModelError
            If a parameter is out of range, training diverges, or the checkpoint is of other
            parameters or data.
        FormatError
            If the checkpoint is damaged.
        DataTypeError
            If a parameter is of a wrong type.
        DataError
            If `validation_fraction` leaves no sample to train on.
        """
        settings = Settings.checked(self.get_params())
        data, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        # One number from the caller's state seeds everything: RandomState draws no float32.
        seed = settings.random_state.randint(2**31 - 1)
        generator = generator_of(seed)
        targets = LOSSES[settings.loss].targets(labels, len(classes), settings.label_smoothing)
        held_out = None
        if settings.early_stopping:
            (data, targets), held_out = _split(data, targets, settings, seed)
        features = SiteFeatures.fit(data, settings.feature_map, settings.degree)
        psi = features(data, "float32")
        parameters = MPSParameters.random(psi, settings.bond_dimension, len(classes), generator)
        stopping = held_out and _stopping(parameters, features, held_out, settings)
        place = None if checkpoint is None else self._checkpoint(checkpoint, settings, data, labels)
        run = train(parameters, Examples(psi, targets), settings, generator, stopping, place)
        self.classes_, self.tensors_ = classes, parameters.tensors
        self.feature_low_, self.feature_high_ = features.low, features.high
        self.feature_mean_ = features.mean
        self.n_iter_, self.loss_curve_ = len(run.losses), run.losses
        self.validation_scores_ = run.scores
        return self

    def decision_function(self, X: npt.ArrayLike) -> Array:
        """The scores f, shape (n_samples, n_classes); their difference if there are two."""
        scores, _ = self._scored(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Probabilities of the classes, shape (n_samples, n_classes)."""
        scores, settings = self._scored(X)
        return LOSSES[settings.loss].probabilities(scores)

    def predict(self, X: npt.ArrayLike) -> Array:
        """The most probable class of each sample, shape (n_samples,)."""
        scores, _ = self._scored(X)
        return np.asarray(self.classes_[scores.argmax(axis=1)])

    def _checkpoint(
        self, path: str | os.PathLike[str], settings: Settings, data: Array, labels: Array
    ) -> Checkpoint:
        """The checkpoint of a run with these settings and data, at which it may not be at odds."""
        run = {name: getattr(settings, name) for name in self.get_params()}
        return checkpoint_of(self, path, run, data, labels)

    def _scored(self, X: npt.ArrayLike) -> tuple[Array, Settings]:
        check_is_fitted(self, "tensors_")
        settings = Settings.checked(self.get_params())
        data = validate_data(self, X, reset=False, dtype=np.float64)
        features = SiteFeatures(
            settings.feature_map,
            settings.degree,
            self.feature_low_,
            self.feature_high_,
            self.feature_mean_,
        )
        return _scores(self.tensors_, features, data, settings.backend), settings


def _scores(tensors: list[Array], features: SiteFeatures, data: Array, backend: str) -> Array:
    """Scores of data, shape (n_samples, n_classes)."""
    blocks = range(0, len(data), SCORED)
    parts = [mps_scores(tensors, features(data[k : k + SCORED]), backend) for k in blocks]
    return np.concatenate(parts)


def _split(data: Array, targets: Array, settings: Settings, seed: int) -> tuple[Pair, Pair]:
    """Data and targets to train on, and those held out."""
    fraction = settings.validation_fraction
    try:
        parts = train_test_split(data, targets, test_size=fraction, random_state=seed)
    except ValueError:
        raise DataError(
            f"validation_fraction={fraction} of {len(data)} samples leaves none to train on"
        ) from None
    return (parts[0], parts[2]), (parts[1], parts[3])


def _stopping(
    parameters: MPSParameters, features: SiteFeatures, held_out: Pair, settings: Settings
) -> EarlyStopping:
    """Early stopping on the loss of data held out."""
    data, targets = held_out
    loss = LOSSES[settings.loss].value_and_gradient

    def score() -> float:
        scores = _scores(parameters.tensors, features, data, settings.backend)
        return -loss(scores, targets)[0]

    return EarlyStopping(score, settings.n_iter_no_change)
