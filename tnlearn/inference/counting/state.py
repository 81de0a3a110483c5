"""Where a count stands: flat arrays, so that native code can stop and go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tnlearn.inference.counting.formula import Array, Formula

#: Learned clauses that are held at once, and the literals they may have together.
LEARNED, LEARNED_LITERALS = 2**16, 2**23
#: Learned clauses after which the worse half goes, and by how much that grows each time.
FIRST_LEARNED, MORE_LEARNED = 4000, 500
#: Places of a key in the cache, and bytes of a place.
WAYS, SLOT_BYTES = 4, 48

#: Scalars: length of the trail and of its part that is propagated, level, waiting parts, visits,
#: clauses, literals, stamp of the cache, decisions, conflicts, learned clauses that are too many.
TOP, HEAD, LEVEL, PARTS, VISIT, CLAUSES, LITERALS, STAMP, DECISIONS, CONFLICTS, MOST = range(11)
#: Columns of a frame: decision, start on the trail, branch, part decided, first part that it
#: left, stamp of the cache when the branch began.
DECISION, TRAIL, BRANCH, PART, FIRST, SINCE = range(6)


class State(NamedTuple):
    """The state of a count."""

    scalars: Array
    begins: Array  # of clauses in `literals`, learned ones behind those given
    ends: Array
    literals: Array
    watch_first: Array  # chains of the watches of a literal; a watch is 2 * clause + place
    watch_next: Array
    values: Array  # of literals: 1 true, -1 false, 0 free
    levels: Array  # by variable, as are the next
    reasons: Array  # clause that implied it, or -1
    seen: Array
    activity: Array  # conflicts it was in, old ones count less
    visited: Array
    trail: Array  # literals that are true, in the order they became so
    lesson: Array  # the clause that is being learned
    glue: Array  # of learned clauses: levels that met in them
    met: Array  # by level: the conflict that it was last met in
    clause_visited: Array
    members: Array  # variables of all waiting parts, one stack
    part_begins: Array
    part_ends: Array
    part_keys: Array
    frames: Array  # by level
    totals: Array  # by level: mantissas of the two branches
    powers: Array  # by level: their powers of two
    cache_keys: Array
    cache_values: Array
    cache_powers: Array
    cache_stamps: Array  # 0 where a place is empty
    cache_log: Array  # places by stamp


def bytes_of(variables: int) -> int:
    """What a state takes besides the cache, at most; little of it is touched."""
    return 4 * _stack(variables) + 32 * (_stack(variables) // 2) + 16 * LEARNED_LITERALS


def _stack(variables: int) -> int:
    """Variables of all parts that wait at once: on every level fewer than on the one above."""
    return variables * (variables + 3) // 2 + 2


def state_of(formula: Formula, clauses: Sequence[Sequence[int]], slots: int) -> State:
    """A count that has not begun, with places for so many parts in its cache, rounded down."""
    variables, count = len(formula.weights) // 2, len(clauses)
    lengths = np.array([len(clause) for clause in clauses], np.int64)
    begins, ends = np.zeros((2, count + LEARNED), np.int64)
    ends[:count] = np.cumsum(lengths)
    begins[:count] = ends[:count] - lengths
    flat = [literal for clause in clauses for literal in clause]
    literals = np.zeros(len(flat) + LEARNED_LITERALS, np.int64)
    literals[: len(flat)] = flat
    scalars = np.zeros(11, np.int64)
    scalars[CLAUSES], scalars[LITERALS], scalars[MOST] = count, len(flat), FIRST_LEARNED
    parts = _stack(variables) // 2
    slots = max(1 << (slots.bit_length() - 1), WAYS)
    return State(
        scalars,
        begins,
        ends,
        literals,
        watch_first=np.full(2 * variables, -1, np.int64),
        watch_next=np.zeros(2 * (count + LEARNED), np.int64),
        values=np.zeros(2 * variables, np.int8),
        levels=np.zeros(variables, np.int64),
        reasons=np.full(variables, -1, np.int64),
        seen=np.zeros(variables, np.int8),
        activity=np.zeros(variables),
        visited=np.zeros(variables, np.int64),
        trail=np.zeros(variables, np.int64),
        lesson=np.zeros(variables + 1, np.int64),
        glue=np.zeros(LEARNED, np.int64),
        met=np.zeros(variables + 2, np.int64),
        clause_visited=np.zeros(count, np.int64),
        members=np.empty(_stack(variables), np.int32),
        part_begins=np.empty(parts, np.int64),
        part_ends=np.empty(parts, np.int64),
        part_keys=np.empty((parts, 2), np.uint64),
        frames=np.zeros((variables + 2, 6), np.int64),
        totals=np.ones((variables + 2, 2)),
        powers=np.zeros((variables + 2, 2), np.int64),
        cache_keys=np.zeros((slots, 2), np.uint64),
        cache_values=np.zeros(slots),
        cache_powers=np.zeros(slots, np.int64),
        cache_stamps=np.zeros(slots, np.int64),
        cache_log=np.zeros(slots, np.int64),
    )
