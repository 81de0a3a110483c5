"""Reading JSON that a stranger wrote: each value is what it should be, or a FormatError."""

from __future__ import annotations

import json
import math
import reprlib
from collections import Counter
from typing import Any

from tnlearn.errors import FormatError

#: The largest size or offset of anything in memory or in a file.
MOST = 2**63 - 1


def parse(text: str, what: str) -> Any:
    """JSON, in which no object may have one key twice."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what} is not JSON: {error}") from None


def fields(given: Any, what: str, *names: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """An object with these keys and no others."""
    if type(given) is not dict or not set(names) <= given.keys() <= {*names, *optional}:
        raise FormatError(f"{what} should have the fields {', '.join(names)}: it is {shown(given)}")
    return given


def mapping(given: Any, what: str) -> dict[str, Any]:
    """An object with any keys."""
    if type(given) is not dict:
        raise FormatError(f"{what} should be an object: it is {shown(given)}")
    return given


def items(given: Any, what: str, length: int | None = None) -> list[Any]:
    """A list, of that length if one is given."""
    if type(given) is not list or (length is not None and len(given) != length):
        many = "" if length is None else f" of {length}"
        raise FormatError(f"{what} should be a list{many}: it is {shown(given)}")
    return given


def whole(given: Any, what: str, most: int = MOST) -> int:
    """A whole number from 0 to `most`."""
    if type(given) is not int or not 0 <= given <= most:
        raise FormatError(f"{what} should be a whole number, 0 to {most}: it is {shown(given)}")
    return given


def wholes(given: Any, what: str, most: int = MOST) -> tuple[int, ...]:
    """Whole numbers from 0 to `most`."""
    return tuple(whole(number, what, most) for number in items(given, what))


def real(given: Any, what: str) -> float:
    """A finite float."""
    if type(given) is not float or not math.isfinite(given):
        raise FormatError(f"{what} should be a finite float: it is {shown(given)}")
    return given


def text(given: Any, what: str) -> str:
    """A string."""
    if type(given) is not str:
        raise FormatError(f"{what} should be a string: it is {shown(given)}")
    return given


def flag(given: Any, what: str) -> bool:
    """True or false."""
    if type(given) is not bool:
        raise FormatError(f"{what} should be true or false: it is {shown(given)}")
    return given


def shown(given: Any) -> str:
    """A value for a message, cut to a readable length."""
    try:
        return reprlib.repr(given)
    except ValueError:  # An integer of too many digits, perhaps inside.
        return f"some {type(given).__name__}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise FormatError(f"the key {shown(twice)} is given twice")
    return found


def _constant(name: str) -> None:
    raise FormatError(f"{name} is not JSON")
