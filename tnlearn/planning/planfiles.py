"""Plans that some process left in the user's own folder: one small JSON file each.

A file is written whole or not at all, and what it says is checked against the structure, so
processes may share the folder, be killed, and find nonsense there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tnlearn import userfolder
from tnlearn.errors import PlanError
from tnlearn.planning.fitting import Fitted, costed
from tnlearn.planning.key import Key
from tnlearn.planning.walk import walk

#: How many files are kept, and how many bytes they have together.
MOST_FILES, MOST_BYTES = 2000, 64 * 2**20
#: Seconds after which the unfinished file of a process that was killed is removed.
ABANDONED = 3600


def read_plan(key: Key) -> tuple[Fitted, str] | None:
    """The order that a file holds for a key, costed anew, and how it was found."""
    path = _file(key)
    if path is None:
        return None
    given = userfolder.read_json(path, 1000 + 40 * len(key.judge.structure.inputs))
    if not isinstance(given, dict) or given.get("key") != path.stem:
        return None
    order = given.get("order")
    fitted = _checked(key, given.get("path"), given.get("sliced"))
    if fitted is None or type(order) is not str:
        return None
    with suppress(OSError):
        os.utime(path)  # The files that were used longest ago are removed first.
    return fitted, order


def write_plan(key: Key, fitted: Fitted, order: str) -> None:
    """Leave an order in the folder, if there is one that can be written."""
    path = _file(key)
    if path is not None:
        entry = {"key": path.stem, "path": fitted.path, "sliced": fitted.sliced, "order": order}
        if userfolder.write_json(path, entry):
            _make_room(path.parent)


def _file(key: Key) -> Path | None:
    folder = userfolder.folder()
    return folder and folder / "plans" / f"{key.digest()}.json"


def _checked(key: Key, path: Any, sliced: Any) -> Fitted | None:
    """The order, if it is one for the key's structure and keeps its limit."""
    if not isinstance(path, list) or not all(_are_numbers(step) for step in path):
        return None
    indices = range(len(key.judge.structure.sizes))
    if not _are_numbers(sliced) or not {*sliced} <= {*indices} - {key.judge.batch}:
        return None
    try:
        pairs = walk(key.judge.structure, [(first, second) for first, second in path])
    except (PlanError, ValueError):
        return None
    fitted = costed(key.judge, pairs, sliced)
    if key.limit is None:
        return None if sliced else replace(fitted, is_first=True)
    fits = fitted.cost.peak_bytes <= key.limit and len({*sliced}) == len(sliced)
    return fitted if fits else None


def _are_numbers(given: Any) -> bool:
    return isinstance(given, list) and all(type(number) is int for number in given)


def _make_room(folder: Path) -> None:
    """Remove unfinished files, and those used longest ago until a quarter of the room is free."""
    with suppress(OSError), os.scandir(folder) as entries:
        found = sorted(
            (entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in entries
        )
        for path in _removable(found):
            with suppress(OSError):
                os.unlink(path)


def _removable(found: list[tuple[float, int, str]]) -> Iterator[str]:
    count, size = len(found), sum(size for _, size, _ in found)
    full = count > MOST_FILES or size > MOST_BYTES
    for used, each, path in found:
        is_over = count > MOST_FILES * 3 // 4 or size > MOST_BYTES * 3 // 4
        unfinished = path.endswith(".tmp") and time.time() - used > ABANDONED
        if unfinished or (full and is_over):
            count, size = count - 1, size - each
            yield path
