"""Parts that have been counted, by key, in a table of fixed size.

A key is two words of 64 bits, the exclusive or of random words of all that a part is made of. Two
parts of 10^9 have the same one with probability 10^-21, less than a machine errs.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from tnlearn.compiling import kernel
from tnlearn.inference.counting.state import STAMP, WAYS


@kernel
def find(state, a, b):
    """Where a part is in the cache, or -1."""
    start = WAYS * np.int64(a % np.uint64(len(state.cache_values) // WAYS))
    for slot in range(start, start + WAYS):
        key = state.cache_keys[slot]
        if state.cache_stamps[slot] > 0 and key[0] == a and key[1] == b:
            return slot
    return -1


@kernel
def store(state, a, b, value, power):
    """Keep a part, in place of the oldest of its neighbours."""
    start = WAYS * np.int64(a % np.uint64(len(state.cache_values) // WAYS))
    slot = start + np.argmin(state.cache_stamps[start : start + WAYS])
    state.scalars[STAMP] += 1
    stamp = state.scalars[STAMP]
    state.cache_keys[slot, 0], state.cache_keys[slot, 1] = a, b
    state.cache_values[slot], state.cache_powers[slot] = value, power
    state.cache_stamps[slot] = stamp
    state.cache_log[stamp % len(state.cache_log)] = slot


@kernel
def discard(state, since):
    """Drop from the cache what was kept after a stamp."""
    stamp = state.scalars[STAMP]
    if stamp - since >= len(state.cache_log):
        for slot in range(len(state.cache_stamps)):
            if state.cache_stamps[slot] > since:
                state.cache_stamps[slot] = 0
        return
    for k in range(since + 1, stamp + 1):
        slot = state.cache_log[k % len(state.cache_log)]
        if state.cache_stamps[slot] == k:
            state.cache_stamps[slot] = 0
