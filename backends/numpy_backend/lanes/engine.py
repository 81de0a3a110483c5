"""Code over rows, run for one block of the batch after another."""

from __future__ import annotations

from numba import int64, njit

from tnlearn_backends.numpy_backend.lanes.columns import (
    ARENA_AT,
    BATCH,
    CODE_AT,
    FIRST,
    INPUTS_AT,
    LARGEST,
    LOAD,
    LOAD_SEED,
    LOOK,
    ONES,
    RESULTS_AT,
    SEEDS_AT,
    SMALLEST,
    STOP,
    STORE,
    TABLE_AT,
    WORDS,
)
from tnlearn_backends.numpy_backend.lanes.rows import (
    add_four,
    add_one,
    fetch_ahead,
    look,
    row_length,
    set_four,
    set_one,
    set_two,
    subtract_four,
    subtract_one,
)
from tnlearn_backends.numpy_backend.native.intrinsics import as_entry, moved, peek, pointer_at, poke

#: Numbers that are near each other in memory: a line of the cache holds as many, or more.
LINE = 8


@njit(nogil=True)
def run(header, real):
    """All of the code, for every block of a range."""
    arena = pointer_at(peek(header, ARENA_AT), real)
    length = row_length(arena)
    for lane in range(length):
        poke(arena, ONES * length + lane, as_entry(arena, 1.0))
        poke(arena, LARGEST * length + lane, as_entry(arena, 0.0))
        poke(arena, SMALLEST * length + lane, as_entry(arena, 1.0))
    for block in range(peek(header, FIRST), peek(header, STOP)):
        run_block(header, real, arena, block * length)
    return 0


@njit(nogil=True)
def run_block(header, real, arena, at):
    """The code for the batch elements from one on."""
    inputs = pointer_at(peek(header, INPUTS_AT), real)
    seeds = pointer_at(peek(header, SEEDS_AT), real)
    results = pointer_at(peek(header, RESULTS_AT), real)
    code = pointer_at(peek(header, CODE_AT), int64)
    table = pointer_at(peek(header, TABLE_AT), int64)
    largest = moved(arena, LARGEST * row_length(arena))
    smallest = moved(arena, SMALLEST * row_length(arena))
    left, looks = peek(header, BATCH) - at, peek(header, LOOK) > 0
    word, words = 0, peek(header, WORDS)
    while word < words:
        target, plus = peek(code, word), peek(code, word + 1)
        if plus >= 0:
            minus = peek(code, word + 2)
            add_up(arena, target, moved(code, word + 3), plus, minus)
            if looks:
                look(moved(arena, target), largest, smallest)
            word += 3 + 2 * (plus + minus)
            continue
        entries = moved(table, 2 * peek(code, word + 2))
        for number in range(peek(code, word + 3)):
            base, stride = peek(entries, 2 * number), peek(entries, 2 * number + 1)
            row = moved(arena, target + number * row_length(arena))
            if plus == LOAD:
                data = moved(inputs, base + at * stride)
                if number % LINE == 0:
                    bring(data, stride)
                load(row, data, stride, left)
            elif plus == LOAD_SEED:
                load(row, moved(seeds, base + at * stride), stride, left)
            elif plus == STORE:
                store(row, moved(results, base + at * stride), stride, left)
        word += 4


@njit(nogil=True)
def add_up(arena, target, pairs, plus, minus):
    """A row as a sum of products."""
    if plus == 1:
        set_one(arena, target, pairs)
        done = 1
    elif plus >= 4:
        set_four(arena, target, pairs)
        done = 4
    elif plus >= 2:
        set_two(arena, target, pairs)
        done = 2
    else:
        clear(moved(arena, target))
        done = 0
    while done + 4 <= plus:
        add_four(arena, target, moved(pairs, 2 * done))
        done += 4
    while done < plus:
        add_one(arena, target, moved(pairs, 2 * done))
        done += 1
    while done + 4 <= plus + minus:
        subtract_four(arena, target, moved(pairs, 2 * done))
        done += 4
    while done < plus + minus:
        subtract_one(arena, target, moved(pairs, 2 * done))
        done += 1


@njit(nogil=True)
def clear(row):
    """Zeros."""
    for lane in range(row_length(row)):
        poke(row, lane, as_entry(row, 0.0))


@njit(nogil=True)
def bring(data, stride):
    """Have the next block brought near: its entries are far apart, as the processor cannot know."""
    length = row_length(data)
    for lane in range(length):
        fetch_ahead(data, (length + lane) * stride)


@njit(nogil=True)
def load(row, data, stride, left):
    """One entry of as many batch elements as there are; lanes beyond them repeat the first."""
    length = row_length(row)
    if left >= length:
        for lane in range(length):
            poke(row, lane, peek(data, lane * stride))
        return
    for lane in range(length):
        poke(row, lane, peek(data, lane * stride if lane < left else 0))


@njit(nogil=True)
def store(row, data, stride, left):
    """One entry of as many batch elements as there are."""
    for lane in range(min(row_length(row), left)):
        poke(data, lane * stride, peek(row, lane))
