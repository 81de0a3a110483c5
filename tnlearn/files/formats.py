"""The formats of other programs: a line in one table for each, and a module here that knows it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from tnlearn.errors import FormatError


class Format(NamedTuple):
    """A module with ``read_model(path)`` and ``write_model(model, path)``, and how files are named.

    Models are written by way of `tnlearn.files.texts.written`.
    """

    module: str
    endings: tuple[str, ...]
    #: It has ``read_evidence(path)``: values by site.
    has_evidence: bool = False
    #: Keywords of ``read_model``.
    options: tuple[str, ...] = ()

    def function(self, name: str) -> Any:
        """A function of its module."""
        return getattr(import_module(self.module), name)


#: Formats by name.
FORMATS = {
    "uai": Format("tnlearn.files.uai", (".uai",), has_evidence=True),
    "bif": Format("tnlearn.files.bif", (".bif",), options=("normalise",)),
    "rudy": Format("tnlearn.files.rudy", (".rudy", ".mc", ".gset")),
    "coo": Format("tnlearn.files.coo", (".coo",)),
}


def format_of(path: Path) -> str | None:
    """The name of the format, as the name of a file says it; None if it says none."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    return next((name for name, kind in FORMATS.items() if plain.suffix in kind.endings), None)


def format_called(name: str) -> Format:
    """The format of that name."""
    if name not in FORMATS:
        raise FormatError(f"there is no format {name!r}: known are {', '.join(FORMATS)}")
    return FORMATS[name]
