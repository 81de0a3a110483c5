"""What follows from what is decided, with two watched literals a clause.

Moskewicz et al. 2001 (DAC, 530). Clauses of two literals need no watches: their other literal
follows at once.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from tnlearn.compiling import kernel
from tnlearn.inference.counting.state import HEAD, LEVEL, TOP


@kernel
def assume(state, literal, reason, level):
    """Make a free literal true."""
    scalars = state.scalars
    state.values[literal] = 1
    state.values[literal ^ 1] = -1
    state.levels[literal >> 1] = level
    state.reasons[literal >> 1] = reason
    state.trail[scalars[TOP]] = literal
    scalars[TOP] += 1


@kernel
def forget(state, top):
    """Free what was assumed since the trail had this length."""
    scalars = state.scalars
    for k in range(top, scalars[TOP]):
        literal = state.trail[k]
        state.values[literal] = 0
        state.values[literal ^ 1] = 0
    scalars[TOP] = top
    scalars[HEAD] = top


@kernel
def watch(state, clause):
    """Watch the first two literals of a clause."""
    for place in range(2):
        literal = state.literals[state.begins[clause] + place]
        state.watch_next[2 * clause + place] = state.watch_first[literal]
        state.watch_first[literal] = 2 * clause + place


@kernel
def propagate(formula, state):
    """Assume everything that follows; the clause that is violated, or -1."""
    scalars, values = state.scalars, state.values
    while scalars[HEAD] < scalars[TOP]:
        false = state.trail[scalars[HEAD]] ^ 1
        scalars[HEAD] += 1
        for k in range(formula.pair_begins[false], formula.pair_begins[false + 1]):
            other = formula.pair_others[k]
            if values[other] < 0:
                return formula.pair_clauses[k]
            if values[other] == 0:
                assume(state, other, formula.pair_clauses[k], scalars[LEVEL])
        violated = _visit(state, false)
        if violated >= 0:
            return violated
    return -1


@kernel
def _visit(state, false):
    """The clauses that watch a literal which has become false."""
    values, literals, following = state.values, state.literals, state.watch_next
    last, node = -1, state.watch_first[false]
    while node >= 0:
        after, clause = following[node], node >> 1
        own = state.begins[clause] + (node & 1)
        first = literals[state.begins[clause] + 1 - (node & 1)]
        moved = False
        if values[first] <= 0:
            for k in range(state.begins[clause] + 2, state.ends[clause]):
                if values[literals[k]] >= 0:
                    literals[own], literals[k] = literals[k], false
                    moved = True
                    break
        if moved:
            if last < 0:
                state.watch_first[false] = after
            else:
                following[last] = after
            following[node] = state.watch_first[literals[own]]
            state.watch_first[literals[own]] = node
        else:
            last = node
            if values[first] < 0:
                return clause
            if values[first] == 0:
                assume(state, first, clause, state.scalars[LEVEL])
        node = after
    return -1
