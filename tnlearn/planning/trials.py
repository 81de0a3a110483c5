"""The search for an order: many quick starts, of which the best are refined."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from tnlearn.planning.elimination import elimination_path
from tnlearn.planning.given import Path, as_pairs
from tnlearn.planning.refinement import Refinement
from tnlearn.planning.scoring import Judge
from tnlearn.planning.structure import Structure
from tnlearn.planning.symbols import Symbols, symbols_of


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Attributes
    ----------
    greedy : int
        Random-greedy trials.
    eliminations : int
        Orders by elimination.
    refined : int
        Rounds of refinement times tensors; up to `LONGER` times as many for as long as the best
        order is predicted to run for longer than it was refined.
    runs : int
        Refining takes about as long as so many runs are predicted to take, at most.
    """

    greedy: int
    eliminations: int
    refined: int
    runs: int


EFFORTS = {
    "fast": Effort(8, 1, 0, 0),
    "balanced": Effort(128, 4, 1200, 1000),
    "thorough": Effort(1024, 32, 24_000, 100_000),
}
#: Random-greedy trials in a group, of which the one of fewest flops is scored.
GROUP = 16
#: Ranges of the noise in a greedy choice, for groups in turn: the library's own, and little.
NOISE = ((0.001, 1.0), (0.0001, 0.02))
#: Trials times tensors what is spent on larger networks.
SPENT = 30_000
#: Rounds of refinement for small networks.
MOST_ROUNDS = 40
#: Of so many rounds, one goes to another start.
ROUNDS_OF_A_START = 4
#: Times as many rounds as an effort has, for orders that run for longer than these take.
LONGER = 6
#: A round that gains no more than this part is the last for its order.
GAIN = 0.01
#: Seconds that a round takes for a tensor, about.
ROUND = 5e-4

Start = tuple[float, Path]


def optimal_path(structure: Structure) -> Path:
    """The order of fewest flops without outer products; exponential in the number of tensors."""
    import cotengrust

    path = cotengrust.optimize_optimal(*symbols_of(structure), minimize="flops", use_ssa=True)
    return as_pairs(path, len(structure.inputs))


def search_by_trials(
    judge: Judge, effort: Effort, seed: int, check: Callable[[Path], None]
) -> list[Path]:
    """The orders found, best first; the same for the same seed on every machine.

    `check` is given the best start and may raise, before time is spent on refining.
    """
    count = len(judge.structure.inputs)
    symbols = symbols_of(judge.structure)
    starts = _starts(judge, symbols, effort, seed)
    check(starts[0][1])
    if effort.refined and judge.is_worth_refining(starts[0][0]):
        starts = _refined(judge, symbols, starts, _patience(effort, count, starts[0][0]), seed)
    return [path for _, path in starts]


def search_by_clock(
    judge: Judge, seconds: float, seed: int, check: Callable[[Path], None]
) -> list[Path]:
    """The orders found in about `seconds`, best first; `check` as for `search_by_trials`."""
    stop = time.monotonic() + seconds
    symbols = symbols_of(judge.structure)
    best: list[Start] = []
    round_ = ROUND * len(judge.structure.inputs)
    allowed = _until(stop, round_)
    effort = EFFORTS["fast"]
    while not best or (time.monotonic() < stop and judge.is_worth_refining(best[0][0])):
        starts = _starts(judge, symbols, effort, seed)
        check(starts[0][1])
        if allowed():
            rounds = min(max(int((stop - time.monotonic()) / round_), 1), MOST_ROUNDS)
            starts = _refined(judge, symbols, starts, partial(allowed, rounds), seed)
        best = sorted({*best, *starts})[:ROUNDS_OF_A_START]
        seed += 1
        effort = EFFORTS["balanced"]
    return [path for _, path in best]


def _patience(effort: Effort, count: int, first: float) -> Callable[[float], int]:
    """How many rounds there may be, by the seconds of the best order; `first` are those before."""
    round_ = ROUND * count
    worth = effort.runs * first / round_
    least = max(int(min(effort.refined // count, MOST_ROUNDS, worth)), 1)
    most = max(min(LONGER * effort.refined // count, MOST_ROUNDS), least)
    return lambda best: int(min(max(best / round_, least), most))


def _until(stop: float, first: float) -> Callable[..., int]:
    """Says whether there is time for another round, judged by the longest one so far.

    What it returns takes a number of rounds, and gives it back while there is time, or else 0.
    """
    longest, last = first, time.monotonic()

    def allowed(rounds: int = 1, _best: float = 0.0) -> int:
        nonlocal longest, last
        now = time.monotonic()
        longest, last = max(longest, now - last), now
        return rounds if now + longest < stop else 0

    return allowed


def _starts(judge: Judge, symbols: Symbols, effort: Effort, seed: int) -> list[Start]:
    """Orders that take a moment each, scored, best first; at least one."""
    import cotengrust

    count = len(judge.structure.inputs)
    affordable = max(1, SPENT * (1 + effort.refined // 10_000) // count)
    paths: list[Path] = []
    trials = min(effort.greedy, affordable)
    for group in range(-(-trials // GROUP)):
        path, _ = cotengrust.optimize_random_greedy_track_flops(
            *symbols,
            ntrials=min(GROUP, trials),
            temperature=NOISE[group % len(NOISE)],
            seed=1000 * seed + group,
            use_ssa=True,
        )
        paths.append(as_pairs(path, count))
    for trial in range(min(effort.eliminations, affordable)):
        # The first, of the first seed, is the one without chance in it.
        random = Random(f"{seed} {trial}") if seed or trial else None
        found = elimination_path(judge.structure, random)
        if found is None:
            break
        paths.append(tuple(found))
    return sorted({(judge.seconds(path), path) for path in paths})


def _refined(
    judge: Judge,
    symbols: Symbols,
    starts: list[Start],
    rounds: Callable[[float], int],
    seed: int,
) -> list[Start]:
    """The starts after some rounds, of which the order that is best at the moment gets the next.

    `rounds` says how many there may be in all, once the best order takes so many seconds.
    """
    trees: list[Refinement] = []
    waiting: list[Refinement] = []
    best, done = starts[0][0], 0
    while done < (allowed := rounds(best)):
        # Every start has one round before any has two; where all are at their end, others begin.
        wanted = max(1, allowed // ROUNDS_OF_A_START)
        if len(trees) < len(starts) and (len(trees) < wanted or not waiting):
            tree = Refinement(judge, starts[len(trees)][1], symbols)
            trees.append(tree)
            waiting.append(tree)
        elif waiting:
            tree = min(waiting, key=lambda tree: tree.seconds)
        else:
            break
        if tree.improve(seed) <= GAIN:
            waiting.remove(tree)
        best, done = min(best, tree.seconds), done + 1
    found = {(tree.seconds, tree.path) for tree in trees}
    return sorted(found | set(starts[:1]))
