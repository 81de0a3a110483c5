"""Factor graphs of the UAI competitions, their evidence and answers."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import FormatError
from tnlearn.files import read, uai

DATA = Path(__file__).with_name("data")
SMALL = DATA / "small.uai"


def written(text: str, folder: Path, name: str = "model.uai") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_last_variable_of_a_scope_is_fastest() -> None:
    model = read(SMALL)
    assert isinstance(model, tnl.FactorGraph)
    assert model.sites == (0, 1, 2)
    assert [model.values(site) for site in model.sites] == [(0, 1), (0, 1, 2), (0, 1)]
    assert [factor.scope for factor in model.factors] == [(0,), (0, 1), (2, 1)]
    np.testing.assert_array_equal(model.factors[1].table, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(model.factors[2].table, [[0, 0.25, 1], [1, 2, 0.125]])


def test_the_model_answers_as_by_hand() -> None:
    middle = np.array([1.5, 0.5]) @ [[1, 2, 3], [4, 5, 6]]
    ends = np.array([1, 2.25, 1.125])
    assert tnl.log_partition(read(SMALL)) == pytest.approx(math.log(middle @ ends), abs=1e-14)


def test_line_ends_white_space_and_compression_do_not_matter(tmp_path: Path) -> None:
    text = SMALL.read_bytes()
    for raw in (text.replace(b"\n", b"\r\n"), b"\t".join(text.split()), b"\r".join(text.split())):
        path = tmp_path / "model.uai.gz"
        path.write_bytes(gzip.compress(raw))
        for one, other in zip(read(path).factors, read(SMALL).factors, strict=True):
            np.testing.assert_array_equal(one.table, other.table)


def test_the_format_may_be_named(tmp_path: Path) -> None:
    path = written(SMALL.read_text(), tmp_path, "no name")
    assert len(read(path, format="uai").factors) == 3
    with pytest.raises(
        FormatError, match="there is no format 'xml': known are uai, bif, rudy, coo"
    ):
        read(path, format="xml")
    with pytest.raises(FormatError, match="cannot be loaded"):
        read(path)


@pytest.mark.parametrize("between", [" ", "\t", "\r", "\n"])
def test_words_that_lie_across_pieces(between: str, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).random(50_000)
    words = ["MARKOV", "1", "50000", "1", "1", "0", "50000", *map(repr, numbers.tolist())]
    (tmp_path / "model.uai").write_bytes(between.join(words).encode())
    model = read(tmp_path / "model.uai")
    np.testing.assert_array_equal(model.factors[0].table, numbers)


EVIDENCE = {
    "values": ("2 0 1 2 0", {0: 1, 2: 0}),
    "a sample": ("1\n2 0 1 2 0", {0: 1, 2: 0}),
    "one variable": ("1 0 1", {0: 1}),
    "a sample of one": ("1 1 0 1", {0: 1}),
    "lines that end elsewhere": ("1\r\n1 1 2\r\n", {1: 2}),
    "none": ("0", {}),
    "a sample of none": ("1 0", {}),
    "empty": ("", {}),
}


@pytest.mark.parametrize(("text", "wanted"), EVIDENCE.values(), ids=EVIDENCE)
def test_evidence_in_either_spelling(text: str, wanted: dict[int, int], tmp_path: Path) -> None:
    path = written(text, tmp_path, "model.uai.evid")
    assert uai.read_evidence(path) == wanted
    model = read(SMALL, evidence=path)
    assert model.sites == tuple(site for site in (0, 1, 2) if site not in wanted)
    reference = tnl.condition(read(SMALL), wanted)
    assert tnl.log_partition(model) == tnl.log_partition(reference)


WRONG_EVIDENCE = {
    "too few": ("2 0 1 2", "2 variables are observed, but 3 numbers follow"),
    "too many": ("1 0 1 2 0", "1 variables are observed, but 4"),
    "two samples": ("2 1 0 1 1 0 0", "2 variables are observed, but 6"),
    "twice": ("2 0 1 0 1", "observed twice"),
    "no such variable": ("1 7 0", "evidence for 7, which is no site"),
    "no such value": ("1 0 2", "site 0 has no value 2"),
    "negative": ("1 0 -1", "'-1': no whole number"),
    "a word": ("1 0 x", "word 3, evidence, is 'x': no whole number"),
    "absurd": ("1000000000000 0 1", "more than"),
}


@pytest.mark.parametrize(("text", "reason"), WRONG_EVIDENCE.values(), ids=WRONG_EVIDENCE)
def test_wrong_evidence_is_found(text: str, reason: str, tmp_path: Path) -> None:
    path = written(text, tmp_path, "model.uai.evid")
    with pytest.raises(FormatError, match=reason) as error:
        read(SMALL, evidence=path)
    assert str(error.value).startswith(f"{str(path)!r} cannot be read as uai: ")


def test_evidence_needs_a_format(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="evidence= is for uai, bif, rudy, coo files"):
        read(tmp_path / "x", evidence=SMALL)
    with pytest.raises(FormatError, match="uai files have no rows to normalise"):
        read(SMALL, normalise=True)


WRONG = {
    "nothing": ("", "it ends after 0 words, where MARKOV or BAYES should be"),
    "another kind": ("LIMID 1 2", "begins with 'LIMID'"),
    "truncated": ("MARKOV 2 2", "it ends after 3 words"),
    "no numbers": ("MARKOV 1 2 1 1 0 2 0.5", "after 8 words, 1 short of table 0"),
    "a negative count": ("MARKOV -2", "word 2, the number of variables, is '-2'"),
    "a negative size": ("MARKOV 1 -2", "word 3, .*'-2': no whole number"),
    "an underscore": ("MARKOV 1_0", "'1_0': no whole number"),
    "a superscript": ("MARKOV \u00b2", "is not ASCII"),
    "a fraction": ("MARKOV 2.0", "'2.0': no whole number"),
    "no values": ("MARKOV 2 2 0 0", "variable 1 has no values"),
    "absurdly many variables": (f"MARKOV {10**12} 2 2", "it ends after 4 words"),
    "more than that": (f"MARKOV {10**18 - 1} 2 2", "more than"),
    "of more digits": (f"MARKOV {10**4000} 2 2", "no whole number"),
    "absurdly many values": (f"MARKOV 1 {10**12} 0", "more than 16,777,216"),
    "absurdly many alone": (f"MARKOV 2 {2**24} {2**24} 0", "in no table have 33,554,432 values"),
    "absurdly many factors": (f"MARKOV 1 2 {10**12} 1 0", "it ends after 6 words"),
    "absurd scopes": ("MARKOV 1 2 1 1000", "more than 64"),
    "absurd tables": (
        f"MARKOV 3 {2**24} {2**24} {2**24} 1 3 0 1 2 5",
        "says it has 5 entries; its scope has many more",
    ),
    "absurd but right": (f"MARKOV 2 {2**24} {2**24} 1 2 0 1 {2**48} 1", "short of table 0"),
    "a scope twice": ("MARKOV 2 2 2 1 2 1 1", r"a variable twice: \(1, 1\)"),
    "a scope beyond": ("MARKOV 2 2 2 1 2 0 2", "is 2: more than 1"),
    "no variables but a scope": ("MARKOV 0 1 1 0", "more than -1"),
    "entries that do not fit": ("MARKOV 1 2 1 1 0 3 1 1 1", "3 entries; its scope has 2"),
    "no number": ("MARKOV 1 2 1 1 0 2 1 x", "'x' is no finite number, in table 0"),
    "nan": ("MARKOV 1 2 1 1 0 2 1 nan", "'nan' is no finite number, in table 0"),
    "inf": ("MARKOV 1 2 1 1 0 2 1 -inf", "'-inf' is no finite number"),
    "too large": ("MARKOV 1 2 1 1 0 2 1 1e309", "'1e309' is no finite number"),
    "a number with underscores": ("MARKOV 1 2 1 1 0 2 1 1_0", "'1_0' is no finite number"),
    "negative": ("MARKOV 1 2 1 1 0 2 1 -0.5", "table 0 holds -0.5"),
    "more": ("MARKOV 1 2 0 5", "goes on after its end, word 5 is '5'"),
    "a long word": ("MARKOV " + "1" * 10**6, "a word of more than 262,144 characters"),
    "junk": ("MARKOV \1\2\3", "it is no text: byte 7 is 0x01"),
}


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_with_its_place(text: str, reason: str, tmp_path: Path) -> None:
    path = written(text, tmp_path)
    with pytest.raises(FormatError, match=reason) as error:
        read(path)
    assert str(error.value).startswith(f"{str(path)!r} cannot be read as uai: ")
    assert len(str(error.value)) < len(str(path)) + 300


def test_what_is_no_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "folder.uai").mkdir()
    with pytest.raises(FormatError, match="not a regular file"):
        read(tmp_path / "folder.uai")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.uai")


@pytest.mark.parametrize("cut", [1, 9, 30, -1, -8])
def test_a_damaged_gzip_file_is_found(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "model.uai.gz"
    path.write_bytes(gzip.compress(SMALL.read_bytes())[:cut])
    with pytest.raises(FormatError, match="no sound gzip file"):
        read(path)
    path.write_bytes(SMALL.read_bytes())
    with pytest.raises(FormatError, match="no sound gzip file"):
        read(path)


def test_answers_are_what_the_competition_asks_for() -> None:
    assert uai.partition_answer(math.log(1000)) == "PR\n3"
    assert uai.marginals_answer([[0.25, 0.75], [1.0]]) == "MAR\n2 2 0.25 0.75 1 1"
    assert uai.mode_answer([2, 0]) == "MAP\n2 2 0"
