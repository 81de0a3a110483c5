"""One chain of annealed importance sampling, in native code."""

from __future__ import annotations

import math

import numpy as np

from tnlearn.compiling import kernel


@kernel
def anneal_chain(heights, sizes, start, starts, entries, begins, ends, touching, generator):  # type: ignore[no-untyped-def]
    """The logarithm of the weight of one chain.

    Parameters
    ----------
    heights : array, shape (steps + 1,)
        From 0, independent variables, to 1, the model.
    sizes : array of int, shape (variables,)
    start, starts : arrays
        Logarithms of the probabilities of independent variables, and where those of each begin.
    entries, begins : arrays
        Logarithms of the entries of all tables, and where each table begins.
    ends : array of int, shape (variables + 1,)
        Where the tables on a variable end in the next.
    touching : array of int, shape (pairs, 2)
        Tables, and the step there from one position of the variable to the next.
    generator : numpy.random.Generator
    """
    states = np.zeros(len(sizes), np.int64)
    places = begins.copy()  # Of the entries of this state.
    scores = np.empty(sizes.max())
    free = 0.0
    for variable in range(len(sizes)):
        for k in range(sizes[variable]):
            scores[k] = start[starts[variable] + k]
        free += _move(variable, scores, sizes, states, places, ends, touching, generator)
    weight = 0.0
    for step in range(1, len(heights)):
        bound = 0.0
        for place in places:
            bound += entries[place]
        weight += (heights[step] - heights[step - 1]) * (bound - free)
        if weight == -np.inf or step == len(heights) - 1:
            break
        free = 0.0
        for variable in range(len(sizes)):
            own = start[starts[variable] : starts[variable] + sizes[variable]]
            old, pairs = states[variable], touching[ends[variable] : ends[variable + 1]]
            _scores(scores, own, heights[step], old, pairs, entries, places)
            _move(variable, scores, sizes, states, places, ends, touching, generator)
            free += own[states[variable]]
    return weight


@kernel
def _scores(scores, own, height, old, pairs, entries, places):  # type: ignore[no-untyped-def]
    """Logarithms of the weights of the positions of a variable, all others held."""
    for k in range(len(own)):
        total = 0.0
        for pair in range(len(pairs)):
            total += entries[places[pairs[pair, 0]] + (k - old) * pairs[pair, 1]]
        scores[k] = height * total + (1.0 - height) * own[k]


@kernel
def _move(variable, scores, sizes, states, places, ends, touching, generator):  # type: ignore[no-untyped-def]
    """Draw a variable by its scores, and go there in all tables; the score of what was drawn."""
    chosen = _drawn(scores, sizes[variable], generator)
    steps = chosen - states[variable]
    if steps != 0:
        states[variable] = chosen
        for pair in range(ends[variable], ends[variable + 1]):
            places[touching[pair, 0]] += steps * touching[pair, 1]
    return scores[chosen]


@kernel
def _drawn(scores, size, generator):  # type: ignore[no-untyped-def]
    """A position, drawn by the exponentials of its scores."""
    top = scores[0]
    for k in range(1, size):
        top = max(top, scores[k])
    if top == -np.inf:
        return 0
    total = 0.0
    for k in range(size):
        total += math.exp(scores[k] - top)
    left = generator.random() * total
    for k in range(size - 1):
        left -= math.exp(scores[k] - top)
        if left < 0.0:
            return k
    return size - 1
