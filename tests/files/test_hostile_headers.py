"""A header that lies, or is none, is found before memory is taken."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from header_edits import Header, changed, join, put
from saved_things import (
    NETWORK,
    assert_same_network,
)
from tnlearn.errors import FormatError
from tnlearn.files import load, save

pytestmark = pytest.mark.filterwarnings("error")

#: Said by the library when sizes, places and the file do not agree.
FITS = "its arrays do not fit the file"


def entry(shape: list[int], size: int, dtype: str = "F64") -> Callable[[Header, Header], None]:
    return put({"dtype": dtype, "shape": shape, "data_offsets": [0, size]}, "0")


LIES = {
    "version 999": (put(999, "version"), "version 999, and this tnlearn reads version 1"),
    "version true": (put(True, "version"), "version True"),
    "another format": (put("pickle", "format"), "does not say that its format is 'tnlearn'"),
    "another kind": (put("os.system", "kind"), "holds a 'os.system'; known are TensorNetwork"),
    "a kind that is no text": (put(["Plan"], "kind"), "kind should be a string"),
    "the wrong kind": (put("Plan", "kind"), "the plan should have the fields"),
    "no metadata": (lambda header, _: header.clear(), "no text of tnlearn"),
    "more metadata": (put("x", "__metadata__", "more"), "should have the fields"),
    "metadata of numbers": (put(1, "__metadata__", "complex"), "should be a string"),
    "an array of another name": (put({}, "x"), "not called 0, 1"),
    "no such pairs": (put('{"2":[1]}', "__metadata__", "complex"), "not all there"),
    "pairs that are none": (put('{"0":[3]}', "__metadata__", "complex"), "no pairs of real"),
    "integers": (entry([2, 3], 48, "I64"), "array 0 is of int64, not float32, float64, complex"),
    "an unknown dtype": (entry([6], 48, "F4"), "of dtype 'F4'"),
    "an absurd shape": (entry([2**60, 2**60], 48), FITS),
    "an absurd size": (entry([2**58], 2**61), FITS),
    "more than the file": (
        put({"dtype": "F64", "shape": [6, 3, 2], "data_offsets": [48, 336]}, "1"),
        FITS,
    ),
    "nothing of absurd shape": (entry([0, 2**62, 2**62], 0), FITS),
    "too many axes": (entry([1] * 65, 8), FITS),
    "a negative size": (entry([-2, -3], 48), FITS),
    "a size that is none": (entry([2.0, 3], 48), FITS),  # type: ignore[list-item]
    "a size of true": (entry([True, 6], 48), FITS),
    "backwards": (put([48, 0], "0", "data_offsets"), FITS),
    "three ends": (put([0, 48, 48], "0", "data_offsets"), FITS),
    "a gap": (put([8, 56], "0", "data_offsets"), FITS),
    "on top of each other": (put([0, 96], "1", "data_offsets"), FITS),
    "more of an array": (put(1, "0", "more"), "should have the fields dtype"),
    "no such array": (put(2, "payload", "tensors", 0, "data"), "0 to 1: it is 2"),
    "an array from behind": (put(-1, "payload", "tensors", 0, "data"), "it is -1"),
    "no such index": (put([0, 9], "payload", "tensors", 0, "indices"), "it is 9"),
    "too few indices": (put([0], "payload", "tensors", 0, "indices"), "one index per axis"),
    "an index of lists": (put([[]], "payload", "indices"), r"\[\] is no name"),
    "an index of endless lists": (put([{"float": []}], "payload", "indices"), "is no name"),
    "an index of objects": (put([{"eval": "1"}], "payload", "indices"), "is no name"),
    "a flag of numbers": (put(1, "payload", "tensors", 0, "conj"), "true or false"),
    "a name of numbers": (put(1, "payload", "tensors", 0, "name"), "must be a string"),
    "one name for two": (put("B", "payload", "tensors", 0, "name"), "two tensors are called 'B'"),
    "complex logarithms": (put(True, "payload", "tensors", 1, "log"), "log=True and complex"),
    "no tensors": (put([], "payload", "tensors"), "at least one tensor"),
    "an output that is nowhere": (put("x", "payload", "output"), "the number of an index"),
    "a payload of text": (put("x", "payload"), "should have the fields"),
}


@pytest.mark.parametrize(("change", "text"), LIES.values(), ids=LIES)
def test_a_lie_in_the_header_is_found(
    change: Callable[[Header, Header], Any], text: str, path: Path
) -> None:
    hostile = changed(NETWORK, path, change)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match=text) as error:
            load(hostile)
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()
    assert str(error.value).startswith(f"{str(path)!r} cannot be loaded: ")


def test_an_unchanged_header_is_loaded(path: Path) -> None:
    """Else the tests above would pass for a reason of their own."""
    assert_same_network(load(changed(NETWORK, path, lambda *_: None)), NETWORK)


def outer(text: str) -> str:
    return json.dumps({"__metadata__": {"tnlearn": text, "complex": "{}"}})


RAW = {
    "a key twice": ('{"a":1,"a":1}', "the key 'a' is given twice"),
    "a key twice in our text": (outer('{"format":"tnlearn","format":"x"}'), "'format' is given tw"),
    "nan": ('{"a":NaN}', "NaN is not JSON"),
    "no JSON": ("{]", "the header is not JSON"),
    "no JSON in ours": (outer("{]"), "the text of tnlearn is not JSON"),
    "a list": ("[1, 2]", "should be an object"),
    "deep": ("[" * 50_000, "not JSON"),
    "deep in ours": (outer('{"a":' * 50_000), "not JSON"),
    "a long integer": ('{"a":' + "1" * 5000 + "}", "not JSON"),
    "UTF-16": ("{}".encode("utf-16"), "not text"),
    "of another program": ('{"__metadata__":{"format":"pt"}}', "no text of tnlearn"),
    "metadata of text": ('{"__metadata__":"tnlearn"}', "metadata should be an object"),
}


@pytest.mark.parametrize(("header", "text"), RAW.values(), ids=RAW)
def test_a_header_that_is_none_is_found(header: str | bytes, text: str, path: Path) -> None:
    with pytest.raises(FormatError, match=text):
        load(join(path, header))


@pytest.mark.parametrize("raw", [b"", b"x", b"\xff" * 8, b"\xff" * 7 + b"\x0f{}", b"\0" * 100])
def test_an_absurd_header_length_is_found(raw: bytes, path: Path) -> None:
    path.write_bytes(raw)
    with pytest.raises(FormatError, match="does not fit a file of"):
        load(path)


def test_a_file_of_zeros_that_takes_no_room_is_found(path: Path) -> None:
    with path.open("wb") as file:
        file.write((2**33).to_bytes(8, "little"))
        file.truncate(2**34)
    with pytest.raises(FormatError, match="does not fit"):
        load(path)


def test_what_is_no_file_is_found(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(FormatError, match="not a regular file"):
            load(path)


@pytest.mark.parametrize("extra", [b"\0", b"\0" * 4096])
def test_bytes_behind_the_arrays_are_found(extra: bytes, path: Path) -> None:
    save(NETWORK, path)
    path.write_bytes(path.read_bytes() + extra)
    with pytest.raises(FormatError, match=FITS):
        load(path)
