"""What a contender does in a process of its own: prepare, answer, and run when it is its turn."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import psutil

from benchmarks.instances import Answer, Instance
from benchmarks.orders import Order
from benchmarks.peers.base import Peer, Runner
from benchmarks.rehearsal import rehearse

#: Seconds that one sample takes at least: several calls, where one is shorter.
SAMPLE = 0.005
#: Of `ru_maxrss`: bytes on macOS, kibibytes elsewhere.
UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Preparation:
    """Seconds: to compile (with all that is done once), to pack a set, of a run; calls a sample."""

    compiling: float
    packing: float
    single: float
    calls: int


class Answers(NamedTuple):
    """To every set of arrays; and the most bytes that were held on the way to them.

    Those that the process had before it was given the network are not counted.
    """

    answers: Sequence[Answer]
    memory: int


class Sample(NamedTuple):
    """Seconds per call by the clock, and those of the processor for all calls."""

    seconds: float
    processor: float


#: First the preparation, then the answers, then samples without end.
Life: TypeAlias = Iterator[Preparation | Answers | Sample]


def live(instance: Instance, peer: Peer, task: str, order: Order | None, mode: str) -> Life:
    """A contender's life; every step is taken when it is asked for."""
    rehearse(peer, task, mode, instance.dtype)
    before = psutil.Process().memory_info().rss
    start = time.perf_counter()
    runner = peer.prepare(instance, task, order, mode)
    prepared = time.perf_counter() - start
    packing = [_timed(runner.pack, arrays) for arrays in instance.sets]
    packed = [result for _, result in packing]
    first_pack, least_pack = packing[0][0], min(seconds for seconds, _ in packing)
    first, _ = _timed(runner.run, packed[0])
    single, calls = _single(runner, packed), _calls(runner, packed)
    # What is done once, at the first call of either, belongs to compiling.
    compiling = prepared + first_pack - least_pack + max(first - single, 0.0)
    yield Preparation(compiling, least_pack, single, calls)

    answers = [runner.answer(runner.run(arrays)) for arrays in packed]
    yield Answers(answers, max(_most_bytes() - before, 0))
    del answers

    number = 0
    while True:
        yield _sample(runner, packed, number, calls)
        number += 1


def _timed(function: Callable[[Any], Any], argument: Any) -> tuple[float, Any]:
    """Seconds of a call, and its result."""
    start = time.perf_counter()
    result = function(argument)
    return time.perf_counter() - start, result


def _single(runner: Runner, packed: Sequence[Any]) -> float:
    """Seconds of one run, the least of a few."""
    best = float("inf")
    for arrays in packed:
        seconds, _ = _timed(runner.run, arrays)
        best = min(best, seconds)
        if best > 1.0:
            break
    return best


def _calls(runner: Runner, packed: Sequence[Any]) -> int:
    """How many runs fill a sample, once caches are warm."""
    calls = 1
    while (seconds := calls * _sample(runner, packed, 0, calls).seconds) < SAMPLE / 2:
        calls *= 2
    return max(1, round(calls * SAMPLE / seconds))


def _sample(runner: Runner, packed: Sequence[Any], number: int, calls: int) -> Sample:
    """Enough calls for the clock, each with the next set of arrays."""
    run, count = runner.run, len(packed)
    turns = [packed[(number + k) % count] for k in range(calls)]
    used, start = time.process_time(), time.perf_counter()
    for arrays in turns:
        run(arrays)
    seconds = (time.perf_counter() - start) / calls
    return Sample(seconds, time.process_time() - used)


def _most_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
