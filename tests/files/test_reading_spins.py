"""Ising models as maximum cuts and as lists of coefficients."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.errors import FormatError
from tnlearn.files import read

DATA = Path(__file__).with_name("data")


def written(text: str, folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def all_states(count: int) -> np.ndarray:
    return np.array([*itertools.product((-1, 1), repeat=count)])


def test_weights_are_couplings_of_the_other_sign() -> None:
    model = read(DATA / "triangle.rudy")
    assert (model.sites, model.beta) == ((1, 2, 3, 4), 1.0)
    assert dict(model.couplings) == {(1, 2): -3, (2, 3): -1.5, (1, 3): 2, (1, 4): 0}
    assert set(model.fields.values()) == {0}


def test_the_ground_state_is_the_maximum_cut() -> None:
    model = read(DATA / "triangle.rudy")
    weights = {(1, 2): 3, (2, 3): 1.5, (1, 3): -2, (1, 4): 0}
    cuts = [
        sum(w for (a, b), w in weights.items() if state[a - 1] != state[b - 1])
        for state in all_states(4)
    ]
    np.testing.assert_array_equal((2.5 - model.energy(all_states(4))) / 2, cuts)
    assert (2.5 - tnl.mode(model).energy) / 2 == max(cuts) == 4.5


@pytest.mark.parametrize("name", ["g.mc", "g.gset", "g.rudy.gz", "g.rudy"])
def test_endings_line_ends_and_compression(name: str, tmp_path: Path) -> None:
    raw = (DATA / "triangle.rudy").read_bytes().replace(b"\n", b"\r\n")
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    assert read(tmp_path / name).couplings == read(DATA / "triangle.rudy").couplings


def test_parallel_edges_add_and_nodes_may_have_none(tmp_path: Path) -> None:
    model = read(written("3 2\n1 2 1\n2 1 0.5", tmp_path, "x.rudy"))
    assert dict(model.couplings) == {(1, 2): -1.5}
    assert model.sites == (1, 2, 3)


def test_coefficients_of_spins() -> None:
    model = read(DATA / "spins.coo")
    assert model.sites == (0, 2, 7)
    assert dict(model.couplings) == {(0, 2): 1.0, (2, 7): -2.25}
    assert dict(model.fields) == {0: -0.5, 2: 0, 7: 0}


def test_coefficients_of_bits_give_the_energies_but_for_a_constant(tmp_path: Path) -> None:
    text = "#vartype: BINARY\n2 1 3\n1 1 -1\n\n0 1 0.5\n1 2 1\n2 2 .25\n"
    model = read(written(text, tmp_path, "q.coo"))
    spins = all_states(3)
    a, b, c = (spins.T + 1) // 2
    wanted = 4 * b * c - b + 0.5 * a * b + 0.25 * c
    difference = model.energy(spins) - wanted
    np.testing.assert_array_equal(difference, difference[0])
    assert tnl.mode(model).state == {0: -1, 1: 1, 2: -1}


WRONG_CUTS = {
    "nothing": ("", "line 1 is '': begin with the numbers"),
    "no header": ("1 2 3", "line 1 is '1 2 3': begin"),
    "too few": ("# x\n3 2\n1 2 1", "it says it has 2 edges, and has 1"),
    "too many": ("3 1\n1 2 1\n2 3 1", "it says it has 1 edges, and has 2"),
    "no weight": ("3 1\n1 2", "line 2 is '1 2': give two nodes and a weight"),
    "two weights": ("3 1\n1 2 3 4", "give two nodes and a weight"),
    "node 0": ("3 1\n0 2 1", "line 2: there is no node 0"),
    "a node beyond": ("3 1\n1 4 1", "line 2: a node is 4: more than 3"),
    "a negative node": ("3 1\n1 -2 1", "line 2: a node is '-2': no whole number"),
    "a loop": ("3 1\n\n2 2 1", "line 3: the edge joins node 2 with itself"),
    "no number": ("3 1\n1 2 x", "'x' is no finite number, in line 2"),
    "nan": ("3 1\n1 2 nan", "'nan' is no finite number, in line 2"),
    "an underscore": ("3 1\n1 2 1_0", "'1_0' is no finite number"),
    "an underscore in a node": ("30 1\n1_0 2 1", "'1_0': no whole number"),
    "beyond floats": ("2 2\n1 2 1e308\n1 2 1e308", "must be finite"),
    "no nodes": ("0 0", "at least one node"),
    "absurdly many nodes": (f"{10**12} 1\n1 2 1", "more than 65,536 have no edge"),
    "many nodes": (f"{2**24} 0", "16,777,216 nodes, of which more than"),
    "absurdly many edges": (f"2 {10**12}\n1 2 1", "1,000,000,000,000 edges, and has 1"),
    "of more digits": (f"{10**30} 1\n1 2 1", "line 1: a count is .*no whole number"),
    "a long line": ("3 1" + " 1" * 10**6, "line 1 has more than 262,144 characters"),
    "junk": ("3 1\n\x7f", "it is no text: byte 4 is 0x7f"),
    "another script": ("3 1\né 2 1", "is not ASCII"),
}


@pytest.mark.parametrize(("text", "reason"), WRONG_CUTS.values(), ids=WRONG_CUTS)
def test_wrong_cuts_are_found(text: str, reason: str, tmp_path: Path) -> None:
    path = written(text, tmp_path, "x.rudy")
    with pytest.raises(FormatError, match=reason) as error:
        read(path)
    assert str(error.value).startswith(f"{str(path)!r} cannot be read as rudy: ")


SPIN = "# vartype=SPIN\n"
WRONG_LISTS = {
    "nothing": ("", "does not say what its variables are"),
    "no vartype": ("# spins\n0 1 1", "does not say what its variables are"),
    "no terms": (SPIN, "it has no terms"),
    "another vartype": ("# vartype=INTEGER\n0 1 1", "line 1: the vartype is 'INTEGER', not SPIN"),
    "two vartypes": (SPIN + "0 1 1\n# vartype=BINARY", "line 3: the vartype is given again"),
    "no coefficient": (SPIN + "0 1", "line 2 is '0 1': give two labels"),
    "a negative label": (SPIN + "-1 1 1", "line 2: a label is '-1'"),
    "an absurd label": (SPIN + "9" * 19 + " 1 1", "no whole number"),
    "no number": (SPIN + "0 1 one", "'one' is no finite number, in line 2"),
    "nan": (SPIN + "0 1 nan", "'nan' is no finite number"),
    "inf": (SPIN + "0 0 1e400", "'1e400' is no finite number"),
    "an underscore": (SPIN + "0 1 1_1", "'1_1' is no finite number"),
    "beyond floats": (SPIN + "0 0 1e308\n0 0 1e308", "must be finite"),
    "bits beyond floats": (
        "# vartype=BINARY\n0 0 1.5e308\n1 1 1.5e308\n2 2 1.5e308",
        "more than a float holds",
    ),
    "bits beyond all": ("# vartype=BINARY\n0 0 1e308\n0 0 1e308\n0 1 -1e308", "must be finite"),
    "junk": (SPIN + "\x00", "it is no text: byte 15 is 0x00"),
}


@pytest.mark.parametrize(("text", "reason"), WRONG_LISTS.values(), ids=WRONG_LISTS)
def test_wrong_lists_are_found(text: str, reason: str, tmp_path: Path) -> None:
    path = written(text, tmp_path, "x.coo")
    with pytest.raises(FormatError, match=reason) as error:
        read(path)
    assert str(error.value).startswith(f"{str(path)!r} cannot be read as coo: ")


def test_absurd_labels_are_names_and_take_no_room(tmp_path: Path) -> None:
    assert read(written(SPIN + f"0 {10**17} 1", tmp_path, "x.coo")).sites == (0, 10**17)
