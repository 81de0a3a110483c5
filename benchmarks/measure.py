"""Timing: everyone is made ready, checked against each other, then run in turns."""

from __future__ import annotations

import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from benchmarks.agreement import TOLERANCE, disagreement
from benchmarks.instances import Answer, Instance
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner

#: Seconds that one sample takes at least: several calls, where one is shorter.
SAMPLE = 0.005
#: Orders whose predicted time is so many times the limit are not tried.
HOPELESS = 20.0


@dataclass(frozen=True)
class Limits:
    """How long things may take, in seconds.

    Attributes
    ----------
    measurement : float
        For the samples of one contender; all take turns until the sum is spent.
    preparing : float
        Of processor time to compile, pack and run once; who needs more is left out.
    run : float
        For one run; who needs more is left out.
    planning : float
        For a peer's own search of an order.
    rounds : tuple of (int, int)
        Least and most turns.
    """

    measurement: float = 2.0
    preparing: float = 120.0
    run: float = 20.0
    planning: float = 10.0
    rounds: tuple[int, int] = (5, 200)


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
    """A contender that may be timed: compiled, packed, run once."""

    candidate: Candidate
    runner: Runner
    packed: list[Any]
    compiling: float
    packing: float
    calls: int
    single: float


@dataclass(eq=False)
class Outcome:
    """What is known of a contender at the end.

    Attributes
    ----------
    status : str
        "ok", or why there are no samples: "failed: ...", "skipped: ...", "disagrees",
        "not supported: ...".
    ready : Ready, optional
    error : float, optional
        `disagreement` with the reference, the largest over the sets of arrays.
    tried : dict from str to float
        Seconds of one run by candidate; the fastest is the one that takes part.
    samples : list of float
        Seconds per call, by round; the k-th of all contenders were taken in turn.
    processor : float
        Seconds of processor time over all samples: less than those of the clock where others
        used the core, more where several threads ran.
    """

    contender: Contender
    status: str = "ok"
    ready: Ready | None = None
    error: float | None = None
    tried: dict[str, float] = field(default_factory=dict)
    samples: list[float] = field(default_factory=list)
    processor: float = 0.0

    @property
    def processor_share(self) -> float:
        """Processor time by time; 1 for one thread on a core of its own."""
        assert self.ready is not None
        return self.processor / (sum(self.samples) * self.ready.calls)


def compare(instance: Instance, contenders: Sequence[Contender], limits: Limits) -> list[Outcome]:
    """Prepare, check and time all contenders; a failure of one is noted and hides no other."""
    outcomes = [prepare(instance, contender, limits) for contender in contenders]
    check(instance, outcomes)
    take_turns([outcome for outcome in outcomes if outcome.status == "ok"], limits)
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
    problems = []
    for candidate in contender.candidates:
        try:
            _refuse(contender.peer, candidate, limits)
            ready = _get_ready(instance, contender, candidate, limits)
        except Exception as error:  # Whatever a library raises is a result.
            problems.append(_problem(error))
            continue
        outcome.tried[candidate.label] = ready.single
        if outcome.ready is None or ready.single < outcome.ready.single:
            outcome.ready = ready
    if outcome.ready is None:
        outcome.status = problems[0] if problems else "skipped: no order was found"
    elif outcome.ready.single > limits.run:
        outcome.status = f"skipped: one run takes {outcome.ready.single:.3g} s"
    return outcome


def _refuse(peer: Peer, candidate: Candidate, limits: Limits) -> None:
    """Raise for an order that would take all memory, or forever, before that is tried."""
    if candidate.order is None:
        return
    plan = candidate.order.plan
    if plan.sliced and not peer.slices:
        raise TimeoutError(f"the order of {candidate.order.label} needs slices to fit in memory")
    if plan.cost.seconds > HOPELESS * limits.run:
        raise TimeoutError(f"one run would take {plan.cost.seconds:.2g} s by the machine model")


def _get_ready(
    instance: Instance, contender: Contender, candidate: Candidate, limits: Limits
) -> Ready:
    with deadline(limits.preparing):
        start = time.perf_counter()
        runner = contender.peer.prepare(instance, contender.task, candidate.order, candidate.mode)
        prepared = time.perf_counter()
        packed = [runner.pack(arrays) for arrays in instance.sets]
        ready = time.perf_counter()
        runner.run(packed[0])
        first = time.perf_counter() - ready
        single = _single(runner, packed)
    calls = max(1, round(SAMPLE / max(single, 1e-9)))
    compiling = prepared - start + max(first - single, 0.0)
    packing = (ready - prepared) / len(packed)
    return Ready(candidate, runner, packed, compiling, packing, calls, single)


def _single(runner: Runner, packed: Sequence[Any]) -> float:
    """Seconds of one run, the least of a few."""
    best = float("inf")
    for arrays in packed:
        start = time.perf_counter()
        runner.run(arrays)
        best = min(best, time.perf_counter() - start)
        if best > 1.0:
            break
    return best


def check(instance: Instance, outcomes: Sequence[Outcome]) -> None:
    """Compare the answers to each task with those of the first that gave any."""
    references: dict[str, list[Answer]] = {}
    tolerance = TOLERANCE[instance.dtype]
    for outcome in outcomes:
        if outcome.status != "ok" or outcome.ready is None:
            continue
        runner = outcome.ready.runner
        try:
            answers = [runner.answer(runner.run(arrays)) for arrays in outcome.ready.packed]
        except Exception as error:
            outcome.status = _problem(error)
            continue
        expected = references.setdefault(outcome.contender.task, answers)
        outcome.error = max(map(disagreement, answers, expected))
        if not outcome.error <= tolerance:
            outcome.status = f"disagrees: relative error {outcome.error:.2g}"


def take_turns(outcomes: Sequence[Outcome], limits: Limits) -> None:
    """Samples of all, round by round, so that a machine that slows down slows everyone."""
    least, most = limits.rounds
    stop = time.perf_counter() + limits.measurement * len(outcomes)
    for number in range(most):
        if number >= least and time.perf_counter() > stop:
            break
        # Every other round goes backwards: nobody always comes after the same neighbour.
        for outcome in outcomes if number % 2 == 0 else outcomes[::-1]:
            _sample(outcome, number)


def _sample(outcome: Outcome, number: int) -> None:
    """Seconds per call, over enough calls for the clock, each with the next set of arrays."""
    ready = outcome.ready
    assert ready is not None
    run, packed, count = ready.runner.run, ready.packed, len(ready.packed)
    turns = [packed[(number + k) % count] for k in range(ready.calls)]
    used, start = time.process_time(), time.perf_counter()
    for arrays in turns:
        run(arrays)
    outcome.samples.append((time.perf_counter() - start) / ready.calls)
    outcome.processor += time.process_time() - used


def ratio(samples: Sequence[float], reference: Sequence[float]) -> float:
    """How many times the reference's: the median of the rounds' ratios, which no drift changes."""
    return statistics.median(a / b for a, b in zip(samples, reference, strict=True))


def _problem(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"skipped: {error}"
    first_line = (str(error).splitlines() or [""])[0]
    return f"failed: {type(error).__name__}: {first_line[:120]}"


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after so much processor time, where the system has such a timer.

    A call of compiled code is not broken off, but the error comes when it returns.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not ready after {seconds:g} s")

    before: Callable[..., Any] | int | None = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)
