"""`tnlearn infer`: a verdict on standard error, an answer on standard output."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import tnlearn as tnl
from tnlearn.cli.main import main

#: Three bits: 0 and 1 like to be alike, 1 and 2 to differ, and 0 leans to 1.
MODEL = """MARKOV
3
2 2 2
3
2 0 1
2 1 2
1 0

4
2 1 1 2
4
1 3
3 1
2
1 2
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A model, compressed, and evidence that variable 2 is 1."""
    model, evidence = tmp_path / "small.uai.gz", tmp_path / "small.uai.evid"
    model.write_bytes(gzip.compress(MODEL.encode()))
    evidence.write_text("1 2 1\n")
    return str(model), str(evidence)


def total(model: str, **fixed: int) -> float:
    """The sum over the states that agree with what is fixed."""
    table = np.einsum("ab,bc,a->abc", [[2, 1], [1, 2]], [[1, 3], [3, 1]], [1, 2])
    places = tuple(fixed.get(name, slice(None)) for name in "abc")
    return float(np.sum(table[places]))


def test_the_partition_function(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infer", files[0]]) == 0
    printed = capsys.readouterr()
    kind, answer = printed.out.split()
    assert kind == "PR"
    assert float(answer) == pytest.approx(math.log10(total(files[0])), rel=1e-11)
    assert "Verdict" in printed.err
    assert main(["infer", files[0], "--evidence", files[1]]) == 0
    answer = capsys.readouterr().out.split()[1]
    assert float(answer) == pytest.approx(math.log10(total(files[0], c=1)), rel=1e-11)


def test_marginals_are_of_all_variables(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["infer", files[0], "--evidence", files[1], "--task", "mar"]) == 0
    words = capsys.readouterr().out.split()
    assert words[:2] == ["MAR", "3"]
    assert words[8:] == ["2", "0", "1"]
    found = [float(word) for word in words[3:5]]
    wanted = [total("", a=a, c=1) / total("", c=1) for a in (0, 1)]
    assert found == pytest.approx(wanted, abs=1e-8)


def test_the_best_state(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["infer", files[0], "--task", "map"]) == 0
    assert capsys.readouterr().out.split() == ["MAP", "3", "1", "1", "0"]
    assert main(["infer", files[0], "--evidence", files[1], "--task", "map", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == [[0, 0], [1, 0], [2, 1]]
    assert found["energy"] == pytest.approx(-math.log(6))


def test_samples(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    line = ["infer", files[0], "--evidence", files[1], "--task", "sample", "--samples", "5"]
    assert main([*line, "--seed", "3"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 5
    assert all(row.endswith(" 1") for row in rows)
    assert main([*line, "--seed", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [" ".join(map(str, row)) for row in found["samples"]] == rows


def test_json_says_how_good_it_is(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["infer", files[0], "--json", "--memory", "10"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["method"], found["converged"]) == ("loops", True)
    assert abs(found["log_partition"] - math.log(total(""))) <= found["error"]


def test_what_does_not_fit_is_estimated_unless_exact_is_asked_for(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for task, right in (("map", "MAP\n3 1 1 0"), ("mar", "MAR\n3 2")):
        line = ["infer", files[0], "--memory", "10", "--task", task]
        assert main(line) == 0
        printed = capsys.readouterr()
        assert printed.out.startswith(right)
        assert main([*line, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["method"] in ("subgraphs", "tempering")
        assert main([*line, "--exact"]) == 1
        assert "memory limit is 10 B" in capsys.readouterr().err
        if task == "map":
            assert "the best state that subgraphs came by: a bound" in printed.err


def test_a_model_of_our_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ring.tn"
    model = tnl.Ising(nx.cycle_graph(4), beta=0.5)
    tnl.save(model, path)
    assert main(["infer", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["log_partition"] == tnl.log_partition(model)
    tnl.save(model.network(), path)
    assert main(["infer", str(path)]) == 1
    assert "holds a TensorNetwork, and no model" in capsys.readouterr().err


WRONG = {
    "no file": (["nowhere.uai"], "nowhere.uai"),
    "no evidence": (["MODEL", "--evidence", "nowhere.evid"], "nowhere.evid"),
    "too little memory": (["MODEL", "--exact", "--memory", "10"], "memory limit is 10 B"),
    "no number": (["MODEL", "--memory", "much"], "much"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_errors_are_a_line(
    words: list[str],
    message: str,
    files: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["infer", *(files[0] if word == "MODEL" else word for word in words)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("tnlearn: error: ")
    assert message in last
