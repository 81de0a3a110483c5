"""Bayesian networks in BIF: what the files say is what the model is."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import FormatError
from tnlearn.files import read

DATA = Path(__file__).with_name("data")


def written(text: str, folder: Path) -> Path:
    path = folder / "model.bif"
    path.write_text(text, encoding="utf-8")
    return path


def table_of(model: tnl.BayesianNetwork, name: str) -> np.ndarray:
    return next(table for scope, table in model.factors.factors if scope[-1] == name)


def test_names_rows_defaults_comments_and_quotes() -> None:
    model = read(DATA / "sprinkler.bif")
    assert isinstance(model, tnl.BayesianNetwork)
    assert model.sites == ("cloudy", "the sprinkler", "rain", "wet_grass")
    assert model.parents["wet_grass"] == ("the sprinkler", "rain")
    assert model.values("rain") == ("<7.5", "5-12", ">=12/h")
    assert model.values("wet_grass") == ("very {wet}", "'dry'")
    np.testing.assert_array_equal(table_of(model, "the sprinkler"), [[0.1, 0.9], [0.5, 0.5]])
    np.testing.assert_array_equal(table_of(model, "rain"), [[0.25, 0.5, 0.25], [0.75, 0.2, 0.05]])


def test_a_table_has_the_states_of_the_variable_slowest() -> None:
    table = table_of(read(DATA / "sprinkler.bif"), "wet_grass")
    assert table.shape == (2, 3, 2)
    np.testing.assert_array_equal(table[..., 0], [[0.9, 0.95, 0.99], [0.0, 0.8, 0.9]])
    np.testing.assert_array_equal(table[..., 1], [[0.1, 0.05, 0.01], [1.0, 0.2, 0.1]])


def test_the_model_answers_as_by_hand() -> None:
    model = read(DATA / "alarm_clock.bif")
    rings = 0.8 * 0.99 + 0.15 * 0.9
    normalised = read(DATA / "alarm_clock.bif", normalise=True)
    assert tnl.marginals(normalised)["Rings"] == pytest.approx([rings, 1 - rings])
    # The last rows of Late sum to 0.999: they are as printed.
    late = rings * (0.3 * 0.2 + 0.7 * 0.01) + (1 - rings) * (0.3 * 0.97 + 0.7 * 0.333)
    held = tnl.condition(model, {"Late": "True"})
    assert tnl.log_partition(held) == pytest.approx(np.log(late), abs=1e-14)
    np.testing.assert_array_equal(table_of(model, "Late")[1, 1], [0.333, 0.666])


def test_rows_are_normalised_on_request() -> None:
    model = read(DATA / "alarm_clock.bif", normalise=True)
    np.testing.assert_allclose(table_of(model, "Late")[1, 1], [1 / 3, 2 / 3], rtol=1e-15)
    assert tnl.log_partition(model) == pytest.approx(0, abs=1e-14)


def test_other_line_ends_tabs_and_compression_are_the_same(tmp_path: Path) -> None:
    text = (DATA / "sprinkler.bif").read_bytes()
    wanted = read(DATA / "sprinkler.bif")
    for number, raw in enumerate([text.replace(b"\n", b"\r\n"), text.replace(b"  ", b"\t")]):
        path = tmp_path / f"{number}.bif.gz"
        path.write_bytes(gzip.compress(raw))
        found = read(path)
        assert found.sites == wanted.sites
        for one, other in zip(found.factors.factors, wanted.factors.factors, strict=True):
            np.testing.assert_array_equal(one.table, other.table)


def test_names_may_be_of_any_script(tmp_path: Path) -> None:
    text = """variable Größe { type discrete [ 2 ] { klein, groß }; }
              probability ( Größe ) { table 0.5, 0.5; }"""
    assert read(written(text, tmp_path)).values("Größe") == ("klein", "groß")


BOX = "variable A { type discrete [ 2 ] { a, b }; }\n"
TWO = BOX + "variable B { type discrete [ 2 ] { x, y }; }\nprobability ( A ) { table .5, .5; }\n"

WRONG = {
    "nothing": ("", "has no variables"),
    "another format": ("MARKOV 2", "line 1: 'MARKOV' is none of network, variable"),
    "no probabilities": (BOX, "variable 'A' has no probabilities"),
    "it ends": (TWO + "probability ( B | A ) {\n (a) 0.5", "line 5: it ends before the .;."),
    "it ends in a variable": ("variable A {", "line 1: it ends where type should be"),
    "a variable twice": (BOX + BOX, "line 2: variable 'A' is there twice"),
    "two types": (BOX[:-2] + "type discrete [ 1 ] { a }; }", "has two types"),
    "no type": ("variable A { }", "has no type"),
    "continuous": ("variable A { type continuous [ 2 ] { a, b }; }", "must be discrete"),
    "no states": ("variable A { type discrete [ 0 ] { }; }", "0 states"),
    "too few states": ("variable A { type discrete [ 3 ] { a, b }; }", "3 states.* are 2"),
    "a negative number": ("variable A { type discrete [ -2 ] { a, b }; }", "'-2': no whole number"),
    "an absurd number": ("variable A { type discrete [ 1000000000000 ] { a }; }", "more than"),
    "a state twice": (BOX.replace("b }", "a }") + "probability(A){table 1 0;}", "a value twice"),
    "an unknown variable": (BOX + "probability ( C ) {", "line 2: there is no variable 'C'"),
    "an unknown parent": (BOX + "probability ( A | C ) {", "there is no variable 'C'"),
    "a parent twice": (TWO + "probability ( B | A, A ) {", "is there twice"),
    "its own parent": (TWO + "probability ( B | B ) {", "is there twice"),
    "no variable": (BOX + "probability ( ) {", "no variable"),
    "two blocks": (TWO + "probability ( A ) {", "has probabilities already"),
    "a circle": (
        BOX + "variable B { type discrete [ 1 ] { x }; }"
        "probability ( A | B ) { default .5, .5; } probability ( B | A ) { default 1; }",
        "round in a circle",
    ),
    "too few numbers": (TWO + "probability ( B ) {\n table 0.5;", "line 5: there should be 2"),
    "too many numbers": (TWO + "probability ( B ) { table 0.5, 0.5, 0;", "more than 2 n"),
    "no number": (TWO + "probability ( B ) { table 0.5, half;", "line 4: 'half' is no finite"),
    "nan": (TWO + "probability ( B ) { table 0.5, nan;", "'nan' is no finite"),
    "inf": (TWO + "probability ( B ) { table 0.5, 1e999;", "'1e999' is no finite"),
    "an underscore": (TWO + "probability ( B ) { table 0.5, 0_0.5;", "'0_0.5' is no finite"),
    "digits of others": (TWO + "probability ( B ) { table 0.5, \u0660.5;", "is no finite"),
    "a negative one": (TWO + "probability ( B ) { table 1.5, -0.5; }", "must be finite and not"),
    "no distribution": (TWO + "probability ( B ) { table 0.5, 0.7; }", "sums to 1.2 in row"),
    "an unknown state": (TWO + "probability ( B | A ) { (c) 0.5, 0.5;", "has no state 'c'"),
    "too many states": (TWO + "probability ( B | A ) { (a, a) 0.5,", "2 states for 1 parents"),
    "a row twice": (TWO + "probability ( B | A ) { (a) 1, 0; (a) 1, 0;", "is there twice"),
    "a row too few": (TWO + "probability ( B | A ) { (b) 1, 0; }", r"'B' has no row \(a\)"),
    "two defaults": (TWO + "probability ( B ) { default 1, 0; default 1, 0;", "already"),
    "an unknown word": (TWO + "probability ( B ) { tables 1, 0;", "neither a row nor table"),
    "an endless comment": (TWO + "/* for ever", "line 4: there are quotes or a comment"),
    "endless quotes": (TWO + 'probability ( "B ) {', "quotes or a comment that do not end"),
    "a property without end": ("network a { property b }", "'}' is where ';'"),
    "a quoted keyword": ('"variable" A', "where a keyword should be"),
    "a control character": (TWO + "\0", "it is no text: byte 126 is 0x00"),
}


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_with_its_place(text: str, reason: str, tmp_path: Path) -> None:
    path = written(text, tmp_path)
    with pytest.raises(FormatError, match=reason) as error:
        read(path)
    assert str(error.value).startswith(f"{str(path)!r} cannot be read as bif: ")
    assert len(str(error.value)) < len(str(path)) + 300


@pytest.mark.parametrize("between", [" ", "/**/ "])
def test_a_long_row_takes_no_more_than_its_text(between: str, tmp_path: Path) -> None:
    row = f"0.5{between}" * 500_000
    path = written(BOX + f"probability ( A ) {{ table {row}; }}", tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="there are more than 2 numbers"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 6 * path.stat().st_size
    finally:
        tracemalloc.stop()


def test_what_is_not_utf8_is_found(tmp_path: Path) -> None:
    path = tmp_path / "latin.bif"
    path.write_bytes(b"network a {}\nvariable Gr\xf6\xdfe {")
    with pytest.raises(FormatError, match="byte 24, 0xf6, is not UTF-8"):
        read(path)


def test_evidence_is_for_condition(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no files of evidence: use tnlearn\.condition"):
        read(DATA / "sprinkler.bif", evidence=tmp_path / "x")
