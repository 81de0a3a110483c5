"""Reading and writing models in other programs' formats, which the name of the file says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tnlearn.errors import FormatError, TnlearnError
from tnlearn.files.formats import FORMATS, format_called, format_of
from tnlearn.files.storing import AnyPath, load, save
from tnlearn.inference import condition


def read(
    path: AnyPath,
    *,
    evidence: AnyPath | None = None,
    format: str | None = None,
    normalise: bool = False,
) -> Any:
    """Read a model in another program's format, or a file of our own.

    Parameters
    ----------
    path : str or os.PathLike
        The format is known by the name. ``.uai``: a factor graph of the UAI competitions.
        ``.bif``: a Bayesian network, with its names. ``.rudy``, ``.mc``, ``.gset``: a maximum
        cut, whose weights w are couplings J = -w. ``.coo``: an Ising model or QUBO of dimod.
        Other names: files that `tnlearn.save` wrote. ``.gz`` after it: compressed.
    evidence : str or os.PathLike, optional
        A file of evidence in the same format (uai); the model is that of the other variables,
        see `tnlearn.condition`.
    format : str, optional
        "uai", "bif", "rudy" or "coo": whatever the name of the file.
    normalise : bool
        Divide every row of a Bayesian network (bif) by its sum; by default rows are as printed.

    Returns
    -------
    FactorGraph, BayesianNetwork or Ising
        Or what the file of our own holds. Ising models are at beta = 1.

    Raises
    ------
    FormatError
        If the file is damaged, or of another format; what it claims is checked before memory is
        taken for it.
    FileNotFoundError
        If there is no such file; other OSErrors if it cannot be read.

    Examples
    --------
    >>> import tempfile, networkx as nx
    >>> from tnlearn.files import read, write
    >>> from tnlearn.physics import Ising
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Ising(nx.cycle_graph(3), coupling=-1.0), f"{folder}/triangle.rudy")
    ...     dict(read(f"{folder}/triangle.rudy").couplings)
    {(1, 2): -1.0, (1, 3): -1.0, (2, 3): -1.0}
    """
    path = Path(path)
    name = format_of(path) if format is None else format
    if name is None:
        _refuse_options(path, {"evidence": evidence is not None, "normalise": normalise})
        return load(path)
    known = format_called(name)
    if evidence is not None and not known.has_evidence:
        raise FormatError(f"{name} files have no files of evidence: use tnlearn.condition")
    if normalise and "normalise" not in known.options:
        raise FormatError(f"{name} files have no rows to normalise")
    options = {"normalise": True} if normalise else {}
    model = _read(name, path, lambda: known.function("read_model")(path, **options))
    if evidence is None:
        return model
    seen = Path(evidence)
    return _read(name, seen, lambda: condition(model, known.function("read_evidence")(seen)))


def read_evidence(path: AnyPath, evidence: AnyPath) -> dict[Any, Any]:
    """The values in a file of evidence for the model in a file: `read` in two steps."""
    name, seen = format_of(Path(path)), Path(evidence)
    if name is None or not FORMATS[name].has_evidence:
        known = ", ".join(key for key, kind in FORMATS.items() if kind.has_evidence)
        raise FormatError(f"only {known} models have files of evidence: use tnlearn.condition")
    found: dict[Any, Any] = _read(name, seen, lambda: FORMATS[name].function("read_evidence")(seen))
    return found


def write(model: Any, path: AnyPath, *, format: str | None = None) -> None:
    """Write a model in another program's format, or as a file of our own.

    The file is replaced at once or not at all. These formats hold no inverse temperature, and
    most no names: sites are numbered in their order. `tnlearn.save` keeps everything.

    Parameters
    ----------
    model : FactorGraph, BayesianNetwork or Ising
        The first two as uai, the second also as bif, which keeps its names; Ising models as coo
        or, without fields, as rudy. Numbers are written such that the same floats are read.
    path : str or os.PathLike
        The format is known by the name, as for `read`; other names are for `tnlearn.save`.
        ``.gz`` after it: compressed.
    format : str, optional
        "uai", "bif", "rudy" or "coo": whatever the name of the file.

    Raises
    ------
    DataTypeError
        If the format holds no such models.
    FormatError
        If it does not hold this one.
    FileNotFoundError
        If the folder does not exist; other OSErrors if the file cannot be written.
    """
    path = Path(path)
    name = format_of(path) if format is None else format
    if name is None:
        save(model, path)
        return
    format_called(name).function("write_model")(model, path)


def _read(name: str, path: Path, reading: Callable[[], Any]) -> Any:
    try:
        return reading()
    except (TnlearnError, RecursionError, MemoryError) as error:
        reason = str(error) or type(error).__name__
        raise FormatError(f"{str(path)!r} cannot be read as {name}: {reason}") from error


def _refuse_options(path: Path, given: dict[str, bool]) -> None:
    for option, is_given in given.items():
        if is_given:
            raise FormatError(
                f"{option}= is for {', '.join(FORMATS)} files, and {str(path)!r} is none by name"
            )
