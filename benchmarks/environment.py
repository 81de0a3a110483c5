"""What every benchmark says about the machine it ran on, and how it leaves its numbers behind."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"

#: Distributions whose versions every result names.
ALWAYS = ("tnlearn-engine", "numpy", "scipy")


def describe_environment(*distributions: str) -> dict[str, Any]:
    """Machine, versions, commit and date.

    Parameters
    ----------
    *distributions : str
        Names of installed distributions whose versions matter for this benchmark, beyond
        Python's, NumPy's, SciPy's and the library's own.
    """
    return {
        "machine": {"cpu": _cpu_model(), "cores": os.cpu_count(), "system": platform.system()},
        "python": platform.python_version(),
        **{name: _version(name) for name in (*ALWAYS, *distributions)},
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def write_result(
    name: str,
    payload: Mapping[str, Any],
    *,
    folder: Path = RESULTS,
    page: Mapping[str, Any] | None = None,
) -> Path:
    """Write ``name.json`` and beside it ``name.md``, the same for a reader.

    Parameters
    ----------
    name : str
        Of the benchmark; the name of both files.
    payload : mapping
        JSON values. A list of flat mappings becomes a table, all else a line. Without an
        "environment" of its own it is given that of `describe_environment()`.
    folder : Path
        Where to write.
    page : mapping, optional
        What the reader is shown, where all of it is too much.

    Returns
    -------
    Path
        Of the JSON file.
    """
    result = dict(payload)
    if "environment" not in result:
        result["environment"] = describe_environment()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    _write_whole(path, json.dumps(result, indent=2) + "\n")
    shown = result if page is None else page
    _write_whole(path.with_suffix(".md"), as_markdown(name, shown))
    return path


def as_markdown(name: str, result: Mapping[str, Any]) -> str:
    """The result as a page: lines for single values, tables for lists of mappings."""
    parts = [f"# {name.replace('_', ' ')}"]
    parts += [f"- {key}: {_line(value)}" for key, value in result.items() if not _is_table(value)]
    for key, value in result.items():
        if _is_table(value):
            parts += ["", f"## {key}", "", format_table(value)]
    return "\n".join([parts[0], "", *parts[1:]]) + "\n"


def format_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same or different keys as one table whose columns line up."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_cell(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    lines = [columns, ["-" * width for width in widths], *cells]
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _line(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_line(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    return _cell(value)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _write_whole(path: Path, text: str) -> None:
    """All of the file or nothing of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """Of the checkout, marked where tracked files, older results aside, differ from it."""
    commit = _git("rev-parse", "HEAD")
    not_results = ("--", ".", ":!benchmarks/results")
    changed = _git("status", "--porcelain", "--untracked-files=no", *not_results)
    return f"{commit} (changed)" if commit and changed else commit or "unknown"


def _git(*arguments: str) -> str:
    try:
        finished = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return finished.stdout.strip()
