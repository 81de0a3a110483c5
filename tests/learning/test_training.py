"""Training: Adam by the book, batches, early stopping, progress, and numbers that get too large."""

from __future__ import annotations

import io
import sys
from typing import Any, TypeAlias

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

from tnlearn import MPSClassifier, TnlearnError
from tnlearn.learning import training
from tnlearn.learning.adam import Adam
from tnlearn.learning.mps_model import MPSParameters, site_shapes
from tnlearn.learning.mps_run import Run
from tnlearn.learning.training import EarlyStopping, Examples

Array: TypeAlias = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def iris() -> tuple[Array, Array]:
    x, y = load_iris(return_X_y=True)
    return x, y


def by_the_book(start: Array, gradients: Array, rate: float, clip: float) -> Array:
    """Algorithm 1 of Kingma, Ba 2014, on clipped gradients, with a cosine schedule."""
    theta, m, v = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for t, gradient in enumerate(gradients, 1):
        g = gradient * min(1, clip / max(np.linalg.norm(gradient), 1e-300))
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        alpha = rate / 2 * (1 + np.cos(np.pi * (t - 1) / len(gradients)))
        theta = theta - alpha * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return theta


@pytest.mark.parametrize("clip", [0.5, 1.0, 1e3])
def test_adam_by_the_book(clip: float) -> None:
    generator = np.random.default_rng(0)
    start = generator.normal(size=6)
    gradients = generator.normal(size=(20, 6)) * generator.random((20, 1))
    parameters = start.copy()
    adam = Adam(parameters, 0.1, 20, clip)
    for gradient in gradients:
        adam.step(gradient.copy())
    assert np.allclose(parameters, by_the_book(start, gradients, 0.1, clip), rtol=1e-12)


def test_first_and_last_step_of_the_cosine() -> None:
    """A constant gradient moves every parameter by the rate of each step."""
    parameters = np.zeros(3)
    adam = Adam(parameters, 0.1, 100, clip=np.inf)
    places = [parameters.copy()]
    for _ in range(100):
        adam.step(np.array([1.0, -1.0, 0.0]))
        places.append(parameters.copy())
    moves = np.diff(places, axis=0)
    assert np.allclose(moves[0], [-0.1, 0.1, 0])
    assert np.allclose(moves[50], [-0.05, 0.05, 0])
    assert 0 < moves[99, 1] < 1e-4


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e37])
def test_gradients_at_the_ends_of_float32(size: float) -> None:
    parameters = np.zeros(1000, np.float32)
    adam = Adam(parameters, 0.1, 10)
    adam.step(np.full(1000, size, np.float32))
    assert np.allclose(parameters, -0.1 if size > 1 else 0, rtol=1e-3)


def examples(count: int = 70) -> Examples:
    """Sample k holds the number k in both features and targets."""
    numbers = np.arange(count, dtype=np.float32)
    features = np.ones((3, count, 2), np.float32)
    features[..., 1] = numbers
    return Examples(features, np.repeat(numbers[:, None], 4, axis=1))


def test_an_epoch_sees_every_sample_once_but_for_the_rest() -> None:
    batches = list(examples().batches(32, 0, np.random.default_rng(0)))
    assert [b.shape for b, _ in batches] == [(3, 32, 2)] * 2
    seen = np.concatenate([targets[:, 0] for _, targets in batches])
    assert len(set(seen)) == 64
    assert not np.array_equal(seen, np.sort(seen))
    for features, targets in batches:
        assert np.all(features[..., 1] == targets[:, 0])


def test_epochs_differ_in_order_and_in_what_is_left_out() -> None:
    generator = np.random.default_rng(0)
    some = examples()
    epochs = [np.concatenate([t[:, 0] for _, t in some.batches(32, 0, generator)]) for _ in "ab"]
    assert set(epochs[0]) != set(epochs[1])


def test_noise_is_fresh_normal_and_spares_the_one() -> None:
    generator = np.random.default_rng(0)
    some = examples(4000)
    before = some.features.copy()
    rounds = []
    for _ in range(2):
        [(features, targets)] = some.batches(4000, 0.5, generator)
        assert np.all(features[..., 0] == 1)
        rounds.append(features[..., 1] - targets[:, 0])
    assert np.array_equal(some.features, before)
    for noise in rounds:
        assert noise.std() == pytest.approx(0.5, rel=0.05)
        assert abs(noise.mean()) < 0.02
    assert abs(np.mean(rounds[0] * rounds[1])) < 0.02


