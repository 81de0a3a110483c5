"""Where the library keeps what it found out on this machine: plans, and measured speeds."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tnlearn.atomic import replacing

#: The environment variable that says where, or that nothing is kept.
VARIABLE = "TNLEARN_CACHE_DIR"


def folder() -> Path | None:
    """The folder, there or not; None if nothing is to be kept.

    It is what TNLEARN_CACHE_DIR says ("" or "off" for none), else ``tnlearn`` in XDG_CACHE_HOME
    or ``~/.cache``. All in it can be deleted at any time.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return None if given in ("", "off") else Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(base) / "tnlearn" if base else Path.home() / ".cache" / "tnlearn"
    except RuntimeError:  # A user without a home.
        return None


def read_json(path: Path, most: int) -> Any:
    """What is in a JSON file of at most `most` bytes; None if it is missing, larger or broken."""
    try:
        with path.open("rb") as file:
            text = file.read(most + 1)
        return None if len(text) > most else json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None


def write_json(path: Path, value: Any) -> bool:
    """Write a JSON file whole or not at all, and say whether: a full disk stops no computation."""
    text = json.dumps(value, separators=(",", ":")).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(text)
    except OSError:
        return False
    return True
