"""Problems of one kind and of many sizes, and from which size on a device is the quicker."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]


def family(problem: str) -> tuple[str, int] | None:
    """Family and size: of "grid 4x4 by bond 8" the size is 8; None if it has none."""
    found = re.fullmatch(r"(.* by \w+) (\d+)", problem)
    return (found[1], int(found[2])) if found else None


def families(measurements: Sequence[Row]) -> dict[str, dict[int, list[Row]]]:
    """The rows that were timed, by family and size, small ones first."""
    found: dict[str, dict[int, list[Row]]] = {}
    for row in measurements:
        kind = family(row["problem"])
        if kind is not None and row["status"] == "ok" and row["task"] == "value":
            found.setdefault(kind[0], {}).setdefault(kind[1], []).append(row)
    return {name: dict(sorted(sizes.items())) for name, sizes in found.items()}


def crossovers(measurements: Sequence[Row]) -> list[Row]:
    """For every family the size from which on a device is quicker than all processors.

    The quickest library counts on either side. Nothing where no device took part.
    """
    rows: list[Row] = []
    for name, sizes in families(measurements).items():
        if not any("device" in row for timed in sizes.values() for row in timed):
            continue
        wins = {size: _device_wins(timed) for size, timed in sizes.items()}
        lost = [size for size, won in wins.items() if not won]
        from_here = [size for size in sizes if size > max(lost, default=-1)]
        rows.append({"family": name, "device is quicker from": min(from_here, default="nowhere")})
    return rows


def _device_wins(timed: Sequence[Row]) -> bool:
    there = [row["running_seconds"] for row in timed if "device" in row]
    here = [row["running_seconds"] for row in timed if "device" not in row]
    return bool(there) and (not here or min(there) < min(here))