def test_early_stopping_waits_and_remembers_the_best() -> None:
    given = iter([0.5, 0.7, 0.6, 0.7, 0.65, 0.9])
    stopping = EarlyStopping(lambda: next(given), patience=3)
    parameters = MPSParameters(site_shapes(2, 2, 2, 2), 0.01, np.random.default_rng(0))
    run = Run(parameters, Adam(parameters.vector, 0.1, 5), np.random.default_rng(0))
    over = []
    for epoch in range(5):
        parameters.vector[:] = epoch
        stopping.judge(run)
        over.append(run.over)
    assert over == [False, False, False, False, True]
    assert run.scores == [0.5, 0.7, 0.6, 0.7, 0.65]
    assert np.all(run.best == 1)


def test_early_stopping_of_a_classifier(iris: tuple[Array, Array]) -> None:
    """It stops before the last epoch, with the parameters of the best."""
    model = MPSClassifier(
        4,
        loss="squared",
        epochs=60,
        learning_rate=0.1,
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=4,
        random_state=1,
    ).fit(*iris)
    scores = model.validation_scores_
    assert len(scores) == len(model.loss_curve_) == model.n_iter_ < 60
    assert 5 < np.argmax(scores) == len(scores) - 5
    assert scores[-1] < max(scores)
    seed = np.random.RandomState(1).randint(2**31 - 1)
    _, held, _, labels = train_test_split(*iris, test_size=0.3, random_state=seed)
    residuals = model.decision_function(held) - np.eye(3)[labels]
    assert (residuals**2).sum(axis=1).mean() / 2 == pytest.approx(-max(scores), rel=1e-12)


def test_without_early_stopping_all_epochs_are_run(iris: tuple[Array, Array]) -> None:
    model = MPSClassifier(2, epochs=3, random_state=0).fit(*iris)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    assert model.validation_scores_ == []


def test_too_few_samples_to_hold_some_out() -> None:
    model = MPSClassifier(early_stopping=True, validation_fraction=0.9)
    with pytest.raises(TnlearnError, match=r"validation_fraction=0.9 of 3 samples leaves none"):
        model.fit(np.eye(3), [0, 1, 2])


@pytest.mark.parametrize(("samples", "epochs"), [(150, 11), (40, 21), (3, 21)])
def test_default_number_of_epochs(
    monkeypatch: pytest.MonkeyPatch, iris: tuple[Array, Array], samples: int, epochs: int
) -> None:
    """At least 15 (here 8) epochs, and at least 2,000 (here 21) steps."""
    monkeypatch.setattr(training, "LEAST_EPOCHS", 8)
    monkeypatch.setattr(training, "LEAST_STEPS", 21)
    x, y = (part[:samples] for part in iris)
    assert MPSClassifier(2, random_state=0).fit(x, y).n_iter_ == epochs
    monkeypatch.setattr(training, "LEAST_STEPS", 2)
    assert MPSClassifier(2, random_state=0).fit(x, y).n_iter_ == 8


def test_diverging_training_says_what_to_do() -> None:
    x = np.round(np.random.default_rng(0).random((64, 300)))
    model = MPSClassifier(8, learning_rate=1.0, epochs=3, random_state=0)
    with pytest.raises(TnlearnError, match=r"diverged in epoch 2.*learning_rate below 1$"):
        model.fit(x, np.arange(64) % 3)
    assert not hasattr(model, "tensors_")


def test_early_stopping_does_not_stop_before_it_starts(iris: tuple[Array, Array]) -> None:
    """At one small step an epoch, more epochs than it waits for pass until accuracy rises."""
    model = MPSClassifier(4, early_stopping=True, random_state=0).fit(*iris)
    assert model.n_iter_ > 30
    assert model.score(*iris) > 0.85


class Terminal(io.StringIO):
    """What a bar is drawn on."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("progress", "file"), [(True, Terminal), (True, io.StringIO), (False, Terminal)]
)
def test_progress_is_drawn_on_terminals_only(
    monkeypatch: pytest.MonkeyPatch,
    iris: tuple[Array, Array],
    progress: bool,
    file: type[io.StringIO],
) -> None:
    drawn = file()
    monkeypatch.setattr(sys, "stderr", drawn)
    monkeypatch.setattr("tnlearn.progress.DELAY", 0)
    MPSClassifier(2, epochs=4, progress=progress, random_state=0).fit(*iris)
    text = drawn.getvalue()
    assert ("training" in text and "loss=" in text) == (progress and drawn.isatty())
    assert text == "" or drawn.isatty()
