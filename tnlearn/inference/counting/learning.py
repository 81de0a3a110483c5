"""What conflicts teach: clauses that follow from all others, and prevent the next such conflict.

The clause of the first unique implication point (Zhang et al. 2001, ICCAD, 279), the number of
levels in it as a measure of its worth (Audemard and Simon 2009, IJCAI, 399).
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from tnlearn.compiling import kernel
from tnlearn.inference.counting.propagation import watch
from tnlearn.inference.counting.state import (
    CLAUSES,
    CONFLICTS,
    LEARNED,
    LEVEL,
    LITERALS,
    MORE_LEARNED,
    MOST,
    TOP,
)

#: Conflicts after which those before count half.
HALF_LIFE = 128
#: Learned clauses in which so few levels meet are never dropped.
GLUED = 2


@kernel
def learn(formula, state, violated):
    """A clause that follows from all, and would have prevented the conflict; -1 if none is kept.

    Its first literal is the one that it implies once this level is forgotten.
    """
    _tire(state)
    lesson, seen = state.lesson, state.seen
    place, clause, literal = state.scalars[TOP] - 1, violated, -1
    pending, size = 0, 1
    while True:
        found, size = _antecedents(state, clause, literal, size)
        pending += found
        if pending == 0:  # All of it happened on lower levels, where it was not noticed.
            for k in range(1, size):
                seen[lesson[k] >> 1] = 0
            return -1
        while not seen[state.trail[place] >> 1]:
            place -= 1
        literal = state.trail[place]
        seen[literal >> 1] = 0
        pending -= 1
        if pending == 0:
            break
        clause = state.reasons[literal >> 1]
    lesson[0] = literal ^ 1
    return _kept(formula, state, _shortened(state, size))


@kernel
def _tire(state):
    """Count a conflict, and let old ones count less."""
    state.scalars[CONFLICTS] += 1
    if state.scalars[CONFLICTS] % HALF_LIFE == 0:
        for variable in range(len(state.activity)):
            state.activity[variable] *= 0.5


@kernel
def _antecedents(state, clause, literal, size):
    """Add what made a clause imply its literal: how many of this level, and the lesson's size."""
    found = 0
    for k in range(state.begins[clause], state.ends[clause]):
        other = state.literals[k]
        variable = other >> 1
        if other == literal or state.seen[variable] or state.levels[variable] == 0:
            continue
        state.seen[variable] = 1
        state.activity[variable] += 1.0
        if state.levels[variable] == state.scalars[LEVEL]:
            found += 1
        else:
            state.lesson[size] = other
            size += 1
    return found, size


@kernel
def _shortened(state, size):
    """The size of the lesson without the literals that its others imply."""
    lesson, kept = state.lesson, 1
    for k in range(1, size):
        if _implied(state, lesson[k]):
            lesson[k] = ~lesson[k]  # Still seen, as others may be implied by it.
    for k in range(1, size):
        literal = lesson[k]
        state.seen[max(literal, ~literal) >> 1] = 0
        if literal >= 0:
            lesson[kept] = literal
            kept += 1
    return kept


@kernel
def _kept(formula, state, size):
    """Store the lesson as a clause, its first two literals the last to become false."""
    scalars, lesson = state.scalars, state.lesson
    number, at = scalars[CLAUSES], scalars[LITERALS]
    if number == formula.given + LEARNED or at + size > len(state.literals):
        return -1
    glue, latest = 0, min(1, size - 1)
    for k in range(size):
        level = state.levels[lesson[k] >> 1]
        if k > 1 and level > state.levels[lesson[latest] >> 1]:
            latest = k
        glue += state.met[level] != scalars[CONFLICTS]
        state.met[level] = scalars[CONFLICTS]
    for k in range(size):
        state.literals[at + k] = lesson[k]
    state.begins[number], state.ends[number] = at, at + size
    state.glue[number - formula.given] = glue
    scalars[CLAUSES] += 1
    scalars[LITERALS] += size
    if size > 1:
        state.literals[at + 1], state.literals[at + latest] = lesson[latest], lesson[1]
        watch(state, number)
    return number


@kernel
def _implied(state, literal):
    """Whether the other literals of the clause learned imply that this one is false."""
    reason = state.reasons[literal >> 1]
    if reason < 0:
        return False
    for k in range(state.begins[reason], state.ends[reason]):
        variable = state.literals[k] >> 1
        if variable != literal >> 1 and not state.seen[variable] and state.levels[variable] > 0:
            return False
    return True


@kernel
def reduce(formula, state):
    """Drop old clauses in which many levels met, but for those that are reasons now."""
    scalars, glue = state.scalars, state.glue
    first, last = formula.given, scalars[CLAUSES]
    worst = max(np.sort(glue[: last - first])[(last - first) // 2], GLUED + 1)
    recent = last - (last - first) // 4
    locked = _reasons(state, first, last)
    moved = np.full(last - first, -1, np.int64)
    number, at = first, state.begins[first]
    for clause in range(first, last):
        own = clause - first
        if not locked[own] and clause < recent and glue[own] >= worst:
            continue
        begin = state.begins[clause]
        state.begins[number] = at
        for k in range(begin, state.ends[clause]):
            state.literals[at] = state.literals[k]
            at += 1
        state.ends[number] = at
        glue[number - first] = glue[own]
        moved[own] = number
        number += 1
    for k in range(scalars[TOP]):
        variable = state.trail[k] >> 1
        if state.reasons[variable] >= first:
            state.reasons[variable] = moved[state.reasons[variable] - first]
    scalars[CLAUSES], scalars[LITERALS] = number, at
    scalars[MOST] += MORE_LEARNED
    state.watch_first[:] = -1
    for clause in range(number):
        size = state.ends[clause] - state.begins[clause]
        if size > 2 or (size == 2 and clause >= first):
            watch(state, clause)


@kernel
def _reasons(state, first, last):
    """Which learned clauses have implied a literal that is true."""
    found = np.zeros(last - first, np.bool_)
    for k in range(state.scalars[TOP]):
        reason = state.reasons[state.trail[k] >> 1]
        if reason >= first:
            found[reason - first] = True
    return found
