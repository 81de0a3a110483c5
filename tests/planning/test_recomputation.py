"""What is given up and computed again: every step finds what it reads, within the room."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tnlearn as tnl
from tnlearn.planning.recomputation import Schedule, scheduled
from tnlearn.planning.sweep import Load, Step, Sweep


def chain(length: int, sizes: list[int] | None = None) -> Load:
    """A product of many factors one after another, and its reverse sweep; every step takes 1 s.

    Slot 0 is given; slots 1, ... are the results, after which come their gradients.
    """
    sizes = sizes or [1] * length
    steps = [Step(k, (k - 1,)) for k in range(1, length + 1)]
    back = [Step(2 * length, (length - 1,))]
    for k in range(length - 1, 0, -1):
        back.append(Step(length + k, (k - 1, length + k + 1)))
    given = frozenset({0})
    results = frozenset({length, length + 1})
    terms: list[tuple[int, ...]] = [()] * (2 * length + 1)
    sweep = Sweep([*steps, *back], length, terms, given, results)
    entries = [0, *sizes, *sizes]
    seconds = [1.0] * len(sweep.steps)
    return Load(sweep, entries, seconds, seconds, seconds, seconds, frozenset())


def held(load: Load, schedule: Schedule) -> Iterator[int]:
    """Entries held beside each step, each tensor as long as some later step reads it."""
    sweep = load.sweep
    elsewhere = sweep.given | sweep.results
    last: dict[tuple[int, int], int] = {}
    version = dict.fromkeys(sweep.given, 0)
    sizes = load.sizes
    for place, number in enumerate(schedule.order):
        target, sources = sweep.steps[number]
        assert all(slot in version for slot in sources), "a step reads what is not there"
        for slot in sources:
            last[slot, version[slot]] = place
        version[target] = version.get(target, -1) + 1
        last[target, version[target]] = place
    born: dict[tuple[int, int], int] = {}
    seen = dict.fromkeys(sweep.given, 0)
    for place, number in enumerate(schedule.order):
        target = sweep.steps[number].target
        seen[target] = seen.get(target, -1) + 1
        born[target, seen[target]] = place
    for place in range(len(schedule.order)):
        yield sum(
            sizes[slot]
            for (slot, k), begin in born.items()
            if begin <= place <= last[slot, k] and slot not in elsewhere
        )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=40), st.floats(0.05, 1.2))
def test_every_step_finds_what_it_reads_within_the_room(sizes: list[int], part: float) -> None:
    load = chain(len(sizes), sizes)
    whole = scheduled(load, math.inf, 0.0)
    assert whole is not None
    assert whole.order == tuple(range(len(load.sweep.steps)))
    assert whole.peak == max(held(load, whole))
    room = part * whole.peak
    found = scheduled(load, room, 1e9)
    if found is None:
        assert room < 5 * max(sizes)  # Hardly more than what one step needs.
        return
    assert set(found.order) == set(whole.order)
    assert max(held(load, found)) <= found.peak <= room
    assert found.seconds == len(found.order)


@pytest.mark.parametrize("length", [50, 200, 1000])
def test_a_chain_in_its_square_root_is_computed_once_more(length: int) -> None:
    """Two square roots of room are known to do with one more forward sweep."""
    found = scheduled(chain(length), 2 * math.sqrt(length) + 2, 1e9)
    assert found is not None
    assert found.seconds - 2 * length <= 1.1 * length


def test_patience_ends() -> None:
    load = chain(100)
    assert scheduled(load, 30, 100.0) is not None
    assert scheduled(load, 30, 20.0) is None


def test_what_later_slices_need_is_never_given_up() -> None:
    load = chain(30)
    kept = Load(*list(vars(load).values())[:6], frozenset(range(1, 20)))
    assert scheduled(load, 12, 1e9) is not None
    assert scheduled(kept, 12, 1e9) is None


def test_what_no_slice_changes_lasts() -> None:
    sweep = Sweep(
        [Step(3, (0, 1)), Step(4, (3, 2))], 2, [(0,), (0,), (1,), (0,), ()], frozenset({0, 1, 2}),
        frozenset({4}),
    )  # fmt: skip
    assert sweep.lasting([1]) == {3}
    assert sweep.lasting([0]) == sweep.lasting([]) == frozenset()


def test_a_step_that_does_not_fit_is_refused_at_once() -> None:
    assert scheduled(chain(10, [4] * 10), 7, 1e9) is None


def test_the_gradient_plan_prints_as_a_plan() -> None:
    program = tnl.compile(tnl.grid(4, 4, 3, seed=0))
    whole = program.gradient_plan
    assert whole.cost.peak_bytes > program.plan.cost.peak_bytes
    assert whole.cost.seconds > 2 * program.plan.cost.seconds
    assert "peak memory" in str(whole)
