"""Whoever answers wrongly, crashes or takes too much is a status, and harms nobody."""

from __future__ import annotations

import ctypes
import faulthandler
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import psutil
import pytest

from benchmarks.instances import Answer
from benchmarks.measure import Candidate, Contender, prepare
from benchmarks.orders import Order, search
from benchmarks.peers import PEERS
from fake_peers import QUICK, TINY, Fake, outcome_of


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
