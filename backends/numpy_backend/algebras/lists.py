"""The inner loops where an entry is several numbers: a value and its ways, or the best few values.

Arguments as in `native.loops`, but strides and offsets are in numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tnlearn_backends.numpy_backend.algebras.numbers import residue
from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, poke

#: Where numbers of ways end that are not taken modulo anything: products with 0 are never nan.
MANY = 1e300


@njit(nogil=True)
def count_ways(c, value, ways, p, inverse):
    """Add ``(value, ways)`` to the pair at c: the better value, the ways of both where equal."""
    best = peek(c, 0)
    if value > best:
        poke(c, 0, value)
        poke(c, 1, ways)
    elif value == best:
        total = peek(c, 1) + ways
        total = residue(total, p, inverse) if p > 0 else min(total, MANY)
        poke(c, 1, total)


@njit(nogil=True)
def count_runs(c, sc, a, sa, b, sb, n, terms, ka, kb, p, inverse):
    """``c[v sc] = sum_k a[ka[k] + v sa] * b[kb[k] + v sb]`` of pairs; for sc = 0 over v too."""
    for v in range(n):
        cv = moved(c, v * sc)
        if v == 0 or sc > 0:
            poke(cv, 0, -np.inf)
            poke(cv, 1, 0.0)
        for k in range(terms):
            x = moved(a, v * sa + 2 * peek(ka, k))
            y = moved(b, v * sb + 2 * peek(kb, k))
            ways = peek(x, 1) * peek(y, 1)
            ways = residue(ways, p, inverse) if p > 0 else min(ways, MANY)
            count_ways(cv, peek(x, 0) + peek(y, 0), ways, p, inverse)


@njit(nogil=True)
def insert(c, length, value):
    """Put a value into its place in the list at c; the last one falls out."""
    at = length - 1
    if not value > peek(c, at):
        return
    while at > 0 and value > peek(c, at - 1):
        poke(c, at, peek(c, at - 1))
        at -= 1
    poke(c, at, value)


@njit(nogil=True, error_model="numpy")
def list_runs(c, sc, a, sa, b, sb, n, terms, ka, kb, length):
    """``c[v sc] = sum_k a[ka[k] + v sa] * b[kb[k] + v sb]`` of lists; for sc = 0 over v too."""
    for v in range(n):
        cv = moved(c, v * sc)
        if v == 0 or sc > 0:
            for i in range(length):
                poke(cv, i, -np.inf)
        for k in range(terms):
            x = moved(a, v * sa + length * peek(ka, k))
            y = moved(b, v * sb + length * peek(kb, k))
            for i in range(length):
                # Of x[i] + y[j] at least (i + 1) (j + 1) are as good, so no more can be among
                # the best few.
                for j in range(length // (i + 1)):
                    insert(cv, length, peek(x, i) + peek(y, j))
