"""Scikit-learn estimators: the parameters of the constructor, and the attributes of a fit.

Only attributes with one trailing underscore are written or set, as scikit-learn means them, so a
file cannot replace a method. Classes are those of the table in `tnlearn.files.kinds`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tnlearn.errors import FormatError, TnlearnError
from tnlearn.files.arrays import Array, Arrays
from tnlearn.files.checks import fields, mapping, shown
from tnlearn.files.contents import decoded, encoded

FITTED = re.compile(r"[a-z]([a-z0-9_]*[a-z0-9])?_", re.IGNORECASE | re.ASCII)


def encode(estimator: Any, arrays: Arrays) -> Any:
    """An estimator, fitted or not, as JSON and arrays."""
    fitted = {name: value for name, value in vars(estimator).items() if FITTED.fullmatch(name)}
    return {
        "parameters": _each(estimator.get_params(deep=False), arrays),
        "fitted": _each(fitted, arrays),
    }


def decode(payload: Any, arrays: Sequence[Array], cls: type[Any]) -> Any:
    """The estimator again."""
    given = fields(payload, "the estimator", "parameters", "fitted")
    parameters = mapping(given["parameters"], "the parameters")
    try:
        estimator = cls(**{name: decoded(value, arrays) for name, value in parameters.items()})
    except TypeError as error:
        raise FormatError(f"the parameters do not fit {cls.__name__}: {error}") from None
    for name, value in mapping(given["fitted"], "the fitted attributes").items():
        if not FITTED.fullmatch(name):
            raise FormatError(f"{shown(name)} is no name of a fitted attribute")
        vars(estimator)[name] = decoded(value, arrays)
    return estimator


def _each(values: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        try:
            found[name] = encoded(value, arrays)
        except TnlearnError as error:
            raise FormatError(f"{name}={shown(value)} cannot be saved: {error}") from None
    return found
