"""The classifier as scikit-learn knows it: its own checks, messages, and what fit promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import has_fit_parameter

from tnlearn import MPSClassifier, TnlearnError
from tnlearn.learning.features import FEATURE_MAPS
from tnlearn.learning.losses import LOSSES

Array: TypeAlias = np.ndarray[Any, Any]

#: Enough to learn what the checks ask for.
QUICK: dict[str, Any] = {
    "bond_dimension": 2,
    "epochs": 20,
    "batch_size": 16,
    "learning_rate": 0.03,
    "random_state": 0,
}
CONFIGURATIONS = [
    *({"loss": loss, "feature_map": name} for loss in LOSSES for name in FEATURE_MAPS),
    {"early_stopping": True},
]
#: Checks of scikit-learn that do not run here, and why.
SKIPPED = {
    "check_array_api_input": "SCIPY_ARRAY_API is not set: not checking array_api input",
}
#: How many checks scikit-learn 1.6 has for a classifier; later versions have more.
LEAST_CHECKS = 50


@pytest.fixture(scope="module")
def iris() -> tuple[Array, Array]:
    x, y = load_iris(return_X_y=True)
    return x, y


@pytest.fixture(scope="module")
def fitted(iris: tuple[Array, Array]) -> MPSClassifier:
    return MPSClassifier(**QUICK).fit(*iris)


@pytest.mark.parametrize("parameters", CONFIGURATIONS, ids=str)
def test_every_check_of_scikit_learn_passes(parameters: dict[str, Any]) -> None:
    estimator = MPSClassifier(**QUICK, **parameters)
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    wrong = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert wrong == {}
    skipped = {r["check_name"]: str(r["exception"]) for r in results if r["status"] == "skipped"}
    assert skipped == SKIPPED
    assert {r["status"] for r in results} == {"passed", "skipped"}
    assert not any(r["expected_to_fail"] for r in results)
    assert len(results) >= LEAST_CHECKS


def test_nothing_is_skipped_where_scipy_knows_the_array_api() -> None:
    program = (
        "import json; from sklearn.utils.estimator_checks import check_estimator; "
        f"from tnlearn import MPSClassifier; estimator = MPSClassifier(**{QUICK!r}); "
        "results = check_estimator(estimator, on_skip=None, on_fail=None); "
        "print(json.dumps(sorted({r['status'] for r in results})))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(found.stdout) == ["passed"]


DATA_ERRORS: list[tuple[Callable[[Array, Array], tuple[Any, Any]], str]] = [
    (lambda x, y: (x, None), "requires y to be passed, but the target y is None"),
    (lambda x, y: (np.where(x > 7, np.nan, x), y), "contains NaN"),
    (lambda x, y: (np.where(x > 7, np.inf, x), y), "contains infinity"),
    (lambda x, y: (x, y[:-1]), "inconsistent numbers of samples"),
    (lambda x, y: (x[0], y), "Expected 2D array, got 1D array"),
    (lambda x, y: (x * 1j, y), "Complex data not supported"),
    (lambda x, y: (x, y + 0.5), "Unknown label type: continuous"),
    (lambda x, y: (x.astype(str) + "a", y), "could not convert string to float"),
    (lambda x, y: (x[:0], y[:0]), "0 sample"),
]


@pytest.mark.parametrize(("change", "message"), DATA_ERRORS)
def test_data_that_cannot_be_learnt_from(
    iris: tuple[Array, Array], change: Callable[[Array, Array], tuple[Any, Any]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        MPSClassifier(**QUICK).fit(*change(*iris))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_data_that_cannot_be_predicted(
    fitted: MPSClassifier, iris: tuple[Array, Array], method: str
) -> None:
    x, _ = iris
    with pytest.raises(ValueError, match="X has 5 features, but MPSClassifier is expecting 4"):
        getattr(fitted, method)(np.hstack([x, x[:, :1]]))
    with pytest.raises(ValueError, match="contains NaN"):
        getattr(fitted, method)(np.where(x > 7, np.nan, x))
    with pytest.raises(NotFittedError, match="This MPSClassifier instance is not fitted yet"):
        getattr(MPSClassifier(), method)(x)


def test_a_failed_fit_is_no_fit(iris: tuple[Array, Array]) -> None:
    model = MPSClassifier(validation_fraction=0.999, early_stopping=True)
    with pytest.raises(TnlearnError, match="leaves none to train on"):
        model.fit(*iris)
    with pytest.raises(NotFittedError):
        model.predict(iris[0])


def test_sample_weights_are_not_claimed() -> None:
    assert not has_fit_parameter(MPSClassifier(), "sample_weight")


def test_same_seed_same_bits(iris: tuple[Array, Array], fitted: MPSClassifier) -> None:
    again = clone(fitted).fit(*iris)
    assert all(np.array_equal(a, b) for a, b in zip(fitted.tensors_, again.tensors_, strict=True))
    assert np.array_equal(fitted.decision_function(iris[0]), again.decision_function(iris[0]))
    assert fitted.loss_curve_ == again.loss_curve_


def test_same_bits_in_every_process(fitted: MPSClassifier) -> None:
    program = (
        "from sklearn.datasets import load_iris; from tnlearn import MPSClassifier; "
        f"model = MPSClassifier(**{QUICK!r}).fit(*load_iris(return_X_y=True)); "
        "print(*(t.tobytes().hex() for t in model.tensors_))"
    )
    for seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.split() == [t.tobytes().hex() for t in fitted.tensors_]


def test_seeds_differ_and_none_is_random(iris: tuple[Array, Array]) -> None:
    quick = {**QUICK, "epochs": 1}
    states = [0, 1, None, None, np.random.RandomState(5)]
    models = [MPSClassifier(**{**quick, "random_state": s}).fit(*iris) for s in states]
    assert len({model.tensors_[1].tobytes() for model in models}) == len(states)


def test_a_random_state_object_is_drawn_from_once(iris: tuple[Array, Array]) -> None:
    state = np.random.RandomState(0)
    model = MPSClassifier(**{**QUICK, "random_state": state}).fit(*iris)
    model.predict(iris[0])
    expected = np.random.RandomState(0)
    expected.randint(2**31 - 1)
    assert state.randint(2**31 - 1) == expected.randint(2**31 - 1)


def test_global_random_state_is_left_alone(iris: tuple[Array, Array]) -> None:
    before = str(np.random.get_state())  # noqa: NPY002
    MPSClassifier(**QUICK).fit(*iris)
    assert str(np.random.get_state()) == before  # noqa: NPY002


def test_inputs_are_never_modified(iris: tuple[Array, Array]) -> None:
    x, y = (part.copy() for part in iris)
    for part in (x, y):
        part.flags.writeable = False
    model = MPSClassifier(**QUICK, early_stopping=True).fit(x, y)
    model.predict_proba(x)
    assert np.array_equal(x, iris[0])
    assert np.array_equal(y, iris[1])


def test_predictions_do_not_depend_on_what_else_is_asked(fitted: MPSClassifier) -> None:
    x = np.random.default_rng(0).uniform(0, 8, size=(1025, 4))
    scores = fitted.decision_function(x)
    assert np.allclose(scores[::-1], fitted.decision_function(x[::-1]), rtol=1e-12, atol=1e-13)
    for k in (0, 511, 512, 1024):
        one = fitted.decision_function(x[k : k + 1])[0]
        assert np.allclose(scores[k], one, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "names",
    [["b", "c", "a"], [7, -3, 2], [2.0, 1.0, 0.0], np.array(["z", "ü", ""], dtype=object)],
    ids=str,
)
def test_labels_may_be_anything_in_any_order(
    iris: tuple[Array, Array], fitted: MPSClassifier, names: Any
) -> None:
    x, y = iris
    order = np.argsort(np.asarray(names))
    numbers = np.argsort(order)[y]
    model = MPSClassifier(**QUICK).fit(x, np.asarray(names)[y])
    reference = MPSClassifier(**QUICK).fit(x, numbers)
    assert list(model.classes_) == sorted(names)
    assert list(model.predict(x)) == list(np.asarray(names)[order][reference.predict(x)])
    assert np.array_equal(model.predict_proba(x), reference.predict_proba(x))
    assert model.score(x, np.asarray(names)[y]) > 0.9


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_two_classes(loss: str) -> None:
    x, y = make_moons(100, noise=0.1, random_state=0)
    model = MPSClassifier(**QUICK, loss=loss).fit(x, y == 1)
    scores, probabilities = model.decision_function(x), model.predict_proba(x)
    assert model.classes_.dtype == bool
    assert scores.shape == (100,)
    assert probabilities.shape == (100, 2)
    assert np.array_equal(model.predict(x), scores > 0)
    assert np.array_equal(model.predict(x), probabilities[:, 1] > probabilities[:, 0])
    assert np.array_equal(np.argsort(scores, kind="stable"), np.lexsort([scores]))
    assert np.all(np.diff(probabilities[np.argsort(scores), 1]) > -1e-12)


def test_one_class() -> None:
    model = MPSClassifier(**QUICK).fit(np.eye(4), ["only"] * 4)
    assert list(model.predict(np.eye(4))) == ["only"] * 4
    assert np.array_equal(model.predict_proba(np.eye(4)), np.ones((4, 1)))


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_probabilities(iris: tuple[Array, Array], loss: str) -> None:
    x, _ = iris
    model = MPSClassifier(**QUICK, loss=loss).fit(*iris)
    scores, probabilities = model.decision_function(x), model.predict_proba(x)
    assert scores.shape == probabilities.shape == (150, 3)
    assert np.all(probabilities >= 0)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-14)
    order = np.argsort(scores, axis=1)
    assert np.all(np.diff(np.take_along_axis(probabilities, order, axis=1), axis=1) >= 0)
    assert np.array_equal(model.predict(x), model.classes_[probabilities.argmax(axis=1)])


def test_in_a_pipeline_and_a_grid_search(iris: tuple[Array, Array]) -> None:
    pipeline = make_pipeline(StandardScaler(), MPSClassifier(**QUICK))
    grid = {"mpsclassifier__bond_dimension": [1, 3]}
    assert GridSearchCV(pipeline, grid, cv=3).fit(*iris).best_score_ > 0.9


def test_few_features_want_a_polynomial() -> None:
    """What the docstring says of half-moons."""
    x, y = make_moons(400, noise=0.1, random_state=0)
    linear = MPSClassifier(random_state=0).fit(x[:300], y[:300])
    cubic = MPSClassifier(feature_map="polynomial", degree=3, random_state=0).fit(x[:300], y[:300])
    assert linear.score(x[300:], y[300:]) < 0.95
    assert cubic.score(x[300:], y[300:]) > 0.97
