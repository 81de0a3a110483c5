"""The words and lines of a text, read as what they should be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from tnlearn.errors import FormatError
from tnlearn.files.texts import CHUNK

#: Numbers made into an array at a time.
PIECE = 2**15


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
        return whole(word, f"word {self._count:,}, {what},", most)

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
            pieces.append(reals(words, what))
            count -= len(words)
        return np.concatenate(pieces)

    def end(self) -> None:
        """Check that nothing is left."""
        for word in self._words:
            raise FormatError(
                f"it goes on after its end, word {self._count + 1:,} is {shown(word)}"
            )


def lines(pieces: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The lines of a text and their numbers, from 1; white space around them is taken off."""
    left, number = "", 1
    for piece in pieces:
        *whole, left = (left + piece).split("\n")
        # Without a limit a file of one line would be copied again for every piece.
        if len(left) > CHUNK:
            raise FormatError(f"line {number + len(whole):,} has more than {CHUNK:,} characters")
        for line in whole:
            yield number, line.strip()
            number += 1
    yield number, left.strip()


def whole(word: str, what: str, most: int) -> int:
    """A whole number from 0 to `most`, which has at most 18 digits."""
    if not (word.isdigit() and word.isascii() and len(word) <= 18):
        raise FormatError(f"{what} is {shown(word)}: no whole number")
    if int(word) > most:
        raise FormatError(f"{what} is {word}: more than {most:,}")
    return int(word)


def reals(words: list[str], what: str) -> npt.NDArray[np.float64]:
    """Finite numbers as files write them: no underscores, and no digits of other scripts."""
    try:
        found = np.fromiter(map(float, words), float, len(words))
    except ValueError:
        found = np.array([np.nan])
    # All at once: there are millions.
    text = "".join(words)
    if not np.isfinite(found).all() or "_" in text or not text.isascii():
        wrong = next(word for word in words if not _is_real(word))
        raise FormatError(f"{shown(wrong)} is no finite number, in {what}")
    return found


def _is_real(word: str) -> bool:
    try:
        return math.isfinite(float(word)) and "_" not in word and word.isascii()
    except ValueError:
        return False


def shown(word: str) -> str:
    """A word in an error, cut where it is long."""
    return repr(word if len(word) <= 40 else word[:37] + "...")


def decimal(value: float) -> str:
    """A number that is read as the same float, also where neither point nor exponent is known."""
    if value.is_integer():
        return str(int(value))
    return np.format_float_positional(value, unique=True, trim="0")
