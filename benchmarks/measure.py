"""Timing: everyone is made ready, checked against each other, then run in turns.

Each contender is in a process of its own, of which one at a time has something to do.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.agreement import TOLERANCE, disagreement
from benchmarks.confined import Confined, StoppedError
from benchmarks.instances import Answer, Instance
from benchmarks.limits import Limits
from benchmarks.orders import Order
from benchmarks.peers.base import Peer
from benchmarks.worker import Preparation, Sample, live
from tnlearn.planning.cost import ITEM_BYTES
from tnlearn.planning.plan import readable_bytes

#: Orders whose predicted time is so many times the limit are not tried.
HOPELESS = 20.0


@dataclass(frozen=True)
class Candidate:
    """One way to run a peer: with an order, in a mode."""

    order: Order | None
    mode: str = ""

    @property
    def label(self) -> str:
        """For the results."""
        return ", ".join(filter(None, [self.order.label if self.order else "its own", self.mode]))


@dataclass(frozen=True)
class Contender:
    """A peer at a task, and the ways to run it of which the fastest counts."""

    name: str
    peer: Peer
    task: str
    candidates: Sequence[Candidate]


@dataclass(frozen=True, eq=False)
class Ready:
    """A contender that may be timed: compiled, packed, run once, and waiting in its process."""

    candidate: Candidate
    preparation: Preparation
    process: Confined


@dataclass(frozen=True)
class Attempt:
    """What became of a candidate: the seconds of one run, if there was one."""

    label: str
    status: str = "ok"
    seconds: float | None = None


@dataclass(eq=False)
class Outcome:
    """What is known of a contender at the end.

    Attributes
    ----------
    status : str
        "ok", or why there are no samples: "over 8.0 GiB", "over 120 s", "crashed: ...",
        "failed: ...", "refused: ...", "disagrees: ...", "not supported: ...".
    ready : Ready, optional
    error : float, optional
        `disagreement` with the reference, the largest over the sets of arrays.
    memory : int, optional
        Most bytes held up to the answers, beyond those of the library itself.
    tried : list of Attempt
        The candidates; the fastest is the one that takes part.
    samples : list of Sample
        By round; the k-th of all contenders were taken in turn.
    """

    contender: Contender
    status: str = "ok"
    ready: Ready | None = None
    error: float | None = None
    memory: int | None = None
    tried: list[Attempt] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        """Per call, by round."""
        return [sample.seconds for sample in self.samples]

    @property
    def processor_share(self) -> float:
        """Processor time by time: less than 1 where others used the core, more with threads."""
        assert self.ready is not None
        calls = self.ready.preparation.calls
        return sum(sample.processor for sample in self.samples) / (sum(self.seconds) * calls)

    def leave(self, status: str) -> None:
        """Take no part any more, and let go of the process."""
        self.status = status
        self.samples.clear()
        if self.ready is not None:
            self.ready.process.close()


def compare(instance: Instance, contenders: Sequence[Contender], limits: Limits) -> list[Outcome]:
    """Prepare, check and time all contenders; a failure of one is noted and hides no other."""
    outcomes: list[Outcome] = []
    try:
        for contender in contenders:
            outcomes.append(prepare(instance, contender, limits))
        check(instance, outcomes)
        take_turns(outcomes, limits)
    finally:
        for outcome in outcomes:
            if outcome.ready is not None:
                outcome.ready.process.close()
    return outcomes


def prepare(instance: Instance, contender: Contender, limits: Limits) -> Outcome:
    """The fastest candidate, ready to run; or why there is none."""
    outcome = Outcome(contender)
    objection = contender.peer.objection(instance)
    if contender.task not in contender.peer.tasks:
        objection = f"no {contender.task}"
    if objection:
        outcome.status = f"not supported: {objection}"
        return outcome
    for candidate in contender.candidates:
        _try(instance, outcome, candidate, limits)
    if outcome.ready is None:
        statuses = [attempt.status for attempt in outcome.tried]
        outcome.status = statuses[0] if statuses else "refused: no order was found"
    elif (single := outcome.ready.preparation.single) > limits.run:
        outcome.leave(f"over {limits.run:g} s: one run takes {single:.3g} s")
    return outcome


def _try(instance: Instance, outcome: Outcome, candidate: Candidate, limits: Limits) -> None:
    """Prepare a candidate; it takes the place of the one before if it is faster."""
    peer, task = outcome.contender.peer, outcome.contender.task
    if refusal := _refusal(peer, candidate.order, limits):
        outcome.tried.append(Attempt(candidate.label, refusal))
        return
    life = live(instance, peer, task, candidate.order, candidate.mode)
    process = Confined(life, limits.memory, limits.preparing)
    try:
        preparation: Preparation = next(process)
    except StoppedError as error:
        process.close()
        outcome.tried.append(Attempt(candidate.label, str(error)))
        return
    outcome.tried.append(Attempt(candidate.label, seconds=preparation.single))
    before = outcome.ready
    if before is not None and before.preparation.single <= preparation.single:
        process.close()
        return
    outcome.ready = Ready(candidate, preparation, process)
    if before is not None:
        before.process.close()


def _refusal(peer: Peer, order: Order | None, limits: Limits) -> str | None:
    """Why an order is not tried: nobody could run it in the memory and time there is."""
    if order is None:
        return None
    plan = order.plan
    if plan.sliced and not peer.slices:
        return f"refused: the order of {order.label} needs slices to fit in memory"
    largest = 2.0**plan.cost.width * ITEM_BYTES[plan.dtype]
    if largest > limits.memory:
        needed, limit = readable_bytes(largest), readable_bytes(limits.memory)
        return f"over {limit}: the order of {order.label} makes a tensor of {needed}"
    if plan.cost.seconds > HOPELESS * limits.run:
        seconds = f"{plan.cost.seconds:.2g} s by the machine model"
        return f"over {limits.run:g} s: one run would take {seconds}"
    return None


def check(instance: Instance, outcomes: Sequence[Outcome]) -> None:
    """Compare the answers to each task with those of the first that gave any."""
    references: dict[str, Sequence[Answer]] = {}
    tolerance = TOLERANCE[instance.dtype]
    for outcome, process in _running(outcomes):
        try:
            answers, outcome.memory = next(process)
        except StoppedError as error:
            outcome.leave(str(error))
            continue
        expected = references.setdefault(outcome.contender.task, answers)
        outcome.error = max(map(disagreement, answers, expected))
        if not outcome.error <= tolerance:
            outcome.leave(f"disagrees: relative error {outcome.error:.2g}")


def take_turns(outcomes: Sequence[Outcome], limits: Limits) -> None:
    """Samples of all, round by round, so that a machine that slows down slows everyone."""
    least, most = limits.rounds
    stop = time.perf_counter() + limits.measurement * len(list(_running(outcomes)))
    for number in range(most):
        if number >= least and time.perf_counter() > stop:
            break
        # Every other round goes backwards: nobody always comes after the same neighbour.
        for outcome, process in _running(outcomes if number % 2 == 0 else outcomes[::-1]):
            try:
                outcome.samples.append(next(process))
            except StoppedError as error:
                outcome.leave(str(error))


def _running(outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, Confined]]:
    """Those who still take part, each with its process."""
    for outcome in outcomes:
        if outcome.status == "ok" and outcome.ready is not None:
            yield outcome, outcome.ready.process


def ratio(samples: Sequence[float], reference: Sequence[float]) -> float:
    """How many times the reference's: the median of the rounds' ratios, which no drift changes."""
    return statistics.median(a / b for a, b in zip(samples, reference, strict=True))
