"""The command line itself, and what ``tnlearn info`` says of an installation."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tnlearn.backend import get_backend
from tnlearn.cli import info, main
from tnlearn.errors import BackendError, DataError

LIBRARIES = [
    "numpy",
    "scipy",
    "numba",
    "networkx",
    "cotengra",
    "cotengrust",
    "opt_einsum",
    "scikit-learn",
    "matplotlib",
]
#: Too slow to load for a command that only names them.
HEAVY = {"cotengra", "cupy", "matplotlib", "networkx", "numba", "scipy", "sklearn", "torch"}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; -P: not what lies in the current folder."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "tnlearn", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


class Installed:
    """A distribution as `importlib.metadata` would find it."""

    version = "1.0"
    requires = ("numpy>=2", "torch>=2; extra == 'torch'")

    def __init__(self, direct_url: object = None) -> None:
        self.direct_url = direct_url

    def read_text(self, name: str) -> str | None:
        return None if self.direct_url is None else json.dumps(self.direct_url)

    def locate_file(self, path: str) -> Path:
        return Path("/site-packages") / path


@pytest.fixture
def installation(monkeypatch):
    """A function that pretends that these distributions are installed, and this is imported."""

    def pretend(own=None, other=None, folder="/site-packages/tnlearn", version="1.0"):
        found = {"tnlearn-engine": own, "tnlearn": other}
        monkeypatch.setattr(info, "_distribution", found.get)
        monkeypatch.setattr(info, "_folder", lambda: Path(folder))
        monkeypatch.setattr(sys.modules["tnlearn"], "__version__", version)

    return pretend


def test_no_command_prints_help(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    assert "usage: tnlearn" in text
    assert "example: tnlearn tour" in text


@pytest.mark.parametrize("command", ["tour", "info", "calibrate"])
def test_the_help_of_a_command_has_an_example(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"example: tnlearn {command}" in capsys.readouterr().out


def test_the_version_is_that_which_is_installed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tnlearn {importlib.metadata.version('tnlearn-engine')}\n"


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (DataError("two\nlines"), 1, "tnlearn: error: two lines\n"),
        (PermissionError(13, "Permission denied", "x"), 1, "tnlearn: error: [Errno 13] "),
        (KeyboardInterrupt(), 130, "tnlearn: interrupted\n"),
    ],
    ids=["of the library", "of the system", "interrupt"],
)
def test_an_error_is_one_line(error, status, line, monkeypatch, capsys):
    def fail(as_json):
        raise error

    monkeypatch.setattr(info, "print_info", fail)
    assert main(["info"]) == status
    printed = capsys.readouterr().err
    assert printed.startswith(line)
    assert printed.count("\n") == 1


def test_a_bug_is_not_hidden(monkeypatch):
    def fail(as_json):
        raise AssertionError

    monkeypatch.setattr(info, "print_info", fail)
    with pytest.raises(AssertionError):
        main(["info"])


def test_a_file_in_place_of_the_directory_is_one_line(tmp_path):
    (tmp_path / "taken").touch()
    done = run("tour", "--directory", str(tmp_path / "taken"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tnlearn: error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="the shell is that of POSIX")
def test_a_reader_who_leaves_is_no_error():
    command = f"'{sys.executable}' -m tnlearn info | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""


def test_info_for_a_person():
    text = run("info").stdout
    for name in LIBRARIES:
        assert f"\n  {name:<16} {importlib.metadata.version(name)}\n" in text
    for name in ("numpy", *(["torch"] if importlib.util.find_spec("torch") else [])):
        assert f"\n  {name:<16} ready ({name} {get_backend(name).versions[name]})\n" in text
    no_cupy = "No module named 'cupy'; pip install 'tnlearn-engine[cuda12]', or [cuda13]"
    assert importlib.util.find_spec("cupy") or no_cupy in " ".join(text.split())
    assert re.search(r"\n  default limit    \S+ .iB for a computation\n", text)
    assert text.endswith("\n  problems         none\n")
    assert max(map(len, text.splitlines())) <= 80


def test_info_for_a_program():
    found = json.loads(run("info", "--json").stdout)
    assert set(LIBRARIES) < found["versions"].keys()
    assert found["versions"]["tnlearn"] == importlib.metadata.version("tnlearn-engine")
    assert found["backends"]["numpy"]["usable"] is True
    memory = found["memory"]
    assert 0 < memory["default_limit_bytes"] <= memory["available_bytes"] / 2
    assert found["machine"]["processors"] >= 1
    assert Path(found["folder"], "cli").is_dir()
    assert found["problems"] == []


def test_info_loads_no_heavy_library():
    script = (
        "import sys; from tnlearn.cli import main; main(['info'])\n"
        "print({m.split('.')[0] for m in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "'numpy'" in done.stderr
    assert [name for name in HEAVY if f"'{name}'" in done.stderr] == []


@pytest.mark.parametrize("error", [BackendError("no\nlibrary"), RuntimeError("no\nlibrary")])
def test_a_backend_that_cannot_be_used_says_why_in_one_line(error, monkeypatch):
    def fail(name):
        raise error

    monkeypatch.setattr(info, "installed", lambda: {"torch": None, "own": None})
    monkeypatch.setattr(info, "get_backend", fail)
    found = info.backends()
    assert [found[name]["usable"] for name in ("torch", "own", "cupy")] == [False] * 3
    assert found["own"]["reason"] == "no library"
    assert found["torch"]["reason"] == "no library"
    assert found["cupy"]["reason"] == "this build of tnlearn has no such backend"


def test_another_project_called_tnlearn_is_noticed(tmp_path):
    metadata = tmp_path / "tnlearn-9.9.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: tnlearn\nVersion: 9.9\n")
    done = run("info", PYTHONPATH=str(tmp_path))
    assert "another project, called tnlearn too (version 9.9)" in " ".join(done.stdout.split())
    assert "pip uninstall -y tnlearn && pip install --force-reinstall --no-deps " in done.stdout
    assert re.search(r"\n  PROBLEM          another .*\n {19}\S", done.stdout)
    (problem,) = json.loads(run("info", "--json", PYTHONPATH=str(tmp_path)).stdout)["problems"]
    assert problem.keys() == {"problem", "fix"}


def test_a_good_installation_has_no_problems(installation):
    installation(Installed())
    assert info.problems() == []


def test_no_installation_is_a_problem(installation):
    installation(None, folder="/some where/tnlearn")
    (problem,) = info.problems()
    assert problem["problem"].startswith("tnlearn-engine is not installed")
    assert problem["fix"] == "pip install '/some where'"
    assert info.versions()["tnlearn"] == "not installed"


@pytest.mark.parametrize("version", [None, "0.9"])
def test_a_package_that_was_overwritten_is_a_problem(version, installation):
    installation(Installed(), version=version)
    (problem,) = info.problems()
    assert "tnlearn/__init__.py is not that of tnlearn-engine 1.0" in problem["problem"]
    assert problem["fix"] == "pip install --force-reinstall --no-deps tnlearn-engine"


def test_a_folder_in_front_of_the_installed_package_is_a_problem(installation):
    installation(Installed(), folder="/checkout/tnlearn")
    (problem,) = info.problems()
    assert problem["problem"] == (
        "tnlearn runs from /checkout/tnlearn, but tnlearn-engine is installed in "
        "/site-packages/tnlearn"
    )
    assert problem["fix"] == "pip install --force-reinstall --no-deps /checkout"


@pytest.mark.parametrize(
    ("origin", "source"),
    [
        (None, "tnlearn-engine"),
        ({"url": "file:///a%20b", "dir_info": {"editable": True}}, "-e '/a b'"),
        ({"url": "file:///a/x.whl", "archive_info": {}}, "/a/x.whl"),
        ({"url": "https://a/b.git", "vcs_info": {"vcs": "git"}}, "git+https://a/b.git"),
    ],
)
def test_the_fix_installs_from_where_it_came(origin, source, installation):
    folder = "/a b/tnlearn" if source.startswith("-e") else "/site-packages/tnlearn"
    installation(Installed(origin), Installed(), folder)
    (problem,) = info.problems()
    assert problem["fix"].endswith(f"&& pip install --force-reinstall --no-deps {source}")
