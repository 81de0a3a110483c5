"""The one rule for progress bars: for work of over a second, on a terminal, if asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

#: Seconds before a bar is drawn.
DELAY = 1


def progress_bar(work: Iterable[Any], name: str, wanted: bool, total: int | None = None) -> tqdm:
    """`work` as it is, with a bar that counts its items if one is wanted."""
    # tqdm's disable=None hides the bar where there is no terminal.
    return tqdm(work, name, total, delay=DELAY, disable=None if wanted else True)
