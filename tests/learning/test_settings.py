"""Parameters of the classifier: what is refused, with which words, before any work is done."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest
from sklearn.datasets import load_iris

from tnlearn import MPSClassifier
from tnlearn.errors import BackendError, DataTypeError, ModelError

Array: TypeAlias = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def iris() -> tuple[Array, Array]:
    x, y = load_iris(return_X_y=True)
    return x, y


WRONG_TYPE = [
    ("bond_dimension", "x", "bond_dimension='x' must be a whole number, not str"),
    ("bond_dimension", 2.5, "bond_dimension=2.5 must be a whole number, not float"),
    ("bond_dimension", 2.0, "bond_dimension=2.0 must be a whole number, not float"),
    ("bond_dimension", True, "bond_dimension=True must be a whole number, not bool"),
    ("bond_dimension", None, "bond_dimension=None must be a whole number, not NoneType"),
    ("degree", "3", "degree='3' must be a whole number, not str"),
    ("epochs", 1.5, "epochs=1.5 must be a whole number, not float"),
    ("batch_size", [64], "batch_size=[64] must be a whole number, not list"),
    ("n_iter_no_change", np.float64(3), "must be a whole number, not float64"),
    ("learning_rate", "0.1", "learning_rate='0.1' must be a number, not str"),
    ("learning_rate", 1j, "learning_rate=1j must be a number, not complex"),
    ("label_smoothing", None, "label_smoothing=None must be a number, not NoneType"),
    ("feature_noise", False, "feature_noise=False must be a number, not bool"),
    ("validation_fraction", [0.1], "validation_fraction=[0.1] must be a number, not list"),
    ("feature_map", np.cos, "must be a name, not ufunc"),
    ("loss", ["squared"], "loss=['squared'] must be a name, not list"),
    ("backend", None, "backend=None must be a name, not NoneType"),
    ("early_stopping", 1, "early_stopping=1 must be True or False, not int"),
    ("progress", "no", "progress='no' must be True or False, not str"),
]
OUT_OF_RANGE = [
    ("bond_dimension", 0, "bond_dimension=0 must be at least 1"),
    ("degree", 0, "degree=0 must be at least 1"),
    ("epochs", 0, "epochs=0 must be at least 1"),
    ("batch_size", -1, "batch_size=-1 must be at least 1"),
    ("n_iter_no_change", 0, "n_iter_no_change=0 must be at least 1"),
    ("learning_rate", 0, "learning_rate=0 must be above 0 and at most 1"),
    ("learning_rate", -0.1, "learning_rate=-0.1 must be above 0 and at most 1"),
    ("learning_rate", float("nan"), "learning_rate=nan must be above 0 and at most 1"),
    ("learning_rate", float("inf"), "learning_rate=inf must be above 0 and at most 1"),
    ("label_smoothing", 1, "label_smoothing=1 must be in [0, 1)"),
    ("label_smoothing", -0.1, "label_smoothing=-0.1 must be in [0, 1)"),
    ("feature_noise", -0.1, "feature_noise=-0.1 must be a finite number, not negative"),
    ("feature_noise", float("inf"), "feature_noise=inf must be a finite number, not negative"),
    ("validation_fraction", 0, "validation_fraction=0 must be between 0 and 1, neither included"),
    ("validation_fraction", 1.0, "validation_fraction=1.0 must be between 0 and 1"),
    (
        "feature_map",
        "cubic",
        "feature_map='cubic' is unknown: give one of ['linear', 'polynomial', 'trigonometric']",
    ),
    ("loss", "hinge", "loss='hinge' is unknown: give one of ['cross_entropy', 'squared']"),
    ("random_state", "x", "random_state='x' must be a whole number from 0 to 2**32 - 1, a"),
    ("random_state", -1, "random_state=-1 must be a whole number from 0 to 2**32 - 1, a"),
    ("random_state", 1.5, "random_state=1.5 must be a whole number from 0 to 2**32 - 1, a"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG_TYPE)
def test_a_parameter_of_a_wrong_type(
    iris: tuple[Array, Array], name: str, value: Any, message: str
) -> None:
    with pytest.raises(DataTypeError) as caught:
        MPSClassifier(**{name: value}).fit(*iris)
    assert message in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(("name", "value", "message"), OUT_OF_RANGE)
def test_a_parameter_out_of_range(
    iris: tuple[Array, Array], name: str, value: Any, message: str
) -> None:
    with pytest.raises(ModelError) as caught:
        MPSClassifier(**{name: value}).fit(*iris)
    assert message in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_an_unknown_backend(iris: tuple[Array, Array]) -> None:
    with pytest.raises(BackendError, match=r"'abacus'; installed: .*numpy"):
        MPSClassifier(backend="abacus").fit(*iris)


def test_parameters_are_looked_at_before_the_data() -> None:
    for parameters in ({"backend": "abacus"}, {"bond_dimension": 0}):
        with pytest.raises((BackendError, ModelError)):
            MPSClassifier(**parameters).fit([[np.nan]], [0])


def test_defaults() -> None:
    """They are part of the promise: what a user gets who gives nothing."""
    assert MPSClassifier().get_params() == {
        "bond_dimension": 16,
        "feature_map": "linear",
        "degree": 2,
        "loss": "cross_entropy",
        "epochs": None,
        "batch_size": 64,
        "learning_rate": None,
        "label_smoothing": 0.1,
        "feature_noise": 0.05,
        "early_stopping": False,
        "validation_fraction": 0.1,
        "n_iter_no_change": 10,
        "backend": "numpy",
        "progress": False,
        "random_state": None,
    }


def test_every_parameter_is_checked() -> None:
    names = {name for name, _, _ in (*WRONG_TYPE, *OUT_OF_RANGE)}
    assert names == set(MPSClassifier().get_params())


def test_numpy_numbers_are_numbers(iris: tuple[Array, Array]) -> None:
    parameters = {
        "bond_dimension": np.int64(2),
        "epochs": np.uint8(2),
        "learning_rate": np.float32(0.01),
        "feature_noise": 0,
        "early_stopping": np.True_,
        "random_state": np.int32(3),
    }
    assert MPSClassifier(**parameters).fit(*iris).n_iter_ == 2


def test_parameters_changed_after_fit_are_checked(iris: tuple[Array, Array]) -> None:
    model = MPSClassifier(2, epochs=2, random_state=0).fit(*iris)
    model.set_params(loss="hinge")
    with pytest.raises(ModelError, match="loss='hinge' is unknown"):
        model.predict_proba(iris[0])
