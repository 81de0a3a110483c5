"""The command line of the benchmarks, and the files that a run leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.peers import PEERS
from benchmarks.problems import suites
from fake_peers import TINY

ROOT = Path(__file__).parents[2]
TIMES = ("planning_seconds", "compiling_seconds", "packing_seconds", "running_seconds", "ratio")


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_list_names_problems_and_peers() -> None:
    listed = benchmarks("list")
    assert listed.returncode == 0, listed.stderr
    for name in (*TINY, *suites(), *(peer.name for peer in PEERS)):
        assert name in listed.stdout


def test_an_unknown_problem_or_peer_is_refused() -> None:
    assert benchmarks("run", "--only", "no such problem").returncode == 2
    refused = benchmarks("run", "--peers", "no such peer")
    assert refused.returncode == 1
    assert "no peer is called 'no such peer'" in refused.stderr


OPTIONS = (
    "run",
    "--suite=tiny",
    "--seconds-per-measurement=0.01",
    "--seconds-to-plan=0.2",
    "--peer-memory=2GiB",
    "--name=tiny",
    "--peers=tnlearn,cotengra,opt_einsum",
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a run of the tiny suite with the libraries that are always there."""
    folder = tmp_path_factory.mktemp("results")
    ran = benchmarks(*OPTIONS, "--folder", str(folder))
    assert ran.returncode == 0, ran.stderr
    return folder


def test_the_result_is_complete(tiny: Path) -> None:
    result = json.loads((tiny / "tiny.json").read_text(encoding="utf-8"))
    assert result["suite"] == "tiny"
    assert result["seed"] == 0
    assert result["environment"]["commit"]
    assert result["environment"]["cotengra"][0].isdigit()
    assert set(result["threads"].values()) == {"1"}
    assert [row["problem"] for row in result["problems"]] == list(TINY)
    assert all(row["flops"] > 0 and row["width"] > 0 for row in result["problems"])
    assert {row["planner"] for row in result["orders"]} == {"tnlearn", "cotengra", "opt_einsum"}
    timed = [row for row in result["measurements"] if row["status"] == "ok"]
    assert {row["peer"] for row in timed} >= {"tnlearn", "tnlearn lists", "cotengra", "opt_einsum"}
    assert all(row[name] >= 0 for row in timed for name in TIMES)
    assert all(row["error"] < 1e-3 for row in timed)
    assert all(0 < row["processor_share"] < 1.5 for row in timed)
    assert all(0 < row["bound_percent"] < 1000 for row in timed)
    assert all(row["bound_seconds"] == max(seconds_of(row)) for row in timed)
    assert all(row["gradient_by_value"] > 0 for row in timed if row["task"] == "gradient")
    tried = {(row["peer"], row["order"]) for row in result["candidates"]}
    assert tried >= {("cotengra", "tnlearn"), ("cotengra", "cotengra"), ("tnlearn", "tnlearn")}
    one = [row for row in result["candidates"] if row["problem"] == "ising 3x3 (one order)"]
    assert {row["order"] for row in one} == {"tnlearn"}
    assert {row["status"] for row in result["candidates"]} == {"ok"}
    left_out = [row for row in result["measurements"] if row["status"] != "ok"]
    assert {row["status"] for row in left_out} == {"not supported: no gradient"}


def seconds_of(row: dict[str, float]) -> tuple[float, float]:
    """By the flops and by the bytes."""
    return row["flops_seconds"], row["bytes_seconds"]


def test_the_page_and_the_figure_are_beside_it(tiny: Path) -> None:
    assert "## measurements" in (tiny / "tiny.md").read_text(encoding="utf-8")
    assert (tiny / "tiny.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.suffix for path in tiny.iterdir()) == [".json", ".md", ".png"]


def test_a_run_that_was_cut_is_resumed(tiny: Path, tmp_path: Path) -> None:
    whole = json.loads((tiny / "tiny.json").read_text(encoding="utf-8"))
    tables = ("problems", "orders", "measurements", "candidates", "cold")
    last = whole["problems"][-1]["problem"]
    rows = {t: [row for row in whole[t] if row["problem"] != last] for t in tables}
    (tmp_path / "tiny.json").write_text(json.dumps(whole | rows), encoding="utf-8")
    resumed = benchmarks(*OPTIONS, "--resume", "--folder", str(tmp_path))
    assert resumed.returncode == 0, resumed.stderr
    result = json.loads((tmp_path / "tiny.json").read_text(encoding="utf-8"))
    assert result["problems"][:-1] == whole["problems"][:-1]
    assert [row["problem"] for row in result["problems"]] == list(TINY)
    assert len(result["measurements"]) == len(whole["measurements"])


def test_a_run_under_other_conditions_is_not_resumed(tiny: Path) -> None:
    refused = benchmarks(*OPTIONS, "--resume", "--seed=1", "--folder", str(tiny))
    assert refused.returncode == 1
    assert "tiny.json is of a run with other seed" in refused.stderr
