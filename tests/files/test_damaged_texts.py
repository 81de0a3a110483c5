"""Files of other programs with random damage: a model, or a format error that says where."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tnlearn.errors import FormatError
from tnlearn.files import read
from tnlearn.files.formats import FORMATS

DATA = Path(__file__).with_name("data")

#: Small files that are read, by the name of their format.
VALID = {
    "uai": [
        (DATA / "small.uai").read_bytes(),
        b"MARKOV\n2\n2 3\n2\n1 0\n2 0 1\n\n2\n 1.5 0.5\n\n6\n 1 2 3\n 4 5 6e0\n",
    ],
    "bif": [
        b"network n {}\nvariable A {\n type discrete [ 2 ] { a, b };\n}\n"
        b"probability ( A ) {\n table 0.5, 0.5;\n}\n",
        (DATA / "alarm_clock.bif").read_bytes(),
        (DATA / "sprinkler.bif").read_bytes(),
    ],
    "rudy": [(DATA / "triangle.rudy").read_bytes(), b"3 3\n1 2 1\n2 3 -1\n1 3 1e-3\n"],
    "coo": [(DATA / "spins.coo").read_bytes(), b"# vartype=BINARY\n1 1 -1\n0 1 0.5\n1 2 1\n"],
}
COUNT = 3000
#: What a number is replaced by.
NUMBERS = [
    *(b"-1", b"0", b"1", b"2", b"3", b"63", b"65", b"16777216", b"1000000000000", b"9" * 40),
    *(b"1e9", b"1e400", b"-0.0", b"nan", b"inf", b"-inf", b"0x10", b"1_0", b"1.", b".", b"1e", b""),
]
MARKS = b" \n\r\t;:,.|()[]{}\"'/*#=-+_eE0123456789\0\x7f\xff"


def flip(random: Random, raw: bytearray) -> None:
    raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)


def put(random: Random, raw: bytearray) -> None:
    raw[random.randrange(len(raw))] = random.choice(MARKS)


def delete(random: Random, raw: bytearray) -> None:
    at = random.randrange(len(raw))
    del raw[at : at + random.choice((1, 1, 2, 5, 20))]


def duplicate(random: Random, raw: bytearray) -> None:
    start = random.randrange(len(raw))
    piece = raw[start : start + random.choice((1, 2, 10, 50, 1000))]
    at = random.choice((start, random.randrange(len(raw))))
    raw[at:at] = piece * random.choice((1, 1, 2, 30))


def truncate(random: Random, raw: bytearray) -> None:
    del raw[random.randrange(len(raw)) :]


def renumber(random: Random, raw: bytearray) -> None:
    found = random.choice([*re.finditer(rb"[0-9.]+", raw)] or [re.match(b"", raw)])
    raw[found.start() : found.end()] = random.choice(NUMBERS)  # type: ignore[union-attr]


def swap_words(random: Random, raw: bytearray) -> None:
    words = re.split(rb"(\s+)", bytes(raw))
    one, two = random.randrange(len(words)), random.randrange(len(words))
    words[one], words[two] = words[two], words[one]
    raw[:] = b"".join(words)


DAMAGES: list[Callable[[Random, bytearray], None]] = [
    *(flip, put, delete, duplicate, truncate, renumber, renumber, swap_words)
]


def damaged(seed: int, valid: bytes) -> Iterator[bytes]:
    random = Random(seed)
    while True:
        raw = bytearray(valid)
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            if raw:
                random.choice(DAMAGES)(random, raw)
        yield bytes(raw)


def outcome(path: Path, name: str) -> str:
    """Whether a file is read; FormatError is the only error it may raise, and soon."""
    start = time.process_time()
    model = error = None
    try:
        model = read(path)
    except FormatError as found:
        error = str(found)
    assert time.process_time() - start < 2
    if error is not None:
        assert error.startswith(f"{str(path)!r} cannot be read as {name}: ")
        return "refused"
    assert repr(model)
    assert all(model.values(site) for site in model.sites)
    return "read"


@pytest.mark.parametrize("name", FORMATS)
def test_random_damage_is_a_format_error_or_harmless(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.{name}"
    found = {"read": 0, "refused": 0}
    for seed, valid in enumerate(VALID[name]):
        path.write_bytes(valid)
        assert outcome(path, name) == "read"
        files = damaged(seed, valid)
        for _ in range(COUNT // len(VALID[name])):
            path.write_bytes(next(files))
            found[outcome(path, name)] += 1
    assert sum(found.values()) == COUNT
    # Else the damage would be too little, or too much to come far.
    assert found["refused"] > COUNT // 3
    assert found["read"] > COUNT // 30


@pytest.mark.parametrize("name", FORMATS)
def test_random_damage_of_compressed_files(name: str, tmp_path: Path) -> None:
    """Its checksum finds it, unless it is where gzip has nothing to say."""
    path = tmp_path / f"model.{name}.gz"
    files = damaged(7, gzip.compress(VALID[name][0], mtime=0))
    found = {"read": 0, "refused": 0}
    for _ in range(300):
        path.write_bytes(next(files))
        found[outcome(path, name)] += 1
    assert found["refused"] > 250


def test_random_damage_of_evidence(tmp_path: Path) -> None:
    path = tmp_path / "model.evid"
    files = damaged(8, b"1\n2 0 1 2 0\n")
    found = {"read": 0, "refused": 0}
    for _ in range(500):
        path.write_bytes(next(files))
        try:
            read(DATA / "small.uai", evidence=path)
            found["read"] += 1
        except FormatError:
            found["refused"] += 1
    assert found["refused"] > 100
    assert found["read"] > 10
