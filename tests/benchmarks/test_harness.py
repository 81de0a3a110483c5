"""The benchmark harness: everyone takes turns, libraries agree, and nothing hides a problem."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import cold, threads
from benchmarks.agreement import disagreement
from benchmarks.bound import Rates
from benchmarks.instances import Answer, Instance
from benchmarks.measure import Candidate, Contender, compare, ratio
from benchmarks.orders import search
from benchmarks.peers import PEERS, Peer
from benchmarks.problems import FIXED, Problem
from benchmarks.run import Result, Settings, run
from fake_peers import QUICK, TINY, Fake


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of no machine, for runs whose times nobody looks at."""
    monkeypatch.setattr("benchmarks.run.measure_rates", lambda dtype: Rates(1e9, 1e9))


@pytest.mark.usefixtures("rates")
def test_without_the_reference_there_are_no_ratios() -> None:
    failing = Fake(partial(int, "no number"))
    settings = Settings([failing, PEERS[0]], QUICK)
    rows = run([TINY["ising 3x3"]], settings, lambda result, problem: None).measurements
    assert {row["status"].split(":")[0] for row in rows} == {"failed", "ok"}
    assert not any("ratio" in row for row in rows)


def test_everyone_takes_turns(tmp_path: Path) -> None:
    instance = TINY["ising 3x3"].build(0)
    candidates = [Candidate(search(instance, "tnlearn", 0, None, 0.0))]
    turns = tmp_path / "turns"

    def slow(name: str) -> None:
        with turns.open("a") as file:
            file.write(name)
        time.sleep(0.011)  # longer than a sample, so that a turn is one call

    fakes = {name: Fake(partial(slow, name)) for name in "abc"}
    contenders = [Contender(name, fake, "value", candidates) for name, fake in fakes.items()]
    outcomes = compare(instance, contenders, replace(QUICK, rounds=(4, 4)))
    assert turns.read_text()[-12:] == "abccbaabccba"
    assert [len(outcome.samples) for outcome in outcomes] == [4, 4, 4]


def test_the_ratio_is_that_of_rounds() -> None:
    assert ratio([2.0, 20.0, 4.0], [1.0, 10.0, 1.0]) == 2.0


def test_disagreement_is_relative_to_the_largest_entry() -> None:
    reference = Answer(np.array([4.0, 1.0]), [np.array([2.0])])
    other = Answer(np.array([4.0, 1.2]), [np.array([2.0])])
    assert disagreement(other, reference) == pytest.approx(0.05)
    assert disagreement(Answer(np.ones(3), other.gradient), reference) == np.inf
    assert disagreement(reference, reference) == 0


@pytest.mark.usefixtures("rates")
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_library_answers_as_tnlearn_does(peer: Peer) -> None:
    if not peer.version():
        pytest.skip(f"{peer.distribution} is not installed")
    problems = list(TINY.values())
    settings = Settings([PEERS[0], peer], replace(QUICK, rounds=(0, 0)))
    rows = run(problems, settings, lambda result, problem: None).measurements
    statuses = [row["status"] for row in rows if row["peer"] == peer.name]
    assert "ok" in statuses
    assert all(status == "ok" or status.startswith("not supported") for status in statuses)


def test_gradients_are_those_of_finite_differences() -> None:
    instance = TINY["mps 6 bond 3"].build(0)
    arrays = [array.astype(float) for array in instance.sets[0]]
    assert instance.target is not None
    doubled = replace(instance, sets=(tuple(arrays),), target=instance.target.astype(float))
    runner = PEERS[0].prepare(doubled, "gradient", search(doubled, "tnlearn", 0, None, 0.0), "")

    def loss(step: float) -> tuple[float, Any]:
        arrays[2][0, 1, 2] += step
        answer = runner.answer(runner.run(runner.pack(arrays)))
        arrays[2][0, 1, 2] -= step
        return float(answer.value), answer.gradient[2][0, 1, 2]

    slope = (loss(1e-5)[0] - loss(-1e-5)[0]) / 2e-5
    assert loss(0.0)[1] == pytest.approx(slope, rel=1e-6)


def test_orders_in_the_form_of_others_join_everything() -> None:
    instance = TINY["ising 3x3"].build(0)
    for planner in ("tnlearn", "cotengra", "opt_einsum"):
        order = search(instance, planner, 0, None, 0.2)
        left = len(instance.inputs)
        for first, second in order.path:
            assert 0 <= first < second < left
            left -= 1
        assert left == 1


@pytest.mark.usefixtures("rates")
def test_a_problem_that_cannot_be_built_hides_no_other() -> None:
    broken = Problem("broken", lambda seed: Instance(*[1 / seed] * 4), ("tiny",))
    settings = Settings(PEERS[:1], QUICK)
    result = run([broken, TINY["rbm 3x4 batch 5"]], settings, lambda result, problem: None)
    assert [row["status"].split(":")[0] for row in result.problems] == ["failed", "ok"]


@pytest.mark.usefixtures("rates")
def test_a_run_that_was_cut_goes_on() -> None:
    names = ["rbm 3x4 batch 5", "ising 3x3 (one order)"]
    settings = Settings(PEERS[:1], replace(QUICK, rounds=(0, 0)))
    ran: list[str] = []

    def after(result: Result, problem: Problem) -> None:
        ran.append(problem.name)

    before = run([TINY[names[0]]], settings, after)
    result = run([TINY[name] for name in names], settings, after, before)
    assert ran == names == [row["problem"] for row in result.problems]


def test_a_cold_process_finds_the_same_value() -> None:
    problem = replace(TINY["ising 3x3"], cold=True)
    rows = {row["peer"]: row for row in cold.measure(problem, 0, rounds=1)}
    assert rows["tnlearn"]["status"] == rows["cotengra"]["status"] == "ok"
    assert float(rows["tnlearn"]["value"]) == pytest.approx(float(rows["cotengra"]["value"]))
    assert rows["numpy"]["ratio"] < 1


def test_threads_are_pinned_before_numpy_or_not_at_all() -> None:
    with pytest.raises(RuntimeError, match="before numpy"):
        threads.pin(1)


def test_names_are_unique() -> None:
    assert len({problem.name for problem in FIXED}) == len(FIXED)
    assert len({peer.name for peer in PEERS}) == len(PEERS)
