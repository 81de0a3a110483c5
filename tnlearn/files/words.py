"""Text files of words and numbers, read a little at a time, plain or compressed.

A file is believed nothing it says: what it counts is read as long as there are words, so that
memory grows with what is there and not with what is claimed.
"""

from __future__ import annotations

import gzip
import math
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from tnlearn.errors import FormatError

#: Bytes decoded at a time.
CHUNK = 2**18
#: A compressed file may grow by this factor, from so many bytes on: tables of zeros compress well.
GROWTH, GRACE = 500, 2**24
#: Numbers made into an array at a time.
PIECE = 2**15


@contextmanager
def opened(path: Path) -> Iterator[Iterator[str]]:
    """The text of a file in pieces that end between words; ``.gz`` is decompressed.

    Raises
    ------
    FormatError
        If it is not a regular file, not ASCII, or damaged; while it is read.
    """
    status = path.stat()
    # Asked before opening, since a pipe would wait for a writer.
    if not stat.S_ISREG(status.st_mode):
        raise FormatError("it is not a regular file")
    with path.open("rb") as file:
        if path.suffix != ".gz":
            yield _pieces(iter(lambda: file.read(CHUNK), b""))
            return
        yield _pieces(_decompressed(file, status.st_size))


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


def _pieces(chunks: Iterable[bytes]) -> Iterator[str]:
    left = b""
    for chunk in chunks:
        whole = left + chunk
        cut = max(whole.rfind(b"\n"), whole.rfind(b" ")) + 1
        left = whole[cut:]
        if len(left) > CHUNK:
            raise FormatError(f"it has a word of more than {CHUNK:,} characters")
        yield _decoded(whole[:cut])
    yield _decoded(left)


def _decoded(text: bytes) -> str:
    try:
        return text.decode("ascii")
    except UnicodeDecodeError as error:
        raise FormatError(f"it is no text: byte {text[error.start]:#04x} is not ASCII") from None


class Words:
    """The words of a text, one after another, read as what they should be.

    Every method raises FormatError if the text ends, or the word is something else.
    """

    def __init__(self, pieces: Iterable[str]) -> None:
        self._words = (word for piece in pieces for word in piece.split())
        self._count = 0

    def word(self, what: str) -> str:
        """The next word."""
        for word in self._words:
            self._count += 1
            return word
        raise FormatError(f"it ends after {self._count:,} words, where {what} should be")

    def whole(self, what: str, most: int) -> int:
        """The next word as a whole number from 0 to `most`."""
        word = self.word(what)
        if not (word.isdigit() and len(word) <= 18):
            raise FormatError(f"word {self._count:,}, {what}, is {shown(word)}: no whole number")
        if int(word) > most:
            raise FormatError(f"word {self._count:,}, {what}, is {word}: more than {most:,}")
        return int(word)

    def wholes(self, count: int, what: str, most: int) -> list[int]:
        """So many whole numbers."""
        return [self.whole(what, most) for _ in range(count)]

    def reals(self, count: int, what: str) -> npt.NDArray[np.float64]:
        """So many finite numbers."""
        pieces = [np.empty(0)]
        while count:
            words = list(islice(self._words, min(count, PIECE)))
            self._count += len(words)
            if not words:
                raise FormatError(f"it ends after {self._count:,} words, {count:,} short of {what}")
            pieces.append(self._numbers(words, what))
            count -= len(words)
        return np.concatenate(pieces)

    def end(self) -> None:
        """Check that nothing is left."""
        for word in self._words:
            raise FormatError(f"it goes on after its end, with {shown(word)}")

    def _numbers(self, words: list[str], what: str) -> npt.NDArray[np.float64]:
        try:
            found = np.fromiter(map(number, words), float, len(words))
        except ValueError:
            wrong = next(word for word in words if not _is_number(word))
            raise FormatError(f"{shown(wrong)} is no finite number, in {what}") from None
        return found


def number(word: str) -> float:
    """A finite number as files write it; ValueError otherwise."""
    value = float(word)
    if not math.isfinite(value) or "_" in word:
        raise ValueError(word)
    return value


def _is_number(word: str) -> bool:
    try:
        number(word)
    except ValueError:
        return False
    return True


def shown(word: str) -> str:
    """A word in an error, cut where it is long."""
    return repr(word if len(word) <= 40 else word[:37] + "...")
