"""Files that claim or unfold to more than memory holds are refused, and take little of it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tnlearn.errors import FormatError
from tnlearn.files import read, texts

DATA = Path(__file__).with_name("data")
VALID = {"uai": "small.uai", "bif": "alarm_clock.bif", "rudy": "triangle.rudy", "coo": "spins.coo"}

BIF = "variable A { type discrete [ 2 ] { a, b }; }\n"
WIDE = "".join(f"variable V{k} {{ type discrete [ 4 ] {{ a, b, c, d }}; }}\n" for k in range(30))
PARENTS = ", ".join(f"V{k}" for k in range(1, 30))

#: Beginnings, and what follows them for ever.
ENDLESS = {
    "uai": [
        ("MARKOV 1 16777216 1 1 0 16777216 ", "0 "),
        ("MARKOV 1000000000000 ", "2 "),
        ("MARKOV 1 2 1000000000000 ", "0 "),
        ("MARKOV 1 2 1000000000000 ", "1 0 "),
        ("MARKOV ", "1"),
        ("", "\n"),
    ],
    "bif": [
        (BIF + "probability ( A ) { table ", "0.5 "),
        (BIF + "probability ( A ) { table ", "0.5, /**/"),
        ("variable A { type discrete [ 1000000000000 ] { ", "a,"),
        (BIF + "property ", "x "),
        (BIF, "/* "),
        (BIF, "// \n"),
        ('"', "x"),
        ("network a {", "property ;\n"),
    ],
    "rudy": [
        ("2 1000000000000\n", "1 2 0\n"),
        ("2 1000000000000\n", "1 2 0 "),
        ("", "# \n"),
        ("", "1"),
    ],
    "coo": [("", "0 1 0\n"), ("# vartype=BINARY\n", "0 0 1e308\n"), ("#", " ")],
}
#: Short files that claim much.
CLAIMS = {
    "uai": [
        "MARKOV 2 16777216 16777216 0",
        "MARKOV 2 16777216 16777216 1 2 0 1 281474976710656 1",
        "MARKOV 1 16777216 1 1 0 16777216 1",
        "MARKOV 999999999999 2",
        "BAYES 1 2 999999999999 0",
    ],
    "bif": [
        WIDE + f"probability ( V0 | {PARENTS} ) {{ default 1, 0, 0, 0; }}",
        WIDE
        + "probability ( V0 | V1, V2, V3, V4, V5, V6, V7, V8, V9, V10 ) { default 1, 0, 0, 0; }",
        "variable A { type discrete [ 999999999999 ] { a } }",
    ],
    "rudy": ["16777216 0", "999999999999 1\n1 2 1", "2 999999999999\n1 2 1"],
    "coo": ["# vartype=SPIN", "# vartype=SPIN\n0 999999999999 nan"],
}

#: Reads one good file and then the others: reasons, and bytes by which the peak has grown.
PROGRAM = """
import json, sys
from tnlearn.errors import FormatError
from tnlearn.files import read
def peak():
    # Not getrusage: what it says begins with the peak of the process that started this one.
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
good, *paths = sys.argv[1:]
repr(read(good))
found, before = [], peak()
for path in paths:
    try:
        repr(read(path))
        reason = None
    except FormatError as error:
        reason = str(error)
    found.append([reason, peak() - before])
print(json.dumps(found))
"""


def outcomes(name: str, paths: list[Path]) -> list[tuple[str | None, int]]:
    command = [sys.executable, "-c", PROGRAM, str(DATA / VALID[name]), *map(str, paths)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    found: list[tuple[str | None, int]] = json.loads(ended.stdout)
    return found


def assert_refused(name: str, paths: list[Path], most: float) -> None:
    for path, (reason, grown) in zip(paths, outcomes(name, paths), strict=True):
        assert reason is not None, path
        assert reason.startswith(f"{str(path)!r} cannot be read as {name}: ")
        assert len(reason) < len(str(path)) + 300
        assert grown < most, (path, reason)


def unfolding(path: Path, start: str, endless: str, size: int) -> Path:
    """A compressed file in parts, each a sound one: its parts are made once."""
    part = gzip.compress((endless * (2**24 // len(endless) + 1)).encode())
    path.write_bytes(gzip.compress(start.encode()) + part * (size // 2**24))
    return path


ON_LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says its peak")


@ON_LINUX
@pytest.mark.parametrize("name", ENDLESS)
def test_a_megabyte_that_unfolds_to_a_gigabyte(name: str, tmp_path: Path) -> None:
    start, endless = ENDLESS[name][0]
    path = unfolding(tmp_path / f"bomb.{name}.gz", start, endless, 2**30)
    assert path.stat().st_size < 4e6
    assert_refused(name, [path], 20e6)
    with pytest.raises(FormatError, match=r"bytes decompress to more than .*: decompress it your"):
        read(path)


@ON_LINUX
@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_takes_a_few_times_its_text(name: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.{name}" for number in range(len(ENDLESS[name]))]
    for path, (start, endless) in zip(paths, ENDLESS[name], strict=True):
        path.write_text(start + endless * (2**21 // len(endless)))
    assert_refused(name, paths, 80e6)


@ON_LINUX
@pytest.mark.parametrize("name", CLAIMS)
def test_what_is_claimed_takes_no_memory(name: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.{name}" for number in range(len(CLAIMS[name]))]
    for path, text in zip(paths, CLAIMS[name], strict=True):
        path.write_text(text)
    assert_refused(name, paths, 20e6)


def test_a_sparse_file_of_zeros_is_refused_at_once(tmp_path: Path) -> None:
    for name in VALID:
        path = tmp_path / f"zeros.{name}"
        with path.open("wb") as file:
            file.truncate(2**34)
        with pytest.raises(FormatError, match="it has a word of more than"):
            read(path)


def test_what_compresses_well_is_read(tmp_path: Path) -> None:
    """Hundreds of times smaller, as tables of zeros are."""
    path = tmp_path / "zeros.uai.gz"
    text = "MARKOV 1 1000000 1 1 0 1000000 " + "0 " * 10**6
    path.write_bytes(gzip.compress(text.encode()))
    assert path.stat().st_size * texts.GROWTH < len(text)
    assert read(path).factors[0].table.shape == (10**6,)
