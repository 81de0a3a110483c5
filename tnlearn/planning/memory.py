"""How much memory a computation may take, when the user does not say."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

from tnlearn.backend import get_backend, reason_against, shipped_machine
from tnlearn.errors import PlanError

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
UNITS |= {f"{unit}i": 2 ** (10 * k) for k, unit in enumerate("KMGT", start=1)}
CGROUP = Path("/sys/fs/cgroup")


def as_bytes(limit: int | float | str | None, backend: str = "numpy") -> int:
    """A memory limit in bytes: a number, "8GiB", "500 MB", or None for the default.

    The default is half of what is free under the control group, the process's own limit and
    the machine, rounded down to a power of two so that it, and with it the plan, seldom changes;
    or likewise on the device of a backend.

    Raises
    ------
    PlanError
        If it cannot be read, or is not positive.
    """
    if limit is None:
        return 1 << ((available_bytes(backend) // 2).bit_length() - 1)
    try:
        count = _parsed(limit) if isinstance(limit, str) else float(limit)
    except (TypeError, ValueError, OverflowError):
        count = math.nan
    if not math.isfinite(count):
        raise PlanError(f"memory_limit={limit!r} is not understood: give bytes or '8GiB'")
    if count <= 0:
        raise PlanError(f"memory_limit={limit!r} must be positive")
    return int(count)


def _parsed(text: str) -> float:
    found = re.fullmatch(r"\s*([\d.]+(?:e\d+)?)\s*([KMGT]?i?)B?\s*", text, re.IGNORECASE)
    unit = found[2].upper().replace("I", "i") if found else ""
    if found is None or unit not in UNITS:
        raise ValueError(text)
    return float(found[1]) * UNITS[unit]


def available_bytes(backend: str = "numpy") -> int:
    """Bytes this process can still take: the least of what the system's limits say.

    Where the backend has a device, those that are free there; on one that is not here, all of it.
    """
    if backend == "auto":
        there = None
    elif reason_against(backend):
        there = shipped_machine(backend).memory
    else:
        there = get_backend(backend).free_bytes()
    if there is not None:
        return max(int(there), 2**20)
    found = [_machine(), *_control_group(), *_process_limit()]
    return max(min(found), 2**20)


def _machine() -> int:
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return _without_proc()
    found = re.search(r"MemAvailable:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else _without_proc()


def _without_proc() -> int:
    # macOS has no /proc, Windows no sysconf; half of 8 GiB is a safe guess there.
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return 2**33


def _control_group() -> list[int]:
    try:
        most = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text())
        cache = re.search(r"^inactive_file (\d+)$", (CGROUP / "memory.stat").read_text(), re.M)
    except (OSError, ValueError):
        return []
    # Files that were read lately count as used, but make room for whoever needs it.
    return [] if most == "max" else [int(most) - used + int(cache[1] if cache else 0)]


def _process_limit() -> list[int]:
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return []
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        pages = 0
    return [soft - pages * os.sysconf("SC_PAGE_SIZE")]
