"""What a plan is found again by."""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from tnlearn.planning.scoring import Judge

#: To be raised when the search finds other orders than before.
SEARCH = 2


@dataclass(frozen=True)
class Key:
    """All that the result of a search depends on.

    The memory limit is not part of it where the best order keeps the limit as it is: the limit
    by default follows what is free, and should not make the same search run again.
    """

    judge: Judge
    limit: int | None
    search: str | float
    seed: int

    def digest(self) -> str:
        """The same for the same key in every process, and in no other version."""
        # Names are not in it: the indices of a structure are numbered by first appearance.
        text = json.dumps([SEARCH, _versions(), astuple(self)], separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


@cache
def _versions() -> list[str]:
    return [_version(name) for name in ("tnlearn-engine", "cotengra", "cotengrust")]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
