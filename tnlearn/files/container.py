"""The container: a safetensors file of arrays called "0", "1", ... and one text of ours.

The library writes it, and checks the sizes of what it reads. Two things are added here: a key
given twice is refused, which the library accepts; and complex arrays, of which it knows not all,
are stored as flat pairs of real numbers, their shapes noted in the metadata.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import safetensors
import safetensors.numpy

from tnlearn.errors import DataTypeError, FormatError
from tnlearn.files.arrays import Array
from tnlearn.files.checks import fields, mapping, parse, shown, text, wholes

#: Most bytes of a header that the library reads.
LONGEST_HEADER = 100_000_000
#: Shapes of complex arrays, by name.
Shapes: TypeAlias = dict[str, tuple[int, ...]]
#: What the library calls the dtypes that may be in a file.
DTYPES = {"BOOL", "F16", "F32", "F64", *(f"{kind}{8 * n}" for kind in "IU" for n in (1, 2, 4, 8))}


def encoded(described: str, arrays: Sequence[Array]) -> bytes:
    """A whole file.

    Raises
    ------
    DataTypeError
        If an array is of a dtype that the format does not know.
    FormatError
        If the header would be longer than a reader accepts.
    """
    shapes = {str(k): array.shape for k, array in enumerate(arrays) if array.dtype.kind == "c"}
    stored = {str(number): _as_pairs(array) for number, array in enumerate(arrays)}
    metadata = {"tnlearn": described, "complex": json.dumps(shapes)}
    try:
        whole = safetensors.numpy.save(stored, metadata)
    except safetensors.SafetensorError as error:
        raise DataTypeError(f"an array cannot be saved: {error}") from None
    length = int.from_bytes(whole[:8], "little")
    if length > LONGEST_HEADER:
        raise FormatError(
            f"{len(arrays):,} arrays and their names need a header of {length:,} bytes, and a "
            f"file can have {LONGEST_HEADER:,}: save it in parts"
        )
    return whole


def read_text(file: BinaryIO, size: int) -> tuple[str, Shapes]:
    """Our text in a file of `size` bytes, and the shapes of complex arrays; none is looked at."""
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(size - 8, LONGEST_HEADER):
        raise FormatError(f"a header of {length:,} bytes does not fit a file of {size:,}")
    try:
        header = mapping(parse(file.read(length).decode(), "the header"), "the header")
    except UnicodeDecodeError as error:
        raise FormatError(f"the header is not text: {error}") from None
    if "__metadata__" not in header or "tnlearn" not in mapping(header["__metadata__"], "metadata"):
        raise FormatError("it is a safetensors file with no text of tnlearn in it")
    metadata = fields(header.pop("__metadata__"), "metadata", "tnlearn", "complex")
    if header.keys() != {str(number) for number in range(len(header))}:
        raise FormatError("its arrays are not called 0, 1, 2, ...")
    for number, entry in header.items():
        entry = fields(entry, f"array {number}", "dtype", "shape", "data_offsets")
        if type(entry["dtype"]) is not str or entry["dtype"] not in DTYPES:
            raise FormatError(f"array {number} is of dtype {shown(entry['dtype'])}")
    noted = mapping(parse(text(metadata["complex"], "complex"), "complex"), "complex")
    if not noted.keys() <= header.keys():
        raise FormatError(f"complex arrays are {', '.join(noted)}, which are not all there")
    shapes = {number: wholes(shape, "the shape of an array") for number, shape in noted.items()}
    return text(metadata["tnlearn"], "tnlearn"), shapes


def read_arrays(path: Path, shapes: Shapes) -> list[Array]:
    """The arrays of a file whose header `read_text` has passed."""
    try:
        with safetensors.safe_open(path, framework="np") as file:
            stored = {name: file.get_tensor(name) for name in map(str, range(len(file.keys())))}
    except (safetensors.SafetensorError, ValueError, TypeError, OverflowError) as error:
        raise FormatError(f"its arrays do not fit the file: {error}") from None
    return [
        _from_pairs(array, shapes[number]) if number in shapes else _checked(array)
        for number, array in stored.items()
    ]


def _as_pairs(array: Array) -> Array:
    array = np.asarray(array, array.dtype.newbyteorder("="), order="C")
    return array.reshape(-1).view(array.real.dtype) if array.dtype.kind == "c" else array


def _from_pairs(array: Array, shape: tuple[int, ...]) -> Array:
    if array.ndim != 1 or array.dtype.name not in ("float32", "float64"):
        raise FormatError(f"{array.dtype} of shape {array.shape} are no pairs of real numbers")
    try:
        return array.view(f"complex{16 * array.itemsize}").reshape(shape)
    except ValueError as error:
        raise FormatError(
            f"a complex array of shape {shown(shape)} is not there: {error}"
        ) from None


def _checked(array: Array) -> Array:
    if array.dtype == bool and array.view(np.uint8).max(initial=0) > 1:
        raise FormatError("an array of true and false has other entries")
    return array
