"""The benchmark harness: it runs, it is complete, and it does not believe wrong answers."""

from __future__ import annotations

import ctypes
import faulthandler
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from benchmarks import cold, threads
from benchmarks.agreement import disagreement
from benchmarks.bound import Rates
from benchmarks.instances import Answer, Instance
from benchmarks.measure import Candidate, Contender, compare, prepare, ratio
from benchmarks.orders import Order, search
from benchmarks.peers import PEERS, Peer
from benchmarks.problems import FIXED, Problem
from benchmarks.run import Result, Settings, run
from fake_peers import QUICK, TINY, Fake, outcome_of


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of no machine, for runs whose times nobody looks at."""
    monkeypatch.setattr("benchmarks.run.measure_rates", lambda dtype: Rates(1e9, 1e9))


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


def test_a_slow_library_is_left_out() -> None:
    slow = Fake(partial(time.sleep, 0.02))
    outcome = outcome_of(slow, limits=replace(QUICK, run=0.01))
    assert outcome.status.startswith("over 0.01 s: one run takes 0.02")
    assert outcome.samples == []


def test_a_library_that_takes_too_long_to_prepare_is_ended() -> None:
    def spin() -> None:
        while True:
            pass

    assert outcome_of(Fake(spin), limits=replace(QUICK, preparing=3.0)).status == "over 3 s"


def test_a_library_that_takes_too_much_memory_is_ended() -> None:
    held: list[Any] = []

    def fill() -> None:
        held.extend(np.ones(2**17) for _ in range(2**16))

    limit = psutil.Process().memory_info().rss + 2**28
    status = outcome_of(Fake(fill), limits=replace(QUICK, memory=limit)).status
    assert status.startswith("over ")
    assert status.endswith("iB")


def crash_after(runs: int) -> Callable[[], None]:
    """So many runs, each longer than a sample, and a crash; the counter is that of a process."""
    numbers = count()

    def crash() -> None:
        time.sleep(0.006)
        if next(numbers) >= runs:
            faulthandler.disable()  # pytest's would tell everybody about it
            ctypes.string_at(0)

    return crash


#: Of a contender: one rehearses, five prepare, one for each set of arrays answers.
WHEN = {0: "rehearsing", 1: "preparing", 6: "answering", 9: "the first sample", 10: "the second"}


@pytest.mark.parametrize("runs", WHEN, ids=WHEN.get)
def test_a_crash_is_written_down_and_hides_nobody(runs: int) -> None:
    outcome = outcome_of(Fake(crash_after(runs)))
    assert outcome.status == "crashed: SIGSEGV"
    assert (outcome.ready is None) == (runs < 6)
    assert (outcome.error is None) == (runs < 9)
    assert outcome.samples == []


def test_the_memory_of_a_run_is_that_of_the_network() -> None:
    def take() -> None:
        np.ones(2**23)

    first = outcome_of(Fake(), "value").memory
    assert first is not None
    assert first < 2**25
    # Taken by the rehearsal too: what counts is the most that was held since.
    assert outcome_of(Fake(take), "value").memory in range(2**25, 2**28)


def test_orders_that_peers_cannot_run_are_refused() -> None:
    instance = TINY["ising 3x3"].build(0)
    order = search(instance, "tnlearn", 0, None, 0.0)
    sliced = replace(order, plan=replace(order.plan, sliced=(0,)))
    hopeless = replace(order.plan.cost, seconds=1e9)
    slow = replace(order, plan=replace(order.plan, cost=hopeless))
    wide = replace(order, plan=replace(order.plan, cost=replace(order.plan.cost, width=40)))
    peers = {peer.name: peer for peer in PEERS}

    def status(name: str, order: Order) -> str:
        contender = Contender(name, peers[name], "value", [Candidate(order)])
        outcome = prepare(instance, contender, QUICK)
        if outcome.ready is not None:
            outcome.ready.process.close()
        return outcome.status

    sliced_status = "refused: the order of tnlearn needs slices to fit in memory"
    assert status("cotengra", sliced) == sliced_status
    assert status("tnlearn", sliced) == "ok"
    assert status("tnlearn", slow) == "over 20 s: one run would take 1e+09 s by the machine model"
    assert status("tnlearn", wide).endswith("the order of tnlearn makes a tensor of 8.0 TiB")


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
