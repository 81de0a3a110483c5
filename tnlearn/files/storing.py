"""Saving and loading: the header that says what a file holds, around the codec of its kind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeAlias

from tnlearn.atomic import replacing
from tnlearn.errors import FormatError, TnlearnError
from tnlearn.files import container
from tnlearn.files.arrays import Arrays
from tnlearn.files.checks import fields, parse, shown, text
from tnlearn.files.kinds import KINDS, class_of, codec_of, kind_of
from tnlearn.files.texts import regular_size

AnyPath: TypeAlias = "str | os.PathLike[str]"

FORMAT = "tnlearn"
#: The version that is written, and those that can be read.
VERSION = 1
READABLE = (1,)


def save(thing: Any, path: AnyPath) -> None:
    """Write a network, plan, model or estimator to a file.

    The file is replaced at once or not at all. It is a safetensors file (float32, float64,
    complex64 and complex128 arrays to the last bit, data shared by tensors once), and the rest
    is JSON in its header.

    Parameters
    ----------
    thing : TensorNetwork, Plan, MPSClassifier, or any model of `tnlearn.physics`
        Index names, parameters, sites and their values may be str, int, float, bool, None, and
        tuples and frozensets of these. Arrays of other libraries that lie on the host become
        NumPy arrays.
    path : str or os.PathLike
        Any name; the folder must exist.

    Raises
    ------
    DataTypeError
        If `thing`, or an array in it, is of a kind that cannot be saved.
    FormatError
        If a name in it cannot be written down, or there is too much of it for one file.
    FileNotFoundError
        If the folder does not exist; other OSErrors if the file cannot be written.
    """
    kind = kind_of(thing)
    arrays = Arrays()
    payload = codec_of(kind).encode(thing, arrays)
    header = {"format": FORMAT, "version": VERSION, "kind": kind, "payload": payload}
    described = json.dumps(header, separators=(",", ":"), allow_nan=False)
    whole = container.encoded(described, arrays.all)
    with replacing(path) as file:
        file.write(whole)


def load(path: AnyPath) -> Any:
    """Read what `save` wrote.

    No code in the file is run, and all sizes are checked before memory is taken.

    Parameters
    ----------
    path : str or os.PathLike

    Returns
    -------
    TensorNetwork, Plan, MPSClassifier, or model of `tnlearn.physics`
        Equal to what was saved. The arrays of a network are read-only.

    Raises
    ------
    FormatError
        If the file is damaged, is no file of tnlearn, or is of a version that cannot be read.
    FileNotFoundError
        If there is no such file; other OSErrors if it cannot be read.

    Examples
    --------
    >>> import tempfile, tnlearn as tnl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tnl.save(tnl.chain(3, 2, seed=0), f"{folder}/chain")
    ...     tnl.load(f"{folder}/chain")
    TensorNetwork(3 tensors, 2 indices, output=())
    """
    path = Path(path)
    try:
        return _load(path)
    except (TnlearnError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise FormatError(f"{str(path)!r} cannot be loaded: {reason}") from error


def _load(path: Path) -> Any:
    size = regular_size(path)
    with path.open("rb") as file:
        described, shapes = container.read_text(file, size)
    kind, payload = _kind_and_payload(described)
    arrays = container.read_arrays(path, shapes)
    return codec_of(kind).decode(payload, arrays, class_of(kind))


def _kind_and_payload(header: str) -> tuple[str, Any]:
    given = parse(header, "the text of tnlearn")
    if type(given) is not dict or given.get("format") != FORMAT:
        raise FormatError(f"its text does not say that its format is {FORMAT!r}")
    version = given.get("version")
    if type(version) is not int or version not in READABLE:
        raise FormatError(
            f"it has format version {shown(version)}, and this tnlearn reads version "
            f"{', '.join(map(str, READABLE))}: update tnlearn, or save it again with the version "
            "that wrote it"
        )
    given = fields(given, "the text of tnlearn", "format", "version", "kind", "payload")
    kind = text(given["kind"], "the kind")
    if kind not in KINDS:
        raise FormatError(f"it holds a {shown(kind)}; known are {', '.join(KINDS)}")
    return kind, given["payload"]
