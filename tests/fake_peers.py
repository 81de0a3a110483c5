"""A library that does what a test says, beside tnlearn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.instances import Answer, Instance
from benchmarks.limits import Limits
from benchmarks.measure import Candidate, Contender, Outcome, compare
from benchmarks.orders import Order, search
from benchmarks.peers import PEERS, Peer, Runner
from benchmarks.problems import FIXED

QUICK = Limits(measurement=0.01, preparing=60.0, planning=0.2, rounds=(3, 4))
TINY = {problem.name: problem for problem in FIXED if "tiny" in problem.suites}


class Fake(Peer):
    """tnlearn with something done before its runs, or to what it answers."""

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
    peers = (PEERS[0], fake, PEERS[0])
    contenders = [Contender(peer.name, peer, task, candidates) for peer in peers]
    first, second, third = compare(instance, contenders, limits)
    assert first.status == third.status == "ok"
    assert len(first.samples) == len(third.samples) >= limits.rounds[0]
    return second
