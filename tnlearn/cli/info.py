"""What ``tnlearn info`` says of the installation, without importing the libraries it names."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import sys
import textwrap
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from tnlearn.backend import get_backend, installed, machine_of
from tnlearn.planning.memory import as_bytes, available_bytes
from tnlearn.planning.plan import readable_bytes

#: What this project is called where packages are installed, and what another one is.
OWN, OTHER = "tnlearn-engine", "tnlearn"

#: Backends that people ask for.
ASKED_FOR = ("cupy", "torch")

MISSING = "not installed"


def print_info(as_json: bool = False) -> None:
    """Print all of it, for a person or for a program."""
    info = collect()
    if as_json:
        print(json.dumps(info, indent=2))
        return
    memory = info["memory"]
    rows = {
        "Versions": info["versions"],
        "Backends": {name: _in_words(found) for name, found in info["backends"].items()},
        "Machine": {
            "system": info["machine"]["system"],
            "processors": str(info["machine"]["processors"]),
            "free memory": readable_bytes(memory["available_bytes"]),
            "speeds": "; ".join(
                f"{name}: {found['speeds']}"
                for name, found in info["backends"].items()
                if found["usable"]
            ),
            "default limit": f"{readable_bytes(memory['default_limit_bytes'])} for a computation",
        },
    }
    for title, section in rows.items():
        print(title)
        for name, value in section.items():
            print(_wrapped(value, f"  {name:<16} "))
        print()
    print("Installation")
    print(_wrapped(info["folder"], f"  {'folder':<16} "))
    for problem in info["problems"]:
        print(_wrapped(problem["problem"], f"  {'PROBLEM':<16} "))
        print(f"  {'fix':<16} {problem['fix']}")
    if not info["problems"]:
        print(f"  {'problems':<16} none")


def collect() -> dict[str, Any]:
    """Versions, backends, machine, memory and problems, in what JSON can hold."""
    return {
        "versions": versions(),
        "backends": backends(),
        "machine": {"system": platform.platform(), "processors": _processors()},
        "memory": {"available_bytes": available_bytes(), "default_limit_bytes": as_bytes(None)},
        "folder": str(_folder()),
        "problems": problems(),
    }


def versions() -> dict[str, str]:
    """Versions of this project, of Python, and of every library that was asked for with it."""
    own = _distribution(OWN)
    required = [line for line in (own and own.requires) or [] if "extra ==" not in line]
    names = sorted(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required)
    found = {"tnlearn": own_version(), "python": platform.python_version()}
    return found | {name: _version(name) for name in names}


def own_version() -> str:
    """The version of this project, as it was installed."""
    return _version(OWN)


def backends() -> dict[str, dict[str, Any]]:
    """Every backend that is installed, and those people ask for: usable, or the reason why not."""
    found = {name: _tried(name) for name in installed()}
    reason = "this build of tnlearn has no such backend"
    return found | {n: {"usable": False, "reason": reason} for n in ASKED_FOR if n not in found}


def _tried(name: str) -> dict[str, Any]:
    try:
        backend = get_backend(name)
        versions, speeds = dict(backend.versions), machine_of(backend).name
        return {"usable": True, "versions": versions, "speeds": speeds}
    # A library behind a backend fails in ways of its own, say for want of a driver.
    except Exception as error:
        reason = " ".join(f"{error or type(error).__name__}".split())
        return {"usable": False, "reason": reason}


def problems() -> list[dict[str, str]]:
    """What is wrong with the installation, each with the command that puts it right."""
    own, other, folder = _distribution(OWN), _distribution(OTHER), _folder()
    here = f"pip install --force-reinstall --no-deps {shlex.quote(str(folder.parent))}"
    if own is None:
        problem = f"{OWN} is not installed: tnlearn runs from a folder, and finds no backends"
        return [{"problem": problem, "fix": here.replace(" --force-reinstall --no-deps", "")}]
    reinstall = f"pip install --force-reinstall --no-deps {_source(own)}"
    if other is not None:
        problem = (
            f"another project, called {OTHER} too (version {other.version}), is installed: its "
            "files and ours lie in one folder and overwrite each other"
        )
        return [{"problem": problem, "fix": f"pip uninstall -y {OTHER} && {reinstall}"}]
    found: list[dict[str, str]] = []
    version = getattr(sys.modules["tnlearn"], "__version__", None)
    if version != own.version:
        state = f"of version {version}" if version else "removed or overwritten"
        problem = f"tnlearn/__init__.py is not that of {OWN} {own.version}: it is {state}"
        found.append({"problem": problem, "fix": reinstall})
    if folder != (home := _home(own).resolve()):
        problem = f"tnlearn runs from {folder}, but {OWN} is installed in {home}"
        found.append({"problem": problem, "fix": here})
    return found


def _folder() -> Path:
    """The folder of the package that is running."""
    return Path(__file__).resolve().parents[1]


def _distribution(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _version(name: str) -> str:
    found = _distribution(name)
    return MISSING if found is None else found.version


def _origin(own: Distribution) -> tuple[str | None, bool]:
    """The folder or address it was installed from, if not an index, and whether it is editable."""
    text = own.read_text("direct_url.json")
    if text is None:
        return None, False
    record = json.loads(text)
    url = urlparse(record["url"])
    if url.scheme == "file":
        return url2pathname(url.path), bool(record.get("dir_info", {}).get("editable"))
    vcs = record.get("vcs_info", {}).get("vcs")
    return f"{vcs}+{record['url']}" if vcs else record["url"], False


def _source(own: Distribution) -> str:
    """What to give to pip, so as to install it again."""
    where, editable = _origin(own)
    return ("-e " if editable else "") + shlex.quote(where or OWN)


def _home(own: Distribution) -> Path:
    """The folder in which its package should be."""
    where, editable = _origin(own)
    return Path(where) / "tnlearn" if editable and where else Path(str(own.locate_file("tnlearn")))


def _processors() -> int | None:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _in_words(found: dict[str, Any]) -> str:
    if not found["usable"]:
        return f"cannot be used: {found['reason']}"
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return f"ready ({versions})"


def _wrapped(text: str, start: str) -> str:
    return textwrap.fill(
        text,
        width=80,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )
