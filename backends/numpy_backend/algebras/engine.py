"""The tape of a program, run in another algebra: loops around loops, and no range to look after."""

from __future__ import annotations

from typing import NamedTuple

from numba import float64, int64, njit

from tnlearn_backends.numpy_backend.algebras.columns import (
    ADDED,
    ALGEBRA,
    BEST,
    COUNT,
    MODULAR,
    MODULUS,
    NUMBERS,
)
from tnlearn_backends.numpy_backend.algebras.lists import count_runs, count_ways, insert, list_runs
from tnlearn_backends.numpy_backend.algebras.numbers import (
    best_of_runs,
    best_paired,
    best_scaled,
    best_strided,
    better,
    modular_of_runs,
    modular_paired,
    modular_scaled,
    modular_strided,
    residue,
)
from tnlearn_backends.numpy_backend.native.columns import (
    ARENA,
    ARENA_AT,
    BEGIN,
    COUNTER,
    DONE,
    END,
    FIRST,
    FIRST_AT,
    FIRST_IN,
    FIRST_SLICE,
    INPUTS_AT,
    KIND,
    LAST_SLICE,
    LOOPS_AT,
    MIDDLE,
    ONE,
    PAIRED,
    POOL,
    RESULTS,
    RESULTS_AT,
    SCALED,
    SECOND,
    SHIFTS,
    SLICED,
    SUMMED,
    TAPE,
    TARGET,
    TARGET_AT,
    TARGET_IN,
    TOTAL,
    TOTALS_AT,
    WIDTH,
)
from tnlearn_backends.numpy_backend.native.engine import begin
from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, pointer_at, poke
from tnlearn_backends.numpy_backend.native.loops import BLOCK
from tnlearn_backends.numpy_backend.native.nests import advanced


class Memory(NamedTuple):
    """Pointers to the arrays in which things are."""

    arena: int
    results: int
    inputs: int
    totals: int
    one: int
    shifts: int
    pool: int
    counter: int


class Rule(NamedTuple):
    """An algebra: its kind, numbers in an entry, modulus (0 for none) and its inverse."""

    kind: int
    width: int
    modulus: float
    inverse: float


@njit(nogil=True)
def run(header):
    """Run rows of the tape, some of them once for every slice; see `columns` for the header."""
    shifts = pointer_at(peek(header, SHIFTS), int64)
    memory = Memory(
        pointer_at(peek(header, ARENA_AT), float64),
        pointer_at(peek(header, RESULTS_AT), float64),
        pointer_at(peek(header, INPUTS_AT), float64),
        pointer_at(peek(header, TOTALS_AT), float64),
        pointer_at(peek(header, ONE), float64),
        shifts,
        pointer_at(peek(header, LOOPS_AT), int64),
        pointer_at(peek(header, COUNTER), int64),
    )
    rule = _rule(header)
    rows = pointer_at(peek(header, TAPE), int64)
    _rows(rows, peek(header, BEGIN), peek(header, MIDDLE), memory, rule)
    for number in range(peek(header, FIRST_SLICE), peek(header, LAST_SLICE)):
        if peek(header, SLICED) > 0:
            begin(number, header, shifts)
        _rows(rows, peek(header, MIDDLE), peek(header, END), memory, rule)
    return DONE


@njit(nogil=True, error_model="numpy")
def _rule(header):
    modulus = float(peek(header, MODULUS))
    inverse = 1 / modulus if modulus > 0 else 0.0
    return Rule(peek(header, ALGEBRA), peek(header, NUMBERS), modulus, inverse)


@njit(nogil=True)
def _rows(rows, first, last, memory, rule):
    for row in range(first, last):
        step = moved(rows, WIDTH * row)
        if peek(step, KIND) == TOTAL:
            _total(step, memory, rule)
        else:
            _product(step, memory, rule)


@njit(nogil=True)
def _array(memory, space):
    if space == ARENA:
        return memory.arena
    return memory.results if space == RESULTS else memory.inputs


@njit(nogil=True)
def _factor(step, memory, which, width):
    """Where a factor begins, in this slice."""
    array = _array(memory, peek(step, which + FIRST_IN - FIRST))
    at = peek(step, which + FIRST_AT - FIRST) + peek(memory.shifts, peek(step, which))
    return moved(array, width * at)


@njit(nogil=True)
def _product(step, memory, rule):
    width = rule.width
    c = moved(_array(memory, peek(step, TARGET_IN)), width * peek(step, TARGET_AT))
    a = _factor(step, memory, FIRST, width)
    b = memory.one
    if peek(step, SECOND) >= 0:
        b = _factor(step, memory, SECOND, width)
    _loops(c, a, b, moved(memory.pool, peek(step, POOL)), memory.counter, rule)


