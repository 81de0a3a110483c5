"""Gaussian integrals over fermions: some of the variables integrated out, and Pfaffians."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from tnlearn.physics.planar.surface import Floats, Ints

EPS = float(np.finfo(float).eps)
#: Relative size of the noise that shows how far rounding is carried.
NOISE = 16 * EPS
#: Up to this order a Pfaffian looks for the best pivot of all, which costs as much again.
SEARCHED = 512
#: Pairs of variables that a larger one eliminates at once.
PANEL = 32
#: Where what has underflowed could matter: rows are larger than the first after scaling, or pivots
#: smaller than the second.
LARGEST_SCALE, SMALLEST_PIVOT = 1e100, 1e-50


@dataclass(frozen=True)
class Manner:
    """How to integrate.

    Attributes
    ----------
    careful : bool
        Choose the largest pivots of all: slower, and far better where entries differ much.
    wary : bool
        Give up where an entry that has underflowed to 0 might matter. Where all walls cost
        energy none does, since no wall is what weighs most.
    noise : numpy Generator or None
        Changes every entry by a few units of its last place, either way, and mixes the order of
        elimination: the same work with other roundings.
    """

    careful: bool = False
    wary: bool = False
    noise: np.random.Generator | None = None


def integrate_out(matrix: Floats, gone: Ints, kept: Ints, manner: Manner) -> tuple[Floats, float]:
    """Integrate some variables of ``exp(1/2 x A x)`` out.

    ``|Pf A| = |Pf A_gg| |Pf S|`` with ``S = A_kk - A_kg A_gg^-1 A_gk``.

    Parameters
    ----------
    matrix : array, shape (n, n)
        Skew-symmetric; entries may differ by any powers of ten.
    gone, kept : arrays of int
        The variables to integrate out, an even number, and the others in the order wanted.
    manner : Manner

    Returns
    -------
    array, shape (n_kept, n_kept)
        S, skew-symmetric to the last bit.
    float
        ``ln |Pf A_gg|``; -inf, and a result of zeros, if that vanishes or a float cannot hold S.

    Notes
    -----
    Cost O(n^3). Source: F. Zhang (ed.), The Schur Complement and Its Applications (2005); pivots
    as in J. R. Bunch, Math. Comp. 38, 475 (1982).
    """
    if not len(gone):
        return matrix[np.ix_(kept, kept)], 0.0
    first = gone if manner.noise is None else manner.noise.permutation(gone)
    order = np.concatenate([first, kept])
    scales = _balance(matrix)[order]
    a = matrix[np.ix_(order, order)] * scales[:, None] * scales
    n = len(gone)
    if manner.noise is not None:
        change = np.triu(manner.noise.integers(0, 2, a.shape) * (2 * NOISE) - NOISE, 1)
        a *= 1.0 + change + change.T
    with np.errstate(all="ignore"):  # what overflows is found below
        pivots = (_eliminated_carefully if manner.careful else _eliminated)(a, n)
        log = float(np.log(pivots).sum())
        result = a[n:, n:] / scales[n:, None] / scales[n:]
    lost = manner.wary and (scales.max() > LARGEST_SCALE or pivots.min() < SMALLEST_PIVOT)
    if lost or not (math.isfinite(log) and np.isfinite(result).all()):
        return np.zeros((len(kept), len(kept))), -math.inf
    return result, log - float(np.log(scales[:n]).sum())


def pfaffian(matrix: Floats) -> tuple[float, float]:
    """The Pfaffian of a skew-symmetric matrix, log-scaled.

    Parameters
    ----------
    matrix : array, shape (n, n)
        Skew-symmetric.

    Returns
    -------
    tuple of float
        Sign (-1, 0 or 1) and natural log of the magnitude.

    Notes
    -----
    Cost n^3 / 3 multiplications. Source: B. N. Parlett and J. K. Reid, BIT 10, 386 (1970); M.
    Wimmer, ACM Trans. Math. Softw. 38, 30 (2012).
    """
    scales = _balance(matrix)
    a = matrix * scales[:, None] * scales
    sign, log = 1.0, -float(np.log(scales).sum())
    start = 0
    while len(a) - start > SEARCHED:
        sign, log = _eliminated_panel(a, start, sign, log)
        start += 2 * PANEL
    for k in range(start, len(a) - 1, 2):
        sign *= _pivot(a, k, len(a))
        value = float(a[k, k + 1])
        if value == 0.0 or not math.isfinite(value):
            return 0.0, -math.inf
        sign, log = sign * math.copysign(1.0, value), log + math.log(abs(value))
        _eliminate(a, k)
    return sign, log


def _eliminated_panel(a: Floats, start: int, sign: float, log: float) -> tuple[float, float]:
    """Eliminate `PANEL` pairs; rows are brought up to date as they come, the rest at the end."""
    xs, ys = np.zeros((2, PANEL, len(a)))
    for p in range(PANEL):
        k = start + 2 * p
        row = a[k] + ys[:p, k] @ xs[:p] - xs[:p, k] @ ys[:p]
        pivot = k + 1 + int(np.argmax(np.abs(row[k + 1 :])))
        sign *= _swap(a, k + 1, pivot)
        for rows in (xs, ys, row[None]):
            rows[:, [k + 1, pivot]] = rows[:, [pivot, k + 1]]
        value = float(row[k + 1])
        if value == 0.0 or not math.isfinite(value):
            return 0.0, -math.inf
        sign, log = sign * math.copysign(1.0, value), log + math.log(abs(value))
        beside = a[k + 1] + ys[:p, k + 1] @ xs[:p] - xs[:p, k + 1] @ ys[:p]
        xs[p, k + 2 :], ys[p, k + 2 :] = row[k + 2 :] / value, beside[k + 2 :]
    stop = start + 2 * PANEL
    change = ys[:, stop:].T @ xs[:, stop:]
    a[stop:, stop:] += change - change.T
    return sign, log


def _balance(matrix: Floats) -> Floats:
    """Powers of two that, row and column multiplied by them, bring row maxima close to 1."""
    sizes = np.abs(matrix)
    scales = np.ones(len(matrix))
    for _ in range(4):
        largest = np.max(sizes * scales, axis=1, initial=0.0) * scales
        scales /= np.sqrt(np.where(largest > 0.0, largest, 1.0))
        np.clip(scales, 1e-140, 1e140, out=scales)
    return np.ldexp(1.0, np.round(np.log2(scales)).astype(np.int64))


def _eliminated(a: Floats, n: int) -> Floats:
    """Eliminate the first `n` variables row by row; factors of the Pfaffian's size."""
    factors, pivots, _ = lapack.dgetrf(a[:n, :n])
    across = a[:n, n:]
    if across.size:
        solved, _ = lapack.dgetrs(factors, pivots, across)
        result = a[n:, n:] + across.T @ solved
        a[n:, n:] = 0.5 * (result - result.T)
    return np.asarray(np.sqrt(np.abs(factors.diagonal())))


