"""The search: decide a variable of a part, split what is left, remember, add the two sides.

Conflicts go back one decision only, for what is left must be counted, not just found. What was
cached below a side that has no state is forgotten: learned clauses speak of all parts at once,
and may have cut the parts of a side that another part forbids (Sang et al. 2004, SAT, sec. 4).
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from tnlearn.compiling import kernel
from tnlearn.inference.counting.cache import discard, store
from tnlearn.inference.counting.learning import learn, reduce
from tnlearn.inference.counting.parts import multiply, satisfied, split
from tnlearn.inference.counting.propagation import assume, forget, propagate, watch
from tnlearn.inference.counting.state import (
    BRANCH,
    CLAUSES,
    DECISION,
    DECISIONS,
    FIRST,
    LEVEL,
    MOST,
    PART,
    PARTS,
    SINCE,
    STAMP,
    TOP,
    TRAIL,
)

#: Clauses that a conflict of late is worth when a variable is chosen.
CONFLICT = 10.0


@kernel
def begin(formula, state):
    """Everything that follows from the clauses, and the first parts."""
    for clause in range(formula.given):
        size = state.ends[clause] - state.begins[clause]
        if size > 2:
            watch(state, clause)
        elif size == 0:
            return False
    state.totals[0, 0] = 1.0
    for clause in range(formula.given):
        if state.ends[clause] - state.begins[clause] == 1:
            literal = state.literals[state.begins[clause]]
            if state.values[literal] < 0:
                return False
            if state.values[literal] == 0:
                assume(state, literal, -1, 0)
    if propagate(formula, state) >= 0:
        return False
    variables = len(state.levels)
    for variable in range(variables):
        state.members[variable] = variable
    split(formula, state, 0, variables, 0, 0)
    return True


@kernel
def advance(formula, state, decisions):
    """Search on for so many decisions; whether everything is counted."""
    scalars, frames = state.scalars, state.frames
    for _ in range(decisions):
        level = scalars[LEVEL]
        if scalars[PARTS] > frames[level, FIRST]:
            _open(formula, state)
            continue
        if level == 0:
            return True
        _close(formula, state)
    return False


@kernel
def _open(formula, state):
    """Decide a variable of the part on top."""
    scalars, frames = state.scalars, state.frames
    if scalars[CLAUSES] - formula.given >= scalars[MOST]:
        reduce(formula, state)
    part = scalars[PARTS] - 1
    literal = _chosen(formula, state, part)
    scalars[LEVEL] += 1
    level = scalars[LEVEL]
    frames[level, DECISION], frames[level, TRAIL] = literal, scalars[TOP]
    frames[level, PART], frames[level, FIRST] = part, scalars[PARTS]
    state.totals[level, 0], state.totals[level, 1] = 1.0, 1.0
    state.powers[level, 0], state.powers[level, 1] = 0, 0
    scalars[DECISIONS] += 1
    _branch(formula, state, 0)


@kernel
def _branch(formula, state, branch):
    """A side of the part decided; the other one too where a conflict ends the first at once."""
    scalars, frames = state.scalars, state.frames
    level, lesson = scalars[LEVEL], -1
    while True:
        frames[level, BRANCH], frames[level, SINCE] = branch, scalars[STAMP]
        literal, reason = frames[level, DECISION] ^ branch, -1
        if lesson >= 0 and state.literals[state.begins[lesson]] == literal:
            reason = lesson
        assume(state, literal, reason, level)
        if lesson >= 0 and reason < 0:
            implied = state.literals[state.begins[lesson]]
            if state.values[implied] == 0 and _is_unit(state, lesson):
                assume(state, implied, lesson, level)
        violated = propagate(formula, state)
        if violated < 0:
            break
        state.totals[level, branch] = 0.0
        lesson = learn(formula, state, violated)
        if branch == 1:
            return
        forget(state, frames[level, TRAIL])
        branch = 1
    part = frames[level, PART]
    split(formula, state, state.part_begins[part], state.part_ends[part], level, branch)
    if state.totals[level, branch] == 0.0:
        scalars[PARTS] = frames[level, FIRST]


@kernel
def _is_unit(state, clause):
    """Whether all literals but the first are false."""
    for k in range(state.begins[clause] + 1, state.ends[clause]):
        if state.values[state.literals[k]] >= 0:
            return False
    return True


@kernel
def _close(formula, state):
    """A side is counted: turn to the other, or add the two up for the level above."""
    scalars, frames, totals, powers = state.scalars, state.frames, state.totals, state.powers
    level = scalars[LEVEL]
    branch = frames[level, BRANCH]
    forget(state, frames[level, TRAIL])
    if totals[level, branch] == 0.0:
        discard(state, frames[level, SINCE])
    if branch == 0:
        _branch(formula, state, 1)
        return
    big, small = 0, 1
    if totals[level, 0] == 0.0 or (totals[level, 1] > 0.0 and powers[level, 1] > powers[level, 0]):
        big, small = 1, 0
    total, power = totals[level, big], powers[level, big]
    if totals[level, small] > 0.0:
        total += math.ldexp(totals[level, small], max(powers[level, small] - power, -1100))
    part = frames[level, PART]
    scalars[LEVEL] -= 1
    scalars[PARTS] = part
    mantissa, shift = math.frexp(total)
    store(state, state.part_keys[part, 0], state.part_keys[part, 1], mantissa, power + shift)
    above = scalars[LEVEL]
    multiply(state, above, frames[above, BRANCH], mantissa, power + shift)
    if total == 0.0:
        scalars[PARTS] = frames[above, FIRST]


@kernel
def _chosen(formula, state, part):
    """The literal to decide: in conflicts of late, and in many clauses that are left."""
    best, chosen, values = -1.0, -1, state.values
    for k in range(state.part_begins[part], state.part_ends[part]):
        variable = state.members[k]
        score = CONFLICT * state.activity[variable]
        sides = [0, 0]
        for side in range(2):
            own = 2 * variable + side
            for place in range(formula.pair_begins[own], formula.pair_begins[own + 1]):
                sides[side] += values[formula.pair_others[place]] == 0
        for place in range(formula.long_begins[variable], formula.long_begins[variable + 1]):
            score += not satisfied(state, formula.long[place])
        score += sides[0] + sides[1]
        if score > best:
            best, chosen = score, 2 * variable + (sides[1] > sides[0])
    return chosen
