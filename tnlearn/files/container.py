"""The container: a safetensors file of arrays called "0", "1", ... and one text of ours.

It is the length of a header (8 bytes, little-endian), the header in JSON, then the arrays' bytes.
Written and read here, because the safetensors library accepts a key given twice and knows no
complex128: such an array is stored as pairs of F64, its number noted in the header.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from tnlearn.errors import DataTypeError, FormatError
from tnlearn.files.arrays import Array
from tnlearn.files.checks import MOST, fields, mapping, parse, shown, text, whole, wholes

#: Most bytes of a header, as in the safetensors library.
LONGEST_HEADER = 100_000_000
#: Most axes of a NumPy array.
MOST_AXES = 64

#: Name in the file -> NumPy's.
DTYPES = {
    "BOOL": "bool",
    **{f"{kind}{8 * n}": f"{kind.lower()}{n}" for kind in "IU" for n in (1, 2, 4, 8)},
    **{f"F{8 * n}": f"f{n}" for n in (2, 4, 8)},
    "C64": "c8",
}
NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
PAIRS = np.dtype("c16")


class Header(NamedTuple):
    """What stands before the arrays.

    Attributes
    ----------
    text : str
        Ours.
    complex128 : frozenset of int
        Numbers of the arrays that are stored as pairs of F64.
    entries : list
        What is said about each array, unchecked.
    end : int
        Where in the file the arrays begin.
    """

    text: str
    complex128: frozenset[int]
    entries: list[Any]
    end: int


class Entry(NamedTuple):
    """One array of a file; it begins at `begin` after the header."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def layout(text: str, arrays: Sequence[Array]) -> bytes:
    """All that stands before the arrays.

    Raises
    ------
    DataTypeError
        If an array is of a dtype that the format does not know.
    FormatError
        If the header would be longer than a reader accepts.
    """
    pairs = [number for number, array in enumerate(arrays) if _native(array) == PAIRS]
    metadata = {"tnlearn": text, "complex128": json.dumps(pairs)}
    header: dict[str, Any] = {"__metadata__": metadata}
    begin = 0
    for number, array in enumerate(arrays):
        shape = list(array.shape) + ([2] if _native(array) == PAIRS else [])
        offsets = [begin, begin + array.nbytes]
        header[str(number)] = {"dtype": _name(array), "shape": shape, "data_offsets": offsets}
        begin += array.nbytes
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    if len(encoded) > LONGEST_HEADER:
        raise FormatError(
            f"{len(arrays):,} arrays and their names need a header of {len(encoded):,} bytes, and "
            f"a file can have {LONGEST_HEADER:,}: save it in parts"
        )
    return len(encoded).to_bytes(8, "little") + encoded


def write(file: BinaryIO, written: bytes, arrays: Sequence[Array]) -> None:
    """Write what `layout` made of `arrays`, and the arrays."""
    file.write(written)
    for array in arrays:
        little = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        file.write(little.reshape(-1).view(np.uint8).data)


def read_header(file: BinaryIO, size: int) -> Header:
    """The header of a file of `size` bytes; the arrays are not looked at."""
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(size - 8, LONGEST_HEADER):
        raise FormatError(f"a header of {length:,} bytes does not fit a file of {size:,}")
    try:
        header = mapping(parse(file.read(length).decode(), "the header"), "the header")
    except UnicodeDecodeError as error:
        raise FormatError(f"the header is not text: {error}") from None
    if "__metadata__" not in header or "tnlearn" not in mapping(header["__metadata__"], "metadata"):
        raise FormatError("it is a safetensors file with no text of tnlearn in it")
    metadata = fields(header.pop("__metadata__"), "metadata", "tnlearn", "complex128")
    noted = parse(text(metadata["complex128"], "complex128"), "complex128")
    if header.keys() != {str(number) for number in range(len(header))}:
        raise FormatError("its arrays are not called 0, 1, 2, ...")
    entries = [header[str(number)] for number in range(len(header))]
    complex128 = frozenset(wholes(noted, "complex128", len(entries) - 1))
    return Header(text(metadata["tnlearn"], "tnlearn"), complex128, entries, 8 + length)


def read_arrays(file: BinaryIO, header: Header, size: int) -> list[Array]:
    """The arrays of a file of `size` bytes, after a check that they fill it exactly."""
    entries = [
        _entry(f"array {number}", given, number in header.complex128)
        for number, given in enumerate(header.entries)
    ]
    end = 0
    for begin, after in sorted((entry.begin, entry.end) for entry in entries):
        if begin != end:
            raise FormatError(f"no array, or more than one, is at byte {min(begin, end):,}")
        end = after
    if end != size - header.end:
        raise FormatError(
            f"its arrays need {end:,} bytes, and {size - header.end:,} are there: it was cut short "
            "or added to"
        )
    return [_read(file, header.end, entry) for entry in entries]


def _native(array: Array) -> np.dtype[Any]:
    return array.dtype if array.dtype.isnative else array.dtype.newbyteorder()


def _name(array: Array) -> str:
    dtype = _native(array)
    if dtype == PAIRS:
        return "F64"
    if dtype not in NAMES:
        raise DataTypeError(
            f"an array of dtype {array.dtype} cannot be saved: convert it to one of "
            f"{', '.join(known.name for known in NAMES)} or complex128"
        )
    return NAMES[dtype]


def _entry(what: str, given: Any, pairs: bool) -> Entry:
    given = fields(given, what, "dtype", "shape", "data_offsets")
    name = text(given["dtype"], f"the dtype of {what}")
    shape = wholes(given["shape"], f"the shape of {what}")
    offsets = wholes(given["data_offsets"], f"the place of {what}")
    if name not in DTYPES or (pairs and (name != "F64" or shape[-1:] != (2,))):
        raise FormatError(f"{what} is of dtype {shown(name)} and shape {shown(shape)}")
    dtype, shape = (PAIRS, shape[:-1]) if pairs else (np.dtype(DTYPES[name]), shape)
    if len(shape) > MOST_AXES:
        raise FormatError(f"{what} has {len(shape)} axes, and an array can have {MOST_AXES}")
    needed = math.prod(shape) * dtype.itemsize
    # NumPy multiplies up the sizes other than 0 even for an array without entries.
    whole(math.prod(size for size in shape if size) * dtype.itemsize, f"the size of {what}", MOST)
    if len(offsets) != 2 or offsets[1] - offsets[0] != needed:
        raise FormatError(
            f"{what} of shape {shown(shape)} and {dtype} has {needed:,} bytes: it cannot lie at "
            f"{shown(offsets)}"
        )
    return Entry(dtype, shape, *offsets)


def _read(file: BinaryIO, start: int, entry: Entry) -> Array:
    array = np.empty(entry.shape, entry.dtype.newbyteorder("<"))
    raw = array.reshape(-1).view(np.uint8)
    file.seek(start + entry.begin)
    if array.size and file.readinto(raw.data) != array.nbytes:  # type: ignore[attr-defined]
        raise FormatError("it was cut short while it was read")
    if entry.dtype == bool and raw.max(initial=0) > 1:
        raise FormatError("an array of true and false has other entries")
    return array.astype(entry.dtype, copy=False)
