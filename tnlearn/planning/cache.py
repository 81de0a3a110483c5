"""Plans that were made before: found again in memory, or in the user's own folder."""

from __future__ import annotations

from tnlearn.planning.fitting import Fitted
from tnlearn.planning.key import Key
from tnlearn.planning.memo import Memo
from tnlearn.planning.planfiles import read_plan, write_plan

#: Seconds that a search took if its result is worth a file.
WORTH_A_FILE = 0.02

MEMO = Memo()


def recall(key: Key) -> tuple[Fitted, str] | None:
    """The order that was found for a key, and how; None if there is none."""
    found = MEMO.get(key)
    if found is None:
        found = read_plan(key)
        if found is not None:
            MEMO.put(key, *found)
    return found


def remember(key: Key, fitted: Fitted, order: str, seconds: float) -> None:
    """Keep an order that took `seconds` to find."""
    MEMO.put(key, fitted, order)
    if seconds > WORTH_A_FILE:
        write_plan(key, fitted, order)
