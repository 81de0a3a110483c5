"""Scikit-learn estimators: the parameters of the constructor, and the attributes of a fit.

Only attributes with one trailing underscore are written or set, as scikit-learn means them, so a
file cannot replace a method. Classes are those of the table in `tnlearn.files.kinds`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tnlearn.errors import FormatError, TnlearnError
from tnlearn.files import names
from tnlearn.files.arrays import Array, Arrays, array_at
from tnlearn.files.checks import fields, items, mapping, shown, text, wholes

FITTED = re.compile(r"[a-z]([a-z0-9_]*[a-z0-9])?_", re.IGNORECASE | re.ASCII)
#: Most bytes of an array of strings: it has the width of its longest at every entry.
MOST_TEXT = 2**26


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
        estimator = cls(**{name: _decoded(value, arrays) for name, value in parameters.items()})
    except TypeError as error:
        raise FormatError(f"the parameters do not fit {cls.__name__}: {error}") from None
    for name, value in mapping(given["fitted"], "the fitted attributes").items():
        if not FITTED.fullmatch(name):
            raise FormatError(f"{shown(name)} is no name of a fitted attribute")
        vars(estimator)[name] = _decoded(value, arrays)
    return estimator


def _each(values: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    for name, value in values.items():
        try:
            encoded[name] = _encoded(value, arrays)
        except TnlearnError as error:
            raise FormatError(f"{name}={shown(value)} cannot be saved: {error}") from None
    return encoded


def _encoded(value: Any, arrays: Arrays) -> Any:
    if type(value) is list:
        return [_encoded(part, arrays) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) is float and math.isnan(value):
        return {"float": "nan"}
    if not isinstance(value, np.ndarray):
        return names.encode(value)
    if value.dtype.kind in "OU":
        if value.dtype.kind == "U" and value.nbytes > MOST_TEXT:
            raise FormatError(f"an array of strings can take {MOST_TEXT:,} bytes at most")
        entries = [names.encode(entry) for entry in value.ravel().tolist()]
        return {"entries": entries, "shape": list(value.shape), "dtype": value.dtype.kind}
    return {"array": arrays.add(value)}


def _decoded(given: Any, arrays: Sequence[Array]) -> Any:
    if type(given) is list:
        return [_decoded(part, arrays) for part in given]
    if given == {"float": "nan"}:
        return math.nan
    if type(given) is dict and given.keys() == {"array"}:
        return array_at(arrays, given["array"])
    if type(given) is dict and "entries" in given:
        return _entries(given)
    return names.decode(given)


def _entries(given: dict[str, Any]) -> Array:
    """An array of strings, or of names of any kind."""
    given = fields(given, "an array", "entries", "shape", "dtype")
    entries = [names.decode(entry) for entry in items(given["entries"], "the entries")]
    array: Array = np.fromiter(entries, object, len(entries))
    if text(given["dtype"], "a dtype") == "U":
        widest = max((len(text(entry, "an entry")) for entry in entries), default=0)
        if 4 * widest * len(entries) > MOST_TEXT:
            raise FormatError(f"strings of up to {widest:,} characters do not fit an array")
        array = array.astype(str)
    try:
        return array.reshape(wholes(given["shape"], "the shape of an array"))
    except ValueError as error:
        raise FormatError(str(error)) from None
