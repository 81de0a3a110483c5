"""A matrix product state that classifies: a scikit-learn estimator on the contraction engine."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from tqdm import tqdm

from tnlearn.errors import ModelError
from tnlearn.execution import Program, compile
from tnlearn.learning.adam import Adam
from tnlearn.learning.features import SiteFeatures
from tnlearn.learning.losses import LOSSES
from tnlearn.learning.mps_model import (
    BATCH,
    MPSParameters,
    feature_names,
    mps_network,
    site_shapes,
)

Array = npt.NDArray[Any]

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
        ``[1, x]``, ``[cos, sin](pi x / 2)``, or powers up to `degree`; x is each feature scaled
        to [0, 1] over the training data and clipped.
    degree : int
        Of the polynomial map.
    loss : {"cross_entropy", "squared"}
        Softmax of the scores, or squared distance to the one-hot labels.
    epochs : int, optional
        Passes over the data; by default at least 15, and at least 2,000 steps in all.
    batch_size : int
        Samples a step. What is left over at the end of an epoch waits for another.
    learning_rate : float, optional
        First step of Adam, decaying to zero along a cosine; by default
        ``min(0.01, 0.04 / sqrt(n_features))``.
    label_smoothing : float
        Share of the target spread evenly over the classes (cross-entropy only).
    feature_noise : float
        Standard deviation of normal noise added to psi while training, fresh for each batch.
    early_stopping : bool
        Hold out `validation_fraction` of the data and stop when its accuracy has not risen for
        `n_iter_no_change` epochs; the best parameters are kept.
    validation_fraction : float
    n_iter_no_change : int
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
    feature_gauge_ : array, shape (n_features, d, d)
        ``psi = gauge @ phi``; see `tnlearn.learning.features.SiteFeatures`.
    n_iter_ : int
        Epochs that were run.
    loss_curve_ : list of float
        Mean training loss of every epoch.
    validation_scores_ : list of float
        Accuracy on the held-out part, with `early_stopping`.

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

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Train on data.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Finite numbers.
        y : array_like, shape (n_samples,)
            Class of each sample.

        Raises
        ------
        ModelError
            If a parameter is out of range.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self._check_parameters()
        # One number from the caller's state seeds everything: RandomState draws no float32.
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        generator = np.random.default_rng(seed)
        self.classes_, labels = np.unique(y, return_inverse=True)
        held_out = None
        if self.early_stopping:
            X, X_held, labels, labels_held = train_test_split(
                X, labels, test_size=self.validation_fraction, random_state=seed
            )
            held_out = (X_held, labels_held)
        features = SiteFeatures.fit(X, self.feature_map, self.degree)
        self.feature_low_, self.feature_high_ = features.low, features.high
        self.feature_gauge_ = features.gauge
        self._train(features(X).astype(np.float32), labels, held_out, generator)
        return self

    def decision_function(self, X: npt.ArrayLike) -> Array:
        """The scores f, shape (n_samples, n_classes); their difference if there are two."""
        scores = self._checked_scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """Probabilities of the classes, shape (n_samples, n_classes)."""
        return LOSSES[self.loss].probabilities(self._checked_scores(X))

    def predict(self, X: npt.ArrayLike) -> Array:
        """The most probable class of each sample."""
        return np.asarray(self.classes_[self._checked_scores(X).argmax(axis=1)])

    def _checked_scores(self, X: npt.ArrayLike) -> Array:
        check_is_fitted(self)
        return self._scores(validate_data(self, X, reset=False, dtype=np.float64))

    def _scores(self, X: Array) -> Array:
        """Scores in float64, so that they do not depend on how samples are batched."""
        features = SiteFeatures(
            self.feature_map,
            self.degree,
            self.feature_low_,
            self.feature_high_,
            self.feature_gauge_,
        )(X)
        tensors = [tensor.astype(np.float64) for tensor in self.tensors_]
        program = compile(mps_network(tensors, features[:, :1]), batch=BATCH, backend=self.backend)
        parts = [
            program([*tensors, *features[:, start : start + SCORED]])
            for start in range(0, len(X), SCORED)
        ]
        return np.concatenate(parts)

    def _train(
        self,
        features: Array,
        labels: Array,
        held_out: tuple[Array, Array] | None,
        generator: np.random.Generator,
    ) -> None:
        sites, samples, d = features.shape
        shapes = site_shapes(sites, d, self.bond_dimension, len(self.classes_))
        parameters = MPSParameters(shapes, 0.01, generator)
        self.tensors_ = parameters.tensors
        program = compile(
            mps_network(parameters.tensors, features[:, :1]),
            batch=BATCH,
            constants=feature_names(sites),
            backend=self.backend,
        )
        size = min(self.batch_size, samples)
        epochs = self.epochs or max(15, -(-2000 // (samples // size)))
        rate = self.learning_rate or min(0.01, 0.04 / np.sqrt(sites))
        adam = Adam(parameters.vector, rate, epochs * (samples // size))
        targets = self._targets(labels)
        self.loss_curve_: list[float] = []
        self.validation_scores_: list[float] = []
        best = parameters.vector.copy()
        bar = tqdm(range(epochs), "training", delay=1, disable=None if self.progress else True)
        for _ in bar:
            loss = self._epoch(program, parameters, adam, features, targets, size, generator)
            self.loss_curve_.append(loss)
            bar.set_postfix(loss=f"{loss:.4f}")
            if held_out is not None:
                score = float((self._scores(held_out[0]).argmax(axis=1) == held_out[1]).mean())
                if score > max(self.validation_scores_, default=-1.0):
                    best[:] = parameters.vector
                self.validation_scores_.append(score)
                if len(self.validation_scores_) - int(np.argmax(self.validation_scores_)) > (
                    self.n_iter_no_change
                ):
                    break
        if held_out is not None:
            parameters.vector[:] = best
            parameters.spread()
        self.n_iter_ = len(self.loss_curve_)

    def _epoch(
        self,
        program: Program,
        parameters: MPSParameters,
        adam: Adam,
        features: Array,
        targets: Array,
        size: int,
        generator: np.random.Generator,
    ) -> float:
        loss = LOSSES[self.loss]
        gradient = np.empty_like(parameters.vector)
        losses: list[float] = []
        order = generator.permutation(features.shape[1])
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            batch = features[:, chosen]
            if self.feature_noise:
                noise = generator.standard_normal(batch[..., 1:].shape, dtype=np.float32)
                batch[..., 1:] += np.float32(self.feature_noise) * noise

            def cotangent(scores: Array, wanted: Array = targets[chosen]) -> Array:
                value, slope = loss.value_and_gradient(scores, wanted)
                losses.append(value)
                return slope

            _, packed = program.value_and_gradient([*parameters.tensors, *batch], cotangent)
            arrays = program.unpack(packed)[: len(parameters.tensors)]
            parameters.gather(arrays, gradient)
            adam.step(gradient)
            parameters.spread()
        return float(np.mean(losses))

    def _targets(self, labels: Array) -> Array:
        count = len(self.classes_)
        targets = np.eye(count, dtype=np.float32)[labels]
        if LOSSES[self.loss].smooths:
            targets = (1 - self.label_smoothing) * targets + self.label_smoothing / count
        return targets.astype(np.float32)

    def _check_parameters(self) -> None:
        if self.loss not in LOSSES:
            raise ModelError(f"loss={self.loss!r} is unknown: give one of {sorted(LOSSES)}")
        for name in ("bond_dimension", "batch_size", "n_iter_no_change"):
            if getattr(self, name) < 1:
                raise ModelError(f"{name}={getattr(self, name)} must be at least 1")
        if self.epochs is not None and self.epochs < 1:
            raise ModelError(f"epochs={self.epochs} must be at least 1, or None for the default")
        if not 0 <= self.label_smoothing < 1:
            raise ModelError(f"label_smoothing={self.label_smoothing} must be in [0, 1)")
        if self.feature_noise < 0:
            raise ModelError(f"feature_noise={self.feature_noise} must not be negative")
