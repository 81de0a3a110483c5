"""The tokens of a BIF file: marks, quoted names and words, with the line where they are."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from tnlearn.errors import FormatError
from tnlearn.files.words import reals, shown

#: White space and comments; possessive, so that nothing is tried twice.
SPACE = r"(?:\s++|//[^\n]*+|/\*(?s:.*?)\*/)*+"
#: Words may begin like a division but not like a comment that never ends.
TOKEN = re.compile(
    SPACE
    + r'(?:(?P<mark>[{}()\[\]|;,])|"(?P<quoted>[^"\n]*+)"|(?P<word>(?!/\*)[^\s{}()\[\]|;,"]++))'
)
SPACES = re.compile(SPACE)


class Tokens:
    """The tokens of a text, one after another.

    Attributes
    ----------
    text : str
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._at = 0
        # Where a token was looked for, and the token: it is looked at several times.
        self._seen: tuple[int, re.Match[str] | None] = (-1, None)

    def place(self) -> str:
        """Where the last token ends."""
        return f"line {self.text.count(chr(10), 0, self._at) + 1:,}"

    def error(self, reason: str) -> FormatError:
        """What is wrong, and where."""
        return FormatError(f"{self.place()}: {reason}")

    def keyword(self) -> str | None:
        """The next word; None at the end of the text."""
        if self._match() is None and self._space() == len(self.text):
            return None
        return self.word("a keyword")

    def word(self, what: str) -> str:
        """The next token, which must be a word without quotes."""
        return self._next("word", what)

    def name(self, what: str) -> str:
        """The next token, which must be a word or in quotes."""
        found = self._match()
        if found is None or found.lastgroup == "mark":
            raise self._unexpected(what)
        self._at = found.end()
        return found[found.lastindex or 0]

    def names(self, end: str, what: str) -> tuple[str, ...]:
        """All names up to a mark, between which may be commas and a bar."""
        found = []
        while not self.take(end):
            found.append(self.name(what))
            if not self.take(","):
                self.take("|")
        return tuple(found)

    def expect(self, mark: str) -> None:
        """The next token, which must be this mark."""
        if not self.take(mark):
            raise self._unexpected(repr(mark))

    def take(self, mark: str) -> bool:
        """Whether the next token is this mark, which is then behind us."""
        found = self._match()
        if found is None or found["mark"] != mark:
            return False
        self._at = found.end()
        return True

    def numbers(self, most: int) -> npt.NDArray[np.float64]:
        """All numbers up to a semicolon, so many at most."""
        end = self.text.find(";", self._at)
        if end < 0:
            raise self.error("it ends before the ';' of these numbers")
        # No number has a slash: so there is a comment, and the semicolon may be in it.
        if "/" in self.text[self._at : end]:
            words = self._words(most)
        else:
            # What is left over is one word: a row that is too long takes no more room.
            words = self.text[self._at : end].replace(",", " ").split(maxsplit=most)
            self._at = end + 1
        if len(words) > most:
            raise self.error(f"there are more than {most:,} numbers")
        try:
            return reals(words, "a row")
        except FormatError as error:
            raise self.error(str(error)) from None

    def skip_statement(self) -> None:
        """All tokens up to a semicolon."""
        while not self.take(";"):
            found = self._match()
            if found is None or found["mark"] in ("{", "}"):
                raise self._unexpected("';'")
            self._at = found.end()

    def _words(self, most: int) -> list[str]:
        found: list[str] = []
        while not self.take(";"):
            if not self.take(","):
                found.append(self.word("a number"))
            if len(found) > most:
                break
        return found

    def _next(self, kind: str, what: str) -> str:
        found = self._match()
        if found is None or found.lastgroup != kind:
            raise self._unexpected(what)
        self._at = found.end()
        return found[kind]

    def _match(self) -> re.Match[str] | None:
        if self._seen[0] != self._at:
            self._seen = self._at, TOKEN.match(self.text, self._at)
        return self._seen[1]

    def _space(self) -> int:
        """Where white space and comments end."""
        found = SPACES.match(self.text, self._at)
        return found.end() if found else self._at

    def _unexpected(self, what: str) -> FormatError:
        found = self._match()
        if found is not None:
            self._at = found.end()
            return self.error(f"{shown(found[found.lastindex or 0])} is where {what} should be")
        self._at = self._space()
        if self._at == len(self.text):
            return self.error(f"it ends where {what} should be")
        return self.error(f"there are quotes or a comment that do not end, where {what} should be")