def _eliminated_carefully(a: Floats, n: int) -> Floats:
    """The same in pairs of variables, that with the largest entry first."""
    pivots = np.zeros(n // 2)
    for k in range(0, n, 2):
        _pivot(a, k, n)
        pivots[k // 2] = abs(a[k, k + 1])
        if not pivots[k // 2] > 0.0:
            break
        _eliminate(a, k)
    return pivots


def _eliminate(a: Floats, k: int) -> None:
    """Eliminate the variables `k` and ``k + 1`` from those behind them."""
    outer = np.outer(a[k + 1, k + 2 :], a[k, k + 2 :] / a[k, k + 1])
    a[k + 2 :, k + 2 :] += outer - outer.T


def _pivot(a: Floats, k: int, n: int) -> float:
    """Bring the largest entry among the variables `k` to `n` to ``(k, k + 1)``; the sign of it."""
    row, column = divmod(int(np.argmax(np.abs(a[k:n, k:n]))), n - k)
    low, high = sorted((k + row, k + column))
    return _swap(a, k, low) * _swap(a, k + 1, high)


def _swap(a: Floats, one: int, other: int) -> float:
    if one == other:
        return 1.0
    a[[one, other]] = a[[other, one]]
    a[:, [one, other]] = a[:, [other, one]]
    return -1.0
