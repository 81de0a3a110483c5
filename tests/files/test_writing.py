"""Models that are written in other programs' formats are read again."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from saved_things import BAYES, GRAPH, assert_same_bits, assert_same_factors
from tnlearn.errors import DataTypeError, FormatError
from tnlearn.files import load, read, write

NUMBERS = [0.1, -1 / 3, 5e-324, 1.7976931348623157e308, -3.0, 2**53 + 2.0, 1e22, 1e-7]


def spins(field: float = 0.0) -> tnl.Ising:
    graph = nx.cycle_graph(len(NUMBERS))
    graph.add_node("lonely")
    coupling = dict(zip(graph.edges, NUMBERS, strict=True))
    return tnl.Ising(graph, coupling, field, beta=1e-3)


def by_position(model: tnl.Ising) -> dict[frozenset[int], float]:
    at = {site: k for k, site in enumerate(model.sites)}
    return {frozenset((at[a], at[b])): J for (a, b), J in model.couplings.items()}


@pytest.mark.parametrize("name", ["m.uai", "m.uai.gz"])
def test_a_factor_graph_comes_back_to_the_last_bit(name: str, tmp_path: Path) -> None:
    table = np.abs(np.array([NUMBERS, NUMBERS[::-1]])).reshape(2, 4, 2)
    model = tnl.FactorGraph([((2, 0, 1), table), ((), 0.7), ((1,), [0, 1e-310])], {0: 4, 1: 2})
    write(model, tmp_path / name)
    assert_same_factors(read(tmp_path / name), model)


def test_names_become_numbers_in_the_order_of_the_sites(tmp_path: Path) -> None:
    write(GRAPH, tmp_path / "m.uai")
    found = read(tmp_path / "m.uai")
    assert found.sites == (0, 1, 2)
    assert [len(found.values(k)) for k in found.sites] == [2, 2, 3]
    at = {site: k for k, site in enumerate(GRAPH.sites)}
    for one, other in zip(found.factors, GRAPH.factors, strict=True):
        assert one.scope == tuple(at[site] for site in other.scope)
        assert_same_bits(one.table, other.table)


def test_a_bayesian_network_keeps_its_tables(tmp_path: Path) -> None:
    write(BAYES, tmp_path / "m", format="uai")
    assert (tmp_path / "m").read_text().startswith("BAYES\n3\n2 2 3\n3\n")
    found = read(tmp_path / "m", format="uai")
    assert [factor.scope for factor in found.factors] == [(1, 2, 0), (1,), (2,)]
    for one, other in zip(found.factors, BAYES.factors.factors, strict=True):
        assert_same_bits(one.table, other.table)


def test_logarithms_become_weights(tmp_path: Path) -> None:
    logs = np.array([-np.inf, 0.0, 3.0])
    write(tnl.FactorGraph([("x", logs)], log=True), tmp_path / "m.uai")
    np.testing.assert_array_equal(read(tmp_path / "m.uai").factors[0].table, np.exp(logs))


@pytest.mark.parametrize("beyond", [1e3, -1e3])
def test_logarithms_of_what_no_float_holds_are_refused(beyond: float, tmp_path: Path) -> None:
    model = tnl.FactorGraph([("x", [0.0, beyond])], log=True)
    with pytest.raises(FormatError, match=r"factor 0 has a weight of exp.*which no float"):
        write(model, tmp_path / "m.uai")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["m.rudy", "m.mc.gz", "m.coo", "m.coo.gz"])
def test_spins_come_back_to_the_last_bit(name: str, tmp_path: Path) -> None:
    write(spins(), tmp_path / name)
    found = read(tmp_path / name)
    assert found.beta == 1
    assert by_position(found) == by_position(spins())
    assert len(found.sites) == len(NUMBERS) + 1


def test_fields_come_back_as_a_list_of_coefficients(tmp_path: Path) -> None:
    graph = nx.Graph([(4, 0), (0, 9)])
    model = tnl.Ising(graph, {(4, 0): 0.5, (0, 9): 0.25}, {9: -0.1, 0: 1.5})
    write(model, tmp_path / "m.coo")
    found = read(tmp_path / "m.coo")
    assert found.fields == model.fields, "whole numbers are kept as names"
    assert {frozenset(e): J for e, J in found.couplings.items()} == {
        frozenset(e): J for e, J in model.couplings.items()
    }


def test_a_list_of_coefficients_is_what_dimod_reads(tmp_path: Path) -> None:
    dimod = pytest.importorskip("dimod")
    from dimod.serialization import coo

    from tnlearn.interop import from_bqm

    write(spins(field=0.3), tmp_path / "m.coo")
    with (tmp_path / "m.coo").open() as file:
        theirs, offset = from_bqm(coo.load(file))
    ours = read(tmp_path / "m.coo")
    assert offset == 0
    assert theirs.fields == ours.fields
    assert {frozenset(edge): J for edge, J in theirs.couplings.items()} == {
        frozenset(edge): J for edge, J in ours.couplings.items()
    }
    bqm = dimod.BinaryQuadraticModel({0: 0.5, 3: -0.25}, {(0, 3): 1.0}, "BINARY")
    (tmp_path / "their.coo").write_text(coo.dumps(bqm, vartype_header=True))
    model, _ = from_bqm(bqm)
    assert read(tmp_path / "their.coo").fields == model.fields


def test_other_names_are_files_of_our_own(tmp_path: Path) -> None:
    write(spins(), tmp_path / "model")
    assert load(tmp_path / "model").sites == read(tmp_path / "model").sites == spins().sites


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whenever, and by whatever name, it was compressed."""
    write(spins(), tmp_path / "a.coo.gz")
    raw = (tmp_path / "a.coo.gz").read_bytes()
    assert raw[3] == 0, "no name"
    assert raw[4:8] == bytes(4), "no time"
    assert gzip.decompress(raw).startswith(b"# vartype=SPIN\n")


