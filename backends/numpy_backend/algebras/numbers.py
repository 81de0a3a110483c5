"""The inner loops where an entry is one number: best values, and integers modulo a prime.

Arguments as in `native.loops`. The best is the largest: the smallest is found by negation. No
entry is ``+inf``, so nothing is ever nan. Residues lie in ``[0, p)`` with ``p < 2**24``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tnlearn_backends.numpy_backend.native.intrinsics import moved, peek, poke

#: Without nan, and with zeros of either sign alike, the largest of a run is found in vectors.
CHOICE = {"nnan", "nsz"}
#: Sums of integers that are exact may be reordered.
EXACT = {"reassoc", "nsz"}
#: Products of residues that are added up, to a residue and exactly, before they are reduced.
BURST = 16


@njit(nogil=True)
def better(x, y):
    """The larger of two numbers."""
    return x if x > y else y


@njit(nogil=True)
def residue(x, p, inverse):
    """An integer ``0 <= x < 2**53`` modulo p; `inverse` is 1 / p, rounded."""
    r = x - np.floor(x * inverse) * p
    r = r + p if r < 0 else r
    return r - p if r >= p else r


@njit(fastmath=CHOICE, nogil=True)
def best_scaled(c, a, b, n, terms, ka, kb):
    """``c[v] = max_k a[ka[k] + v] + b[kb[k]]``."""
    k = 2 - terms % 2
    b0 = peek(b, peek(kb, 0))
    a0 = moved(a, peek(ka, 0))
    if k == 1:
        for v in range(n):
            poke(c, v, peek(a0, v) + b0)
    else:
        b1 = peek(b, peek(kb, 1))
        a1 = moved(a, peek(ka, 1))
        for v in range(n):
            poke(c, v, better(peek(a0, v) + b0, peek(a1, v) + b1))
    while k < terms:
        b0 = peek(b, peek(kb, k))
        b1 = peek(b, peek(kb, k + 1))
        a0 = moved(a, peek(ka, k))
        a1 = moved(a, peek(ka, k + 1))
        for v in range(n):
            poke(c, v, better(peek(c, v), better(peek(a0, v) + b0, peek(a1, v) + b1)))
        k += 2


@njit(fastmath=CHOICE, nogil=True)
def best_paired(c, a, b, n, terms, ka, kb):
    """``c[v] = max_k a[ka[k] + v] + b[kb[k] + v]``."""
    a0 = moved(a, peek(ka, 0))
    b0 = moved(b, peek(kb, 0))
    for v in range(n):
        poke(c, v, peek(a0, v) + peek(b0, v))
    for k in range(1, terms):
        a0 = moved(a, peek(ka, k))
        b0 = moved(b, peek(kb, k))
        for v in range(n):
            poke(c, v, better(peek(c, v), peek(a0, v) + peek(b0, v)))


@njit(fastmath=CHOICE, nogil=True)
def best_strided(c, sc, a, sa, b, sb, n, terms, ka, kb):
    """``c[v sc] = max_k a[ka[k] + v sa] + b[kb[k] + v sb]``."""
    for v in range(n):
        av = moved(a, v * sa)
        bv = moved(b, v * sb)
        best = peek(av, peek(ka, 0)) + peek(bv, peek(kb, 0))
        for k in range(1, terms):
            best = better(best, peek(av, peek(ka, k)) + peek(bv, peek(kb, k)))
        poke(c, v * sc, best)


@njit(fastmath=CHOICE, nogil=True)
def best_of_runs(a, sa, b, sb, n, terms, ka, kb):
    """``max_k max_v a[ka[k] + v sa] + b[kb[k] + v sb]``."""
    best = -np.inf
    for k in range(terms):
        ak = moved(a, peek(ka, k))
        bk = moved(b, peek(kb, k))
        if sa == 1 and sb == 1:
            for v in range(n):
                best = better(best, peek(ak, v) + peek(bk, v))
        elif sa == 1 and sb == 0:
            part = -np.inf
            for v in range(n):
                part = better(part, peek(ak, v))
            best = better(best, part + peek(bk, 0))
        else:
            for v in range(n):
                best = better(best, peek(ak, v * sa) + peek(bk, v * sb))
    return best


@njit(nogil=True)
def modular_scaled(c, a, b, n, terms, ka, kb, p, inverse):
    """``c[v] = sum_k a[ka[k] + v] b[kb[k]]`` modulo p."""
    b0 = peek(b, peek(kb, 0))
    a0 = moved(a, peek(ka, 0))
    k = 2 - terms % 2
    if k == 1:
        for v in range(n):
            poke(c, v, residue(peek(a0, v) * b0, p, inverse))
    else:
        b1 = peek(b, peek(kb, 1))
        a1 = moved(a, peek(ka, 1))
        for v in range(n):
            poke(c, v, residue(peek(a0, v) * b0 + peek(a1, v) * b1, p, inverse))
    while k < terms:
        b0 = peek(b, peek(kb, k))
        b1 = peek(b, peek(kb, k + 1))
        a0 = moved(a, peek(ka, k))
        a1 = moved(a, peek(ka, k + 1))
        for v in range(n):
            total = peek(c, v) + (peek(a0, v) * b0 + peek(a1, v) * b1)
            poke(c, v, residue(total, p, inverse))
        k += 2


@njit(nogil=True)
def modular_paired(c, a, b, n, terms, ka, kb, p, inverse):
    """``c[v] = sum_k a[ka[k] + v] b[kb[k] + v]`` modulo p."""
    a0 = moved(a, peek(ka, 0))
    b0 = moved(b, peek(kb, 0))
    for v in range(n):
        poke(c, v, residue(peek(a0, v) * peek(b0, v), p, inverse))
    for k in range(1, terms):
        a0 = moved(a, peek(ka, k))
        b0 = moved(b, peek(kb, k))
        for v in range(n):
            poke(c, v, residue(peek(c, v) + peek(a0, v) * peek(b0, v), p, inverse))


@njit(nogil=True)
def modular_strided(c, sc, a, sa, b, sb, n, terms, ka, kb, p, inverse):
    """``c[v sc] = sum_k a[ka[k] + v sa] b[kb[k] + v sb]`` modulo p."""
    for v in range(n):
        av = moved(a, v * sa)
        bv = moved(b, v * sb)
        total = 0.0
        for k in range(terms):
            total += peek(av, peek(ka, k)) * peek(bv, peek(kb, k))
            if k % BURST == BURST - 1:
                total = residue(total, p, inverse)
        poke(c, v * sc, residue(total, p, inverse))


@njit(fastmath=EXACT, nogil=True)
def sum_of_products(a, sa, b, sb, n):
    """``sum_v a[v sa] b[v sb]``, exact for runs of at most `BURST`."""
    total = 0.0
    if sa == 1 and sb == 1:
        for v in range(n):
            total += peek(a, v) * peek(b, v)
    else:
        for v in range(n):
            total += peek(a, v * sa) * peek(b, v * sb)
    return total


@njit(nogil=True)
def modular_of_runs(a, sa, b, sb, n, terms, ka, kb, p, inverse):
    """``sum_k sum_v a[ka[k] + v sa] b[kb[k] + v sb]`` modulo p."""
    total = 0.0
    for k in range(terms):
        ak = moved(a, peek(ka, k))
        bk = moved(b, peek(kb, k))
        v = 0
        while v < n:
            run = min(BURST, n - v)
            part = sum_of_products(moved(ak, v * sa), sa, moved(bk, v * sb), sb, run)
            total = residue(total + part, p, inverse)
            v += run
    return total
