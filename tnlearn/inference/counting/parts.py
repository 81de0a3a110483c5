"""Parts of what is left that share no clause: the value of all is the product of theirs."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from tnlearn.compiling import kernel
from tnlearn.inference.counting.cache import find
from tnlearn.inference.counting.state import PARTS, VISIT


@kernel
def multiply(state, level, branch, value, power):
    """Multiply the value of a branch by value * 2**power."""
    mantissa, shift = math.frexp(state.totals[level, branch] * value)
    state.totals[level, branch] = mantissa
    state.powers[level, branch] += shift + power


@kernel
def split(formula, state, begin, end, level, branch):
    """Split the variables at these places into parts, and multiply by what is known of them."""
    scalars, values, members = state.scalars, state.values, state.members
    scalars[VISIT] += 1
    at = end
    for k in range(begin, end):
        variable = members[k]
        if values[2 * variable] != 0:
            true = 2 * variable + (values[2 * variable] < 0)
            multiply(state, level, branch, formula.weights[true], 0)
        elif state.visited[variable] != scalars[VISIT]:
            stop, a, b = _part(formula, state, variable, at)
            if stop == at + 1:
                both = formula.weights[2 * variable] + formula.weights[2 * variable + 1]
                multiply(state, level, branch, both, 0)
                continue
            slot = find(state, a, b)
            if slot >= 0:
                multiply(state, level, branch, state.cache_values[slot], state.cache_powers[slot])
                continue
            part = scalars[PARTS]
            state.part_begins[part], state.part_ends[part] = at, stop
            state.part_keys[part, 0], state.part_keys[part, 1] = a, b
            scalars[PARTS] += 1
            at = stop


@kernel
def _part(formula, state, variable, at):
    """The part of a variable, stacked from a place on: where it ends, and its key."""
    visit, values, members = state.scalars[VISIT], state.values, state.members
    variables = len(state.levels)
    a, b = np.uint64(0), np.uint64(0)
    state.visited[variable] = visit
    members[at] = variable
    stop, k = at + 1, at
    while k < stop:
        own = members[k]
        k += 1
        a ^= formula.keys[own, 0]
        b ^= formula.keys[own, 1]
        for place in range(formula.near_begins[own], formula.near_begins[own + 1]):
            other = formula.near[place]
            if state.visited[other] != visit and values[2 * other] == 0:
                state.visited[other] = visit
                members[stop] = other
                stop += 1
        for place in range(formula.long_begins[own], formula.long_begins[own + 1]):
            clause = formula.long[place]
            if state.clause_visited[clause] == visit:
                continue
            state.clause_visited[clause] = visit
            if satisfied(state, clause):
                continue
            a ^= formula.keys[variables + clause, 0]
            b ^= formula.keys[variables + clause, 1]
            for j in range(state.begins[clause], state.ends[clause]):
                other = state.literals[j] >> 1
                if state.visited[other] != visit and values[2 * other] == 0:
                    state.visited[other] = visit
                    members[stop] = other
                    stop += 1
    return stop, a, b


@kernel
def satisfied(state, clause):
    """Whether a literal of a clause is true."""
    for k in range(state.begins[clause], state.ends[clause]):
        if state.values[state.literals[k]] > 0:
            return True
    return False
