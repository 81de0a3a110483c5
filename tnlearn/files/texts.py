"""Text files, read and written a little at a time, plain or compressed.

A file is believed nothing: memory grows with what is there and not with what is claimed.
"""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

from tnlearn.atomic import replacing
from tnlearn.errors import FormatError

#: Bytes decoded at a time, and the most in one word or line.
CHUNK = 2**18
#: A compressed file may grow by this factor, from so many bytes on: tables of zeros compress well.
GROWTH, GRACE = 200, 2**22
#: Bytes that are in no text: control characters other than white space.
CONTROL = bytes([*range(9), *range(14, 32), 127])


def regular_size(path: Path) -> int:
    """The size of a file that can be read at once; FormatError if it is of another kind."""
    status = path.stat()
    # Asked before opening, since a pipe would wait for a writer.
    if not stat.S_ISREG(status.st_mode):
        raise FormatError("it is not a regular file")
    return status.st_size


@contextmanager
def opened(path: Path, encoding: str = "ascii") -> Iterator[Iterator[str]]:
    """The text of a file in pieces that end between words; ``.gz`` is decompressed.

    Raises
    ------
    FormatError
        If it is not a regular file, no text, or damaged; while it is read.
    """
    size = regular_size(path)
    with path.open("rb") as file:
        if path.suffix != ".gz":
            yield _pieces(iter(lambda: file.read(CHUNK), b""), encoding)
            return
        # Gone through once before anything is built of it, so that a bomb takes no memory.
        for _ in _decompressed(file, size):
            pass
        file.seek(0)
        yield _pieces(_decompressed(file, size), encoding)


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """A text to write, which takes the place of `path` at once; ``.gz`` is compressed."""
    with replacing(path) as file:
        if path.suffix != ".gz":
            with _text(file) as text:
                yield text
            return
        # Without a time and a name in it: the same model gives the same bytes.
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as outer,
            _text(outer) as text,  # type: ignore[arg-type]
        ):
            yield text


@contextmanager
def _text(file: BinaryIO) -> Iterator[TextIO]:
    text = TextIOWrapper(file, encoding="utf-8", newline="\n")
    yield text
    # Closing it would close the file below, which is not done yet.
    text.detach()


def _decompressed(file: BinaryIO, size: int) -> Iterator[bytes]:
    most, grown = max(GRACE, GROWTH * size), 0
    with gzip.open(file) as inner:
        try:
            while chunk := inner.read(CHUNK):
                grown += len(chunk)
                if grown > most:
                    raise FormatError(
                        f"its {size:,} bytes decompress to more than {most:,}: decompress it "
                        "yourself if that is meant"
                    )
                yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FormatError(f"it is no sound gzip file: {error}") from error


def _pieces(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    left, place = b"", 0
    for chunk in chunks:
        whole = left + chunk
        cut = max(map(whole.rfind, (b"\n", b" ", b"\t", b"\r"))) + 1
        left = whole[cut:]
        if len(left) > CHUNK:
            raise FormatError(f"it has a word of more than {CHUNK:,} characters")
        yield _decoded(whole[:cut], encoding, place)
        place += cut
    yield _decoded(left, encoding, place)


def _decoded(text: bytes, encoding: str, place: int) -> str:
    if len(text.translate(None, CONTROL)) < len(text):
        wrong = next(k for k, byte in enumerate(text) if byte in CONTROL)
        raise FormatError(f"it is no text: byte {place + wrong:,} is {text[wrong]:#04x}")
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        wrong = error.start
        raise FormatError(
            f"it is no text: byte {place + wrong:,}, {text[wrong]:#04x}, is not {encoding.upper()}"
        ) from None