def odd(name: str, *values: Any) -> tnl.BayesianNetwork:
    """One variable of that name, and of two values."""
    return tnl.BayesianNetwork({name: ((), [0.5, 0.5])}, {name: values or (0, 1)})


NAMES = ["plain", "two words", "a,b", "//slashes", "/*", "a{b}", "|", "é", "0.5", "table", "a/*b"]


@pytest.mark.parametrize("name", ["m.bif", "m.bif.gz"])
def test_a_bayesian_network_comes_back_with_its_names(name: str, tmp_path: Path) -> None:
    """Names of every kind, of variables and of values, and numbers to the last bit."""
    random = np.random.default_rng(0)
    tables, states = {}, {}
    for k, variable in enumerate(NAMES):
        parents = NAMES[max(k - 3, 0) : k]
        rows = random.dirichlet(np.full(3, 0.05), [3] * len(parents))
        tables[variable] = (parents, rows)
        states[variable] = [NAMES[(k + step) % len(NAMES)] for step in range(3)]
    model = tnl.BayesianNetwork(tables, states)
    write(model, tmp_path / name)
    found = read(tmp_path / name)
    assert isinstance(found, tnl.BayesianNetwork)
    assert found.parents == model.parents
    assert_same_factors(found.factors, model.factors)


def test_names_that_are_no_texts_become_texts(tmp_path: Path) -> None:
    write(BAYES, tmp_path / "m.bif")
    found = read(tmp_path / "m.bif")
    assert found.values("rain") == ("False", "True")
    for one, other in zip(found.factors.factors, BAYES.factors.factors, strict=True):
        assert_same_bits(one.table, other.table)


REFUSED: dict[str, tuple[Any, str, type[Exception], str]] = {
    "fields": (spins(0.5), "m.rudy", FormatError, "no fields, and that of 0 is 0.5"),
    "spins as factors": (spins(), "m.uai", DataTypeError, "not a Ising"),
    "factors as a cut": (GRAPH, "m.rudy", DataTypeError, "not a FactorGraph"),
    "factors as a list": (GRAPH, "m.coo", DataTypeError, "not a FactorGraph"),
    "factors as conditionals": (GRAPH, "m.bif", DataTypeError, "not a FactorGraph"),
    "a name that no quotes hold": (odd('a"'), "m.bif", FormatError, "quotation mark"),
    "no name": (odd(""), "m.bif", FormatError, "it is empty"),
    "names alike": (odd("x", 0, "0"), "m.bif", FormatError, "values of 'x' are both '0'"),
}


@pytest.mark.parametrize(("model", "name", "error", "text"), REFUSED.values(), ids=REFUSED)
def test_what_a_format_does_not_hold(
    model: Any, name: str, error: type[Exception], text: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("old")
    with pytest.raises(error, match=text):
        write(model, tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "old"


@pytest.mark.parametrize("name", ["m.uai", "m.uai.gz", "m.coo", "m.rudy.gz"])
def test_a_failed_write_leaves_all_as_it_was(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("the disk is gone")

    (tmp_path / name).write_text("old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="the disk is gone"):
        write(GRAPH if "uai" in name else spins(), tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "old"


def test_an_interrupted_write_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of the text: what is written so far is nobody's."""

    def interrupt(*_: Any) -> str:
        raise KeyboardInterrupt

    for name in ("m.coo", "m.coo.gz"):
        (tmp_path / name).write_text("old")
        with monkeypatch.context() as patch:
            patch.setattr("tnlearn.files.coo.decimal", interrupt)
            with pytest.raises(KeyboardInterrupt):
                write(spins(), tmp_path / name)
        assert (tmp_path / name).read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["m.coo", "m.coo.gz"]
