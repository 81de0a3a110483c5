"""Reading models in other programs' formats, which the name of the file says."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from tnlearn.errors import FormatError, TnlearnError
from tnlearn.files.storing import AnyPath, load
from tnlearn.inference import condition


class Format(NamedTuple):
    """Module that reads a format with ``read_model(path)``, and how such files are named."""

    module: str
    endings: tuple[str, ...]
    has_evidence: bool = False


#: Formats by name. A module with evidence has ``read_evidence(path)`` too.
FORMATS = {
    "uai": Format("tnlearn.files.uai", (".uai",), has_evidence=True),
}


def read(path: AnyPath, *, evidence: AnyPath | None = None, format: str | None = None) -> Any:
    """Read a model in another program's format, or a file of our own.

    Parameters
    ----------
    path : str or os.PathLike
        The format is known by the name: ``.uai`` is a factor graph of the UAI competitions;
        other names are files that `tnlearn.save` wrote. ``.gz`` after it: compressed.
    evidence : str or os.PathLike, optional
        A file of evidence in the same format; the model is that of the other variables, see
        `tnlearn.condition`.
    format : str, optional
        "uai": whatever the name of the file.

    Returns
    -------
    FactorGraph
        Or what the file of our own holds.

    Raises
    ------
    FormatError
        If the file is damaged, or of another format; what it claims is checked before memory is
        taken for it.
    FileNotFoundError
        If there is no such file; other OSErrors if it cannot be read.
    """
    path = Path(path)
    name = format_of(path) if format is None else format
    if name is None:
        if evidence is not None:
            _evidence(name, Path(evidence))
        return load(path)
    if name not in FORMATS:
        raise FormatError(f"there is no format {name!r}: known are {_list()}")
    model = _read(name, "read_model", path)
    return model if evidence is None else condition(model, _evidence(name, Path(evidence)))


def read_evidence(path: AnyPath, evidence: AnyPath) -> dict[Any, Any]:
    """The values in a file of evidence for the model in a file: `read` in two steps."""
    return _evidence(format_of(Path(path)), Path(evidence))


def _evidence(name: str | None, path: Path) -> dict[Any, Any]:
    if name is None or not FORMATS[name].has_evidence:
        known = ", ".join(key for key, kind in FORMATS.items() if kind.has_evidence)
        raise FormatError(f"only {known} models have files of evidence: use tnlearn.condition")
    found: dict[Any, Any] = _read(name, "read_evidence", path)
    return found


def format_of(path: Path) -> str | None:
    """The name of the format, as the name of a file says it; None if it says none."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    return next((name for name, kind in FORMATS.items() if plain.suffix in kind.endings), None)


def _read(name: str, function: str, path: Path) -> Any:
    try:
        return getattr(import_module(FORMATS[name].module), function)(path)
    except (TnlearnError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise FormatError(f"{str(path)!r} cannot be read as {name}: {reason}") from error


def _list() -> str:
    return ", ".join(FORMATS)