@njit(nogil=True)
def _loops(c, a, b, loops, counter, rule):
    """A nest of loops around a table of offsets around an inner loop: see `native.forms`."""
    depth, count, terms = peek(loops, 1), peek(loops, 2), peek(loops, 3)
    width = rule.width
    dims = moved(loops, 8)
    table = moved(dims, 4 * depth)
    # The last loop of the nest is a plain one: the counter of the others is slow to turn.
    turns = da = db = dc = 0
    if depth > 0:
        depth -= 1
        last = moved(dims, 4 * depth)
        turns = peek(last, 0)
        da, db, dc = width * peek(last, 1), width * peek(last, 2), width * peek(last, 3)
    over = False
    while not over:
        aw, bw, cw = a, b, c
        for _ in range(max(turns, 1)):
            _table(cw, aw, bw, loops, table, count, terms, rule)
            aw, bw, cw = moved(aw, da), moved(bw, db), moved(cw, dc)
        a, b, c, over = advanced(a, b, c, dims, depth, counter, width)


@njit(nogil=True)
def _table(c, a, b, loops, table, count, terms, rule):
    """The inner loop at every offset of a table, block by block."""
    mode, n, width = peek(loops, 0), peek(loops, 4), rule.width
    sa, sb, sc = width * peek(loops, 5), width * peek(loops, 6), width * peek(loops, 7)
    ka = moved(table, 3 * count)
    kb = moved(ka, terms)
    length = n if mode > PAIRED or (terms <= 2 and count == 1) else BLOCK
    start = 0
    while start < n:
        run = min(length, n - start)
        for j in range(count):
            aj = moved(a, width * peek(table, j) + start * sa)
            bj = moved(b, width * peek(table, count + j) + start * sb)
            cj = moved(c, width * peek(table, 2 * count + j) + start * sc)
            _inner(mode, cj, sc, aj, sa, bj, sb, run, terms, ka, kb, rule)
        start += run


@njit(nogil=True)
def _inner(mode, c, sc, a, sa, b, sb, n, terms, ka, kb, rule):
    if rule.kind == BEST:
        if mode == SCALED:
            best_scaled(c, a, b, n, terms, ka, kb)
        elif mode == PAIRED:
            best_paired(c, a, b, n, terms, ka, kb)
        elif mode == SUMMED:
            poke(c, 0, best_of_runs(a, sa, b, sb, n, terms, ka, kb))
        else:
            best_strided(c, sc, a, sa, b, sb, n, terms, ka, kb)
    elif rule.kind == MODULAR:
        p, inverse = rule.modulus, rule.inverse
        if mode == SCALED:
            modular_scaled(c, a, b, n, terms, ka, kb, p, inverse)
        elif mode == PAIRED:
            modular_paired(c, a, b, n, terms, ka, kb, p, inverse)
        elif mode == SUMMED:
            poke(c, 0, modular_of_runs(a, sa, b, sb, n, terms, ka, kb, p, inverse))
        else:
            modular_strided(c, sc, a, sa, b, sb, n, terms, ka, kb, p, inverse)
    elif rule.kind == COUNT:
        count_runs(c, sc, a, sa, b, sb, n, terms, ka, kb, rule.modulus, rule.inverse)
    else:
        list_runs(c, sc, a, sa, b, sb, n, terms, ka, kb, rule.width)


@njit(nogil=True)
def _total(step, memory, rule):
    """Add what a slice found to its part of a total, in place."""
    width = rule.width
    at = peek(step, TARGET_AT) + peek(memory.shifts, peek(step, TARGET))
    c = moved(memory.totals, width * at)
    a = moved(_array(memory, peek(step, FIRST_IN)), width * peek(step, FIRST_AT))
    loops = moved(memory.pool, peek(step, POOL))
    depth, n = peek(loops, 0), peek(loops, 1)
    sa, sc = width * peek(loops, 2), width * peek(loops, 3)
    over, b = False, memory.one
    while not over:
        for v in range(n):
            _add(moved(c, v * sc), moved(a, v * sa), rule)
        a, b, c, over = advanced(a, b, c, moved(loops, 4), depth, memory.counter, width)


@njit(nogil=True)
def _add(c, a, rule):
    """Add one entry to another."""
    if rule.kind == BEST:
        poke(c, 0, better(peek(c, 0), peek(a, 0)))
    elif rule.kind == MODULAR:
        poke(c, 0, residue(peek(c, 0) + peek(a, 0), rule.modulus, rule.inverse))
    elif rule.kind == COUNT:
        count_ways(c, peek(a, 0), peek(a, 1), rule.modulus, rule.inverse)
    else:
        for i in range(rule.width):
            insert(c, rule.width, peek(a, i))


@njit(nogil=True)
def add(header):
    """Add entries to others, in place."""
    rule = _rule(header)
    c = pointer_at(peek(header, TOTALS_AT), float64)
    a = pointer_at(peek(header, INPUTS_AT), float64)
    for v in range(peek(header, ADDED)):
        _add(moved(c, v * rule.width), moved(a, v * rule.width), rule)
    return DONE
