"""The machine model that plans are costed with: as measured here, else as shipped."""

from __future__ import annotations

import dataclasses
import math
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any

from tnlearn import userfolder
from tnlearn.backend.protocol import Backend, Machine

#: Bytes that a file with a machine model never has.
LARGE = 10_000
#: What every machine model has measured.
RATES = ("flops", "bandwidth", "latency", "small_flops")


def machine_of(backend: Backend) -> Machine:
    """The measured machine model of a backend if there is one of this machine, else its own."""
    path = stored_at(backend.name)
    return (path and _measured(path)) or backend.machine


def stored_at(name: str) -> Path | None:
    """The file that holds, or will hold, the measured model of the backend of that name."""
    folder = userfolder.folder()
    # A home may be shared by several machines, each with its own speeds.
    return folder and folder / "machines" / f"{name}-{platform.node() or 'unnamed'}.json"


def store(path: Path, machine: Machine) -> bool:
    """Keep a measured model for all plans that are made from now on; False if it cannot be."""
    done = userfolder.write_json(path, dataclasses.asdict(machine))
    _measured.cache_clear()
    return done


def forget(path: Path) -> bool:
    """Go back to the shipped model; False if there was no other."""
    there = path.exists()
    path.unlink(missing_ok=True)
    _measured.cache_clear()
    return there


@lru_cache(maxsize=16)
def _measured(path: Path) -> Machine | None:
    """Read once, so that plans do not change while a program runs."""
    given = userfolder.read_json(path, LARGE)
    names = {field.name for field in dataclasses.fields(Machine)}
    if not isinstance(given, dict) or given.keys() != names or type(given["name"]) is not str:
        return None
    if not all(type(given[key]) is bool for key in ("grouped", "whole")):
        return None
    rates = [given[key] for key in RATES]
    rates += [given[key] for key in ("transfer", "memory") if given[key] is not None]
    return Machine(**given) if all(map(_is_rate, rates)) else None


def _is_rate(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < math.inf
