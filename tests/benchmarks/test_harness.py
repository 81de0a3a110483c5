"""The benchmark harness: it runs, it is complete, and it does not believe wrong answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import cold, threads
from benchmarks.agreement import disagreement
from benchmarks.instances import Answer, Instance
from benchmarks.measure import Candidate, Contender, Limits, Outcome, compare, prepare, ratio
from benchmarks.orders import Order, search
from benchmarks.peers import PEERS, Peer, Runner
from benchmarks.problems import FIXED, Problem, suites
from benchmarks.run import Settings, run

ROOT = Path(__file__).parents[2]
QUICK = Limits(measurement=0.01, preparing=60.0, planning=0.2, rounds=(3, 4))
TINY = {problem.name: problem for problem in FIXED if "tiny" in problem.suites}
TIMES = ("planning_seconds", "compiling_seconds", "packing_seconds", "running_seconds", "ratio")


class Fake(Peer):
    """tnlearn with something done to its runs, or to what it answers."""

    name, distribution, module = "fake", "tnlearn-engine", "tnlearn"
    tasks = ("value", "gradient")

    def __init__(
        self,
        before: Callable[[], None] = lambda: None,
        answer: Callable[[Answer, int], Answer] = lambda answer, call: answer,
    ) -> None:
        self.before, self.change, self.calls = before, answer, 0

    def objection(self, instance: Instance) -> str | None:
        return None

    def prepare(self, instance: Instance, task: str, order: Order | None, mode: str) -> Runner:
        real = PEERS[0].prepare(instance, task, order, mode)

        def run(packed: Any) -> Any:
            self.before()
            return real.run(packed)

        def answer(result: Any) -> Answer:
            self.calls += 1
            return self.change(real.answer(result), self.calls)

        return replace(real, run=run, answer=answer)


def outcome_of(fake: Peer, task: str = "gradient", limits: Limits = QUICK) -> Outcome:
    """The outcome of a fake beside tnlearn, which must be fine itself."""
    instance = TINY["ising 3x3"].build(0)
    candidates = [Candidate(search(instance, "tnlearn", 0, None, 0.0))]
    peers = (PEERS[0], fake)
    contenders = [Contender(peer.name, peer, task, candidates) for peer in peers]
    first, second = compare(instance, contenders, limits)
    assert first.status == "ok"
    assert len(first.samples) >= limits.rounds[0]
    return second


def wrong_value(answer: Answer, call: int) -> Answer:
    return answer._replace(value=answer.value * (1 + 1e-6))


def wrong_in_one_gradient(answer: Answer, call: int) -> Answer:
    *gradient, last = answer.gradient
    changed = last.copy()
    changed.flat[-1] *= 1.01
    return answer._replace(gradient=[*gradient, changed])


def wrong_for_the_last_arrays(answer: Answer, call: int) -> Answer:
    return wrong_value(answer, call) if call == 3 else answer


def not_finite(answer: Answer, call: int) -> Answer:
    return answer._replace(value=answer.value * np.nan)


def without_gradient(answer: Answer, call: int) -> Answer:
    return answer._replace(gradient=())


WRONG = (
    wrong_value,
    wrong_in_one_gradient,
    wrong_for_the_last_arrays,
    not_finite,
    without_gradient,
)


@pytest.mark.parametrize("change", WRONG, ids=lambda change: change.__name__)
def test_a_wrong_answer_is_a_disagreement_and_is_not_timed(
    change: Callable[[Answer, int], Answer],
) -> None:
    outcome = outcome_of(Fake(answer=change))
    assert outcome.status.startswith("disagrees")
    assert outcome.samples == []


def test_a_right_answer_is_timed() -> None:
    outcome = outcome_of(Fake())
    assert outcome.status == "ok"
    assert outcome.error == 0
    assert len(outcome.samples) >= QUICK.rounds[0]


def test_an_exception_is_written_down_and_hides_nobody() -> None:
    def fail() -> None:
        raise KeyError("no such kernel\nsecond line")

    assert outcome_of(Fake(fail)).status.startswith("failed: KeyError: 'no such kernel")


def test_a_slow_library_is_skipped() -> None:
    slow = Fake(partial(time.sleep, 0.02))
    outcome = outcome_of(slow, limits=replace(QUICK, run=0.01))
    assert outcome.status.startswith("skipped: one run takes 0.02")
    assert outcome.samples == []


def test_a_library_that_takes_too_long_to_prepare_is_broken_off() -> None:
    def spin() -> None:
        stop = time.process_time() + 30
        while time.process_time() < stop:
            pass

    outcome = outcome_of(Fake(spin), limits=replace(QUICK, preparing=1.0))
    assert outcome.status == "skipped: not ready after 1 s"


def test_orders_that_peers_cannot_run_are_refused() -> None:
    instance = TINY["ising 3x3"].build(0)
    order = search(instance, "tnlearn", 0, None, 0.0)
    sliced = replace(order, plan=replace(order.plan, sliced=(0,)))
    hopeless = replace(order.plan.cost, seconds=1e9)
    slow = replace(order, plan=replace(order.plan, cost=hopeless))
    peers = {peer.name: peer for peer in PEERS}

    def status(name: str, order: Order) -> str:
        contender = Contender(name, peers[name], "value", [Candidate(order)])
        return prepare(instance, contender, QUICK).status

    assert (
        status("cotengra", sliced) == "skipped: the order of tnlearn needs slices to fit in memory"
    )
    assert status("tnlearn", sliced) == "ok"
    assert status("tnlearn", slow) == "skipped: one run would take 1e+09 s by the machine model"


def test_without_the_reference_there_are_no_ratios() -> None:
    failing = Fake(partial(int, "no number"))
    settings = Settings([failing, PEERS[0]], QUICK)
    rows = run([TINY["ising 3x3"]], settings, lambda result, problem: None).measurements
    assert {row["status"].split(":")[0] for row in rows} == {"failed", "ok"}
    assert not any("ratio" in row for row in rows)


def test_everyone_takes_turns() -> None:
    instance = TINY["ising 3x3"].build(0)
    candidates = [Candidate(search(instance, "tnlearn", 0, None, 0.0))]
    turns: list[str] = []

    def slow(name: str) -> None:
        turns.append(name)
        time.sleep(0.011)  # longer than a sample, so that a turn is one call

    fakes = {name: Fake(partial(slow, name)) for name in "abc"}
    contenders = [Contender(name, fake, "value", candidates) for name, fake in fakes.items()]
    outcomes = compare(instance, contenders, replace(QUICK, rounds=(4, 4)))
    assert "".join(turns[-12:]) == "abccbaabccba"
    assert [len(outcome.samples) for outcome in outcomes] == [4, 4, 4]


def test_the_ratio_is_that_of_rounds() -> None:
    assert ratio([2.0, 20.0, 4.0], [1.0, 10.0, 1.0]) == 2.0


def test_disagreement_is_relative_to_the_largest_entry() -> None:
    reference = Answer(np.array([4.0, 1.0]), [np.array([2.0])])
    other = Answer(np.array([4.0, 1.2]), [np.array([2.0])])
    assert disagreement(other, reference) == pytest.approx(0.05)
    assert disagreement(Answer(np.ones(3), other.gradient), reference) == np.inf
    assert disagreement(reference, reference) == 0


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_library_answers_as_tnlearn_does(peer: Peer) -> None:
    if not peer.version():
        pytest.skip(f"{peer.distribution} is not installed")
    problems = [replace(problem, gemm=False) for problem in TINY.values()]
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


def test_a_problem_that_cannot_be_built_hides_no_other() -> None:
    broken = Problem("broken", lambda seed: Instance(*[1 / seed] * 4), ("tiny",))
    settings = Settings(PEERS[:1], QUICK)
    result = run([broken, TINY["rbm 3x4 batch 5"]], settings, lambda result, problem: None)
    assert [row["status"].split(":")[0] for row in result.problems] == ["failed", "ok"]


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


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a run of the tiny suite with the libraries that are always there."""
    folder = tmp_path_factory.mktemp("results")
    peers = "--peers=tnlearn,cotengra,opt_einsum"
    options = ("--suite=tiny", "--seconds-per-measurement=0.01", "--name=tiny")
    ran = benchmarks("run", *options, peers, "--folder", str(folder))
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
    assert all(row[name] >= 0 for row in timed for name in TIMES if row["task"] != "rate")
    assert all(row["error"] < 1e-3 for row in timed)
    assert all(0 < row["processor_share"] < 1.5 for row in timed)
    assert any("gemm_percent" in row for row in timed)
    assert all(row["gradient_by_value"] > 0 for row in timed if row["task"] == "gradient")
    tried = {(row["peer"], row["order"]) for row in result["candidates"]}
    assert tried >= {("cotengra", "tnlearn"), ("cotengra", "cotengra"), ("tnlearn", "tnlearn")}
    one = [row for row in result["candidates"] if row["problem"] == "ising 3x3 (one order)"]
    assert {row["order"] for row in one} == {"tnlearn"}
    left_out = [row for row in result["measurements"] if row["status"] != "ok"]
    assert {row["status"] for row in left_out} == {"not supported: no gradient"}


def test_the_page_and_the_figure_are_beside_it(tiny: Path) -> None:
    assert "## measurements" in (tiny / "tiny.md").read_text(encoding="utf-8")
    assert (tiny / "tiny.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.suffix for path in tiny.iterdir()) == [".json", ".md", ".png"]
