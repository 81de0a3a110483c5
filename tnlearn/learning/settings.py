"""The parameters of the classifier, checked: wrong ones are refused before any work is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from tnlearn import arguments
from tnlearn.backend import get_backend
from tnlearn.errors import DataTypeError, ModelError
from tnlearn.learning.features import FEATURE_MAPS
from tnlearn.learning.losses import LOSSES

#: Takes the name and value of a parameter, and returns the value or raises.
Check = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Settings:
    """The parameters of `tnlearn.MPSClassifier`, which says what they mean, in their types."""

    bond_dimension: int
    feature_map: str
    degree: int
    loss: str
    epochs: int | None
    batch_size: int
    learning_rate: float | None
    label_smoothing: float
    feature_noise: float
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    backend: str
    progress: bool
    random_state: np.random.RandomState

    @classmethod
    def checked(cls, parameters: Mapping[str, Any]) -> Settings:
        """The parameters of an estimator, each of a type and in a range that make sense.

        Raises
        ------
        DataTypeError
            If a parameter is of a wrong type.
        ModelError
            If it is out of range, or a name that is unknown.
        """
        return cls(**{name: CHECKS[name](name, value) for name, value in parameters.items()})


def whole(least: int) -> Check:
    """Accepts whole numbers from `least` on."""
    return lambda name, value: arguments.whole(name, value, least)


def real(inside: Callable[[float], bool], where: str) -> Check:
    """Accepts the real numbers for which `inside` holds; `where` says so in words."""

    def check(name: str, value: Any) -> float:
        found = arguments.number(name, value)
        if not inside(found):
            raise ModelError(f"{name}={value} must be {where}")
        return found

    return check


def optional(check: Check) -> Check:
    """Accepts None, for the default, beside what `check` accepts."""
    return lambda name, value: None if value is None else check(name, value)


def one_of(known: Mapping[str, Any]) -> Check:
    """Accepts the keys of a table."""

    def check(name: str, value: Any) -> str:
        if text(name, value) not in known:
            raise ModelError(f"{name}={value!r} is unknown: give one of {sorted(known)}")
        return str(value)

    return check


def text(name: str, value: Any) -> str:
    """Accepts strings."""
    if not isinstance(value, str):
        raise DataTypeError(f"{name}={value!r} must be a name, not {_type(value)}")
    return value


def flag(name: str, value: Any) -> bool:
    """Accepts True and False."""
    if not isinstance(value, (bool, np.bool_)):
        raise DataTypeError(f"{name}={value!r} must be True or False, not {_type(value)}")
    return bool(value)


def usable_backend(name: str, value: Any) -> str:
    """Accepts the name of a backend that can be used here."""
    return get_backend(text(name, value)).name


def random_source(name: str, value: Any) -> np.random.RandomState:
    """Accepts what scikit-learn takes for a random state."""
    try:
        state: np.random.RandomState = check_random_state(value)
    except ValueError as error:
        raise ModelError(
            f"{name}={value!r} must be a whole number from 0 to 2**32 - 1, a "
            f"numpy.random.RandomState, or None ({error})"
        ) from None
    return state


def _type(value: Any) -> str:
    return type(value).__name__


#: Every parameter of the classifier and what it accepts.
CHECKS: dict[str, Check] = {
    "bond_dimension": whole(1),
    "feature_map": one_of(FEATURE_MAPS),
    "degree": whole(1),
    "loss": one_of(LOSSES),
    "epochs": optional(whole(1)),
    "batch_size": whole(1),
    "learning_rate": optional(real(lambda v: 0 < v <= 1, "above 0 and at most 1")),
    "label_smoothing": real(lambda v: 0 <= v < 1, "in [0, 1)"),
    "feature_noise": real(lambda v: 0 <= v < np.inf, "a finite number, not negative"),
    "early_stopping": flag,
    "validation_fraction": real(lambda v: 0 < v < 1, "between 0 and 1, neither included"),
    "n_iter_no_change": whole(1),
    "backend": usable_backend,
    "progress": flag,
    "random_state": random_source,
}
