"""Hashable names as JSON and back, exactly: True, 1, 1.0 and "1" are four names.

None, booleans, integers, finite floats and strings are themselves; the rest is an object with
one key: ``{"tuple": [...]}``, ``{"frozenset": [...]}``, ``{"float": "inf"}``.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

from tnlearn.errors import FormatError
from tnlearn.files.checks import items, shown

INFINITE = {"inf": math.inf, "-inf": -math.inf}
#: Integers of over 4,300 digits are not read back: Python refuses, as it takes quadratic time.
MOST_BITS = 14_000
#: Tuples in tuples in tuples; a reader of JSON gives up at some depth.
MOST_LEVELS = 50


def encode(name: Hashable, levels: int = MOST_LEVELS) -> Any:
    """A name as JSON can hold it.

    Raises
    ------
    FormatError
        If it is, or holds, something other than str, int, float, bool, None, tuple, frozenset.
    """
    # By exact type: a subclass (NumPy's float64, an enum) would come back as another type.
    kind = type(name)
    if name is None or kind in (bool, str):
        return name
    if kind is int:
        return _integer(name)  # type: ignore[arg-type]
    if kind is float:
        return _real(name)  # type: ignore[arg-type]
    if kind in (tuple, frozenset):
        if not levels:
            raise FormatError(
                f"a name can have {MOST_LEVELS} levels of tuples at most: {shown(name)}"
            )
        parts = [encode(part, levels - 1) for part in name]  # type: ignore[attr-defined]
        return {kind.__name__: parts if kind is tuple else sorted(parts, key=repr)}
    raise FormatError(
        f"{shown(name)} is of type {kind.__module__}.{kind.__qualname__}, which a file cannot "
        "hold: use str, int, float, bool, None, or tuples and frozensets of them"
    )


def decode(given: Any) -> Hashable:
    """The name that `encode` made `given` of.

    Raises
    ------
    FormatError
        If `given` is nothing that `encode` returns.
    """
    if given is None or type(given) in (bool, int, float, str):
        return given  # type: ignore[no-any-return]
    if type(given) is dict and len(given) == 1:
        ((tag, value),) = given.items()
        if tag in ("tuple", "frozenset"):
            parts = map(decode, items(value, f"a {tag}"))
            return tuple(parts) if tag == "tuple" else frozenset(parts)
        if tag == "float" and type(value) is str and value in INFINITE:
            return INFINITE[value]
    raise FormatError(f"{shown(given)} is no name")


def _integer(name: int) -> int:
    if name.bit_length() > MOST_BITS:
        raise FormatError(f"an integer of over {MOST_BITS:,} bits cannot be saved: use a string")
    return name


def _real(name: float) -> Any:
    if math.isnan(name):
        raise FormatError("nan is not equal to itself, so it is no name: use a string")
    return name if math.isfinite(name) else {"float": str(name)}
