"""What attributes hold, as JSON and arrays: numbers, names, arrays, lists and mappings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tnlearn.errors import FormatError
from tnlearn.files import names
from tnlearn.files.arrays import Array, Arrays, array_at
from tnlearn.files.checks import fields, items, text, wholes

#: Most bytes of an array of strings: it has the width of its longest at every entry.
MOST_TEXT = 2**26


def encoded(value: Any, arrays: Arrays) -> Any:
    """A number, name, array, or a list or mapping of these, as JSON and arrays."""
    if isinstance(value, Mapping):
        rows = value.items()
        return {"mapping": [[names.encode(key), encoded(each, arrays)] for key, each in rows]}
    if type(value) is list:
        return [encoded(part, arrays) for part in value]
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


def decoded(given: Any, arrays: Sequence[Array]) -> Any:
    """What `encoded` made `given` of."""
    if type(given) is dict and given.keys() == {"mapping"}:
        rows = [items(row, "a row", 2) for row in items(given["mapping"], "a mapping")]
        found = {names.decode(key): decoded(each, arrays) for key, each in rows}
        if len(found) < len(rows):
            raise FormatError("a mapping has a key twice")
        return found
    if type(given) is list:
        return [decoded(part, arrays) for part in given]
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
