"""The tour as a user takes it: in a folder of its own, and the commands it ends with."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tnlearn.cli.tour import next_commands

FILES = {"network.png", "training.png", "confusion.png", "digits.tnl"}
BESIDE = Path(sys.executable).parent
#: The tour, but learning for one epoch only.
QUICKLY = """
import functools, sys
from tnlearn.cli import main, tour
tour.MPSClassifier = functools.partial(tour.MPSClassifier, epochs=1)
sys.exit(main(sys.argv[1:]))
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the commands are for its shells")


def environment(**more: str) -> dict[str, str]:
    """That of a user in the virtual environment who has no screen."""
    kept = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    return kept | {"PATH": f"{BESIDE}{os.pathsep}{os.environ['PATH']}"} | more


def take_tour(folder: Path, *python: str, **more: str) -> str:
    """What the tour prints when it is started in `folder`."""
    done = subprocess.run(
        [sys.executable, *(python or ("-m", "tnlearn")), "tour"],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        encoding="utf-8",
        timeout=240,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def type_in(command: str, folder: Path) -> str:
    """What `command` prints when it is pasted into a shell."""
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def number(name: str, text: str) -> float:
    """The number printed after `name`."""
    found = re.search(rf"{re.escape(name)}\s+(\S+)", text)
    assert found, name
    return float(found[1])


def check_text(text: str) -> None:
    assert number("relative error", text) <= 1e-12
    assert number("ln Z, contracted", text) == pytest.approx(93.610300510222, abs=1e-10)
    assert number("training took", text) > 0
    assert [line[0] for line in text.splitlines() if re.match(r"\d\. ", line)] == ["1", "2", "3"]
    assert "training, for 10 to 40 s" in text
    assert max(map(len, text.splitlines())) <= 80


def check_files(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES | {"mine.txt"}
    assert (folder / "mine.txt").read_text() == "mine"
    for path in folder.glob("*.png"):
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG\r\n")
        assert struct.unpack(">II", data[16:24]) == (1920, 1080)
        assert 20_000 < len(data) < 500_000


def check_commands(text: str, folder: Path) -> None:
    block = text.split("Three things to try next:\n")[1]
    commands = [part for part in block.split("\n\n") if part.strip()]
    assert len(commands) == 3
    printed = [type_in(command, folder) for command in commands]
    assert commands[0].strip() == "tnlearn info"
    assert printed[0].startswith("Versions\n")
    assert printed[1] == "[0 1 2 3 4 5 6 7 8 9]\n"
    assert "34 indices" in printed[2]


def test_the_tour_and_what_it_leads_to_and_the_tour_again(tmp_path):
    folder = tmp_path / "tnlearn-tour"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    text = take_tour(tmp_path)
    check_text(text)
    check_files(folder)
    check_commands(text, tmp_path)
    assert number("held-out accuracy", text) >= 0.975
    assert "████" in text

    model = (folder / "digits.tnl").read_bytes()
    plain = take_tour(tmp_path, "-c", QUICKLY, PYTHONIOENCODING="ascii")
    check_text(plain)
    check_files(folder)
    assert plain.isascii()
    assert "####" in plain
    assert "?" not in plain
    assert (folder / "digits.tnl").read_bytes() != model


def test_the_example_is_named_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "karate" in next_commands(Path("tour"))[2]
    example = tmp_path / "examples" / "ising_on_a_graph.py"
    example.parent.mkdir()
    example.touch()
    assert next_commands(Path("tour"))[2].endswith(" examples/ising_on_a_graph.py")


def test_any_folder_may_be_named_in_a_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'it\'s "quoted" $HOME `x` \\ ü'
    folder.mkdir()
    command = next_commands(folder)[1].replace("tnlearn.load", "len")
    printed = type_in(command.replace(".predict(data.load_digits().data[:10])", ""), tmp_path)
    assert int(printed) == len(str(folder / "digits.tnl"))


@pytest.mark.parametrize("path", ["", "elsewhere"])
def test_a_python_that_would_be_another_one_is_given_in_full(path, tmp_path, monkeypatch):
    if path:
        for name in ("python", "tnlearn"):
            (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
            (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    commands = next_commands(Path("tour"))
    assert commands[0] == f"{sys.executable} -m tnlearn info"
    assert commands[1].startswith(f"{sys.executable} -c ")
    assert type_in(textwrap.indent(commands[0], "   "), tmp_path).startswith("Versions\n")


def test_a_python_below_this_folder_is_given_from_here(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.chdir(tmp_path)
    assert next_commands(Path("tour"))[0] == ".venv/bin/python -m tnlearn info"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert next_commands(Path("tour"))[0] == f"{tmp_path}/python -m tnlearn info"


def test_the_script_is_installed():
    assert shutil.which("tnlearn", path=str(BESIDE))
